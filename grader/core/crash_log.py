"""What is said of a crash of ours: one sentence, and where its traceback is kept.

A crash costs one page, one product or one submission, and a class has as many of them as students: their
tracebacks are for us, in one file a process, and the instructor reads which thing failed and where the file
lies.
"""

import logging
import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Final

import grader

_CUT: Final = 200
"""Characters of a crash's own words."""
_kept: dict[int, Path] = {}
"""The file of this process, by its number: a fork begins one of its own."""


def printable(text: str) -> str:
    """Return a text that changes nothing of a terminal but one line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def keep(crash: BaseException, what: str = "") -> Path:
    """Write the traceback of a crash to the file of this process, and return that file."""
    path = _kept.get(os.getpid())
    if path is None:
        number, name = tempfile.mkstemp(prefix="grader-crash-", suffix=".log")
        os.close(number)
        path = _kept[os.getpid()] = Path(name)
        _add(
            path, f"grader {grader.__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        )
        _add(path, f"{sys.argv}\n\n")
    _add(path, f"{what}\n" * bool(what) + "".join(traceback.format_exception(crash)) + "\n")
    return path


def _add(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", errors="backslashreplace") as handle:
        handle.write(text)


def listen() -> None:
    """Say from now on in one line what our modules report as going wrong, each process for itself."""
    ours = logging.getLogger("grader")
    if not any(isinstance(handler, _Brief) for handler in ours.handlers):
        ours.addHandler(_Brief(logging.WARNING))


class _Brief(logging.Handler):
    """One line a report on standard error, without a traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a report; of a crash its type and the file with its traceback."""
        try:
            said = record.getMessage()
            crash = record.exc_info[1] if record.exc_info else None
            if crash is not None:
                path = keep(crash, said)
                said += f" ({type(crash).__name__}: {str(crash)[:_CUT]}); the traceback is in {path}"
            sys.stderr.write(f"grader: {printable(said)}\n")
        except Exception:  # what is said must not cost what goes on
            self.handleError(record)
