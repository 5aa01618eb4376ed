"""Which rows of a table are iterations."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from grader.backprop.sheet_names import names
from grader.core.evidence.workbook import Table
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell

_SUMMARY = re.compile(
    r"(?:_xlfn\.)?(?:AVERAGE|SUM|MIN|MAX|MEDIAN|COUNTA?|STDEV[A-Z.]*|VAR[A-Z.]*)\(R[^:]*C\[0\]:R[^:]*C\[0\]\)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4_096)
def _sums_up(form: str) -> bool:
    """Whether a formula sums up its own column: a row of such cells below a table is no iteration."""
    return _SUMMARY.fullmatch(form) is not None


def iteration_rows(model: Model, table: Table, columns: Mapping[str, int], most: int) -> list[int]:
    """The rows of a table with numbers or formulas in a third of its columns, the first `most` of them where
    that is not 0; a row that sums up the others is none, nor is a first one that holds the values alone with
    which the next one starts.
    """
    need = max(1, len(columns) // 3)
    summing = {number for number, form in enumerate(model.book.forms) if _sums_up(form)}
    rows = []
    for row in range(table.first_row, table.last_row + 1):
        first = cell(table.sheet, row, 0)
        keys = [first + column for column in columns.values()]
        filled = sum(map(model.owner.__contains__, keys))
        if filled < need or summing:
            rest = [key for key in keys if key not in model.owner]
            filled += sum(key in model.refused or isinstance(model.constants.get(key), float) for key in rest)
        summaries = sum(model.form_of.get(key) in summing for key in keys) if summing else 0
        if filled >= need and 2 * summaries < filled:
            rows.append(row)
            if len(rows) == 2 and _only_starts(model, table, columns, rows):
                del rows[0]
            if len(rows) == most:
                break
    return rows


def _only_starts(model: Model, table: Table, columns: Mapping[str, int], rows: Sequence[int]) -> bool:
    """Whether the first of two rows calculates nothing, and the weights of the second are its own: the same
    numbers, or references to them.
    """
    first, second = (
        {name: cell(table.sheet, row, column) for name, column in columns.items()} for row in rows
    )
    calculated = [key for name, key in first.items() if name not in names().given]
    weights = [name for name in names().weights if name in columns]
    if not calculated or not weights or any(k in model.owner or k in model.constants for k in calculated):
        return False
    return all(
        model.pure_reference(second[name]) == first[name]
        or (
            second[name] in model.constants
            and model.constants[second[name]] == model.constants.get(first[name])
        )
        for name in weights
    )
