"""Tables of epochs (aligned text, Markdown, data frames): a header names the columns, rows hold the numbers."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from grader.extract.log_lines import Accuracy, Marker, Split


class TableRow(NamedTuple):
    """One epoch of a table."""

    accuracy: Accuracy
    marker: Marker | None
    train: float | None


class _Columns(NamedTuple):
    epoch: int | None
    test: int
    train: int | None
    width: int


_ACCURACY = re.compile(r"acc", re.IGNORECASE)
_TEST = re.compile(r"(?<![a-z])(?:test|val)", re.IGNORECASE)
_TRAIN = re.compile(r"(?<![a-z])train", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"best|max|tta|target", re.IGNORECASE)
_EPOCH = re.compile(r"^\W*(?:epochs?|#)\W*(?:no|num|number)?\W*$", re.IGNORECASE)
_NUMBER = re.compile(r"^\W*?(\d+(?:\.\d+)?)\s*%?\W*$")


def table_rows(lines: Sequence[str]) -> dict[int, TableRow]:
    """Index of a line -> the epoch that it holds, for every table with an accuracy column for test or validation."""
    found: dict[int, TableRow] = {}
    columns: _Columns | None = None
    misses = 0
    for index, line in enumerate(lines):
        header = _header(line)
        if header:
            columns, misses = header, 0
            continue
        if columns is None:
            continue
        row = _row(_split(line), columns)
        if row:
            found[index] = row
            misses = 0
        elif re.search(r"\w", line):
            misses += 1
            if misses > 2:
                columns = None
    return found


def _header(line: str) -> _Columns | None:
    if "acc" not in line.lower() or len(line) > 400:
        return None
    cells = _split(line)
    if len(cells) < 2 or any(_NUMBER.match(c) for c in cells):
        return None
    tests = [
        i for i, c in enumerate(cells) if _ACCURACY.search(c) and _TEST.search(c) and not _NOT_PLAIN.search(c)
    ]
    trains = [i for i, c in enumerate(cells) if _ACCURACY.search(c) and _TRAIN.search(c)]
    epochs = [i for i, c in enumerate(cells) if _EPOCH.match(c)]
    if len(tests) != 1 or not (epochs or trains) or not all(len(c) <= 40 for c in cells):
        return None
    return _Columns(epochs[0] if epochs else None, tests[0], trains[0] if trains else None, len(cells))


def _split(line: str) -> list[str]:
    if "|" in line or "│" in line:
        parts = [c.strip() for c in re.split(r"[|│]", line)]
        return parts[(1 if not parts[0] else 0) : (len(parts) - 1 if not parts[-1] else None)]
    if "\t" in line.strip():
        return [c.strip() for c in line.strip().split("\t")]
    wide = [c for c in re.split(r"\s{2,}", line.strip()) if c]
    return wide if len(wide) > 1 else line.split()


def _row(cells: list[str], columns: _Columns) -> TableRow | None:
    shift = len(cells) - columns.width  # a data frame prints its index before the first column
    if shift not in (0, 1):
        return None
    value = _NUMBER.match(cells[columns.test + shift])
    if not value:
        return None
    epoch = _NUMBER.match(cells[columns.epoch + shift]) if columns.epoch is not None else None
    if columns.epoch is not None and not (epoch and "." not in epoch.group(1)):
        return None
    percent, half = _percent(value.group(1), fraction="%" not in cells[columns.test + shift])
    if percent > 100.0:
        return None
    train = _NUMBER.match(cells[columns.train + shift]) if columns.train is not None else None
    return TableRow(
        Accuracy(Split.TEST, percent, half, None, None, False, False, "table"),
        Marker(int(epoch.group(1)), None) if epoch else None,
        _percent(train.group(1), fraction="%" not in train.group())[0] if train else None,
    )


def _percent(number: str, *, fraction: bool) -> tuple[float, float]:
    value, half = float(number), 0.5 * 10.0 ** -len(number.partition(".")[2])
    if value <= 1.0 and fraction and "." in number:
        return round(value * 100, 10), half * 100
    return value, half
