"""Readings of one cell or text -> segments, and segments -> runs: what belongs together, and what is
missing.
"""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from grader.core.evidence.logs import Epoch, Origin, Run, SequenceKind
from grader.core.place import Place
from grader.extract.logs.lines import Accuracy, Marker
from grader.extract.logs.source.loops import Loop

FRESH_BELOW = 99.0
"""Percent below which the first test accuracy of a fresh network of this size lies (real first epochs: 94 to
98.9).
"""
UNTRAINED = 30.0
"""Percent below which no epoch on digits was trained: one in ten is right by chance, and a first epoch has
more than 80.
"""
FRESH_DROP = 0.3
"""Points by which a fresh network starts below the last epoch of the one before; epochs of one run vary by
0.1.
"""


class Reading(NamedTuple):
    """One test accuracy with what precedes it. `bars` says whether a progress bar was drawn before it."""

    place: Place
    accuracy: Accuracy
    marker: Marker | None
    train: float | None
    excerpt: str
    bars: bool
    group: str = ""
    """The run, fold or network that it is of, where lines or columns tell several apart."""
    setting: str = ""
    """A setting of the training with its value, where the line names one before the accuracy and no epoch."""
    tabular: bool = False
    """Whether it is a row of a table."""


class Segment(NamedTuple):
    """Readings of one print statement, in order."""

    readings: tuple[Reading, ...]
    shape: str
    after_loop: bool = False
    """Whether a log of several epochs stands before it in the same cell."""

    @property
    def looped(self) -> bool:
        """Whether they came out of a training loop: several, or one with an epoch number or a training bar
        before it.

        Behind a whole log in the same cell, a bar is that log's, and a single line without a number is its
        final evaluation.
        """
        if len(self.readings) > 1 or self.readings[0].marker is not None:
            return True
        return not self.after_loop and (self.readings[0].bars or self.readings[0].train is not None)


def segments(readings: Sequence[Reading]) -> list[Segment]:
    """Group the readings of one cell by print statement; of two that alternate, that of the test digits
    stays, else the more precise one.
    """
    groups: dict[str, list[int]] = {}
    for index, reading in enumerate(readings):
        groups.setdefault(reading.accuracy.shape, []).append(index)

    def rank(shape: str) -> tuple[int, bool, bool, int]:
        first = readings[groups[shape][0]].accuracy
        return -len(groups[shape]), first.validation, first.total is None, groups[shape][0]

    order = sorted(groups, key=rank)
    kept: list[str] = []
    for shape in order:
        span = groups[shape]
        if any(span[0] < groups[k][-1] and span[-1] > groups[k][0] for k in kept):
            continue  # interleaved: the same epochs, printed a second time
        kept.append(shape)
    kept.sort(key=lambda s: groups[s][0])
    loops = [groups[s][-1] for s in kept if len(groups[s]) > 1]
    return [
        Segment(tuple(readings[i] for i in groups[s]), s, any(end < groups[s][0] for end in loops))
        for s in kept
    ]


def left_out(readings: Sequence[Reading], kept: Sequence[Segment]) -> list[Reading]:
    """Readings that belong to no segment and show no accuracy of one: not the same epochs, printed twice."""
    shown = [r for segment in kept for r in segment.readings]
    places = {(r.place, r.accuracy.shape) for r in shown}
    rest = [r for r in readings if (r.place, r.accuracy.shape) not in places]
    return [r for r in rest if not any(_same(r.accuracy, other.accuracy) for other in shown)]


def _same(one: Accuracy, other: Accuracy) -> bool:
    return abs(one.percent - other.percent) <= one.half_unit + other.half_unit + 1e-9


def split_outside(segment: Segment, loop: Loop) -> list[Segment]:
    """Cut off what is printed outside the loop by the same test: of the untrained network before it, of the
    trained one after it.
    """
    items = segment.readings
    before, after = _outside(items, loop)
    end = len(items) - after
    if not before + after or before >= end:
        return [segment]
    parts = [items[i : i + 1] for i in range(before)], [items[i : i + 1] for i in range(end, len(items))]
    alone = [[segment._replace(readings=part, after_loop=True) for part in side] for side in parts]
    return [*alone[0], segment._replace(readings=items[before:end]), *alone[1]]


def _outside(items: Sequence[Reading], loop: Loop) -> tuple[int, int]:
    """How many readings stand before a loop and after it."""
    planned = {loop.length, *(r.marker.planned for r in items if r.marker)} - {None}
    if len(items) in planned:
        return 0, 0
    untrained = items[0].accuracy.percent < UNTRAINED
    marked = [i for i, r in enumerate(items) if r.marker is not None]
    if not marked:
        if len(items) - loop.before - loop.after in planned:
            return loop.before, loop.after
        return (1, 0) if untrained and len(items) - 1 in planned else (0, 0)
    if len(marked) != marked[-1] - marked[0] + 1:
        return 0, 0  # not every epoch is numbered
    lead, trail = marked[0], len(items) - 1 - marked[-1]
    if untrained and len(items) > 1 and items[0].marker and items[1].marker:
        twice = items[0].marker.printed == items[1].marker.printed
        return (1 if twice else 0), (trail if len(marked) > 1 or trail == loop.after else 0)
    return (
        lead if lead == loop.before or (lead == 1 and untrained) else 0,
        trail if len(marked) > 1 or trail == loop.after else 0,
    )


def split_loops(segment: Segment, length: int | None) -> list[Segment]:
    """Cut an unnumbered log that is several times as long as its loop, where every part starts like an
    untrained network.
    """
    items = segment.readings
    if not length or len(items) <= length or len(items) % length or any(r.marker for r in items):
        return [segment]
    starts = range(length, len(items), length)
    if not all(is_fresh(items[i - 1], items[i]) for i in starts):
        return [segment]
    return [segment._replace(readings=items[i : i + length]) for i in (0, *starts)]


def is_fresh(before: Reading, after: Reading) -> bool:
    """Whether an accuracy falls to that of an untrained network."""
    return (
        after.accuracy.percent < FRESH_BELOW and after.accuracy.percent < before.accuracy.percent - FRESH_DROP
    )


_MAKES_MODEL = re.compile(
    r"(?m)^[ "
    r"\t]*(?:model|net|network|cnn|mnist_\w+|\w*model\w*|\w*net\w*)\s*=\s*[\w.]+\(|=\s*\w*[Nn]et\w*\(|=\s*\w*Model\w*\(|\(\s*\w*Net\w*\(\)"
)


def joins(before: Segment, after: Segment, source: str) -> bool:
    """Whether a cell goes on training the network of the cell before: no new model is made, and accuracy or
    numbering go on.
    """
    if _MAKES_MODEL.search(source):
        return False
    last, first = before.readings[-1], after.readings[0]
    if last.marker and not any(r.marker for r in after.readings):
        return False  # the loop numbers its epochs, and these carry no number: the same test, called again
    if last.marker and first.marker and first.marker.printed == last.marker.printed + 1:
        return True
    return not is_fresh(last, first)


class Whose(NamedTuple):
    """The document that a run stands in, and where in it."""

    origin: Origin
    artefact: str
    main: bool
    cells: tuple[int, ...] = ()
    heading: str = ""


def to_run(
    segment: Segment,
    whose: Whose,
    loop: Loop,
    *,
    kind: SequenceKind = SequenceKind.LOG,
    broken: tuple[str, ...] = (),
    stops_early: bool = False,
    start_cut: bool = False,
) -> Run:
    """Make a run of the readings and say what is missing from it."""
    items = segment.readings
    coarsest = min(
        r.accuracy.half_unit for r in items
    )  # `99.4` beside `99.41` was 99.40: Python drops the zero
    announced = [r.marker.planned for r in items if r.marker and r.marker.planned]
    epochs = tuple(
        to_epoch(r, half_unit=min(r.accuracy.half_unit, coarsest), train_percent=r.train) for r in items
    )
    planned = max(announced) if announced else loop.length
    if whose.origin is Origin.README and _shows_some(epochs):
        kind = SequenceKind.EXCERPT
    unnumbered = all(r.marker is None for r in items)
    some = loop.some and unnumbered and planned is not None and len(items) < planned
    if some:
        kind = SequenceKind.EXCERPT  # of every second epoch say, and nobody can tell which is which
    return Run(
        origin=whose.origin,
        artefact=whose.artefact,
        main=whose.main,
        epochs=epochs,
        kind=SequenceKind.EXCERPT if kind is SequenceKind.EXCERPT else SequenceKind.LOG,
        start_cut=start_cut,
        cells=whose.cells,
        planned=planned,
        starts_at=loop.first,
        rounded_percent=any(r.accuracy.rounded for r in items),
        gaps=(
            *broken,
            *_gaps(epochs, planned, kind=kind, cells=len(whose.cells), stops_early=stops_early and not some),
        ),
        heading=whose.heading,
    )


def to_epoch(reading: Reading, *, half_unit: float, train_percent: float | None = None) -> Epoch:
    """Make the record of one reading."""
    told = reading.accuracy
    return Epoch(
        place=reading.place,
        percent=told.percent,
        half_unit=half_unit,
        printed=reading.marker.printed if reading.marker else None,
        correct=told.correct,
        total=told.total,
        shown=told.shown,
        train_percent=train_percent,
        excerpt=reading.excerpt,
    )


def _shows_some(epochs: tuple[Epoch, ...]) -> bool:
    """Whether a quoted log shows fewer than half of the epochs between its first and its last number."""
    known = [e.printed for e in epochs if e.printed is not None]
    return len(known) == len(epochs) > 1 and known[-1] - known[0] + 1 > 2 * len(known)


def _gaps(
    epochs: tuple[Epoch, ...], planned: int | None, *, kind: SequenceKind, cells: int, stops_early: bool
) -> list[str]:
    gaps: list[str] = []
    numbers = [e.printed for e in epochs]
    known = [n for n in numbers if n is not None]
    if not known:
        if planned is None:
            gaps.append(
                "the log does not number its epochs and no loop length was found, so nobody can tell "
                "whether all are there"
            )
    elif len(known) < len(numbers):
        if planned != len(epochs):
            gaps.append(f"{len(numbers) - len(known)} of {len(numbers)} epochs carry no number")
    else:
        if kind is SequenceKind.EXCERPT and known[0] > 1:
            gaps.append(f"the log starts with epoch {known[0]}")
        jumps = [(a, b) for a, b in itertools.pairwise(known) if b != a + 1]
        if len(jumps) > max(cells - 1, 0) or any(b > a + 1 for a, b in jumps):
            a, b = jumps[0]
            gaps.append(f"after epoch {a} comes epoch {b}")
    if planned is not None and len(epochs) < planned and not stops_early and not gaps:
        gaps.append(f"{planned} epochs were planned, {len(epochs)} are in the log")
    return gaps
