"""Train three networks that READMEs of this course print as layer tables, and set best and last beside what
the READMEs claim.

    python benchmarks/seed_networks.py --data DIR --results FILE [--seeds 3] [--only 11924 ...]

Rebuilt from the tables alone (the parameter totals must agree), trained by the engine on all
60,000 digits and scored on the test set. What a README does not tell of its recipe was chosen by us before
any run and is printed. Every finished run is a line of FILE and an unfinished one keeps its state beside it,
so that a second call goes on where the first stopped: one seed of each network first. One process, one
thread.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.facts.recipe import Part, Stepping, StudentRecipe
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.seed_run import run_seed
from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from reference import mnist

TENSOR = (Part(kind="ToTensor"), Part(kind="Normalize", arguments={"mean": (0.1307,), "std": (0.3081,)}))


class Conv(NamedTuple):
    """A convolution; the channels that come in follow from the layers before it."""

    outputs: int
    kernel: int = 3
    padding: int = 0
    bias: bool = False


class Drop(NamedTuple):
    """Dropout."""

    p: float


class Average(NamedTuple):
    """Average pooling of so many pixels squared."""

    side: int


NORM, RELU, HALVE, GLOBAL, LINEAR = "batch norm", "ReLU", "max pooling 2x2", "global average", "linear to 10"
Layer = Conv | Drop | Average | str


def normed(convolution: Conv, *drop: Drop) -> tuple[Layer, ...]:
    """Convolution, batch norm, ReLU, perhaps dropout."""
    return convolution, NORM, RELU, *drop


def rectified(convolution: Conv, *drop: Drop) -> tuple[Layer, ...]:
    """Convolution, ReLU, batch norm, perhaps dropout."""
    return convolution, RELU, NORM, *drop


class Entry(NamedTuple):
    """One README: its table, its recipe, its claims in percent (0 where it claims none)."""

    parameters: int
    layers: tuple[Layer, ...]
    rate: float
    drop_every: int  # epochs between drops of the rate to a tenth; 0 for a constant rate
    epochs: int
    claimed_best: float
    claimed_last: float
    told: str
    chosen: str


TENTH, TWENTIETH = Drop(0.1), Drop(0.05)
NETWORKS = (
    Entry(
        parameters=11_924,
        layers=(
            *normed(Conv(4)),
            *normed(Conv(8)),
            Conv(16, 1),
            HALVE,
            *normed(Conv(32), TENTH),
            *normed(Conv(16, 1), TENTH),
            *normed(Conv(16), TENTH),
            *normed(Conv(16)),
            *normed(Conv(10)),
            Average(4),
            Conv(10, 1),
        ),
        rate=0.01,
        drop_every=0,
        epochs=20,
        claimed_best=99.43,
        claimed_last=99.38,
        told="20 epochs, 938 batches (64 digits each)",
        chosen="SGD 0.01 with momentum 0.9, dropout 0.1, no augmentation",
    ),
    Entry(
        parameters=17_962,
        layers=(
            *rectified(Conv(32, 5, bias=True)),
            *rectified(Conv(16, bias=True)),
            HALVE,
            TENTH,
            *rectified(Conv(16, bias=True)),
            *rectified(Conv(64, bias=True)),
            GLOBAL,
            TENTH,
            LINEAR,
        ),
        rate=0.01,
        drop_every=0,
        epochs=19,
        claimed_best=99.48,
        claimed_last=99.39,
        told="19 epochs, 938 batches (64 digits each), dropout 0.1",
        chosen="SGD 0.01 with momentum 0.9, no augmentation",
    ),
    Entry(
        parameters=19_944,
        layers=(
            *rectified(Conv(8, padding=1), TWENTIETH),
            *rectified(Conv(8, padding=1), TWENTIETH),
            HALVE,
            Conv(8, 1),
            *rectified(Conv(14, padding=1), TWENTIETH),
            *rectified(Conv(14, padding=1), TWENTIETH),
            HALVE,
            Conv(14, 1),
            *rectified(Conv(24, padding=1), TWENTIETH),
            *rectified(Conv(24, padding=1), TWENTIETH),
            HALVE,
            Conv(24, 1),
            *rectified(Conv(32, padding=1), TWENTIETH),
            Conv(10, 1),
            Average(3),
        ),
        rate=0.1,
        drop_every=10,
        epochs=20,
        claimed_best=99.43,
        claimed_last=0.0,
        told="rate 0.1 that drops by '10%' every 10 epochs (taken as: to a tenth, torch's default), 20 "
        "epochs, a low dropout",
        chosen="SGD with momentum 0.9, batches of 64, dropout 0.05, no augmentation",
    ),
)


class Classifier(nn.Module):
    """The layers of a table, then log-probabilities of ten classes."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_modules(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Digits (N, 1, 28, 28) to (N, 10)."""
        return functional.log_softmax(self.layers(x).view(-1, 10), dim=1)


def _modules(layers: Sequence[Layer]) -> list[nn.Module]:
    modules: list[nn.Module] = []
    channels = 1
    for layer in layers:
        match layer:
            case Conv(outputs, kernel, padding, bias):
                modules.append(nn.Conv2d(channels, outputs, kernel, padding=padding, bias=bias))
                channels = outputs
            case Drop(p):
                modules.append(nn.Dropout(p))
            case Average(side):
                modules.append(nn.AvgPool2d(side))
            case "batch norm":
                modules.append(nn.BatchNorm2d(channels))
            case "ReLU":
                modules.append(nn.ReLU())
            case "max pooling 2x2":
                modules.append(nn.MaxPool2d(2))
            case "global average":
                modules.append(nn.AdaptiveAvgPool2d(1))
            case _:
                modules += [nn.Flatten(), nn.Linear(channels, 10)]
    return modules


def build(entry: Entry) -> Classifier:
    """The module of a table with fresh weights; raises AssertionError where its total is not the
    printed one.
    """
    model = Classifier(entry.layers)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert total == entry.parameters, (total, entry.parameters)
    return model


def exported(model: nn.Module) -> Network:
    """The module as the engine gets it."""
    return load_network(export_model(model, None, torch.randn(4, 1, 28, 28)))


def recipe(entry: Entry) -> StudentRecipe:
    """The recipe of a README, with what it leaves open as chosen by us."""
    steps = {"step_size": entry.drop_every, "gamma": 0.1}
    return StudentRecipe(
        optimizer=Part(kind="SGD", arguments={"lr": entry.rate, "momentum": 0.9}),
        scheduler=Part(kind="StepLR", arguments=steps) if entry.drop_every else None,
        stepping=Stepping.EPOCH if entry.drop_every else Stepping.NEVER,
        loss=Part(kind="nll"),
        batch_size=64,
        epochs=entry.epochs,
        training_transform=TENSOR,
        test_transform=TENSOR,
    )


def train(entry: Entry, seed: int, data: mnist.Mnist, checkpoint: Checkpoint) -> dict[str, Any]:
    """All epochs of one seed, as a line of the results."""
    plan = resolve(recipe(entry), (1, 28, 28)).plan
    assert plan is not None
    started = time.process_time()

    def note(right: int, loss: float) -> bool:
        print(f"{entry.parameters:,} seed {seed}: {right:,} right, loss {loss:.4f}", flush=True)
        return False

    run = run_seed(
        exported(build(entry)),
        plan,
        data,
        seed=seed,
        epochs=entry.epochs,
        device="cpu",
        on_epoch=note,
        checkpoint=checkpoint,
    )
    assert not run.proof.faults, run.proof.faults
    return {
        "parameters": entry.parameters,
        "seed": seed,
        "correct": run.correct,
        "seconds": round((time.process_time() - started) / max(1, len(run.correct) - checkpoint.epochs), 1),
    }


def kept(results: Path) -> dict[tuple[int, int], dict[str, Any]]:
    """Finished runs by parameters and seed."""
    lines = results.read_text(encoding="utf-8").splitlines() if results.is_file() else []
    return {(run["parameters"], run["seed"]): run for run in map(json.loads, lines)}


def table(runs: dict[tuple[int, int], dict[str, Any]]) -> None:
    """Print what is there, best and last beside the claim."""
    print(
        "| parameters | seed | best % | in epoch | last % | epochs at 99.40 | claimed best / last "
        "% | CPU s an epoch |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for entry in NETWORKS:
        for (_, seed), run in sorted(item for item in runs.items() if item[0][0] == entry.parameters):
            correct = run["correct"]
            best, hits = max(correct), sum(right >= 9_940 for right in correct)
            last = f"{entry.claimed_last:.2f}" if entry.claimed_last else "none"
            print(
                f"| {entry.parameters:,} | {seed} | {best / 100:.2f} | {correct.index(best) + 1} | "
                f"{correct[-1] / 100:.2f}"
                f" | {hits} of {len(correct)} | {entry.claimed_best:.2f} / {last} | {run['seconds']} |"
            )
    for entry in NETWORKS:
        print(f"{entry.parameters:,}: told: {entry.told}; chosen by us: {entry.chosen}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3, help="0 to this number - 1")
    parser.add_argument("--only", type=int, nargs="+", help="parameter totals")
    options = parser.parse_args()
    data = mnist.load(options.data)
    for seed in range(options.seeds):
        for entry in NETWORKS:
            wanted = not options.only or entry.parameters in options.only
            if wanted and (entry.parameters, seed) not in kept(options.results):
                state = Checkpoint(options.results.with_suffix(f".{entry.parameters}.{seed}.state"))
                line = json.dumps(train(entry, seed, data, state))
                with options.results.open("a", encoding="utf-8") as stream:
                    stream.write(line + "\n")
                state.drop()
    table(kept(options.results))


if __name__ == "__main__":
    main()
