"""Reading one workbook in a child process with limits."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

import grader
from grader.core.evidence.workbook import Book
from grader.core.submission import Problem
from grader.sandbox.environment import package_folders

WALL_SECONDS = 600.0
"""Against a child that hangs. How long reading may take is 40 CPU seconds, in the child: on a busy machine a sound book took more than a
minute by the clock, was given up, and the cache kept that.
"""
MAX_ANSWER = 80_000_000
"""Bytes that the child may answer; the largest real book answers 1.1 MB."""
_KEPT = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "TEMP")


def read_book(data: bytes, name: str, sha256: str) -> Book:
    """Return the workbook, or a book with a problem that says what is wrong and what to do."""
    root = str(Path(grader.__file__).resolve().parent.parent)
    # The child knows no user's own packages (-s): it is told where this process finds them.
    path = os.pathsep.join((root, *package_folders()))
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
    environment |= {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    command = [sys.executable, "-s", "-P", "-m", "grader.extract.workbook.child", name]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module; the name is an argument, never a command
            command, input=data, capture_output=True, timeout=WALL_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return _failed(
            name, sha256, Problem.TOO_LARGE, f"took longer than {WALL_SECONDS:.0f} s to read and was given up"
        )
    if done.returncode < 0:
        return _failed(
            name, sha256, Problem.TOO_LARGE, "took more memory or time than a workbook may and was given up"
        )
    if done.returncode != 0 or len(done.stdout) > MAX_ANSWER:
        if b"MemoryError" in done.stderr:
            return _failed(
                name, sha256, Problem.TOO_LARGE, "took more memory than a workbook may and was given up"
            )
        reason = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        return _failed(name, sha256, Problem.BROKEN, f"could not be read ({reason})")
    book = msgspec.msgpack.decode(done.stdout, type=Book)
    return msgspec.structs.replace(book, artefact=name, sha256=sha256)


def _failed(name: str, sha256: str, problem: Problem, what: str) -> Book:
    message = f"{name} {what}. Save it again as .xlsx with only the sheets that are needed."
    return Book(artefact=name, sha256=sha256, problem=problem, message=message)
