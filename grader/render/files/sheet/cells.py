"""The cells of one sheet as a student sees them: stored values and formulas in A1 notation."""

import re
from collections.abc import Sequence
from typing import Final

from grader.core.evidence.workbook import CellKind, Run, Sheet
from grader.core.place import letters

_REFERENCE: Final = re.compile(r"(?<![\w.])R(?:\[(-?\d+)\]|(\d+))C(?:\[(-?\d+)\]|(\d+))(?![\w(])")


class SheetCells:
    """Looks up cells of a sheet; `forms` are the formulas of its book in R1C1 notation."""

    def __init__(self, sheet: Sheet, forms: Sequence[str]) -> None:
        self._forms = forms
        self._columns: dict[int, list[Run]] = {}
        for run in sheet.runs:
            self._columns.setdefault(run.column, []).append(run)

    def value(self, row: int, column: int) -> tuple[str, bool]:
        """Return what a cell stores, and whether it is a number; empty for an empty cell."""
        run = self._run(row, column)
        if run is None or run.kind is CellKind.MISSING:
            return "", False
        if run.numbers:
            return f"{run.numbers[row - run.row]:.6g}", True
        return run.texts[row - run.row], False

    def formula(self, row: int, column: int) -> str:
        """Return the formula of a cell as it would stand there, with `=`; empty for a constant."""
        run = self._run(row, column)
        if run is None or not 0 <= run.form < len(self._forms):
            return ""
        return f"={_in_cells(self._forms[run.form], row, column)}"

    def first_formula(self, column: int, below: int) -> str:
        """Return the first formula of a column below a row."""
        runs = [r for r in self._columns.get(column, ()) if r.form >= 0 and r.row > below]
        return self.formula(min(run.row for run in runs), column) if runs else ""

    def _run(self, row: int, column: int) -> Run | None:
        return next((r for r in self._columns.get(column, ()) if 0 <= row - r.row < r.count), None)


def _in_cells(form: str, row: int, column: int) -> str:
    """A formula in R1C1 notation as it stands in a cell; texts between quotes stay as they are."""

    def address(match: re.Match[str]) -> str:
        down, fixed_row, right, fixed_column = match.groups()
        r = f"${fixed_row}" if fixed_row else str(row + int(down))
        c = f"${letters(int(fixed_column))}" if fixed_column else letters(column + int(right))
        return f"{c}{r}"

    parts = form.split('"')
    parts[::2] = [_REFERENCE.sub(address, part) for part in parts[::2]]
    return '"'.join(parts)
