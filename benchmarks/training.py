"""How much faster the engine trains than a notebook's own loop, side by side, in CPU seconds of one thread.

    python benchmarks/training.py --data DIR [--digits 6400] [--repeats 5]

Three networks of 17,962, 11,924 and 19,944 parameters, as real notebooks of this course have them. The notebook's loop is torch's
DataLoader over torchvision's MNIST with ToTensor and Normalize, batches of 64, SGD, one thread; ours trains the exported graph. Each repeat runs all
three ways on the same digits, one after the other; the medians of the paired ratios are shown. An epoch of 60,000 digits is
reckoned from the digits that were trained.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.facts.recipe import Part, StudentRecipe
from grader.core.facts.retrain import Mode
from grader.execute.engine.recipe import resolve
from grader.execute.engine.run import run_seed
from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from grader.sandbox.worker.torchvision_ops import declare
from reference import mnist

TENSOR = (Part(kind="ToTensor"), Part(kind="Normalize", arguments={"mean": (0.1307,), "std": (0.3081,)}))


def conv(inputs: int, outputs: int, kernel: int, drop: float = 0.0) -> list[nn.Module]:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]
    return [*layers, nn.Dropout(drop)] if drop else layers


def padded(inputs: int, outputs: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return [convolution, nn.ReLU(), nn.BatchNorm2d(outputs), nn.Dropout(0.05)]


def squeeze(channels: int) -> nn.Module:
    return nn.Conv2d(channels, channels, 1, bias=False)


class Net(nn.Module):
    """Layers, then log-probabilities of ten classes."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Digits (N, 1, 28, 28) to (N, 10)."""
        return functional.log_softmax(self.layers(x).view(-1, 10), dim=1)


def wide() -> Net:
    plain: list[nn.Module] = []
    for inputs, outputs, kernel in ((1, 32, 5), (32, 16, 3)):
        plain += [nn.Conv2d(inputs, outputs, kernel), nn.ReLU(), nn.BatchNorm2d(outputs)]
    plain += [nn.MaxPool2d(2), nn.Dropout(0.1)]
    for inputs, outputs, kernel in ((16, 16, 3), (16, 64, 3)):
        plain += [nn.Conv2d(inputs, outputs, kernel), nn.ReLU(), nn.BatchNorm2d(outputs)]
    return Net(*plain, nn.AdaptiveAvgPool2d(1), nn.Dropout(0.1), nn.Flatten(), nn.Linear(64, 10))


def narrow() -> Net:
    first = [*conv(1, 4, 3), *conv(4, 8, 3), nn.Conv2d(8, 16, 1, bias=False), nn.MaxPool2d(2)]
    second = [
        *conv(16, 32, 3, 0.1),
        *conv(32, 16, 1, 0.1),
        *conv(16, 16, 3, 0.1),
        *conv(16, 16, 3),
        *conv(16, 10, 3),
    ]
    return Net(*first, *second, nn.AvgPool2d(4), nn.Conv2d(10, 10, 1, bias=False))


def deep() -> Net:
    first = [
        *padded(1, 8),
        *padded(8, 8),
        nn.MaxPool2d(2),
        squeeze(8),
        *padded(8, 14),
        *padded(14, 14),
        nn.MaxPool2d(2),
    ]
    second = [squeeze(14), *padded(14, 24), *padded(24, 24), nn.MaxPool2d(2), squeeze(24), *padded(24, 32)]
    return Net(*first, *second, nn.Conv2d(32, 10, 1, bias=False), nn.AvgPool2d(3))


def notebook_loop(model: nn.Module, loader: Any) -> float:
    """One epoch as a notebook trains it; CPU seconds."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model.train()
    started = time.process_time()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = functional.nll_loss(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return time.process_time() - started


def engine(network: Network, data: mnist.Mnist, mode: Mode) -> float:
    """One epoch of the engine, weights and proof of work included; CPU seconds."""
    recipe = StudentRecipe(
        optimizer=Part(kind="SGD", arguments={"lr": 0.01, "momentum": 0.9}),
        loss=Part(kind="nll"),
        batch_size=64,
        epochs=1,
        training_transform=TENSOR,
        test_transform=TENSOR,
    )
    plan = resolve(recipe, (1, 28, 28)).plan
    assert plan is not None
    started = time.process_time()
    run_seed(
        network, plan, data, seed=0, epochs=1, device="cpu", on_epoch=lambda right, loss: False, mode=mode
    )
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--digits", type=int, default=6_400, help="training digits an epoch")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    declare()
    from torchvision import transforms

    torch.set_num_threads(1)
    whole = mnist.load(options.data)
    images, labels = whole.train_images[: options.digits], whole.train_labels[: options.digits]
    data = mnist.Mnist(images, labels, whole.test_images[:100], whole.test_labels[:100])
    compose = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    loader = torch.utils.data.DataLoader(Pictures(images, labels, compose), batch_size=64, shuffle=True)
    scale = 60_000 / options.digits
    print(
        f"CPU seconds an epoch of 60,000 digits, one thread, median of {options.repeats} paired runs of {options.digits}"
    )
    print(f"{'network':<10}{'notebook':>10}{'exact':>8}{'ratio':>7}{'fast':>8}{'ratio':>7}")
    for build in (wide, narrow, deep):
        model = build()
        network = load_network(export_model(build(), None, torch.randn(4, 1, 28, 28)))
        rows = [
            (
                notebook_loop(model, loader),
                engine(network, data, Mode.EXACT),
                engine(network, data, Mode.FAST),
            )
            for _ in range(options.repeats)
        ]
        theirs, exact, fast = (statistics.median(row[way] for row in rows) * scale for way in range(3))
        ratios = [statistics.median(row[0] / row[way] for row in rows) for way in (1, 2)]
        parameters = sum(parameter.numel() for parameter in model.parameters())
        print(
            f"{parameters:<10,}{theirs:>10.1f}{exact:>8.1f}{ratios[0]:>7.2f}{fast:>8.1f}{ratios[1]:>7.2f}",
            flush=True,
        )


class Pictures(torch.utils.data.Dataset[Any]):
    """What torchvision's MNIST does for each digit: an image from bytes, then the transforms."""

    def __init__(self, images: Any, labels: Any, transform: Any) -> None:
        self._images, self._labels, self._transform = (
            torch.from_numpy(images),
            torch.from_numpy(labels),
            transform,
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image

        picture = Image.fromarray(self._images[index].numpy())
        return self._transform(picture), int(self._labels[index])


if __name__ == "__main__":
    main()
