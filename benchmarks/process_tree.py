"""What a command and everything that it starts costs: wall and CPU seconds, and the peak of their memory
(Linux).

Memory is the sum of the proportional set sizes (PSS) of the whole tree, every 0.1 s: shared pages count once.
"""

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

EVERY = 0.1


class Cost(NamedTuple):
    """One finished command. `status` is negative where a signal ended it; `late` where the limit did."""

    status: int
    wall: float
    cpu: float
    peak_mib: float
    late: bool
    output: str


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


def run(
    command: Sequence[str],
    *,
    limit: float = 7200.0,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Cost:
    """Run a command to its end or to `limit` seconds; a late one is killed with all that it started.

    CPU seconds are those of every process that was waited for, or the sum of what each was last seen with if
    that is more: a sandbox that is killed when its job is done is waited for by nobody.
    """
    peak = 0
    seen: dict[str, float] = {}
    ended = threading.Event()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    process = subprocess.Popen(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )

    def sample() -> None:
        nonlocal peak
        while not ended.wait(EVERY):
            alive = tree(process.pid)
            peak = max(peak, sum(pss(pid) for pid in alive))
            seen.update(used(pid) for pid in alive)

    watcher = threading.Thread(target=sample)
    watcher.start()
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
    ended.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(
        process.returncode,
        time.monotonic() - begin,
        max(cpu, sum(seen.values())),
        peak / 1024,
        late,
        output.decode("utf-8", "replace"),
    )
