"""Cells in reading order to runs down a column."""

import math
from dataclasses import dataclass

from grader.core.evidence.workbook import CellKind, Run
from grader.core.submission import Problem
from grader.extract.workbook.faults import Unreadable

MAX_CELLS = 500_000
"""Cells with content; the largest of 89 real books has 110,000."""
MAX_FORMULAS = 150_000
MAX_TEXT = 2_000
"""Characters kept of one text cell."""

_MISSING = CellKind.MISSING  # a look into an enumeration costs as much as a call

Value = float | str


@dataclass(slots=True)
class _Open:
    """A run that may still grow; `below` is the row after its last."""

    column: int
    row: int
    form: int
    kind: CellKind
    values: list[Value]
    below: int

    def close(self) -> Run:
        numbers = tuple(v for v in self.values if not isinstance(v, str))
        texts = tuple(v for v in self.values if isinstance(v, str))
        return Run(
            column=self.column,
            row=self.row,
            count=self.below - self.row,
            form=self.form,
            kind=self.kind,
            numbers=numbers,
            texts=texts,
        )


class Budget:
    """Cells that all sheets of one book have together so far."""

    def __init__(self) -> None:
        self.cells = 0
        self.formulas = 0


_TOO_MANY = (
    f"the workbook has more than {MAX_CELLS:,} filled cells or {MAX_FORMULAS:,} formulas; an iteration table "
    "needs some 100 rows. Delete the sheets and rows that are not needed."
)


class Forms:
    """Distinct forms in order of appearance."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}

    def number(self, form: str) -> int:
        """The index of a form, new or known."""
        return self._index.setdefault(form, len(self._index))

    def all(self) -> tuple[str, ...]:
        """Every form by index."""
        return tuple(self._index)


class Grid:
    """Collects the cells of one sheet, given row by row."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._open: dict[int, _Open] = {}
        self._closed: list[Run] = []

    def add(self, row: int, column: int, form: int, kind: CellKind, value: Value) -> None:
        """Add one cell; `value` is ignored for `missing`."""
        budget = self._budget
        budget.cells += 1
        budget.formulas += form >= 0
        if budget.cells > MAX_CELLS or budget.formulas > MAX_FORMULAS:
            raise Unreadable(Problem.TOO_LARGE, _TOO_MANY)
        if isinstance(value, str):
            value = value[:MAX_TEXT]
        elif not math.isfinite(value):  # no spreadsheet holds one, and JSON cannot
            kind, value = CellKind.FAULT, repr(value)
        run = self._open.get(column)
        if run is not None and run.below == row and run.form == form and run.kind is kind:
            run.below += 1
            if kind is not _MISSING:
                run.values.append(value)
            return
        if run is not None:
            self._closed.append(run.close())
        values = [] if kind is _MISSING else [value]
        self._open[column] = _Open(column, row, form, kind, values, row + 1)

    def runs(self) -> tuple[Run, ...]:
        """All runs, by column and row."""
        everything = [*self._closed, *(run.close() for run in self._open.values())]
        return tuple(sorted(everything, key=lambda run: (run.column, run.row)))
