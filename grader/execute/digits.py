"""The few digits that a notebook gets to see in the sandbox: all of them from the training set, none with a
secret.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from grader.core.assigned_data import MNIST, DataSet, Digest
from grader.core.machine import user_cache
from grader.core.settings import Settings
from reference import mnist

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRAIN, TEST = 192, 128
HELD_OUT = 6
"""One in so many training digits, the last ones, stands in for the test set inside."""


def held_out(training: int) -> int:
    """How many of so many training digits stand in for the test set inside."""
    return training // HELD_OUT


def files_of(data: DataSet) -> mnist.IdxFiles:
    """The files of a data set, as their reader wants to know them; those of MNIST it knows itself."""
    if data == MNIST:
        return mnist.MNIST
    return mnist.IdxFiles(
        digests={file.name: file.digest for file in data.files},
        title=data.title,
        side=data.side,
        layouts=data.folders,
        how_to_get_it=f"`grader data fetch {data.name}` downloads it ({data.download}) into your cache"
        if data.mirrors
        else "its files are named in the rubric's [data]",
        packed=data.digest is Digest.MD5,
        archive=data.archive.name,
        archive_digest=data.archive.digest,
        inside=data.archive.inside,
        largest=data.pixels * max(data.training_images, data.test_images) + 2**20,
    )


def places(settings: Settings, data: DataSet = MNIST) -> list[Path]:
    """Where a data set may lie, the first choice first: `--data`, $GRADER_DATA, ./data, the user's cache."""
    if settings.data:
        return [Path(settings.data)]
    if os.environ.get("GRADER_DATA"):
        return [Path(os.environ["GRADER_DATA"])]
    return [Path("data"), user_cache() / data.name]


def find(settings: Settings, data: DataSet = MNIST) -> Path | None:
    """The first place that holds all four files; their content is checked when they are read."""
    files = files_of(data)
    for place in places(settings, data) if data.trainable else ():
        try:
            mnist.locate(place, files)
        except mnist.MnistMissing:
            continue
        return place
    return None


def training_slice(settings: Settings, data: DataSet = MNIST) -> bytes | None:
    """Pack the slice as the worker reads it: `u32 n_train | u32 n_test | images uint8 | labels uint8`; None
    without the data set.

    The test part comes from the last sixth of the training digits: no true test label ever enters the
    sandbox.

    Raises:
        reference.mnist.MnistDamaged: the files are there and are not those of the data set.

    """
    place = find(settings, data)
    return None if place is None else _pack(str(place.resolve()), data)


@lru_cache(maxsize=2)
def _pack(place: str, data: DataSet) -> bytes:
    digits = mnist.load(place, files_of(data))
    first = len(digits.train_labels) - held_out(len(digits.train_labels))
    train, test = slice(0, TRAIN), slice(first, first + TEST)
    return pack(
        digits.train_images[train],
        digits.train_labels[train],
        digits.train_images[test],
        digits.train_labels[test],
    )


def pack(
    train_images: "NDArray[np.uint8]",
    train_labels: "NDArray[np.int64]",
    test_images: "NDArray[np.uint8]",
    test_labels: "NDArray[np.int64]",
) -> bytes:
    """Lay two splits out as the worker reads them; images (N, side, side), labels (N,)."""
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
