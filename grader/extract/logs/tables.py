"""Tables of accuracies (aligned text, Markdown, CSV, data frames): a header names the columns, rows hold the
numbers.

A table may list the epochs of a run or the results of several runs. What tells them apart is which column
changes: rows of one configuration are epochs of one run, and a row that is alone in its configuration is a
run of its own.
"""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from grader.extract.logs.lines import Accuracy, Marker, Split, half_unit


class TableRow(NamedTuple):
    """One row of a table. `group` names the run that it belongs to, where the table tells several apart."""

    accuracy: Accuracy
    marker: Marker | None
    train: float | None
    group: str


class _Columns(NamedTuple):
    epoch: int | None
    counts: bool
    """Whether the column is headed `epochs`, which may say how many were trained rather than which one it is.
    """
    test: int
    train: int | None
    wrong: bool
    """Whether the column holds the error rate in place of the accuracy."""
    settings: tuple[int, ...]
    """Columns that name a run: its network, optimizer, seed."""
    width: int
    comma: str
    rate: int | None = None
    """The column of the learning rate, which a schedule changes from epoch to epoch."""
    bare: bool = False
    """Whether the columns are headed `train` and `test` alone: accuracies where they are percents."""


class _Row(NamedTuple):
    at: int
    cells: tuple[str, ...]
    row: TableRow


_ACCURACY = re.compile(r"acc", re.IGNORECASE)
_TEST = re.compile(r"(?<![a-z])(?:test|val)", re.IGNORECASE)
_TRAIN = re.compile(r"(?<![a-z])train", re.IGNORECASE)
_LOSS = re.compile(r"loss", re.IGNORECASE)
_ERROR_RATE = re.compile(r"^\W*error[\s_]rate\W*$", re.IGNORECASE)
_NOT_PLAIN = re.compile(r"best|max|tta|target", re.IGNORECASE)
_EPOCH = re.compile(r"^\W*(?:ep|epoch(?P<s>s)?|#)\W*(?:no|num|number)?\W*$", re.IGNORECASE)
_SETTING = re.compile(
    r"(?<![a-z])(?:runs?|exp|experiments?|optimi[sz]er|models?|networks?|nets?|arch\w*|config\w*|variants?|trials?|seeds?|folds?"
    r"|notebooks?|files?|name|versions?|attempts?|methods?|param\w*|batch[\s_-]*size|augment\w*|drop\s?out|activation|norm\w*"
    r"|schedul\w*|momentum|best[\s_]epoch)(?![a-z])",
    re.IGNORECASE,
)
_RATE = re.compile(r"^\W*(?:lr|learning[\s_-]*rate)\W*$", re.IGNORECASE)
_NUMBER = re.compile(r"^\W*?(\d+(?:\.\d+)?)\s*%?\W*$")
_FRACTION = re.compile(r"^\W*?(\d{2,7})\s*/\s*(\d{3,7})(?:\s*\(?\s*(\d+(?:\.\d+)?)\s*%?\s*\)?)?\W*$")
_WHICH = re.compile(r"^\W*(?:epoch\W*)?(\d{1,4})(?:\s*(?:/|of)\s*(\d{1,4}))?\W*$", re.IGNORECASE)


def table_rows(lines: Sequence[str]) -> dict[int, TableRow]:
    """Index of a line -> the accuracy that it holds, for every table with an accuracy column for test or
    validation.
    """
    found: dict[int, TableRow] = {}
    columns: _Columns | None = None
    rows: list[_Row] = []
    misses = 0
    for index, line in enumerate(lines):
        header = _header(line)
        if header:
            found |= _grouped(rows, columns)
            columns, rows, misses = header, [], 0
            continue
        if columns is None:
            continue
        cells = _split(line, columns.comma)
        row = _row(cells, columns)
        if row:
            rows.append(_Row(index, tuple(cells), row))
            misses = 0
        elif re.search(r"\w", line):
            misses += 1
            if misses > 2:
                found |= _grouped(rows, columns)
                columns, rows = None, []
    return found | _grouped(rows, columns)


def _grouped(rows: Sequence[_Row], columns: _Columns | None) -> dict[int, TableRow]:
    """Name the run of every row: the cells that name it, or its own line where the table counts epochs, not
    numbers them.
    """
    if columns is None:
        return {}
    named = {r.at: _named(r.cells, columns) for r in rows}
    if len(set(named.values())) == 1 and (_counts_epochs(rows, columns) or _differ(rows, columns)):
        named = {r.at: f"row {r.at}" for r in rows}
    return {r.at: r.row._replace(group=named[r.at]) for r in rows}


def _named(cells: Sequence[str], columns: _Columns) -> str:
    shift = len(cells) - columns.width
    return " | ".join(cells[i + shift].strip("*` ").lower() for i in columns.settings)


def _counts_epochs(rows: Sequence[_Row], columns: _Columns) -> bool:
    """Whether the epoch column holds lengths of runs: the same number over and over, or, headed `epochs`, no
    sequence.
    """
    numbers = [r.row.marker.printed for r in rows if r.row.marker]
    if len(numbers) < 2:
        return columns.counts and bool(numbers)
    if len(set(numbers)) == 1:
        return True
    return columns.counts and any(b != a + 1 for a, b in itertools.pairwise(numbers))


def _differ(rows: Sequence[_Row], columns: _Columns) -> bool:
    """Whether each row has another learning rate and its epochs do not run through: the rows are of several
    trainings.
    """
    if columns.rate is None or len(rows) < 2:
        return False
    rates = {r.cells[columns.rate + len(r.cells) - columns.width] for r in rows}
    numbers = [r.row.marker.printed for r in rows if r.row.marker]
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    return len(rates) == len(rows) and not (len(steps) == 1 and min(steps) > 0)


def _header(line: str) -> _Columns | None:
    lowered = line.lower()
    named = "acc" in lowered or "error" in lowered
    if not (named or (("test" in lowered or "val" in lowered) and "ep" in lowered)) or len(line) > 400:
        return None
    comma = next((c for c in (",", ";") if line.count(c) >= 1 and not re.search(r"[|│\t]", line)), "")
    cells = _split(line, comma)
    if len(cells) < 2 or any(_NUMBER.match(c) for c in cells) or not all(len(c) <= 40 for c in cells):
        return None
    tests, wrong = _test_columns(cells) if named else (_bare(_TEST, cells), False)
    trains = [i for i, c in enumerate(cells) if _ACCURACY.search(c) and _TRAIN.search(c)]
    trains = trains if named else _bare(_TRAIN, cells)
    epochs = [(i, m) for i, c in enumerate(cells) if (m := _EPOCH.match(c))]
    epochs.sort(
        key=lambda found: "#" in found[1].group()
    )  # a column headed # counts rows beside one headed epoch
    losses = any(_LOSS.search(c) for c in cells)  # a history: one row for each epoch, numbered by its index
    if len(tests) != 1 or not (epochs or trains or losses):
        return None
    if not named and not (epochs and len(trains) == 1 and not losses):
        return None
    plain = {tests[0], *trains, *(i for i, _ in epochs)}
    names = [i for i, c in enumerate(cells) if i not in plain and _SETTING.search(c) and not _LOSS.search(c)]
    if not epochs:
        names += [i for i, c in enumerate(cells) if _RATE.match(c)]
    return _Columns(
        epoch=epochs[0][0] if epochs else None,
        counts=bool(epochs and epochs[0][1].group("s")),
        test=tests[0],
        train=trains[0] if trains else None,
        wrong=wrong,
        settings=tuple(sorted(names)),
        width=len(cells),
        comma=comma,
        rate=next((i for i, c in enumerate(cells) if _RATE.match(c)), None),
        bare=not named,
    )


_ALONE = re.compile(r"^\W*(?:train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?)(?:\s+set)?\W*$", re.IGNORECASE)
_PERCENT = re.compile(r"\W*(?:[5-9]\d|100)\.\d+\s*%?\W*")


def _bare(half: re.Pattern[str], cells: Sequence[str]) -> list[int]:
    """The columns that are headed by the name of a half and nothing else."""
    return [i for i, c in enumerate(cells) if half.search(c) and _ALONE.match(c)]


def _test_columns(cells: Sequence[str]) -> tuple[list[int], bool]:
    """Columns of the test accuracy, and whether they hold the error rate.

    fastai names its metrics without a split and takes them on the validation set, whose loss stands in the
    same row.
    """
    tests = [
        i for i, c in enumerate(cells) if _ACCURACY.search(c) and _TEST.search(c) and not _NOT_PLAIN.search(c)
    ]
    if tests or not any(_LOSS.search(c) and _TEST.search(c) for c in cells):
        return tests, False
    plain = [i for i, c in enumerate(cells) if re.fullmatch(r"\W*acc(?:uracy)?\W*", c, re.IGNORECASE)]
    if plain:
        return plain, False
    return [i for i, c in enumerate(cells) if _ERROR_RATE.match(c)], True


def _split(line: str, comma: str = "") -> list[str]:
    if "|" in line or "│" in line or "┃" in line:
        parts = [c.strip() for c in re.split(r"[|│┃]", line)]
        return parts[(1 if not parts[0] else 0) : (len(parts) - 1 if not parts[-1] else None)]
    if comma:
        return [c.strip() for c in line.strip().split(comma)]
    if "\t" in line.strip():
        return [c.strip() for c in line.strip().split("\t")]
    wide = [c for c in re.split(r"\s{2,}", line.strip()) if c]
    return wide if len(wide) > 1 else line.split()


def _row(cells: Sequence[str], columns: _Columns) -> TableRow | None:
    shift = len(cells) - columns.width  # a data frame prints its index before the first column
    if shift not in (0, 1):
        return None
    accuracy = _accuracy(cells[columns.test + shift], wrong=columns.wrong)
    if accuracy is None or (columns.bare and not _PERCENT.fullmatch(cells[columns.test + shift])):
        return None
    which = _WHICH.match(cells[columns.epoch + shift]) if columns.epoch is not None else None
    if columns.epoch is not None and not which:
        return None
    train = _accuracy(cells[columns.train + shift], wrong=False) if columns.train is not None else None
    return TableRow(
        accuracy,
        Marker(int(which.group(1)), int(which.group(2)) if which.group(2) else None) if which else None,
        train.percent if train else None,
        "",
    )


def _accuracy(cell: str, *, wrong: bool) -> Accuracy | None:
    if fraction := _FRACTION.match(cell):
        correct, total, beside = int(fraction.group(1)), int(fraction.group(2)), fraction.group(3) or ""
        if not 0 < correct <= total:
            return None
        rounded = bool(beside) and "." not in beside
        return Accuracy(
            Split.TEST, 100 * correct / total, 0.0, correct, total, rounded, False, "table", beside
        )
    value = _NUMBER.match(cell)
    if not value:
        return None
    percent, half = _percent(value.group(1), fraction="%" not in cell)
    if percent > 100.0:
        return None
    return Accuracy(
        Split.TEST, 100.0 - percent if wrong else percent, half, None, None, False, False, "table"
    )


def _percent(number: str, *, fraction: bool) -> tuple[float, float]:
    value, half = float(number), half_unit(number)
    if value <= 1.0 and fraction and "." in number:
        return round(value * 100, 10), half * 100
    return value, half
