"""What seeds side by side and a captured graph save on a device, and what a class costs there.

    python benchmarks/gpu.py --data DIR [--device cuda] [--parameters 17962] [--epochs 20] [--digits 60000]
        [--seeds 3] [--class-of 100]

One network rebuilt from a README (`seed_networks.py`), with its recipe: one seed, then as many as --seeds one
by one, then the same side by side; on CUDA the first also without a captured graph. Wall seconds, the best
epoch of each seed, and the ratio to one by one. --class-of reckons the time of so many submissions from one
run of each of the networks on this device. With --device cpu and few digits it shows why a CPU trains one by
one.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import torch
from seed_networks import NETWORKS, Entry, build, exported, recipe
from torch import nn

from grader.core.facts.retrain import SeedRun
from grader.execute.engine.recipes.recipe import Plan, resolve
from grader.execute.engine.runs import seed_run as engine
from grader.execute.graph.network import Network
from reference import mnist


class Bench:
    """One network on one device."""

    def __init__(self, entry: Entry, data: mnist.Mnist, device: str, epochs: int) -> None:
        self._data, self._device, self._epochs = data, device, epochs
        torch.manual_seed(0)
        self._network: Network = exported(build(entry))
        found = resolve(recipe(entry), self._network.image, len(data.train_labels))
        assert found.plan is not None, found.missing
        self._plan: Plan = found.plan

    def alone(self, seed: int) -> SeedRun:
        """One seed."""
        return engine.run_seed(
            self._network,
            self._plan,
            self._data,
            seed=seed,
            epochs=self._epochs,
            device=self._device,
            on_epoch=lambda right, loss: False,
        )

    def together(self, seeds: Sequence[int]) -> tuple[SeedRun, ...]:
        """Several seeds side by side."""
        runs = engine.run_together(
            self._network,
            self._plan,
            self._data,
            seeds=seeds,
            epochs=self._epochs,
            device=self._device,
            on_epoch=lambda scores: False,
        )
        assert runs is not None, "this device does not compute the same side by side"
        return runs


def timed(title: str, work: Callable[[], Sequence[SeedRun]]) -> float:
    """Run and print; wall seconds."""
    started = time.monotonic()
    runs = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = time.monotonic() - started
    best = ", ".join(f"{run.best / run.proof.digits_scored:.2%}" for run in runs)
    print(f"{title}: {seconds:.1f} s, best {best}; {runs[-1].how or 'step by step'}", flush=True)
    return seconds


def uncaptured(model: nn.Module) -> nn.Module:
    """Stands in for the capture."""
    return model


def main() -> None:
    """Measure one network, then a class."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--parameters", type=int, default=17_962)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--digits", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--class-of", type=int, default=0)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device here; try --device cpu --digits 2000 --epochs 1")
    whole = mnist.load(options.data)
    data = whole._replace(
        train_images=whole.train_images[: options.digits], train_labels=whole.train_labels[: options.digits]
    )

    def bench(entry: Entry) -> Bench:
        return Bench(entry, data, options.device, options.epochs)

    chosen = bench(next(entry for entry in NETWORKS if entry.parameters == options.parameters))
    seeds = range(1, options.seeds + 1)
    timed("to warm up, one seed", lambda: (chosen.alone(0),))
    if options.device == "cuda":
        with mock.patch.object(engine, "Captured", uncaptured):
            timed("one seed, not captured", lambda: (chosen.alone(0),))
    timed("one seed", lambda: (chosen.alone(0),))
    apart = timed(f"{len(seeds)} seeds one by one", lambda: [chosen.alone(seed) for seed in seeds])
    beside = timed(f"{len(seeds)} seeds side by side", lambda: chosen.together(seeds))
    print(f"side by side: {apart / beside:.2f} times as fast as one by one")
    if options.class_of:
        each = [timed(f"{e.parameters:,} parameters", lambda e=e: (bench(e).alone(0),)) for e in NETWORKS]
        total = options.class_of * sum(each) / len(each)
        print(f"{options.class_of} submissions, one run each, one after the other: {total / 60:.1f} minutes")


if __name__ == "__main__":
    main()
