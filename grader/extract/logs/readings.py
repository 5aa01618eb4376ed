"""Lines of one cell or text -> test accuracies in order, each with the number of its epoch and what was
trained before it.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from grader.core.assigned_data import MNIST, DataSet
from grader.core.place import Place
from grader.extract.logs.lines import Marker, Split, is_alone, is_open, read_line
from grader.extract.logs.runs import Reading
from grader.extract.logs.tables import table_rows

MAX_LINE = 2_000
"""Characters of a line that are looked at; accuracies stand at its start or its end."""
MAX_LINES = 200_000


class Text(NamedTuple):
    """One line with its place."""

    place: Place
    text: str
    bar_channel: bool


def readings(
    lines: Iterable[Text], data: DataSet = MNIST, stated: list[Reading] | None = None
) -> list[Reading]:
    """Every test accuracy of some lines in order, each with the epoch marker that precedes it.

    Those that sum up, and the second of a line, are put into `stated`: they are no epochs.
    """
    beside: list[Reading] = [] if stated is None else stated
    found: list[Reading] = []
    marker: Marker | None = None
    context = Split.UNSAID
    train: float | None = None
    running: dict[int, float] = {}
    bars = 0
    run = held = ""
    texts = list(lines)[:MAX_LINES]
    tables = table_rows([t.text for t in texts])
    for index, (place, whole, _) in enumerate(texts):
        row = tables.get(index)
        if row:
            excerpt = whole.strip()[:200]
            found.append(
                Reading(
                    place, row.accuracy, row.marker, row.train, excerpt, bars > 0, row.group, tabular=True
                )
            )
            continue
        last: dict[int | None, Reading] = {}
        for piece in _redraws(_shortened(whole)):
            shown, held = _completed(_undress(piece), held)
            line = read_line(shown, data)
            run = line.group or run
            if line.marker:
                marker, context = line.marker, Split.UNSAID
            if line.bar:
                bars += 1
            if line.running:
                running[line.running[1]] = line.running[0]
            for accuracy in line.accuracies:
                split = accuracy.split if accuracy.split is not Split.UNSAID else context
                if split is Split.TRAIN and not accuracy.statement:
                    train = accuracy.percent
                elif split is Split.TEST:
                    key = line.marker.printed if line.marker else None
                    told = accuracy._replace(split=split)
                    trained = train if train is not None or line.bar else _of_training(running)
                    reading = Reading(
                        place, told, marker, trained, piece.strip()[:200], bars > 0, run, line.setting
                    )
                    beside += _keep(last, key, reading)
            if line.split is not Split.UNSAID and not line.accuracies and not line.bar:
                context = line.split
        if last:
            found.extend(last.values())
            marker, train, running = None, None, {}
    return _without_stale_number(_without_training_digits(found, data))


def _shortened(text: str) -> str:
    """The start and the end of a long line that is not drawn over."""
    if len(text) <= MAX_LINE or "\r" in text:
        return text
    return text[: MAX_LINE // 2] + " " + text[-MAX_LINE // 2 :]


def _completed(shown: str, held: str) -> tuple[str, str]:
    """A line, behind the label that stands on the line before its value; and the label that is still open."""
    if held and is_alone(shown):
        return f"{held} {shown}", ""
    return shown, shown if is_open(shown) else held if not shown.strip() else ""


def _without_training_digits(found: list[Reading], data: DataSet) -> list[Reading]:
    """Where one test prints the training digits and the test digits in turn, the former are no epochs: their
    number is that of the test digits after them.
    """
    if {data.training_images, data.test_images} - {r.accuracy.total for r in found}:
        return found
    kept: list[Reading] = []
    passed: Reading | None = None
    for reading in found:
        if reading.accuracy.total == data.training_images:
            passed = reading
            continue
        after = passed is not None and reading.accuracy.total == data.test_images
        kept.append(_behind(passed, reading) if passed is not None and after else reading)
        passed = None
    return kept


def _behind(trained: Reading, reading: Reading) -> Reading:
    return reading._replace(marker=reading.marker or trained.marker, train=trained.accuracy.percent)


def _keep(last: dict[int | None, Reading], key: int | None, reading: Reading) -> list[Reading]:
    """Take the last test accuracy of a line, that of the test digits before that of a validation part; return
    what is none.
    """
    told, before = reading.accuracy, last.get(key)
    if told.statement:
        return [] if told.wanted else [reading]
    if before is not None and told.validation and not before.accuracy.validation:
        return [reading]
    last[key] = reading
    return [before] if before is not None and before.accuracy.validation and not told.validation else []


def _of_training(running: dict[int, float]) -> float | None:
    """What the one bar before a test accuracy showed at its end; of two bars of different lengths, one may be
    the test's.
    """
    return next(iter(running.values())) if len(running) == 1 else None


def _without_stale_number(found: list[Reading]) -> list[Reading]:
    """Drop a number that stands at the first of many lines alone: that of the last bar, drawn into another
    stream before them.
    """
    numbered = [r for r in found if r.marker]
    if len(found) >= 3 and len(numbered) == 1 and found[0].marker and found[0].marker.printed > 1:
        return [found[0]._replace(marker=None), *found[1:]]
    return found


def _redraws(text: str) -> list[str]:
    """What a line showed over time: a terminal draws over it from the start at each `\\r`."""
    return [p for p in text.split("\r") if p.strip()] if "\r" in text else [text]


_DRESS = re.compile(
    r"\*\*|__(?=\S)|(?<=\S)__|`|<br\s*/?>|&nbsp;|</?(?:b|i|code|strong|em|u|p|li|font)[^>]{0,80}>",
    re.IGNORECASE,
)


def _undress(text: str) -> str:
    return _DRESS.sub("", text) if any(c in text for c in "*_`<&") else text
