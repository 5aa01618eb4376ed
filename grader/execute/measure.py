"""Measures a network that stays inside the sandbox: images without labels go in, answers come out, and we
count.

`query` and `judge` ask once, on a few training digits, what kind of network it is; `test_query` and
`right_answers` ask after an epoch of a whole run how many of the true test digits it knows. Works where the
network cannot leave as data. Nothing that the sandbox sends is believed for its meaning: an answer is right
where it equals a label that never went in, and it is steady where images that were asked more than once, in
the same batch and in others, are answered alike. The worker's half is `grader/sandbox/worker/measure.py`.
"""

import random
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from grader.core.assigned_data import MNIST, DataSet
from grader.core.facts.network import OutputKind
from grader.core.facts.notebook import Asked, Measured, Steady
from grader.core.settings import Settings
from grader.execute import digits
from reference import mnist

Answers = NDArray[np.float32]
"""(images, classes)."""

BATCH = 24
LARGEST_BATCH = 499
FRESH = 12
"""Images that only the last batch holds."""
DISTURBANCE = 6
"""Grey levels of 255 by which a disturbed image differs at most."""
TOLERANCE = 1e-3
"""Relative; another batch size adds in another order, which costs a few times 1e-6."""
REPEATED, CHANGED = 1_000, 500
"""Test images, of many, that are asked twice, and that are asked once more with a little disturbance."""
LEAST_ALIKE = 0.5
"""Share of the disturbed images that must get the digit of the undisturbed one: a trained network gives it to
nearly all, a list of known images to one in ten.
"""


class BadAnswers(ValueError):
    """Answers of another form than our worker sends, or that cannot be those of a network."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """How the network that left answers otherwise than the one that ran, or why the answers are none."""

    apart: str = ""
    bad_answers: str = ""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: `pixels` holds one image after the other, batch by batch.

    `image` says for each position which of the different images stands there; `disturbed` whether it was
    changed a little; `labels` belong to the different images and are empty where nobody knows them.
    """

    pixels: bytes
    batches: tuple[int, ...]
    image: tuple[int, ...]
    disturbed: tuple[bool, ...]
    labels: tuple[int, ...] = ()
    data: DataSet = MNIST
    """What the images are of."""

    @property
    def classes(self) -> int:
        """How many numbers answer an image."""
        return self.data.classes

    @property
    def blob(self) -> bytes:
        """As the worker reads it: `u32 batches | u32 size of each | pixels`. Neither labels nor what repeats
        are in it.
        """
        sizes = (len(self.batches), *self.batches)
        return b"".join(n.to_bytes(4, "little") for n in sizes) + self.pixels


class _Plan(NamedTuple):
    image: list[int]
    disturbed: list[bool]
    batches: list[int]


def query(settings: Settings, seed: bytes, data: DataSet = MNIST) -> Query:
    """Choose and shuffle the images: training digits that the notebook's slice does not hold, drawn ones
    without the data set.

    `seed` decides the order and the disturbance; the same seed gives the same bytes.

    Raises:
        reference.mnist.MnistDamaged: the files are there and are not those of the data set.

    """
    chance = random.Random(seed)  # noqa: S311  (the same bytes for the same notebook)
    count = 2 * BATCH + FRESH
    images, labels = _images(settings, count, chance, data)
    plan = _plan(count, chance)
    pixels = [
        _disturb(images[i], chance) if d else images[i]
        for i, d in zip(plan.image, plan.disturbed, strict=True)
    ]
    return Query(
        pixels=b"".join(pixels),
        batches=tuple(plan.batches),
        image=tuple(plan.image),
        disturbed=tuple(plan.disturbed),
        labels=labels,
        data=data,
    )


def _images(
    settings: Settings, count: int, chance: random.Random, data: DataSet
) -> tuple[list[bytes], tuple[int, ...]]:
    place = digits.find(settings, data)
    if place is None:
        return [chance.randbytes(data.pixels) for _ in range(count)], ()
    known = mnist.load(place, digits.files_of(data))
    total = len(known.train_labels)
    unseen = range(total - digits.held_out(total) + digits.TEST, total)
    if len(unseen) < count:
        return [chance.randbytes(data.pixels) for _ in range(count)], ()
    chosen = chance.sample(unseen, count)
    return [known.train_images[i].tobytes() for i in chosen], tuple(
        int(known.train_labels[i]) for i in chosen
    )


def _plan(count: int, chance: random.Random) -> _Plan:
    """Five batches: two of different images, the first again, a mixture of both with new ones, and disturbed
    images.
    """
    order = list(range(count))
    chance.shuffle(order)
    first, second, fresh = order[:BATCH], order[BATCH : 2 * BATCH], order[2 * BATCH :]
    third = BATCH // 3
    mixed = [*first[:third], *second[:third], *fresh]
    changed = [*first[-third:], *second[-third:]]
    chance.shuffle(mixed)
    chance.shuffle(changed)
    parts = [first, second, first, mixed, changed]
    return _Plan(
        image=[i for part in parts for i in part],
        disturbed=[number == 4 for number, part in enumerate(parts) for _ in part],
        batches=[len(part) for part in parts],
    )


def _disturb(image: bytes, chance: random.Random) -> bytes:
    return bytes(min(255, max(0, p + chance.randint(-DISTURBANCE, DISTURBANCE))) if p else 0 for p in image)


def read_answers(payload: bytes, rows: int, classes: int = MNIST.classes) -> tuple[int, Answers]:
    """Read a logits frame: the number that the worker gave it, and float32 (rows, classes).

    Raises:
        BadAnswers: another shape than was asked for, or a number that is not finite.

    """
    number, found, columns = (int.from_bytes(payload[4 * i : 4 * i + 4], "little") for i in range(3))
    if (found, columns) != (rows, classes) or len(payload) != 12 + 4 * rows * classes:
        raise BadAnswers(
            f"answers of {found} x {columns} numbers in {len(payload)} bytes, asked for {rows} x {classes}"
        )
    answers = np.frombuffer(payload, dtype="<f4", offset=12).reshape(rows, classes).astype(np.float32)
    if not np.isfinite(answers).all():
        raise BadAnswers("an answer holds something that is no finite number")
    return number, answers


def count_right(answers: Answers, labels: NDArray[np.integer]) -> int:
    """How many rows have their one largest number at the label; a tie is wrong."""
    top = answers.max(axis=1)
    unique = (answers == top[:, None]).sum(axis=1) == 1
    return int(((answers.argmax(axis=1) == labels) & unique).sum())


def test_query(images: NDArray[np.uint8], seed: int) -> Query:
    """Shuffle test images (N, side, side), with one in ten twice and one in twenty disturbed; labels take no
    part.

    Who knew `seed` could answer by place, from a list of the known labels: draw it from the system. The count
    does not depend on it.
    """
    count = len(images)
    chance = np.random.default_rng(seed)
    twice = chance.choice(count, min(count, REPEATED, -(-count // 10)), replace=False)
    changed = chance.choice(count, min(count, CHANGED, -(-count // 20)), replace=False)
    image = np.concatenate([np.arange(count), twice, changed])
    disturbed = np.arange(len(image)) >= len(image) - len(changed)
    order = chance.permutation(len(image))
    image, disturbed = image[order], disturbed[order]
    pixels = images[image]
    noise = chance.integers(-DISTURBANCE, DISTURBANCE, pixels.shape, dtype=np.int16, endpoint=True)
    moved = np.clip(pixels.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    pixels = np.where(disturbed[:, None, None] & (pixels > 0), moved, pixels)
    rows = len(image)
    # At least four batches, so that what is asked twice is hardly ever asked twice among the same neighbours.
    size = min(LARGEST_BATCH, -(-rows // 4))
    return Query(
        pixels=pixels.tobytes(),
        batches=tuple(min(size, rows - at) for at in range(0, rows, size)),
        image=tuple(image.tolist()),
        disturbed=tuple(disturbed.tolist()),
    )


def right_answers(asked: Query, answers: Answers, labels: NDArray[np.integer]) -> int:
    """How many different images are answered with their label; `labels` belong to the images of `test_query`.

    Raises:
        BadAnswers: an image that was asked twice, or a little disturbed, got another answer.

    """
    image, disturbed = np.array(asked.image), np.array(asked.disturbed)
    plain = np.flatnonzero(~disturbed)
    once, first = np.unique(image[plain], return_index=True)
    place = np.zeros(len(once), dtype=np.int64)
    place[once] = plain[first]
    if (apart := distance(answers[plain], answers[place[image[plain]]])) > TOLERANCE:
        raise BadAnswers(
            "the same image was answered differently in two places of the query (by "
            f"{apart:.2g}): chance, memory "
            "or the other images of its batch take part"
        )
    alike = answers[disturbed].argmax(axis=1) == answers[place[image[disturbed]]].argmax(axis=1)
    if alike.mean() < LEAST_ALIKE:
        raise BadAnswers(
            f"only {alike.mean():.0%} of the images kept their digit when they were a little disturbed"
        )
    return count_right(answers[place], labels)


def judge(asked: Query, answers: Answers, *, draws: bool) -> Measured:
    """What the answers show; `draws` is the worker's word on whether random numbers were used."""
    image, disturbed = np.array(asked.image), np.array(asked.disturbed)
    again = slice(sum(asked.batches[:2]), sum(asked.batches[:3]))
    by_itself = distance(answers[: asked.batches[0]], answers[again])
    first = np.array([asked.image.index(i) for i in asked.image])
    among_others = distance(answers[~disturbed], answers[first][~disturbed])
    steady = Steady.YES if among_others <= TOLERANCE else Steady.NEIGHBOURS
    if by_itself > TOLERANCE:
        steady = Steady.RANDOM
    same = answers[disturbed].argmax(axis=1) == answers[first][disturbed].argmax(axis=1)
    once = sorted({int(n) for n in first})
    labels = np.array(asked.labels or [-1] * (1 + max(asked.image)))
    return Measured(
        asked=Asked.ANSWERED,
        images=len(once),
        steady=steady,
        largest_difference=round(max(by_itself, among_others), 6),
        draws=draws,
        output=_output(asked, answers, steady),
        right=count_right(answers[once], labels[image[once]]) if asked.labels else 0,
        scored=len(once) if asked.labels else 0,
        disturbed=int(disturbed.sum()),
        disturbed_alike=int(same.sum()),
    )


def distance(a: Answers, b: Answers) -> float:
    """The largest difference of two sets of answers, relative above 1."""
    scale = 1 + np.maximum(np.abs(a), np.abs(b))
    return float((np.abs(a.astype(float) - b) / scale).max())


def _output(asked: Query, answers: Answers, steady: Steady) -> OutputKind:
    """What the numbers are: log-probabilities, probabilities (of each image, or of a batch), else
    logits.
    """
    parts = np.split(answers.astype(float), np.cumsum(asked.batches)[:-1])
    with np.errstate(over="ignore"):
        if all(np.allclose(np.exp(part).sum(axis=1), 1, atol=1e-3) for part in parts):
            return OutputKind.LOG_SOFTMAX
        if (answers >= 0).all() and all(np.allclose(part.sum(axis=1), 1, atol=1e-3) for part in parts):
            return OutputKind.PROBABILITIES
        over_batch = all(
            np.allclose(np.exp(part).sum(axis=0), 1, atol=1e-3) or np.allclose(part.sum(axis=0), 1, atol=1e-3)
            for part in parts
        )
    return OutputKind.OVER_BATCH if over_batch and steady is Steady.NEIGHBOURS else OutputKind.LOGITS
