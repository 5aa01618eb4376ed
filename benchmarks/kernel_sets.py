"""Whether what computes a training moves its accuracy: the same seeds by one way and by another, paired.

    python benchmarks/kernel_sets.py --data DIR [--network compact] [--seeds 10] [--epochs 2]
        [--ways torch native]

`torch` and `native` are the engine's two sets of kernels. `channels_last`: torch's own operators in the layout
that the engine had before, in which batch normalisation adds up in float32 row by row. --network is one of the
reference networks, by our recipe of so many epochs, or the parameter total of one of `seed_networks.py`, by
its README's recipe. Right answers of 10,000 after the last epoch, every seed, and the mean of the paired
differences with its standard error.
"""

import argparse
import math
import statistics
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from seed_networks import NETWORKS, build, exported, recipe

from grader.core.facts.retrain import KernelSet
from grader.execute.engine.recipes.recipe import Plan, resolve
from grader.execute.engine.runs import setup
from grader.execute.engine.runs.seed_run import run_seed
from grader.execute.engine.ways.kernel_set import build as build_for
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import Network
from reference import mnist
from reference import network as reference

WAYS = ("torch", "native", "channels_last")


def chosen(name: str) -> tuple[Network, Plan | None]:
    """A network and its recipe; None for our own."""
    torch.manual_seed(0)
    if name in reference.CONFIGURATIONS:
        return exported(reference.build(name, 0)), None
    entry = next(entry for entry in NETWORKS if str(entry.parameters) == name.replace(",", ""))
    network = exported(build(entry))
    plan = resolve(recipe(entry), network.image).plan
    assert plan is not None
    return network, plan


def train(network: Network, plan: Plan | None, data: mnist.Mnist, seed: int, epochs: int, way: str) -> int:
    """Right answers after the last epoch."""

    def go(kernels: KernelSet = KernelSet.TORCH) -> int:
        run = run_seed(
            network,
            plan,
            data,
            seed=seed,
            epochs=epochs,
            device="cpu",
            on_epoch=lambda right, loss: False,
            kernels=kernels,
        )
        assert not run.proof.faults, run.proof.faults
        return run.correct[-1]

    def last(*arguments: Any, **options: Any) -> tuple[GraphNetwork, torch.memory_format]:
        return build_for(*arguments, **options)[0], torch.channels_last

    if way != "channels_last":
        return go(KernelSet(way))
    with mock.patch.object(setup, "build", last):
        return go()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--network", default="compact")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--ways", nargs=2, choices=WAYS, default=WAYS[:2])
    options = parser.parse_args()
    data = mnist.load(options.data)
    network, plan = chosen(options.network)
    print(f"{options.network}, {options.epochs} epochs; seed: {' and '.join(options.ways)}, CPU seconds")
    differences = []
    for seed in range(options.seeds):
        right, seconds = [], []
        for way in options.ways:
            started = time.process_time()
            right.append(train(network, plan, data, seed, options.epochs, way))
            seconds.append(time.process_time() - started)
        differences.append(right[0] - right[1])
        print(
            f"{seed}: {right[0]:,} and {right[1]:,}, {seconds[0]:.0f} and {seconds[1]:.0f}",
            flush=True,
        )
        if seed:
            error = statistics.stdev(differences) / math.sqrt(len(differences))
            print(f"mean difference {statistics.mean(differences):+.1f} ± {error:.1f}", flush=True)


if __name__ == "__main__":
    main()
