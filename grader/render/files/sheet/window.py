"""Which rows and columns of a sheet are drawn: the head of each table, its first rows, the guilty cells with
their neighbours, and what lies between in a word.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from grader.core.evidence.workbook import Table
from grader.core.place import letters
from grader.render.files import words
from grader.render.pictures.cells import Area, area

ROWS: Final = 40
COLUMNS: Final = 24
"""Columns of a sheet with findings that are drawn."""
PLAIN_COLUMNS: Final = 40
"""Of one without: all columns of a table of the assignment, side by side."""
FIRST_ROWS: Final = 3
GAP: Final = "…"


class Window(NamedTuple):
    """Rows and columns from 1, in order; a text stands for those that are left out."""

    rows: tuple[int | str, ...]
    columns: tuple[int | str, ...]


def areas(ref: str | None) -> tuple[Area, ...]:
    """Return the rectangles of `K7`, `Z33:Z100` or several with commas; none for anything else."""
    return tuple(found for part in (ref or "").split(",") if (found := area(part)))


def window(tables: Sequence[Table], guilty: Sequence[Area], formulas: Sequence[tuple[int, int]]) -> Window:
    """Return what is drawn of a sheet with these tables, guilty cells and formulas typed as text (row,
    column).
    """
    rows: list[int] = []
    columns: list[int] = []
    for place in guilty:
        rows += [place.row, place.row + 1, place.last_row, place.row - 1]
        columns += [*range(place.column, min(place.last_column, place.column + 3) + 1)]
        columns += [place.column - 1, place.last_column + 1]
    for table in tables:
        last = range(table.first_row, min(table.first_row + FIRST_ROWS, table.last_row + 1))
        rows += [table.header_row, *last, table.last_row]
        columns += [column.column for column in table.columns[:1]]
    for row, column in formulas:
        rows.append(row)
        columns.append(column)
    if not guilty:
        columns += [column.column for table in tables for column in table.columns]
    most = COLUMNS if guilty else PLAIN_COLUMNS
    return Window(
        rows=tuple(_with_gaps(_first(rows, ROWS), _rows_between)),
        columns=tuple(_with_gaps(_first(columns, most), _columns_between)),
    )


def _first(numbers: Iterable[int], most: int) -> list[int]:
    return sorted(list(dict.fromkeys(n for n in numbers if n > 0))[:most])


def _with_gaps(numbers: Sequence[int], between: Callable[[int, int], str]) -> list[int | str]:
    found: list[int | str] = []
    last = 0
    for number in numbers:
        skipped = number - last - 1
        if skipped == 1:
            found.append(last + 1)
        elif skipped and (last or number > 1):
            found.append(between(last + 1, number - 1))
        found.append(number)
        last = number
    return found


def _rows_between(first: int, last: int) -> str:
    return words.ROWS_LEFT_OUT.format(first=first, last=last)


def _columns_between(first: int, last: int) -> str:
    return f"{letters(first)}–{letters(last)}"
