"""The few digits that a notebook gets to see in the sandbox: all of them from the training set, none with a
secret.
"""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grader.core.machine import user_cache
from grader.core.settings import Settings
from reference import mnist

TRAIN, TEST = 192, 128
HELD_OUT = 10_000
"""The last training digits, which stand in for the test set inside."""


def places(settings: Settings) -> list[Path]:
    """Where MNIST may lie, the first choice first: `--data`, $GRADER_DATA, ./data, the user's cache."""
    if settings.data:
        return [Path(settings.data)]
    if os.environ.get("GRADER_DATA"):
        return [Path(os.environ["GRADER_DATA"])]
    return [Path("data"), user_cache() / "mnist"]


def find(settings: Settings) -> Path | None:
    """The first place that holds all four files; their content is checked when they are read."""
    for place in places(settings):
        try:
            mnist.locate(place)
        except mnist.MnistMissing:
            continue
        return place
    return None


def training_slice(settings: Settings) -> bytes | None:
    """Pack the slice as the worker reads it: `u32 n_train | u32 n_test | images uint8 | labels uint8`; None
    without MNIST.

    The test part comes from the last 10,000 training digits: no true test label ever enters the sandbox.

    Raises:
        reference.mnist.MnistDamaged: the files are there and are not MNIST.

    """
    place = find(settings)
    return None if place is None else _pack(str(place.resolve()))


@lru_cache(maxsize=2)
def _pack(place: str) -> bytes:
    digits = mnist.load(place)
    train, test = (
        slice(0, TRAIN),
        slice(len(digits.train_labels) - HELD_OUT, len(digits.train_labels) - HELD_OUT + TEST),
    )
    return pack(
        digits.train_images[train],
        digits.train_labels[train],
        digits.train_images[test],
        digits.train_labels[test],
    )


def pack(
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.int64],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.int64],
) -> bytes:
    """Lay two splits out as the worker reads them; images (N, 28, 28), labels (N,)."""
    return b"".join(
        [
            len(train_labels).to_bytes(4, "little"),
            len(test_labels).to_bytes(4, "little"),
            train_images.tobytes(),
            test_images.tobytes(),
            train_labels.astype("uint8").tobytes(),
            test_labels.astype("uint8").tobytes(),
        ]
    )
