"""Compiled regular expressions, kept as Python keeps bytecode: six hundred of them are made while our modules
are loaded, which took a quarter of a `check` of one's own work.

Kept are those alone that a module makes when it is loaded, those of a rubric's network
(`grader.backprop.name_patterns`) and those of a lexer, so nothing of a student's text is ever among them;
each under its own text and flags, for one interpreter. Compiling each at its first use would save next to
nothing: a `check` uses 385 of the 559 that its modules make, which take nine tenths of the time. Whatever is
amiss (no cache folder, a damaged file, an interpreter whose `re` is built otherwise) costs no more than
compiling anew.
"""

import atexit
import re
import sys
from array import array
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from grader.core import kept_file
from grader.core.machine import user_cache

MOST: Final = 4_000
"""Patterns of one file; above it those of the last command alone are kept."""
_LOADING: Final = frozenset({"<module>", "<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"})
"""Names of code that runs while a module is loaded."""
_THEIR_OWN: Final = frozenset({"grader.backprop.name_patterns", "pygments.lexer"})
"""Modules whose functions make patterns of a rubric's network alone, 25 of them for a README, and of a lexer,
50 for a notebook.
"""

_Pattern = tuple[str | bytes, int]
_Parts = tuple[int, bytes, int, dict[str, int], tuple[str | None, ...]]
"""Flags, code, number of groups, groups by name and names by group."""


def keep() -> None:
    """Take compiled patterns from the cache from now on, and at the end keep those that it lacked."""
    global _running  # noqa: PLW0603
    with suppress(ImportError, AttributeError, OSError, RuntimeError):  # the last: a user without a home
        if _running is None:
            _running = _Keeper(user_cache())
            _running.begin()


def write() -> None:
    """Keep now what was missing so far: for a process that does not end as Python's do."""
    if _running is not None:
        _running.write()


class _Keeper:
    """The patterns of one interpreter, and those that were missing."""

    def __init__(self, folder: Path) -> None:
        # Private parts of `re`: where one is missing, nothing is kept.
        self._sre: Any = import_module("_sre")
        self._compiler: Any = import_module("re._compiler")
        self._parser: Any = import_module("re._parser")
        self._plain: Any = self._compiler.compile
        version = f"{kept_file.INTERPRETER}-{self._sre.MAGIC}-{self._sre.CODESIZE}"
        self.path = folder / f"patterns-{version}.bin"
        self.known: dict[_Pattern, _Parts] = kept_file.read(self.path) or {}
        self.used: dict[_Pattern, _Parts] = {}
        self.missing: list[_Pattern] = []

    def begin(self) -> None:
        self._compiler.compile = self.compile
        atexit.register(self.end)

    def end(self) -> None:
        self._compiler.compile = self._plain
        self.write()

    def compile(self, pattern: Any, flags: int = 0) -> "re.Pattern[Any]":
        """Do what `re._compiler.compile` does."""
        what = (pattern, flags)
        known = self.known.get(what) if isinstance(pattern, str | bytes) else None
        if known is not None:
            self.used[what] = known
            return self._made(pattern, known)
        found: re.Pattern[Any] = self._plain(pattern, flags)
        if isinstance(pattern, str | bytes) and _to_be_kept():
            self.missing.append(what)
        return found

    def _made(self, pattern: str | bytes, parts: _Parts) -> "re.Pattern[Any]":
        flags, code, groups, by_name, names = parts
        words = array("I", code).tolist()
        found: re.Pattern[Any] = self._sre.compile(pattern, flags, words, groups, by_name, names)
        return found

    def _parts(self, pattern: str | bytes, flags: int) -> _Parts:
        """What `_made` needs, by the steps of `re._compiler.compile`."""
        tree = self._parser.parse(pattern, flags)
        code = array("I", self._compiler._code(tree, flags)).tobytes()  # noqa: SLF001
        state = tree.state
        names: list[str | None] = [None] * state.groups
        for name, group in state.groupdict.items():
            names[group] = name
        return flags | state.flags, code, state.groups - 1, dict(state.groupdict), tuple(names)

    def write(self) -> None:
        """Keep what was missing, unless Python may not keep its bytecode either."""
        if not self.missing or sys.dont_write_bytecode:
            return
        with suppress(Exception):  # a courtesy to the next command
            new = {what: self._parts(*what) for what in self.missing}
            # What would not be the same pattern is never kept.
            sure = {w: parts for w, parts in new.items() if self._made(w[0], parts) == self._plain(*w)}
            self.missing.clear()
            self.known, self.used = self.known | sure, self.used | sure
            kept_file.write(self.path, self.known if len(self.known) <= MOST else self.used)


_running: _Keeper | None = None


def _to_be_kept() -> bool:
    """Whether a module that is being loaded asks for a pattern itself, and no function for it; or one whose
    patterns are its own.
    """
    frame = sys._getframe(2)  # noqa: SLF001
    while frame.f_back is not None and frame.f_globals.get("__name__") in ("re", "re._compiler"):
        frame = frame.f_back
    return frame.f_code.co_name in _LOADING or frame.f_globals.get("__name__") in _THEIR_OWN
