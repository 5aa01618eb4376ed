"""MNIST inside the sandbox: a small slice of training digits, and no true test label anywhere."""

from typing import Any, NamedTuple

import torch
from torch.utils import data as torch_data

from .patches import Ledger

SIDE = 28
FULL = {True: 60_000, False: 10_000}
SYNTHETIC_TRAIN, SYNTHETIC_TEST = 192, 128


class Digits(NamedTuple):
    """Images as uint8 (n, 28, 28) and labels as int64 (n,), for the two splits."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    synthetic: bool


def load(blob: bytes | None) -> Digits:
    """Read `u32 n_train | u32 n_test | images | labels` as the trusted side packed it, or draw digits where
    there is none.

    Raises:
        ValueError: the sizes do not fit.

    """
    if not blob:
        return _draw()
    train, test = int.from_bytes(blob[:4], "little"), int.from_bytes(blob[4:8], "little")
    total, area = train + test, SIDE * SIDE
    if len(blob) != 8 + total * (area + 1):
        raise ValueError(f"the digits file has {len(blob)} bytes, expected {8 + total * (area + 1)}")
    pixels = torch.frombuffer(bytearray(blob[8 : 8 + total * area]), dtype=torch.uint8).view(
        total, SIDE, SIDE
    )
    labels = torch.frombuffer(bytearray(blob[8 + total * area :]), dtype=torch.uint8).long()
    return Digits(pixels[:train], labels[:train], pixels[train:], labels[train:], synthetic=False)


def _draw() -> Digits:
    """Blurred bars whose angle and place depend on the label: no digits, but something a network can
    learn.
    """
    total = SYNTHETIC_TRAIN + SYNTHETIC_TEST
    generator = torch.Generator().manual_seed(20_000)
    labels = torch.arange(total) % 10
    axis = torch.arange(SIDE).float() - (SIDE - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle = (labels.float() * 0.314).view(-1, 1, 1)
    shift = torch.randn(total, 1, 1, generator=generator)
    distance = x * angle.cos() + y * angle.sin() - shift - (labels.view(-1, 1, 1) % 3 - 1) * 4
    inside = ((x**2 + y**2) < 110).float()
    noise = torch.rand(total, SIDE, SIDE, generator=generator) * 12
    pixels = (torch.exp(-(distance**2) / 6) * inside * 240 + noise * inside).clamp(0, 255).to(torch.uint8)
    n = SYNTHETIC_TRAIN
    return Digits(pixels[:n], labels[:n], pixels[n:], labels[n:], synthetic=True)


def install(digits: Digits, ledger: Ledger) -> None:
    """Let `torchvision.datasets.MNIST` serve the slice, and scale what assumes the full data set."""
    from torchvision import datasets
    from torchvision.datasets.vision import VisionDataset

    relatives = tuple(
        getattr(datasets, n) for n in ("FashionMNIST", "KMNIST", "EMNIST", "QMNIST") if hasattr(datasets, n)
    )

    def init(
        self: Any,
        root: Any = "",
        train: bool = True,
        transform: Any = None,
        target_transform: Any = None,
        download: bool = False,
    ) -> None:
        if isinstance(self, relatives):
            raise RuntimeError(f"{type(self).__name__} is not available: only MNIST is")  # noqa: TRY004
        VisionDataset.__init__(self, root or ".", transform=transform, target_transform=target_transform)
        ledger.used("mnist")
        self.train = bool(train)
        self.data = (digits.train_images if train else digits.test_images).clone()
        self.targets = (digits.train_labels if train else digits.test_labels).clone()

    ledger.patch(datasets.MNIST, "__init__", init)
    ledger.patch(datasets.MNIST, "_check_exists", lambda *_a, **_k: True)
    ledger.patch(datasets.MNIST, "download", lambda *_a, **_k: None)
    _scale(datasets.MNIST, ledger)


def slice_of(dataset: Any, mnist: type, depth: int = 0) -> Any:
    """The MNIST below subsets, concatenations and wrappers; None where there is none."""
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


def _scale(mnist: Any, ledger: Ledger) -> None:
    """Splits of 60,000 digits become splits of the slice in the same proportions."""

    def shrink(indices: list[int], dataset: Any) -> list[int]:
        size, full = len(dataset), FULL[bool(dataset.train)]
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


def fit_sampler(sampler: Any, dataset: Any, mnist: Any, ledger: Ledger) -> None:
    """Scale the indices of a sampler to the slice, once the loader tells which data set they are for."""
    below = slice_of(dataset, mnist)
    if below is None or not isinstance(sampler, torch_data.SubsetRandomSampler):
        return
    indices = list(sampler.indices)
    if indices and max(indices) >= len(dataset):
        ledger.used("dataset-slice")
        size, full = len(dataset), FULL[bool(below.train)]
        sampler.indices = sorted({min(size - 1, int(i) * size // full) for i in indices})
