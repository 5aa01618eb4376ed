"""Iteration tables: the longest run of known headers in a row, on any sheet, at any row, several to a sheet.

A parameter list beside a table may repeat names of it in the same row (`i1 | 0.05`), so a number between two
headers ends a run; and where the names of the inputs begin again, another table stands beside the first.
Whether a header tells the truth is decided later, by replay.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from grader.backprop.sheet_names import names
from grader.core.evidence.workbook import CellKind, Column, Sheet, Table, written_number
from grader.core.place import letters
from grader.extract.workbook.headers import canonical

MAX_GAP = 8
"""Unknown or empty columns between two known headers: helper columns."""
MAX_HELPERS = 30
"""Helper columns between a forward pass and its gradients: a chain rule written out factor by factor has 20.
"""
MAX_BLANK = 3
"""Empty rows that do not end a table."""


def min_names() -> int:
    """Distinct known names that make a header row: half of them (19 to 31 of 31 in 89 real books)."""
    return len(names().quantities) // 2


def tables_of(sheets: Iterable[Sheet]) -> tuple[Table, ...]:
    """All tables of a book under the names of the network that is read for; a sheet without headers may hold
    the formulas of one that has them.
    """
    pages = tuple(sheets)
    found = [find_tables(index, sheet) for index, sheet in enumerate(pages)]
    headed = [(pages[table.sheet], table) for tables in found for table in tables]
    for index, sheet in enumerate(pages):
        if not found[index] and headed and sheet.runs:
            found[index] = next(filter(None, (_without_headers(index, sheet, *one) for one in headed)), ())
    return tuple(table for tables in found for table in tables)


ALIKE = 2 / 3
"""Share of a table's columns of formulas whose formulas a sheet without headers has in the same columns."""


def _without_headers(index: int, sheet: Sheet, other: Sheet, table: Table) -> tuple[Table, ...]:
    """The table of a sheet that holds the formulas of another sheet's table, column by column."""
    here, there = _forms(sheet, 1, 1 << 30), _forms(other, table.first_row, table.last_row)
    written = [c for c in table.columns if there.get(c.column)]
    alike = [c for c in written if here.get(c.column, set()) & there[c.column]]
    if _distinct(written) < min_names() or len(alike) < ALIKE * len(written):
        return ()
    rows_of: dict[int, set[int]] = {}
    for run in sheet.runs:
        if run.kind is not CellKind.TEXT:
            rows_of.setdefault(run.column, set()).update(range(run.row, run.row + run.count))
    rows = sorted({row for c in alike for row in rows_of[c.column]})
    full = (row for row in rows if 3 * sum(row in rows_of.get(c.column, ()) for c in alike) >= len(alike))
    if (start := next(full, 0)) == 0:
        return ()
    above = start - 1
    first, last = _last_row(above, table.columns, rows_of, 1 << 30)
    found = Table(sheet=index, header_row=above, first_row=first, last_row=last, columns=table.columns)
    return (found,)


def _forms(sheet: Sheet, first: int, last: int) -> dict[int, set[int]]:
    """The formulas of each column in some rows."""
    found: dict[int, set[int]] = {}
    for run in sheet.runs:
        if run.form >= 0 and run.row <= last and run.row + run.count > first:
            found.setdefault(run.column, set()).add(run.form)
    return found


def find_tables(index: int, sheet: Sheet) -> tuple[Table, ...]:
    """All tables of a sheet, top to bottom."""
    found: dict[int, dict[int, tuple[str, str]]] = {}
    rows_of: dict[int, set[int]] = {}
    for run in sheet.runs:
        if run.kind is CellKind.TEXT and run.form < 0:
            for offset, text in enumerate(run.texts):
                quantity = canonical(text)
                if quantity:
                    found.setdefault(run.row + offset, {})[run.column] = (quantity, text)
                elif written_number(text) is not None:
                    rows_of.setdefault(run.column, set()).add(run.row + offset)
        elif run.kind is not CellKind.TEXT:
            rows_of.setdefault(run.column, set()).update(range(run.row, run.row + run.count))
    headers = []
    for row in sorted(found):
        headers += [
            (row, columns)
            for columns in _segments(row, found[row], rows_of)
            if _distinct(columns) >= min_names()
        ]
    tables = []
    for position, (row, columns) in enumerate(headers):
        below = [r for r, other in headers[position + 1 :] if r > row and _overlap(columns, other)]
        last = _last_row(row, columns, rows_of, min(below, default=1 << 30))
        tables.append(
            Table(sheet=index, header_row=row, first_row=last[0], last_row=last[1], columns=columns)
        )
    return tuple(tables)


def on_its_side(sheet: Sheet) -> str:
    """The column with the headers of a table that runs to the right instead of down; empty for none."""
    found: dict[int, set[str]] = {}
    named: dict[int, set[int]] = {}
    for run in sheet.runs:
        if run.kind is CellKind.TEXT and run.form < 0:
            for row, text in enumerate(run.texts, run.row):
                if quantity := canonical(text):
                    found.setdefault(run.column, set()).add(quantity)
                    named.setdefault(run.column, set()).add(row)
    for column in sorted(found):
        beside = _columns_of_numbers(sheet, named[column])
        if len(found[column]) >= min_names() and sum(other > column for other in beside) >= ITERATIONS:
            return letters(column)
    return ""


def is_without_headers(sheet: Sheet) -> bool:
    """Whether a sheet holds as many columns of numbers as a table has, and no row of words above them.

    Losses that run to the right, a row for each rate below one that counts the iterations, are no table.
    """
    if _counts_to_the_right(sheet):
        return False
    words: dict[int, int] = {}
    for run in sheet.runs:
        if run.kind is CellKind.TEXT:
            for row in range(run.row, run.row + run.count):
                words[row] = words.get(row, 0) + 1
    return max(words.values(), default=0) < FEW and len(_columns_of_numbers(sheet, None)) >= min_names()


def _counts_to_the_right(sheet: Sheet) -> bool:
    """Whether the first numbers of a sheet without formulas are a row of 0, 1, 2, … or such steps, or a word
    stands left of the numbers of each row. Tables of iterations have more rows: pandas numbers their columns
    in that way, too.
    """
    typed = [run for run in sheet.runs if run.kind is CellKind.NUMBER]
    if any(run.form >= 0 for run in sheet.runs) or not typed:
        return False
    starts: dict[int, int] = {}
    for run in sorted(typed, key=lambda run: -run.column):
        starts.update(dict.fromkeys(range(run.row, run.row + run.count), run.column))
    if len(starts) > MOST_LINES:
        return False
    words = {
        (row, run.column)
        for run in sheet.runs
        if run.kind is CellKind.TEXT
        for row in range(run.row, run.row + run.count)
    }
    if all((row, column - 1) in words for row, column in starts.items()):
        return True
    top = min(run.row for run in typed)
    row = [run.numbers[0] for run in sorted(typed, key=lambda run: run.column) if run.row == top]
    steps = {after - before for before, after in pairwise(row)}
    return len(row) >= min_names() and len(steps) == 1 and min(steps) >= 1.0 and row[0] in (0.0, 1.0, *steps)


MOST_LINES = 12
"""Rows of losses that run to the right, one for each rate and one that counts: six rates make seven."""
FEW = 5
"""Words in one row from which they are headers of something."""
ITERATIONS = 3
"""Rows, or columns on its side, from which numbers are those of iterations and no list of parameters."""


def _columns_of_numbers(sheet: Sheet, rows: set[int] | None) -> list[int]:
    """The columns that hold numbers in at least half of some rows; in a few rows where none are given."""
    numbers: dict[int, set[int]] = {}
    for run in sheet.runs:
        if run.kind is not CellKind.TEXT:
            numbers.setdefault(run.column, set()).update(range(run.row, run.row + run.count))
    need = ITERATIONS if rows is None else len(rows) / 2
    return sorted(c for c, held in numbers.items() if len(held if rows is None else held & rows) >= need)


def _segments(
    row: int, found: dict[int, tuple[str, str]], rows_of: dict[int, set[int]]
) -> list[tuple[Column, ...]]:
    segments: list[list[Column]] = []
    previous = 0
    for column in sorted(found):
        quantity, text = found[column]
        joined = bool(segments) and column - previous <= _gap(segments[-1], quantity)
        joined = joined and not any(row in rows_of.get(c, ()) for c in range(previous + 1, column))
        joined = joined and not _begins_again(segments[-1], quantity)
        if not joined:
            segments.append([])
        segments[-1].append(Column(quantity=quantity, column=column, header=" ".join(text.split())[:60]))
        previous = column
    return [tuple(segment) for segment in segments]


def _gap(columns: list[Column], quantity: str) -> int:
    """How far the next header may stand from the last one: further where it is the first gradient of a
    forward pass.
    """
    known = {column.quantity for column in columns}
    gradients = names().gradients
    completes = quantity in gradients and len(known) >= min_names() and not known & set(gradients)
    return MAX_HELPERS if completes else MAX_GAP


def _begins_again(columns: list[Column], quantity: str) -> bool:
    """Whether a name of the first columns stands behind a whole table: tables were put side by side."""
    return (
        quantity in (*names().inputs, *names().weights[:1])
        and any(column.quantity == quantity for column in columns)
        and _distinct(columns) >= min_names()
    )


def _distinct(columns: Sequence[Column]) -> int:
    return len({column.quantity for column in columns})


def _overlap(one: tuple[Column, ...], other: tuple[Column, ...]) -> bool:
    return bool({c.column for c in one} & {c.column for c in other})


def _last_row(
    header: int, columns: tuple[Column, ...], rows_of: dict[int, set[int]], stop: int
) -> tuple[int, int]:
    """First and last row with numbers in at least a third of the columns; the header row itself where there
    is none.
    """
    need = max(1, len(columns) // 3)
    row, first, last, blank = header + 1, 0, header, 0
    while row < stop and blank <= MAX_BLANK:
        if sum(row in rows_of.get(c.column, ()) for c in columns) >= need:
            first, last, blank = first or row, row, 0
        else:
            blank += 1
        row += 1
    return first or header + 1, last
