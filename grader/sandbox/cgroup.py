"""Limits for a whole tree of processes, where this machine lets us set them: cgroup v2, v1, or nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from grader.sandbox.limits import Limits

ROOT = Path("/sys/fs/cgroup")
NONE = "none"


class Group:
    """One job's control groups; `folders` is empty where there are none."""

    def __init__(self, version: str, folders: tuple[Path, ...]) -> None:
        self.version = version
        self.folders = folders

    def out_of_memory(self) -> bool:
        """Whether the kernel killed a process of the job for memory."""
        return any(
            _counter(folder / name, "oom_kill") > 0
            for folder in self.folders
            for name in ("memory.events", "memory.oom_control")
        )

    def out_of_processes(self) -> bool:
        """Whether a fork or a thread was refused."""
        return any(_counter(folder / "pids.events", "max") > 0 for folder in self.folders)

    def members(self) -> list[int]:
        """Processes that are still in a group."""
        found: set[int] = set()
        for folder in self.folders:
            with suppress(OSError):
                found |= {int(line) for line in (folder / "cgroup.procs").read_text().split()}
        return sorted(found)

    def close(self) -> None:
        """Wait until the kernel has torn the job down, then remove the groups."""
        deadline = monotonic() + 5.0
        for folder in self.folders:
            while True:
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    if monotonic() > deadline:
                        break
                    sleep(0.01)


@contextmanager
def group(name: str, limits: Limits) -> Iterator[Group]:
    """Make the groups of one job; an empty group where this machine has none that we may write.

    `name` is `grader-<process id>-<number>`.
    """
    _sweep()
    made = _v2(name, limits) or _v1(name, limits) or Group(NONE, ())
    try:
        yield made
    finally:
        made.close()


def _sweep() -> None:
    """Remove the groups that a killed grader left; their names carry its process id."""
    for base in (ROOT, ROOT / "memory", ROOT / "pids"):
        for folder in base.glob("grader-*-*"):
            if not Path("/proc", folder.name.split("-")[1]).exists():
                with suppress(OSError):
                    folder.rmdir()


def _v2(name: str, limits: Limits) -> Group | None:
    try:
        if "memory" not in (ROOT / "cgroup.subtree_control").read_text().split():
            return None
    except OSError:
        return None
    values = {
        "memory.max": limits.memory,
        "memory.swap.max": 0,
        "pids.max": limits.pids,
    }
    folder = _make(ROOT / name, values, needed=("memory.max",))
    return Group("v2", (folder,)) if folder else None


def _v1(name: str, limits: Limits) -> Group | None:
    memory = _make(
        ROOT / "memory" / name,
        {"memory.limit_in_bytes": limits.memory, "memory.memsw.limit_in_bytes": limits.memory},
        needed=("memory.limit_in_bytes",),
    )
    if memory is None:
        return None
    pids = _make(ROOT / "pids" / name, {"pids.max": limits.pids}, needed=("pids.max",))
    return Group("v1", tuple(f for f in (memory, pids) if f))


def _make(folder: Path, values: dict[str, int], needed: tuple[str, ...]) -> Path | None:
    if not os.access(folder.parent, os.W_OK):
        return None
    try:
        folder.mkdir()
    except OSError:
        return None
    for name, value in values.items():
        try:
            # Opened without O_CREAT: a controller that is not there must not look as if it were.
            with (folder / name).open("r+") as file:
                file.write(str(value))
        except OSError:
            if name in needed:
                with suppress(OSError):
                    folder.rmdir()
                return None
    return folder


def _counter(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.split()[:1] == [name])
