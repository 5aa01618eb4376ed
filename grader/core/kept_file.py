"""A file of what our own code was compiled to, in the user's cache folder, kept as Python keeps bytecode.

It is a courtesy to the next command: nothing of a student's is ever in it, nobody but this user's own grader
writes it, nothing is written where Python may write no bytecode either, and whatever is amiss with it (no
folder, a damaged file) costs no more than compiling anew. It fits one interpreter alone, whose mark its name
should hold.
"""

import hashlib
import marshal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from grader.core.memory import write_whole

INTERPRETER: Final = f"{sys.implementation.cache_tag}-{sys.hexversion:x}"


def read(path: Path) -> Any:
    """Return what is kept; None where the file is missing or is not as it was written."""
    with suppress(OSError, ValueError, EOFError, TypeError):
        digest, data = (whole := path.read_bytes())[:32], whole[32:]
        if hashlib.sha256(data).digest() == digest:
            return marshal.loads(data)  # noqa: S302 - of this user, as bytecode is
    return None


def write(path: Path, value: Any) -> None:
    """Keep a value that `marshal` can hold, unless Python may not keep its bytecode either."""
    if sys.dont_write_bytecode:
        return
    with suppress(OSError):
        data = marshal.dumps(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(data).digest() + data)
