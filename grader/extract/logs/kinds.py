"""What a sequence of test accuracies is: the log of a run, an excerpt of one, a table of runs, an echo, a
single value.

Only a log says that a run reached a threshold within so many epochs. Everything that reads accuracies comes
through here, saved outputs and quoted text alike, so that a row of a leaderboard is no epoch anywhere.
"""

import ast
import itertools
from collections.abc import Sequence

from grader.core.evidence.logs import Epoch, Origin, Run, SequenceKind
from grader.extract.logs.runs import Reading, Segment, is_fresh
from grader.extract.logs.source.loops import Loop

LATEST_START = 1
"""Highest number that the first epoch of a log carries where no loop says otherwise: loops count from 0 or
from 1.
"""
LATEST_LOOP = 2
"""Highest first number of a loop that trains from the start: `range(2, 21)` happens, `range(20, 40)` goes on
with a training.
"""


def kind_of(segment: Segment, *, echoed: bool = False, loop: Loop | None = None) -> SequenceKind:
    """Return what the readings of one print statement are; `loop` is what the source says of the loop that
    prints them.
    """
    readings = segment.readings
    if echoed:
        return SequenceKind.ECHO
    if _is_table_of_runs(readings):
        return SequenceKind.TABLE_OF_RUNS
    if len(readings) == 1 and not segment.looped:
        return SequenceKind.SINGLE
    number = readings[0].marker.printed if readings[0].marker else None
    started = number is None or number <= LATEST_START or _is_first_of(loop, number, len(readings))
    return SequenceKind.LOG if started else SequenceKind.EXCERPT


def _is_first_of(loop: Loop | None, number: int, shown: int) -> bool:
    """Whether a loop gives its first epoch this number, or prints one more than it gives (`epoch + 1` over
    `range(1, 20)`) with each of its epochs shown.
    """
    if loop is None or loop.first is None or number > LATEST_LOOP:
        return False
    return number == loop.first or (number == loop.first + 1 and shown == loop.length)


def _is_table_of_runs(readings: Sequence[Reading]) -> bool:
    """Whether each reading is of another run: no two neighbours share one, and no epoch numbers run through
    them.
    """
    groups = [r.group for r in readings]
    if not all(groups):
        # unnumbered lines that each name another value of a setting first list the results of several
        # trainings
        settings = {r.setting for r in readings if r.marker is None}
        return len(readings) > 1 and "" not in settings and len(settings) == len(readings)
    if len(readings) == 1:
        return readings[0].tabular
    apart = all(a != b for a, b in itertools.pairwise(groups))
    numbers = [r.marker.printed for r in readings if r.marker]
    numbered = len(numbers) == len(readings) and all(b == a + 1 for a, b in itertools.pairwise(numbers))
    return apart and (not numbered or readings[0].tabular)


def split_runs(segment: Segment) -> list[Segment]:
    """Cut a print statement's readings into runs: at another fold, seed or network, and where an untrained
    network starts.

    A table of runs stays whole. Epochs that repeat what was read already, after the numbering went back, are
    an excerpt.
    """
    if _is_table_of_runs(segment.readings):
        return [segment]
    parts: list[list[Reading]] = []
    for reading in segment.readings:
        if parts and not _starts_anew(parts[-1], reading):
            parts[-1].append(reading)
        else:
            parts.append([reading])
    return [segment._replace(readings=tuple(p)) for p in parts]


def _starts_anew(before: Sequence[Reading], after: Reading) -> bool:
    last = before[-1]
    if last.group != after.group and last.group and after.group:
        return True
    if last.marker is None or after.marker is None or after.marker.printed > last.marker.printed:
        return False
    seen = any(
        r.marker is not None
        and r.marker.printed == after.marker.printed
        and r.accuracy.percent == after.accuracy.percent
        for r in before
    )
    return seen or is_fresh(last, after)


def repeats(run: Run, other: Run) -> bool:
    """Whether a run only prints another one of the same document again up to its end, say as a table below
    the log.
    """
    if not _same_document(run, other) or not 1 < len(run.epochs) <= len(other.epochs):
        return False
    tail = other.epochs[len(other.epochs) - len(run.epochs) :]
    return all(a.as_accurate_as(b) for a, b in zip(run.epochs, tail, strict=True))


def is_excerpt_of(run: Run, other: Run) -> bool:
    """Whether a run shows some epochs of another one of the same document, under their numbers.

    In a notebook two trainings may print the same: only what does not start with a first epoch is an excerpt
    there.
    """
    if not _same_document(run, other) or len(run.epochs) >= len(other.epochs):
        return False
    if run.origin is not Origin.README and run.kind is not SequenceKind.EXCERPT:
        return False
    by_number: dict[int | None, Epoch] = {e.printed: e for e in other.epochs}
    by_number.pop(None, None)
    return all((same := by_number.get(e.printed)) is not None and e.as_accurate_as(same) for e in run.epochs)


def _same_document(run: Run, other: Run) -> bool:
    return run.artefact == other.artefact and run.origin is other.origin


def shown_text(text: str) -> list[str]:
    """Lines of an output that is the value of an expression: a string shows its `\\n` as two characters."""
    stripped = text.strip()
    if stripped[:1] in "'\"" and "\\n" in stripped and len(stripped) < 200_000:
        try:
            value = ast.literal_eval(stripped)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return text.split("\n")
        if isinstance(value, str):
            return value.split("\n")
    return text.split("\n")
