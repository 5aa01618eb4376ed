"""Train a reference network on all 60,000 digits once for each seed, none left out, and print the table of seeds.

    python benchmarks/reference_seeds.py --data DIR [--network compact] [--seeds 30] [--first 0] [--results FILE]

Each seed is a process of its own, one after the other: `python -m reference.train`, whose last line is
parsed. Every finished seed is a line of FILE, and a second call goes on where the first stopped. Below the
table stands the one-sided p-value of "the mean of the last epochs is at least 99.40" (Student's t), as the
records of speedruns give it. Before the first and after every tenth seed one epoch of the same network, batch
size and optimizer is trained by a plain DataLoader loop (ToTensor, Normalize, no shifts) and scored, so that both
CPU times are of the same minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from reference.recipe import RECIPES

ROOT = Path(__file__).resolve().parents[1]
THRESHOLD = 99.40  # percent, the assignment's
EVERY = 10
"""Seeds between two epochs of the plain loop."""
LAST_LINE = re.compile(
    r"accuracy (?P<accuracy>[\d.]+) best (?P<best>[\d.]+) epochs (?P<epochs>\d+)"
    r" parameters (?P<parameters>\d+) seconds (?P<seconds>\d+)"
)


class Run(NamedTuple):
    """One seed; accuracies in percent of the 10,000 test digits, CPU seconds of its training and scoring."""

    seed: int
    accuracy: float
    best: float
    epochs: int
    parameters: int
    seconds: int


class Kept:
    """Finished seeds and epochs of the plain loop, a line each in a file; without a file nothing is kept."""

    def __init__(self, path: Path | None, network: str) -> None:
        self._path = path
        self._label = {"network": network, "recipe": repr(RECIPES[network])}
        lines = path.read_text("utf-8").splitlines() if path is not None and path.exists() else []
        entries = [entry for entry in map(json.loads, lines) if self._label.items() <= entry.items()]
        self.runs = {entry["run"][0]: Run(*entry["run"]) for entry in entries if "run" in entry}
        self.plain = [float(entry["plain"]) for entry in entries if "plain" in entry]

    def add(self, what: Run | float) -> None:
        """Keep a seed, or the seconds of an epoch of the plain loop."""
        if isinstance(what, Run):
            self.runs[what.seed] = what
        else:
            self.plain.append(what)
        if self._path is not None:
            entry = {**self._label, ("run" if isinstance(what, Run) else "plain"): what}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def train_seed(seed: int, network: str, data: str) -> Run:
    """Run the documented command for one seed and read its last line."""
    options = ["--data", data, "--seed", str(seed), "--network", network]
    done = _alone([sys.executable, "-m", "reference.train", *options])
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


def plain_seconds(network: str, data: str) -> float:
    """CPU seconds of one epoch of the plain loop and its scoring, in a process of its own."""
    done = _alone([sys.executable, __file__, "--data", data, "--network", network, "--plain"])
    if done.returncode != 0:
        raise SystemExit(f"the plain loop ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return float(done.stdout)


def _alone(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the root of the repository, with one thread."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def plain_epoch(network: str, data: str) -> float:
    """Train and score one epoch as a notebook does; the CPU seconds of it."""
    import torch
    from torch.nn import functional
    from training import Pictures

    from grader.sandbox.worker.torchvision_ops import declare
    from reference import mnist
    from reference.network import build

    torch.set_num_threads(1)
    declare()
    from torchvision import transforms

    recipe, digits, model = RECIPES[network], mnist.load(data), build(network, 0)
    compose = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((recipe.mean,), (recipe.deviation,))]
    )
    loaders = [
        torch.utils.data.DataLoader(Pictures(images, labels, compose), recipe.batch_size, shuffle=shuffle)
        for images, labels, shuffle in (
            (digits.train_images, digits.train_labels, True),
            (digits.test_images, digits.test_labels, False),
        )
    ]
    optimizer = torch.optim.SGD(
        model.parameters(), 0.01, recipe.momentum, weight_decay=recipe.weight_decay, nesterov=True
    )
    began = time.process_time()
    for images, labels in loaders[0]:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in loaders[1])
    if right < len(digits.test_labels) // 2:
        raise SystemExit(f"the plain loop did not learn: {right} right")
    return time.process_time() - began


def p_value(values: Sequence[float], threshold: float = THRESHOLD) -> float:
    """The chance of a mean as high as this or higher if the true mean were `threshold` (one-sided t test)."""
    deviation = statistics.stdev(values)
    if deviation == 0:
        return float(values[0] <= threshold)
    score = (statistics.mean(values) - threshold) / (deviation / math.sqrt(len(values)))
    tail = _tail(abs(score), len(values) - 1)
    return tail if score > 0 else 1 - tail


def _tail(score: float, freedom: int, steps: int = 4_000) -> float:
    """The area of Student's density above `score`, which is at least 0, by Simpson's rule."""
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)

    def density(x: float) -> float:
        return scale * (1 + x * x / freedom) ** (-(freedom + 1) / 2)

    def beyond(share: float) -> float:  # x = score + (1 - share) / share runs from infinity to the score
        return density(score + (1 - share) / share) / share**2 if share else 0.0

    ordinates = [beyond(n / steps) for n in range(steps + 1)]
    inner = 4 * math.fsum(ordinates[1:-1:2]) + 2 * math.fsum(ordinates[2:-1:2])
    return (ordinates[0] + inner + ordinates[-1]) / (3 * steps)


def processor() -> str:
    """The name of the CPU, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if names:
            return str(names[0])
    return platform.processor() or platform.machine()


def summary(runs: Sequence[Run], plain: Sequence[float]) -> str:
    """What stands below the table."""
    finals = [run.accuracy for run in runs]
    reached = sum(final >= THRESHOLD for final in finals)
    spread = statistics.stdev(finals) if len(finals) > 1 else 0.0
    seconds = statistics.median(run.seconds for run in runs)
    text = (
        f"{reached} of {len(runs)} reach {THRESHOLD:.2f} in their final epoch; "
        f"mean {statistics.mean(finals):.3f}, sd {spread:.3f}, lowest {min(finals):.2f}"
    )
    if len(finals) > 1:
        text += f"; one-sided p = {p_value(finals):.1g}"
    text += f". CPU seconds: {min(run.seconds for run in runs)} to {max(run.seconds for run in runs)}"
    if plain:
        whole = runs[0].epochs * statistics.median(plain)
        text += (
            f", median {seconds:.0f}; {runs[0].epochs} epochs of a plain DataLoader loop in the same minutes: "
            f"{whole:.0f} ({whole / seconds:.2f} times as many)"
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--network", choices=sorted(RECIPES), default="default")
    parser.add_argument("--seeds", type=int, default=30, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--results", type=Path, help="a file that keeps what was done")
    parser.add_argument("--plain", action="store_true", help="one epoch of the plain loop alone")
    options = parser.parse_args()
    data = str(Path(options.data).resolve())  # the training runs in the root of the repository
    if options.plain:
        print(plain_epoch(options.network, data))
        return
    kept = Kept(options.results, options.network)
    print(f"{processor()}, torch {version('torch')}, one thread")
    print("| seed | final % | best % | epochs | parameters | CPU seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    runs = []
    for number, seed in enumerate(range(options.first, options.first + options.seeds)):
        if len(kept.plain) <= number // EVERY:
            kept.add(plain_seconds(options.network, data))
        if seed not in kept.runs:
            kept.add(train_seed(seed, options.network, data))
        run = kept.runs[seed]
        runs.append(run)
        print(
            f"| {seed} | {run.accuracy:.2f} | {run.best:.2f} | {run.epochs} | "
            f"{run.parameters:,} | {run.seconds} |",
            flush=True,
        )
    print(f"\n{summary(runs, kept.plain)}")


if __name__ == "__main__":
    main()
