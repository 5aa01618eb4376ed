"""What this machine lets a process use."""

import gc
import os
import platform
import sys
from pathlib import Path
from typing import Final

TRAININGS_PER_GPU: Final = 4
"""Processes that share one GPU. Unmeasured: a network of this size is bound by the launch of its kernels,
which fills no GPU.
"""


def usable_cores() -> int:
    """Cores that this process may run on, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def user_cache() -> Path:
    """The folder of this user for what can be made or fetched again: MNIST, finished trainings.

    A variable that names no absolute path is passed over, as the XDG Base Directory Specification asks: it
    would name a folder of whatever submission a command stands in.
    """
    local = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    return (Path(local) if local and Path(local).is_absolute() else Path.home() / ".cache") / "grader"


def collect_rarely() -> None:
    """Look for garbage in circles once in 300,000 new containers: what the interpreter does each 700, while
    six hundred modules are loaded and the cells of a workbook are made, took a seventh of a `check`.
    """
    gc.set_threshold(300_000, 10, 10)


def one_thread_for_numpy() -> None:
    """Let numpy start no threads in this process and those that it starts, unless the user says how many.

    Nothing here multiplies matrices with it, and each thread of its OpenBLAS waits for work by counting: 60
    CPU ms a process on two cores. Elsewhere than on x86 torch may be built on OpenBLAS, too, and keeps its
    threads.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def look_no_more() -> None:
    """Look for no more garbage in circles, for this process ends: the interpreter goes through all that is
    there several times at its end, a tenth of a `check`. What has something to close is closed as ever.
    """
    gc.freeze()


def give_back() -> None:
    """Give what was freed back to the system (GNU C library): it keeps it, 10 to 12 MiB in each process that
    judges notebooks, and grader's own 3 MiB of digests.
    """
    gc.collect()
    import ctypes  # here: a check on one's own work gives nothing back

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
