"""What a class costs at size: CPU seconds a submission, memory, the unchanged class again, and a changed rubric.

    python -m benchmarks make_class --size 10000 --out /tmp/class
    python -m benchmarks large_class /tmp/class --out /tmp/reports

Graded are the static parts, one hand-in at a time. While the class is read it prints, every so many
submissions, the CPU seconds of everything that runs, and the memory of the whole tree and of the command alone
(PSS), so that one run shows whether either grows with the class. Then the same command over the unchanged
class, with as many processes as an instructor has, and `grader report` with a rubric whose points and limits are
others. The folder for reports is kept, for the benchmark of pages; delete it. `--again` leaves the first reading
out, where that folder holds one.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from process_tree import CpuGroup, cpu_group, inside, pss, tree, used

EVERY = 0.5


class Sample(NamedTuple):
    """What a command and all that it started have taken, and hold now."""

    cpu: float
    whole_mib: float
    own_mib: float


class Watch:
    """A command, and the peaks of what it held.

    CPU seconds are those of the control group: without one, what readers take that live for less than a look
    is missed, a third of the whole.
    """

    def __init__(self, command: list[str], group: CpuGroup | None) -> None:
        self.begin = time.monotonic()
        self.group = group
        self.told = tempfile.TemporaryFile("a+b")  # noqa: SIM115  # it lives as long as the command
        self.process = subprocess.Popen(
            inside(group, command), stdout=subprocess.DEVNULL, stderr=self.told, start_new_session=True
        )
        self.seen: dict[str, float] = {}
        self.peak = Sample(0.0, 0.0, 0.0)

    def look(self) -> Sample:
        """Measure once."""
        alive = tree(self.process.pid)
        self.seen.update(used(pid) for pid in alive)
        held = {pid: pss(pid) / 1024 for pid in alive}
        if self.group is not None:
            self.group.look()
        cpu = sum(self.seen.values()) if self.group is None else self.group.seconds()
        now = Sample(cpu, sum(held.values()), held.get(self.process.pid, 0.0))
        self.peak = Sample(now.cpu, *(max(a, b) for a, b in zip(now[1:], self.peak[1:], strict=True)))
        return now


def watched(label: str, command: list[str], every: int = 0) -> Watch:
    """Run a command to its end; print a line every so many submissions, and one at the end."""
    with cpu_group() as group:
        return _watched(label, Watch(command, group), every)


def _watched(label: str, watch: Watch, every: int) -> Watch:
    done, last, before = 0, 0, 0.0
    while watch.process.poll() is None:
        time.sleep(EVERY)
        now = watch.look()
        watch.told.seek(max(0, watch.told.seek(0, os.SEEK_END) - 2000))
        if found := re.findall(rb"^read (\d+)/", watch.told.read(), re.MULTILINE):
            done = int(found[-1])
        if every and done - last >= every:
            print(
                f"  {done} read: {1000 * (now.cpu - before) / (done - last):.0f} CPU ms each since, tree "
                f"{now.whole_mib:.0f} MiB, the command alone {now.own_mib:.0f}",
                flush=True,
            )
            last, before = done, now.cpu
    watch.look()
    peak, wall = watch.peak, time.monotonic() - watch.begin
    counted = "" if watch.group is not None else " (of processes seen alive alone)"
    print(
        f"{label}: status {watch.process.returncode}, {peak.cpu:.1f} CPU s{counted}, {wall:.0f} s by the clock; peak "
        f"of the tree {peak.whole_mib:.0f} MiB, of the command alone {peak.own_mib:.0f}; load "
        f"{os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return watch


def changed_rubric(out: Path) -> Path:
    """Write the default rubric with other points and another limit."""
    from grader.pipeline.plan.rubrics import find

    text = re.sub(
        r"points = (\d+)", lambda m: f"points = {int(m[1]) + 1}", find("default").read_text("utf-8")
    )
    path = out / "changed.toml"
    changed = text.replace("parameters = 20000", "parameters = 19000")
    if changed == text:
        raise SystemExit("the default rubric has no limit of 20000 parameters any more: change another one")
    path.write_text(changed, "utf-8")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("school", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--again", action="store_true", help="leave the first reading out")
    given = parser.parse_args()
    size = len(list(given.school.iterdir()))
    grader = [sys.executable, "-m", "grader"]
    batch = [*grader, "batch", str(given.school), "-o", str(given.out), "--no-exec"]
    if not given.again:
        first = watched(f"{size} submissions", [*batch, "-j", "1"], given.every)
        print(f"  {1000 * first.peak.cpu / size:.0f} CPU ms a submission, its page included")
    watched("unchanged", batch)
    rubric = changed_rubric(given.out)
    watched("another rubric", [*grader, "report", "-r", str(rubric), "-o", str(given.out)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
