"""What a job of each phase takes of a machine: memory, cores that it would keep busy, CPU seconds (Linux).

    python -m benchmarks phase_needs submissions/perfect submissions/over-budget --epochs 1

One hand-in at a time goes through reading and replay, then through its notebook, then through training, which is
stopped after so many epochs: its memory has its peak in the first one. Counted is everything below the command,
and not the command itself. Memory is the sum of the proportional sets (PSS) every 0.1 s; cores are the threads
that run or wait for a core to run on, on average, which does not depend on what else the machine does.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

from process_tree import EVERY, pss, tree, used

PHASES = {"read, replay": ("--no-exec",), "execute": ("--no-retrain",), "retrain": ()}


def willing(pid: int) -> int:
    """How many threads of a process run or wait for a core."""
    count = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            text = stat.read_text("utf-8", "replace")
        except OSError:
            continue
        count += text[text.rindex(")") + 2 :].startswith("R")
    return count


def measured(command: list[str], epochs: int) -> tuple[float, list[float], list[int]]:
    """Run a command to its end, or until a training has said so many epochs; return CPU seconds, MiB and
    willing threads.
    """
    with tempfile.TemporaryFile("a+b") as told:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, start_new_session=True)
        cpu: dict[str, float] = {}
        held: list[float] = []
        threads: list[int] = []
        while process.poll() is None:
            time.sleep(EVERY)
            below = [pid for pid in tree(process.pid) if pid != process.pid]
            cpu.update(used(pid) for pid in below)
            held.append(sum(pss(pid) for pid in below) / 1024)
            threads.append(sum(willing(pid) for pid in below))
            told.seek(0)
            if len(re.findall(rb"epoch", told.read())) >= epochs:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return sum(cpu.values()), held, threads


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("submissions", type=Path, nargs="+")
    parser.add_argument("--epochs", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        school, out = Path(folder) / "class", Path(folder) / "out"
        for path in given.submissions:
            shutil.copytree(path, school / path.name)
        for phase, options in PHASES.items():
            command = [
                sys.executable,
                "-m",
                "grader",
                "batch",
                str(school),
                "-o",
                str(out),
                "-j",
                "1",
                *options,
            ]
            cpu, held, threads = measured(command, given.epochs)
            busy = [count for count in threads if count]
            print(
                f"{phase}: peak {max(held):.0f} MiB, {fmean(busy):.2f} threads willing where any is, at most "
                f"{max(busy)}; {cpu:.1f} CPU s in all, load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
