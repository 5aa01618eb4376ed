"""Freed memory stays with a process that trains: every step asks for the same sizes again."""

import ctypes
import sys

# mallopt(3): from how much free memory on the heap is given back, and from what size a block is mapped for
# itself.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER = (1 << 31) - 1
_LARGEST = (1 << 30, 1 << 25)
"""Bytes; older C libraries take only the second."""


def keep_freed_memory() -> bool:
    """Tell the GNU C library to keep what is freed; says whether it took it, elsewhere nothing changes.

    By default each map of a step is new memory that the system has to clear: an eighth of the time of a
    network with large maps.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _NEVER)) and any(mallopt(_MMAP_THRESHOLD, size) for size in _LARGEST)
