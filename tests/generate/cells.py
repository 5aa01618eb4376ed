"""A grid of spreadsheet cells whose formulas are kept as template and references, and its evaluation.

A formula is written once, as `{}*(1-{})` with the references in order; its text in A1 notation and its value
both come from that, so the cached value of a cell is what a spreadsheet would show for the formula beside it,
right or wrong.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Position(NamedTuple):
    """Row and column, both counted from 1."""

    row: int
    column: int


class Reference(NamedTuple):
    """A cell as a formula names it: `$` anchors, or another text for the same cell (a defined name, a table
    column).
    """

    at: Position
    fixed_row: bool = False
    fixed_column: bool = False
    written: str = ""

    def text(self) -> str:
        if self.written:
            return self.written
        row = f"{'$' * self.fixed_row}{self.at.row}"
        return f"{'$' * self.fixed_column}{letters(self.at.column)}{row}"

    def relative(self, home: Position) -> tuple[str, int, int]:
        """What stays the same when the formula is dragged: the R1C1 form."""
        row = self.at.row if self.fixed_row else self.at.row - home.row
        column = self.at.column if self.fixed_column else self.at.column - home.column
        return f"{self.fixed_row}{self.fixed_column}{self.written}", row, column


class Formula(NamedTuple):
    """A template in spreadsheet syntax with one `{}` for each reference."""

    template: str
    references: tuple[Reference, ...]

    def text(self) -> str:
        return self.template.format(*(reference.text() for reference in self.references))


class Linked(NamedTuple):
    """A formula whose value is known from elsewhere, such as a reference to another sheet."""

    written: str
    value: float | str

    def text(self) -> str:
        return self.written


class CellError(Exception):
    """The value of a cell is an error such as #NUM!; the text is the error's name."""


Content = float | str | Formula | Linked
Value = float | str
Grid = dict[Position, Content]


def letters(column: int) -> str:
    """1 -> A, 27 -> AA."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def address(at: Position) -> str:
    return f"{letters(at.column)}{at.row}"


@functools.cache
def compiled(template: str) -> Callable[[Sequence[float]], float]:
    """The template as a Python function. Our own templates only: `^` never stands behind a bare minus in
    them.
    """
    count = template.count("{}")
    body = template.format(*(f"a[{k}]" for k in range(count))).replace("^", "**")
    names = {"EXP": math.exp, "POWER": pow, "POW": pow, "SUM": lambda *terms: sum(terms)}
    return eval(f"lambda a: {body}", names)  # type: ignore[no-any-return]


def evaluate(grid: Grid) -> dict[Position, Value]:
    """Every cell's value; an error is its name as text ("#NUM!"). Empty cells count as 0, as in a
    spreadsheet.
    """
    values: dict[Position, Value] = {}

    def number(at: Position) -> float:
        value = settle(at)
        if isinstance(value, str):
            raise CellError(value if value.startswith("#") else "#VALUE!")
        return value

    def settle(at: Position) -> Value:
        if at in values:
            return values[at]
        content = grid.get(at, 0.0)
        if isinstance(content, Formula):
            values[at] = "#CIRC!"
            try:
                result = compiled(content.template)([number(r.at) for r in content.references])
                values[at] = result if math.isfinite(result) else "#NUM!"
            except OverflowError:
                values[at] = "#NUM!"
            except ZeroDivisionError:
                values[at] = "#DIV/0!"
            except CellError as error:
                values[at] = str(error)
        elif isinstance(content, Linked):
            values[at] = content.value
        elif at in grid:
            values[at] = content
        else:
            return 0.0
        return values[at]

    for at in sorted(grid):
        settle(at)
    return values
