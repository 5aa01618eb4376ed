"""The rows of a table that are iterations."""

import re
from functools import lru_cache

from grader.core.evidence.workbook import Table
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell

_SUMMARY = re.compile(
    r"(?:_xlfn\.)?(?:AVERAGE|SUM|MIN|MAX|MEDIAN|COUNTA?|STDEV[A-Z.]*|VAR[A-Z.]*)\(R[^:]*C\[0\]:R[^:]*C\[0\]\)",
    re.IGNORECASE,
)


def _is_summary(model: Model, key: int) -> bool:
    """Whether a cell sums up its own column: a row of such cells below a table is no iteration."""
    form = model.form_of.get(key)
    return form is not None and _sums_up(model.book.forms[form])


@lru_cache(maxsize=4_096)  # asked for each cell of a table, of some thirty forms
def _sums_up(form: str) -> bool:
    return _SUMMARY.fullmatch(form) is not None


def iteration_rows(model: Model, table: Table, columns: dict[str, int], most: int) -> list[int]:
    """The rows that are filled in a third of the columns, none that sums up columns; the first `most`, or all
    with 0.
    """
    need = max(1, len(columns) // 3)
    rows = []
    for row in range(table.first_row, table.last_row + 1):
        keys = [cell(table.sheet, row, column) for column in columns.values()]
        filled = sum(
            key in model.owner or key in model.refused or isinstance(model.constants.get(key), float)
            for key in keys
        )
        summaries = sum(_is_summary(model, key) for key in keys)
        if filled >= need and 2 * summaries < filled:
            rows.append(row)
            if len(rows) == most:
                break
    return rows
