"""What a command and everything that it starts costs: wall and CPU seconds, and the peak of their memory
(Linux).

CPU seconds are those of a control group in which the command starts, so that a sandbox counts whose processes
are waited for by nobody: `time` and getrusage miss some 85 % of a notebook that runs in one. Where this machine
lets us make no group, they are those that were waited for, or what each process was last seen with, and the
cost says so. Memory is the sum of the proportional set sizes (PSS) of the whole tree, every 0.3 s: pages that
several map count once, those of files included. Where the group can be frozen nothing forks or ends while the
sizes are read, one process after the other, which takes 40 to 110 ms for twenty of them.
"""

import contextlib
import itertools
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

EVERY = 0.1
"""Seconds between two looks at the tree; where a group counts, only memory is looked at, and less often."""
GROUPS = Path("/sys/fs/cgroup")
_numbers = itertools.count()


class Cost(NamedTuple):
    """One finished command. `status` is negative where a signal ended it; `late` where the limit did. `whole`:
    a control group counted every CPU second.
    """

    status: int
    wall: float
    cpu: float
    peak_mib: float
    late: bool
    output: str
    whole: bool = False


class CpuGroup:
    """A control group that counts CPU time, of version 1 or 2, and can hold its processes still.

    `freezer` is the group of version 1 that does the latter; version 2 does it in `folder`.
    """

    def __init__(self, folder: Path, freezer: Path | None = None) -> None:
        self.folder = folder
        self.folders = (folder,) if freezer is None else (folder, freezer)
        self._jobs: dict[Path, float] = {}

    def seconds(self) -> float:
        """User and system time of all that ever ran in it, and of sandboxes' own groups as far as seen."""
        return _seconds(self.folder) + sum(self._jobs.values())

    def look(self) -> None:
        """See what sandboxes have used that moved their job into a group of its own (version 2: beside us)."""
        if self.folder.parent == GROUPS:
            for folder in GROUPS.glob("grader-*-*"):
                with contextlib.suppress(OSError):
                    self._jobs[folder] = _seconds(folder)

    @contextlib.contextmanager
    def still(self) -> Iterator[bool]:
        """Hold every process of the group still meanwhile; says whether this machine does.

        Of version 2 a sandbox's job in a group of its own goes on.
        """
        state, on, off, told = (
            (self.folder / "cgroup.freeze", "1", "0", (self.folder / "cgroup.events", "frozen 1"))
            if (self.folder / "cgroup.freeze").exists()
            else (self.folders[-1] / "freezer.state", "FROZEN", "THAWED", None)
        )
        where, word = told or (state, on)
        if not state.exists():
            yield False
            return
        until = time.monotonic() + EVERY * 10
        try:
            state.write_text(on, "ascii")
            while not (held := word in where.read_text("ascii")) and time.monotonic() < until:
                time.sleep(0.001)
            yield held
        finally:
            state.write_text(off, "ascii")

    def remove(self) -> None:
        """Remove the groups; the last process is in them until the kernel let go of it."""
        for folder in self.folders:
            for _ in range(40):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(EVERY / 2)


def _seconds(folder: Path) -> float:
    if (folder / "cpuacct.usage").exists():
        return int((folder / "cpuacct.usage").read_text("ascii")) / 1e9
    fields = dict(line.split() for line in (folder / "cpu.stat").read_text("ascii").splitlines())
    return int(fields["usage_usec"]) / 1e6


def inside(group: CpuGroup | None, command: list[str]) -> list[str]:
    """The command that counts in the group: a shell enters it and becomes the command, so all runs inside."""
    if group is None:
        return command
    enter = "".join(f"echo $$ > {folder / 'cgroup.procs'} && " for folder in group.folders)
    return ["sh", "-c", f'{enter}exec "$0" "$@"', *command]


@contextlib.contextmanager
def cpu_group() -> Iterator[CpuGroup | None]:
    """A group of our own, removed in the end; None where this machine lets us make none."""
    name = f"measured-{os.getpid()}-{next(_numbers)}"
    parents = (GROUPS / "cpuacct", GROUPS / "cpu,cpuacct", GROUPS, GROUPS / "unified")
    folder = next(filter(_made, (parent / name for parent in parents)), None)
    group = CpuGroup(folder, _freezer(name)) if folder is not None else None
    try:
        yield group
    finally:
        if group is not None:
            group.remove()


def _freezer(name: str) -> Path | None:
    """Make the group of version 1 that holds processes still; None where there is no such version here."""
    folder = GROUPS / "freezer" / name
    with contextlib.suppress(OSError):
        folder.mkdir()
    return folder if folder.exists() else None


def _made(folder: Path) -> bool:
    """Whether this is now a group that counts CPU time."""
    try:
        folder.mkdir()
    except OSError:
        return False
    try:
        _seconds(folder)
    except (OSError, KeyError):
        folder.rmdir()
        return False
    return True


def tree(root: int) -> list[int]:
    """All processes below `root`, itself included."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            below.setdefault(int(stat[stat.rindex(")") + 2 :].split()[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += below.get(pid, [])
    return found


def used(pid: int) -> tuple[str, float]:
    """What tells a process from a later one with its number, and the CPU seconds that it has used."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return "", 0.0
    fields = stat[stat.rindex(")") + 2 :].split()
    return f"{pid} {fields[19]}", (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss(pid: int) -> int:
    """Proportional set size in KiB; 0 for a process that ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        return 0
    return 0


class _Watch:
    """Looks at a tree of processes every 0.1 s until it is told to end."""

    def __init__(self, root: int, group: CpuGroup | None) -> None:
        self.peak = 0
        self.seen: dict[str, float] = {}
        self._root, self._group = root, group
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self) -> None:
        while not self._ended.wait(EVERY if self._group is None else 3 * EVERY):
            with self._group.still() if self._group is not None else contextlib.nullcontext():
                alive = tree(self._root)
                self.peak = max(self.peak, sum(pss(pid) for pid in alive))
            self.seen.update(used(pid) for pid in alive)
            if self._group is not None:
                self._group.look()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


def run(
    command: Sequence[str],
    *,
    limit: float = 7200.0,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Cost:
    """Run a command to its end or to `limit` seconds; a late one is killed with all that it started."""
    with cpu_group() as group:
        return _run(list(command), group, limit, cwd, {**os.environ, **(environment or {})})


def _run(
    command: list[str], group: CpuGroup | None, limit: float, cwd: Path | None, environment: Mapping[str, str]
) -> Cost:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    process = subprocess.Popen(
        inside(group, command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=environment,
        start_new_session=True,
    )
    watch = _Watch(process.pid, group)
    late = False
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        late = True
        for pid in reversed(tree(process.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        output, _ = process.communicate()
    watch.end()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    waited = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(
        process.returncode,
        time.monotonic() - begin,
        max(waited, sum(watch.seen.values()), group.seconds() if group is not None else 0.0),
        watch.peak / 1024,
        late,
        output.decode("utf-8", "replace"),
        whole=group is not None,
    )
