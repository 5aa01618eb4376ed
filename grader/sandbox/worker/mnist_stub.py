"""The data set inside the sandbox: a small slice of training images, and no true test label anywhere."""

import math
from typing import Any, NamedTuple

import torch
from torch.utils import data as torch_data

from .patches import Ledger

SYNTHETIC_TRAIN, SYNTHETIC_TEST = 192, 128


class About(NamedTuple):
    """What the trusted side says of the data set: the fields of the rubric's `[data]` by their names."""

    name: str
    title: str
    torchvision: str
    split: str
    side: int
    channels: int
    classes: int
    training_images: int
    test_images: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, told: dict[str, Any]) -> "About":
        """Read what the trusted side said."""
        return cls(**told)

    @property
    def image(self) -> tuple[int, int, int]:
        """An image as a network takes it."""
        return (self.channels, self.side, self.side)

    @property
    def stored(self) -> tuple[int, ...]:
        """An image as torchvision keeps it: without channels where it is grey, and with them last."""
        return (self.side, self.side) if self.channels == 1 else (self.side, self.side, self.channels)

    def full(self, train: bool) -> int:
        """Images of one split outside."""
        return self.training_images if train else self.test_images


class Digits(NamedTuple):
    """Images as uint8 (n, side, side), of colours (n, side, side, 3), and labels as int64 (n,), for the two
    splits.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    synthetic: bool


def load(blob: bytes | None, about: About) -> Digits:
    """Read `u32 n_train | u32 n_test | images | labels` as the trusted side packed it, or draw digits where
    there is none.

    Raises:
        ValueError: the sizes do not fit.

    """
    if not blob:
        return _draw(about)
    train, test = int.from_bytes(blob[:4], "little"), int.from_bytes(blob[4:8], "little")
    total, area = train + test, math.prod(about.image)
    if len(blob) != 8 + total * (area + 1):
        raise ValueError(f"the digits file has {len(blob)} bytes, expected {8 + total * (area + 1)}")
    pixels = torch.frombuffer(bytearray(blob[8 : 8 + total * area]), dtype=torch.uint8).view(
        total, *about.stored
    )
    labels = torch.frombuffer(bytearray(blob[8 + total * area :]), dtype=torch.uint8).long()
    return Digits(pixels[:train], labels[:train], pixels[train:], labels[train:], synthetic=False)


def _draw(about: About) -> Digits:
    """Blurred bars whose angle and place depend on the label: no digits, but something a network can
    learn.
    """
    total = SYNTHETIC_TRAIN + SYNTHETIC_TEST
    generator = torch.Generator().manual_seed(20_000)
    labels = torch.arange(total) % about.classes
    side = about.side
    axis = torch.arange(side).float() - (side - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle = (labels.float() * 0.314).view(-1, 1, 1)
    shift = torch.randn(total, 1, 1, generator=generator)
    distance = x * angle.cos() + y * angle.sin() - shift - (labels.view(-1, 1, 1) % 3 - 1) * 4
    inside = ((x**2 + y**2) < 110).float()
    noise = torch.rand(total, side, side, generator=generator) * 12
    pixels = (torch.exp(-(distance**2) / 6) * inside * 240 + noise * inside).clamp(0, 255).to(torch.uint8)
    if about.channels > 1:
        pixels = pixels.unsqueeze(-1).repeat(1, 1, 1, about.channels)
    n = SYNTHETIC_TRAIN
    return Digits(pixels[:n], labels[:n], pixels[n:], labels[n:], synthetic=True)


RELATIVES = ("MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST", "CIFAR10", "CIFAR100", "SVHN")


def kind_of(about: About) -> Any:
    """The class of `torchvision.datasets` that notebooks load the data set with; MNIST's where it has none of
    its own.
    """
    from torchvision import datasets

    return getattr(datasets, about.torchvision, datasets.MNIST)


def install(digits: Digits, ledger: Ledger, about: About) -> None:
    """Let the data set's class of `torchvision.datasets` serve the slice, and scale what assumes the full
    data set.
    """
    from torchvision import datasets
    from torchvision.datasets.vision import VisionDataset

    kind = kind_of(about)

    def refuse(self: Any, *_args: Any, **_given: Any) -> None:
        raise RuntimeError(f"{type(self).__name__} is not available: only {about.torchvision} is")

    for name in RELATIVES:
        if getattr(datasets, name, kind) is not kind:
            ledger.patch(getattr(datasets, name), "__init__", refuse)

    def serve(
        self: Any,
        root: Any = "",
        train: bool = True,
        transform: Any = None,
        target_transform: Any = None,
        download: bool = False,
    ) -> None:
        VisionDataset.__init__(self, root or ".", transform=transform, target_transform=target_transform)
        ledger.used("mnist")
        self.train = bool(train)
        self.data = (digits.train_images if train else digits.test_images).clone()
        self.targets = (digits.train_labels if train else digits.test_labels).clone()
        if about.channels > 1:  # colours are kept as numpy's arrays and labels as a list
            self.data, self.targets = self.data.numpy(), self.targets.tolist()

    def serve_split(self: Any, root: Any = "", split: str = "", *args: Any, **given: Any) -> None:
        if split != about.split:
            raise RuntimeError(f"the split {split!r} is not available: only {about.split!r} is")
        self.split = split
        serve(self, root, *args, **given)

    ledger.patch(kind, "__init__", serve_split if about.split else serve)
    for name in ("_check_exists", "_check_integrity"):
        if hasattr(kind, name):
            ledger.patch(kind, name, lambda *_a, **_k: True)
    ledger.patch(kind, "download", lambda *_a, **_k: None)
    _scale(kind, ledger, about)


def slice_of(dataset: Any, mnist: type, depth: int = 0) -> Any:
    """The data set below subsets, concatenations and wrappers; None where there is none."""
    if isinstance(dataset, mnist):
        return dataset
    if depth > 4:
        return None
    for value in list(getattr(dataset, "__dict__", {}).values()):
        if isinstance(value, torch_data.Dataset):
            found = slice_of(value, mnist, depth + 1)
            if found is not None:
                return found
        if isinstance(value, list) and value and isinstance(value[0], torch_data.Dataset):
            return slice_of(value[0], mnist, depth + 1)
    return None


def _scale(mnist: Any, ledger: Ledger, about: About) -> None:
    """Splits of all digits become splits of the slice in the same proportions."""

    def shrink(indices: list[int], dataset: Any) -> list[int]:
        size, full = len(dataset), about.full(bool(dataset.train))
        if not indices or max(indices) < size:
            return indices
        ledger.used("dataset-slice")
        return sorted({min(size - 1, i * size // full) for i in indices})

    def subset_init(self: Any, dataset: Any, indices: Any) -> None:
        fits = shrink([int(i) for i in indices], dataset) if isinstance(dataset, mnist) else indices
        original_subset(self, dataset, fits)

    original_subset = ledger.patch(torch_data.Subset, "__init__", subset_init)

    def split(dataset: Any, lengths: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(dataset, mnist) and sum(lengths) > len(dataset):
            ledger.used("dataset-slice")
            total = sum(lengths)
            lengths = [int(part) * len(dataset) // total for part in lengths]
            lengths[0] += len(dataset) - sum(lengths)
        return original_split(dataset, lengths, *args, **kwargs)

    original_split = ledger.patch(torch_data, "random_split", split)
    ledger.patch(torch_data.dataset, "random_split", split)


def fit_sampler(sampler: Any, dataset: Any, mnist: Any, ledger: Ledger, about: About) -> None:
    """Scale the indices of a sampler to the slice, once the loader tells which data set they are for."""
    below = slice_of(dataset, mnist)
    if below is None or not isinstance(sampler, torch_data.SubsetRandomSampler):
        return
    indices = list(sampler.indices)
    if indices and max(indices) >= len(dataset):
        ledger.used("dataset-slice")
        size, full = len(dataset), about.full(bool(below.train))
        sampler.indices = sorted({min(size - 1, int(i) * size // full) for i in indices})
