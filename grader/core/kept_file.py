"""A file of what our own code was compiled to, in the user's cache folder, kept as Python keeps bytecode.

It is a courtesy to the next command: nothing of a student's is ever in it, nobody but this user's own grader
writes it, nothing is written where Python may write no bytecode either, and whatever is amiss with it (no
folder, a damaged file) costs no more than compiling anew. It fits one interpreter alone, whose mark its name
should hold.

A cache folder may lie where a student's files do: a job of a CI sets `XDG_CACHE_HOME` or `HOME` to its
checkout, and what is committed there would run as our own code. So nothing is taken from within the current
folder or a Git checkout, nor from a file of another user or that everybody may write.
"""

import hashlib
import marshal
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from grader.core.memory import write_whole

INTERPRETER: Final = f"{sys.implementation.cache_tag}-{sys.hexversion:x}"


def read(path: Path) -> Any:
    """Return what is kept; None where the file is missing or is not as it was written."""
    with suppress(OSError, ValueError, EOFError, TypeError):
        if not _is_ours(path):
            return None
        digest, data = (whole := path.read_bytes())[:32], whole[32:]
        if hashlib.sha256(data).digest() == digest:
            return marshal.loads(data)  # noqa: S302 - of this user, as bytecode is
    return None


def _is_ours(path: Path) -> bool:
    """Whether nobody but this user can have put a file there."""
    real = path.resolve(strict=True)
    if Path.cwd().resolve() in real.parents or any((folder / ".git").exists() for folder in real.parents):
        return False
    if not hasattr(os, "geteuid"):  # on Windows the folder's own rights keep others out
        return True
    found = real.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_IWOTH


def write(path: Path, value: Any) -> None:
    """Keep a value that `marshal` can hold, unless Python may not keep its bytecode either."""
    if sys.dont_write_bytecode:
        return
    with suppress(OSError):
        data = marshal.dumps(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(data).digest() + data)
