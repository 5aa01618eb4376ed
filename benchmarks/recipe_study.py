"""Compare recipes on the last 10,000 training digits after training on the other 50,000; the test set is not
read.

    python benchmarks/recipe_study.py --data DIR [--seeds 0 1] [--only NAME ...]

What it prints is the ground on which `reference/network.py` and `reference/recipe.py` were chosen
(docs/reference-network.md). One process, one thread, about a CPU minute for each seed of each candidate.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference import mnist, train
from reference.network import ReferenceNetwork, Widths, count_parameters
from reference.recipe import Recipe

EVEN = Widths(12, 16, 16, 24, 32)
LATE = Widths(8, 16, 16, 32, 32)
NARROW_LATE = Widths(8, 16, 16, 16, 24)
SMALL = Widths(8, 12, 16, 16, 16)
SMALL_LATE = Widths(8, 12, 12, 16, 24)


class Centre(nn.Module):
    """The inner 24x24 pixels of (N, 1, 28, 28): MNIST's digits are drawn in a 20x20 box."""

    def forward(self, images: Tensor) -> Tensor:
        """Crop (N, 1, 28, 28) to (N, 1, 24, 24)."""
        return images[:, :, 2:-2, 2:-2].contiguous()


def plain(widths: Widths) -> nn.Module:
    """The reference network at these widths."""
    return ReferenceNetwork(widths)


def relu(widths: Widths) -> nn.Module:
    """With ReLU in the place of SiLU."""
    model = ReferenceNetwork(widths)
    for block in model.features.children():
        block.register_module("3" if isinstance(block.get_submodule("1"), nn.MaxPool2d) else "2", nn.ReLU())
    return model


def relu_early_dropout(widths: Widths) -> nn.Module:
    """With ReLU, and a second dropout after the second maxpool."""
    model = relu(widths)
    assert isinstance(model, ReferenceNetwork)
    model.features.insert(3, nn.Dropout(0.1))
    return model


def cropped(model: nn.Module) -> nn.Module:
    """On the inner 24x24 pixels, the last convolution padded to keep its 4x4 map."""
    last = model.get_submodule("features.4.0")
    assert isinstance(last, nn.Conv2d)
    last.padding = (1, 1)
    return nn.Sequential(Centre(), model)


class Candidate(NamedTuple):
    """A network and the recipe it is trained with."""

    build: Callable[[Widths], nn.Module]
    widths: Widths
    recipe: Recipe


STEEP = Recipe(epochs=6, peak_rate=0.2, weight_decay=5e-4)
SHORT = Recipe(epochs=4, batch_size=64, peak_rate=0.2)
CANDIDATES = {
    "even, ReLU, two dropouts, 5 epochs": Candidate(relu_early_dropout, EVEN, Recipe(epochs=5)),
    "even, ReLU, 5 epochs": Candidate(relu, EVEN, Recipe(epochs=5)),
    "even, ReLU, 5 epochs, peak 0.2": Candidate(relu, EVEN, replace(STEEP, epochs=5)),
    "even, ReLU, 5 epochs, no shift": Candidate(relu, EVEN, Recipe(epochs=5, shift=0)),
    "even, ReLU, 5 epochs, batch 64": Candidate(relu, EVEN, Recipe(epochs=5, batch_size=64, peak_rate=0.05)),
    "even, 5 epochs": Candidate(plain, EVEN, Recipe(epochs=5)),
    "late, ReLU, 5 epochs": Candidate(relu, LATE, Recipe(epochs=5)),
    "late, 5 epochs": Candidate(plain, LATE, Recipe(epochs=5)),
    "late, ReLU, 6 epochs": Candidate(relu, LATE, Recipe(epochs=6)),
    "late, ReLU, 6 epochs, peak 0.2": Candidate(relu, LATE, STEEP),
    "late, ReLU, 6 epochs, cropped": Candidate(lambda widths: cropped(relu(widths)), LATE, Recipe(epochs=6)),
    "late, 6 epochs, cropped": Candidate(lambda widths: cropped(plain(widths)), LATE, Recipe(epochs=6)),
    "late, 6 epochs": Candidate(plain, LATE, Recipe(epochs=6)),
    "compact, ReLU, 9 epochs": Candidate(relu, NARROW_LATE, Recipe(epochs=9)),
    "compact, 10 epochs, cropped": Candidate(
        lambda widths: cropped(plain(widths)), NARROW_LATE, Recipe(epochs=10)
    ),
    "compact, 8 epochs": Candidate(plain, NARROW_LATE, Recipe(epochs=8)),
    "compact, 4 epochs": Candidate(plain, NARROW_LATE, SHORT),
    "small (8, 12, 12, 16, 24), 5 epochs": Candidate(plain, SMALL_LATE, replace(SHORT, epochs=5)),
    **{
        f"small (8, 12, 16, 16, 16), {epochs} epochs": Candidate(plain, SMALL, replace(SHORT, epochs=epochs))
        for epochs in (5, 6, 8)
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    options = parser.parse_args()
    held_out = mnist.load(options.data).hold_out(10_000)
    labels = torch.from_numpy(held_out.test_labels)
    print("| candidate | parameters | right of 10,000, final epoch | mean | held-out loss | CPU seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in options.only:
        candidate = CANDIDATES[name]
        correct, losses, seconds, parameters = [], [], [], 0
        for seed in options.seeds:
            torch.manual_seed(seed)
            model = candidate.build(candidate.widths)
            parameters = count_parameters(model)
            result = train.train(model, held_out, candidate.recipe, seed)
            answers = train.predict(model, held_out.test_images, candidate.recipe)
            correct.append(result.epochs[-1].correct)
            losses.append(functional.cross_entropy(answers, labels).item())
            seconds.append(result.epochs[-1].seconds)
        print(
            f"| {name} | {parameters:,} | {' '.join(map(str, correct))} | {statistics.mean(correct):.1f} "
            f"| {statistics.mean(losses):.4f} | {statistics.mean(seconds):.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
