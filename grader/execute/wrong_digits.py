"""The test digits that a network trained by us got wrong: which they are, whose label is doubtful, and their
faces.

Everything comes from the trusted side: the answers from our own evaluation, pictures and labels from the test
set that it used. They go into the record, so that a page can be drawn where there is no data set.
"""

import hashlib
from functools import cache
from importlib import resources
from io import BytesIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from grader.core.facts.retrain import (
    WRONG_LISTED,
    DigitPictures,
    RetrainFacts,
    WrongDigit,
    WrongDigits,
)
from grader.core.toml import read_toml
from reference import mnist

COLUMNS = 10
"""Digits in a row of the picture."""


class _Doubted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of `label_errors.toml`."""

    index: int
    label: int
    raters: str


def with_wrong_digits(facts: RetrainFacts, data: mnist.Mnist) -> RetrainFacts:
    """Return the facts with the wrong digits of the run that came closest; `data` scored it."""
    best = max(facts.runs, key=lambda run: run.best, default=None)
    if best is None or not best.wrong:
        return facts
    doubted = label_errors() if is_mnist(data) else {}
    found = [
        WrongDigit(index=index, label=label, answer=answer, raters=doubted.get((index, label), ""))
        for index, label, answer in best.wrong
    ]
    first = sorted(found, key=lambda digit: (not digit.raters, digit.index))[:WRONG_LISTED]
    listed = tuple(sorted(first, key=lambda digit: digit.index))
    wrong = WrongDigits(
        seed=best.seed,
        epoch=len(best.correct),
        count=len(data.test_labels) - best.correct[-1],
        of=len(data.test_labels),
        label_errors=len(doubted),
        listed=listed,
    )
    pictures = draw(data.test_images[[digit.index for digit in listed]])
    return msgspec.structs.replace(facts, wrong=wrong, wrong_pictures=pictures)


@cache
def label_errors() -> dict[tuple[int, int], str]:
    """What people saw in the digits of MNIST whose label they did not confirm, by place and label."""
    table = read_toml(resources.files("grader.execute").joinpath("label_errors.toml").read_bytes())
    digits = msgspec.convert(table["digit"], tuple[_Doubted, ...])
    return {(digit.index, digit.label): digit.raters for digit in digits}


def is_mnist(data: mnist.Mnist) -> bool:
    """Whether the test set is MNIST's, digit by digit: places in it mean nothing elsewhere."""
    files = (
        (data.test_images, "t10k-images-idx3-ubyte"),
        (data.test_labels.astype(np.uint8), "t10k-labels-idx1-ubyte"),
    )
    return all(hashlib.sha256(_idx(values)).hexdigest() == mnist.SHA256[name] for values, name in files)


def _idx(values: NDArray[np.uint8]) -> bytes:
    """The bytes of the IDX file that holds these values."""
    shape = b"".join(extent.to_bytes(4, "big") for extent in values.shape)
    return b"\x00\x00\x08" + bytes([values.ndim]) + shape + values.tobytes()


def draw(images: NDArray[np.uint8]) -> DigitPictures:
    """Return pictures (N, height, width), 0 for background, as one PNG, `COLUMNS` to a row, with dark ink on
    white.
    """
    from PIL import Image

    count, height, width = images.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height, width), 255, np.uint8)
    sheet[:count] = 255 - images
    pixels = (
        sheet.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    )
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=True)
    return DigitPictures(png=out.getvalue(), columns=columns, width=width, height=height)
