"""The MNIST loop: the specification of every retraining, short enough to read aloud.

All digits live in memory as bytes; a batch is cut out of them, shifted and normalised on the fly. One thread
a process: on networks of this size a second one never paid, and with one thread a seed repeats its bits.

    python -m reference.train --data DIR --seed 0 [--network default|compact|small] [--epochs N]
        [--device cpu|cuda]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from reference import mnist, network
from reference.recipe import RECIPES, Recipe


class Epoch(NamedTuple):
    """Right answers on the test digits after an epoch, its mean training loss in nats, CPU seconds so far."""

    number: int  # from 1
    correct: int
    loss: float
    seconds: float


class TrainResult(NamedTuple):
    """A finished or stopped training."""

    epochs: tuple[Epoch, ...]
    steps: int
    test_size: int

    def accuracies(self) -> list[float]:
        """Percent of the test digits, one for each epoch."""
        return [100 * epoch.correct / self.test_size for epoch in self.epochs]


def train(
    model: nn.Module,
    data: mnist.Mnist,
    recipe: Recipe,
    seed: int,
    *,
    on_epoch: Callable[[Epoch], bool | None] = lambda epoch: None,
    device: str = "cpu",
) -> TrainResult:
    """Train `model` (images (N, 1, 28, 28) to logits or log-probabilities (N, 10)) in place.

    It starts from the weights that `model` has. `seed` decides order, shifts and dropout; on the CPU the same
    seed gives the same bits. `on_epoch` hears of each epoch, and training stops where it returns True.

    Maps stay contiguous, as a notebook keeps them: in the channels-last format, a quarter faster, torch's
    batch normalisation adds up in float32 row by row, and gradients are 0.1 to 5 % from those of float64.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)  # dropout
    draw = torch.Generator().manual_seed(seed)  # order and shifts, the same whatever the device
    model.to(device).train()
    crops = shifted_crops(torch.from_numpy(data.train_images).to(device), recipe.shift)
    labels, test_labels = torch.from_numpy(data.train_labels).to(device), torch.from_numpy(data.test_labels)
    rates = recipe.rates(recipe.epochs * -(-len(labels) // recipe.batch_size))
    optimizer = torch.optim.SGD(
        model.parameters(), 0.0, recipe.momentum, weight_decay=recipe.weight_decay, nesterov=True, fused=True
    )
    epochs: list[Epoch] = []
    steps, started = 0, time.process_time()
    for number in range(1, recipe.epochs + 1):
        total_loss = torch.zeros((), device=device)
        for chosen in torch.split(torch.randperm(len(labels), generator=draw), recipe.batch_size):
            batch = chosen.to(device)
            down, right = torch.randint(2 * recipe.shift + 1, (2, len(batch)), generator=draw).to(device)
            inputs = normalise(crops[batch, down, right], recipe)
            # Cross-entropy normalises: a model that ends in log_softmax gets the same loss as its logits.
            loss = functional.cross_entropy(model(inputs), labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.param_groups[0]["lr"] = rates[steps]
            optimizer.step()
            total_loss += loss.detach() * len(batch)
            steps += 1
        correct = int((predict(model, data.test_images, recipe).argmax(1) == test_labels).sum())
        epochs.append(Epoch(number, correct, total_loss.item() / len(labels), time.process_time() - started))
        if on_epoch(epochs[-1]):
            break
    return TrainResult(tuple(epochs), steps, len(data.test_labels))


def shifted_crops(images: Tensor, shift: int) -> Tensor:
    """A view (N, 2 shift + 1, 2 shift + 1, H, W) of bytes (N, H, W): [n, down, right] is digit n moved up by
    down - shift and left by right - shift pixels.
    """
    padded = functional.pad(images, (shift,) * 4)
    return padded.unfold(1, images.shape[1], 1).unfold(2, images.shape[2], 1)


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """Bytes (N, H, W) to floats (N, 1, H, W), bit for bit as torchvision's ToTensor and Normalize do."""
    return images.unsqueeze(1).float().div_(255).sub_(recipe.mean).div_(recipe.deviation)


@torch.no_grad()
def predict(model: nn.Module, images: NDArray[np.uint8], recipe: Recipe) -> Tensor:
    """Answers (N, 10), on the CPU, of the model in evaluation mode to digits (N, 28, 28); keeps its mode."""
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    parts = torch.split(torch.from_numpy(images), 1000)
    answers = torch.cat([model(normalise(part.to(device), recipe)).cpu() for part in parts])
    model.train(was_training)
    return answers


def main() -> None:
    """Train one seed and print a line for each epoch; the last line is the one that scripts read."""
    parser = argparse.ArgumentParser(prog="python -m reference.train")
    parser.add_argument("--data", default=os.environ.get("GRADER_DATA", "data"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--network", choices=sorted(RECIPES), default="default")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    wanted = {} if options.epochs is None else {"epochs": options.epochs}
    try:
        recipe = replace(RECIPES[options.network], **wanted)
        data = mnist.load(options.data)
    except (ValueError, mnist.MnistError) as error:
        parser.exit(2, f"{error}\n")
    model = network.build(options.network, options.seed)
    result = train(model, data, recipe, options.seed, on_epoch=print, device=options.device)
    percent, parameters = result.accuracies(), network.count_parameters(model)
    print(
        f"accuracy {percent[-1]:.2f} best {max(percent):.2f} epochs {len(percent)}"
        f" parameters {parameters} seconds {result.epochs[-1].seconds:.0f}"
    )


if __name__ == "__main__":
    main()
