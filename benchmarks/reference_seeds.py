"""Train the reference network on all 60,000 digits once for each seed, none left out, and print the table of
seeds.

    python benchmarks/reference_seeds.py --data DIR [--network default|compact] [--seeds 10] [--first 0]

Each seed is a process of its own, one after the other: `python -m reference.train`, whose last line is
parsed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
THRESHOLD = 99.40  # percent, the assignment's
LAST_LINE = re.compile(
    r"accuracy (?P<accuracy>[\d.]+) best (?P<best>[\d.]+) epochs (?P<epochs>\d+)"
    r" parameters (?P<parameters>\d+) seconds (?P<seconds>\d+)"
)


class Run(NamedTuple):
    """One seed; accuracies in percent of the 10,000 test digits, CPU seconds of the whole process."""

    seed: int
    accuracy: float
    best: float
    epochs: int
    parameters: int
    seconds: int


def train_seed(seed: int, network: str, data: str) -> Run:
    """Run the documented command for one seed and read its last line."""
    command = [
        sys.executable,
        "-m",
        "reference.train",
        "--data",
        data,
        "--seed",
        str(seed),
        "--network",
        network,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    match = LAST_LINE.fullmatch(done.stdout.rstrip("\n").rpartition("\n")[2])
    if done.returncode != 0 or match is None:
        raise SystemExit(f"seed {seed} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found = match.groupdict()
    return Run(
        seed=seed,
        accuracy=float(found["accuracy"]),
        best=float(found["best"]),
        epochs=int(found["epochs"]),
        parameters=int(found["parameters"]),
        seconds=int(found["seconds"]),
    )


def processor() -> str:
    """The name of the CPU, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if names:
            return str(names[0])
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--network", choices=("compact", "default"), default="default")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    options = parser.parse_args()
    data = str(Path(options.data).resolve())  # the training runs in the root of the repository
    print(f"{processor()}, torch {version('torch')}, one thread")
    print("| seed | final % | best % | epochs | parameters | CPU seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    runs = []
    for seed in range(options.first, options.first + options.seeds):
        run = train_seed(seed, options.network, data)
        runs.append(run)
        print(
            f"| {seed} | {run.accuracy:.2f} | {run.best:.2f} | {run.epochs} | "
            f"{run.parameters:,} | {run.seconds} |",
            flush=True,
        )
    finals = [run.accuracy for run in runs]
    reached = sum(final >= THRESHOLD for final in finals)
    spread = statistics.stdev(finals) if len(finals) > 1 else 0.0
    print(
        f"\n{reached} of {len(runs)} reach {THRESHOLD:.2f} in their final epoch; "
        f"mean {statistics.mean(finals):.3f}, sd {spread:.3f}, lowest {min(finals):.2f}; "
        f"CPU seconds {min(run.seconds for run in runs)} to {max(run.seconds for run in runs)}"
    )


if __name__ == "__main__":
    main()
