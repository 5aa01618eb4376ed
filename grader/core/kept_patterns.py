"""Compiled regular expressions, kept as Python keeps bytecode: six hundred of them are made while our modules
are loaded, which took a quarter of a `check` of one's own work.

Kept are those alone that a module makes when it is loaded, and those of a rubric's network
(`grader.backprop.name_patterns`), so nothing of a student's text is ever among them; each under its own text
and flags, for one interpreter. Compiling each at its first use would save next to nothing: a `check` uses 385
of the 559 that its modules make, which take nine tenths of the time. Whatever is amiss (no cache folder, a
damaged file, an interpreter whose `re` is built otherwise) costs no more than compiling anew.
"""

import atexit
import hashlib
import marshal
import re
import sys
from array import array
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from grader.core.machine import user_cache
from grader.core.memory import write_whole

MOST: Final = 4_000
"""Patterns of one file; above it those of the last command alone are kept."""
_LOADING: Final = frozenset({"<module>", "<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"})
"""Names of code that runs while a module is loaded."""
_OF_A_NETWORK: Final = "grader.backprop.name_patterns"
"""The module whose functions make patterns of a rubric's network alone: 25 of them for a README."""

_Pattern = tuple[str | bytes, int]
_Parts = tuple[int, bytes, int, dict[str, int], tuple[str | None, ...]]
"""Flags, code, number of groups, groups by name and names by group."""


def keep() -> None:
    """Take compiled patterns from the cache from now on, and at the end keep those that it lacked."""
    with suppress(ImportError, AttributeError, OSError, RuntimeError):  # the last: a user without a home
        _Keeper(user_cache()).begin()


class _Keeper:
    """The patterns of one interpreter, and those that were missing."""

    def __init__(self, folder: Path) -> None:
        # Private parts of `re`: where one is missing, nothing is kept.
        self._sre: Any = import_module("_sre")
        self._compiler: Any = import_module("re._compiler")
        self._parser: Any = import_module("re._parser")
        self._plain: Any = self._compiler.compile
        made_for = (sys.implementation.cache_tag, f"{sys.hexversion:x}", self._sre.MAGIC, self._sre.CODESIZE)
        version = "-".join(map(str, made_for))
        self.path = folder / f"patterns-{version}.bin"
        self.known: dict[_Pattern, _Parts] = _read(self.path)
        self.used: dict[_Pattern, _Parts] = {}
        self.missing: list[_Pattern] = []

    def begin(self) -> None:
        if getattr(self._plain, "__self__", None) is None:  # not while an earlier call already does it
            self._compiler.compile = self.compile
            atexit.register(self.write)

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
        self._compiler.compile = self._plain
        if not self.missing or sys.dont_write_bytecode:
            return
        with suppress(Exception):  # a courtesy to the next command
            new = {what: self._parts(*what) for what in self.missing}
            # What would not be the same pattern is never kept.
            sure = {w: parts for w, parts in new.items() if self._made(w[0], parts) == self._plain(*w)}
            kept = self.known | sure
            data = marshal.dumps(kept if len(kept) <= MOST else self.used | sure)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, hashlib.sha256(data).digest() + data)


def _to_be_kept() -> bool:
    """Whether a module that is being loaded asks for a pattern itself, and no function for it; or the one
    that makes them of a network.
    """
    frame = sys._getframe(2)  # noqa: SLF001
    while frame.f_back is not None and frame.f_globals.get("__name__") in ("re", "re._compiler"):
        frame = frame.f_back
    return frame.f_code.co_name in _LOADING or frame.f_globals.get("__name__") == _OF_A_NETWORK


def _read(path: Path) -> dict[_Pattern, _Parts]:
    """What is kept, nothing where the file is missing or is not as it was written."""
    with suppress(OSError, ValueError, EOFError, TypeError):
        digest, data = (whole := path.read_bytes())[:32], whole[32:]
        if hashlib.sha256(data).digest() == digest:
            found: dict[_Pattern, _Parts] = marshal.loads(data)  # noqa: S302 - of this user, as bytecode is
            return found
    return {}
