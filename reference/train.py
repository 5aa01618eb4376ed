"""The MNIST loop: the specification of every retraining, short enough to read aloud.

All digits live in memory as bytes; a batch is cut out of them, shifted and normalised on the fly. One thread a process:
on networks of this size a second one never paid, and one thread makes a seed give the same bits again. Momentum SGD
under a one-cycle rate (Smith and Topin, arXiv:1708.07120): up in a straight line, down in a straight line.

    python -m reference.train --data DIR --seed 0 [--network default|compact] [--epochs 6] [--device cpu|cuda]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from reference import mnist, network


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train. Chosen on 10,000 held-out training digits, never on the test set (docs/reference-network.md)."""

    epochs: int = 6
    batch_size: int = 128  # the last batch of an epoch is smaller, as with torch's DataLoader
    peak_rate: float = 0.1
    warmup: float = (
        0.2  # share of all steps in which the rate rises from peak / 5; then it falls to peak / 1000
    )
    momentum: float = 0.9  # Nesterov's
    weight_decay: float = 2e-4
    shift: int = 1  # every digit is moved by -shift..shift whole pixels, along each axis
    mean: float = 0.1307  # of a pixel in 0..1 over the 60,000 training digits
    deviation: float = 0.3081


RECIPES = {"default": Recipe(), "compact": Recipe(epochs=10)}


class Epoch(NamedTuple):
    """What one epoch came to: right answers on the test digits, mean training loss (nats), CPU seconds so far."""

    number: int  # from 1
    correct: int
    loss: float
    seconds: float


class TrainResult(NamedTuple):
    """A finished or stopped training; accuracies are in percent of the test digits."""

    epochs: tuple[Epoch, ...]
    steps: int
    test_size: int

    def accuracies(self) -> list[float]:
        return [100 * epoch.correct / self.test_size for epoch in self.epochs]


def train(
    model: nn.Module,
    data: mnist.Mnist,
    recipe: Recipe,
    seed: int,
    *,
    on_epoch: Callable[[Epoch], bool | None] = lambda epoch: None,
    device: str = "cpu",
    memory_format: torch.memory_format = torch.channels_last,
) -> TrainResult:
    """Train `model` (images (N, 1, 28, 28) to logits or log-probabilities (N, 10)) in place from the weights it has.

    `seed` decides order, shifts and dropout; on the CPU the same seed gives the same bits. `on_epoch` is called after
    each epoch, and training stops where it returns True. A model that calls `view` on a feature map larger than 1x1
    needs `memory_format=torch.contiguous_format`, which is a quarter slower.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)  # dropout
    draw = torch.Generator().manual_seed(seed)  # order and shifts: on the CPU, hence the same on every device
    model.to(device=device, memory_format=memory_format).train()  # type: ignore[call-overload]
    crops = shifted_crops(torch.from_numpy(data.train_images).to(device), recipe.shift)
    labels = torch.from_numpy(data.train_labels).to(device)
    steps_per_epoch = -(-len(labels) // recipe.batch_size)
    rates = one_cycle(recipe, recipe.epochs * steps_per_epoch)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=rates[0],
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
        fused=True,
    )
    epochs: list[Epoch] = []
    steps, started = 0, time.process_time()
    for number in range(1, recipe.epochs + 1):
        total_loss = torch.zeros((), device=device)
        for batch in torch.randperm(len(labels), generator=draw).split(recipe.batch_size):
            down, right = torch.randint(2 * recipe.shift + 1, (2, len(batch)), generator=draw).to(device)
            batch = batch.to(device)
            optimizer.param_groups[0]["lr"] = rates[steps]
            optimizer.zero_grad()
            # Cross-entropy normalises, so a model that already ends in log_softmax gets the same loss.
            loss = functional.cross_entropy(
                model(normalise(crops[batch, down, right], recipe)), labels[batch]
            )
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total_loss += loss.detach() * len(batch)
            steps += 1
        correct = evaluate(model, data.test_images, data.test_labels, recipe, device=device)
        mean_loss = total_loss.item() / len(labels)
        epochs.append(Epoch(number, correct, mean_loss, time.process_time() - started))
        if on_epoch(epochs[-1]):
            break
    return TrainResult(tuple(epochs), steps, len(data.test_labels))


def shifted_crops(images: Tensor, shift: int) -> Tensor:
    """A view (N, 2 shift + 1, 2 shift + 1, 28, 28) of bytes (N, 28, 28): [n, down, right] is digit n moved by
    shift - down and shift - right pixels, with background where it came from outside."""
    height, width = images.shape[1:]
    return functional.pad(images, (shift,) * 4).unfold(1, height, 1).unfold(2, width, 1)


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """Bytes (N, 28, 28) to floats (N, 1, 28, 28), bit for bit as torchvision's ToTensor and Normalize make them."""
    return images.unsqueeze(1).float().div_(255).sub_(recipe.mean).div_(recipe.deviation)


def one_cycle(recipe: Recipe, steps: int) -> list[float]:
    """The learning rate of each step: peak / 5 to peak over the warm-up, then down to peak / 1000."""
    top = max(1, round(recipe.warmup * steps))
    rising = [0.2 + 0.8 * step / top for step in range(top)]
    falling = [1 - 0.999 * step / (steps - top) for step in range(steps - top)]
    return [recipe.peak_rate * factor for factor in rising + falling]


@torch.no_grad()
def evaluate(
    model: nn.Module,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    recipe: Recipe,
    *,
    device: str = "cpu",
) -> int:
    """How many of the digits (N, 28, 28) the model in evaluation mode gets right; its mode is put back."""
    was_training = model.training
    model.eval()
    correct = 0
    for inputs, answers in zip(
        torch.from_numpy(images).split(1000), torch.from_numpy(labels).split(1000), strict=True
    ):
        logits = model(normalise(inputs.to(device), recipe))
        correct += int((logits.argmax(1) == answers.to(device)).sum())
    model.train(was_training)
    return correct


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m reference.train", description="Train the reference network."
    )
    parser.add_argument(
        "--data", default=os.environ.get("GRADER_DATA", "data"), help="directory that holds MNIST"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--network", choices=sorted(network.CONFIGURATIONS), default="default")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    recipe = RECIPES[options.network]
    if options.epochs is not None:
        recipe = replace(recipe, epochs=options.epochs)
    try:
        data = mnist.load(options.data)
    except mnist.MnistError as error:
        parser.exit(2, f"{error}\n")
    model = network.build(options.network, options.seed)

    def show(epoch: Epoch) -> None:
        print(
            f"epoch {epoch.number} correct {epoch.correct} loss {epoch.loss:.4f} seconds {epoch.seconds:.0f}",
            flush=True,
        )

    result = train(model, data, recipe, options.seed, on_epoch=show, device=options.device)
    accuracies = result.accuracies()
    print(
        f"accuracy {accuracies[-1]:.2f} best {max(accuracies):.2f} epochs {len(accuracies)}"
        f" parameters {network.count_parameters(model)} seconds {time.process_time():.0f}"
    )


if __name__ == "__main__":
    main()
