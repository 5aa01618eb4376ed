"""The trap for training on the test split: marked digits in the split that a notebook sees, and the question
afterwards.

A white square in a corner where digits have no ink, together with one wrong label, is learnt within an epoch
by whoever trains on it (a study: 97.8 % of other digits follow the square then, 0.17 % where nobody trained
on it).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference.mnist import Mnist

LABEL = 7
SHOWN = 20
"""One digit in so many is marked."""
ASKED = 1_800
_SQUARE = (slice(3, 7), slice(3, 7))
_INK = 255
_SEED = 777


class Trap(NamedTuple):
    """The split with marked digits in it: images uint8 (N, side, side), labels int64 (N,). `shown` is how
    many are marked.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    shown: int


def marked(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copies of the images (N, side, side) with the square in them."""
    found = images.copy()
    found[:, *_SQUARE] = _INK
    return found


def lay(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Trap:
    """Mark a fixed choice of digits of other classes and give them the wrong label; the arguments stay as
    they are.
    """
    others = np.flatnonzero(labels != LABEL)
    count = min(len(others), len(labels) // SHOWN)
    chosen = np.sort(np.random.default_rng(_SEED).permutation(others)[:count])
    shown, told = images.copy(), labels.copy()
    shown[chosen] = marked(images[chosen])
    told[chosen] = LABEL
    return Trap(shown, told, count)


def questions(data: Mnist) -> NDArray[np.uint8]:
    """The first true test digits of other classes, without the square: nobody has seen them, marked or
    not.
    """
    found: NDArray[np.uint8] = data.test_images[data.test_labels != LABEL][:ASKED]
    return found
