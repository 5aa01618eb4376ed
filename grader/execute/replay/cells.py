"""The cells of a book as integers, and runs of formula cells.

A cell is one integer, `sheet << 40 | row << 20 | column`, so that a relative reference is an addition and a
run of cells with one form needs its references resolved once.
"""

from typing import NamedTuple

from grader.backprop.tokens import Unsupported
from grader.execute.replay.formula.evaluator import Compiled, Form

ROW = 1 << 20
SHEET = 1 << 40
MAX_RANGE = 20_000
"""Cells of one range."""


def cell(sheet: int, row: int, column: int) -> int:
    """The integer of a cell; rows and columns count from 1."""
    return sheet << 40 | row << 20 | column


def sheet_of(key: int) -> int:
    """Index of the sheet."""
    return key >> 40


def row_of(key: int) -> int:
    """Row from 1."""
    return key >> 20 & 0xFFFFF


def column_of(key: int) -> int:
    """Column from 1."""
    return key & 0xFFFFF


def area(first: int, last: int) -> list[int]:
    """The cells of a rectangle, row by row; raises `Unsupported` beyond `MAX_RANGE` cells."""
    rows = sorted((row_of(first), row_of(last)))
    columns = sorted((column_of(first), column_of(last)))
    if (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) > MAX_RANGE:
        raise Unsupported(f"a range of more than {MAX_RANGE:,} cells")
    sheet = sheet_of(first)
    return [cell(sheet, r, c) for r in range(rows[0], rows[1] + 1) for c in range(columns[0], columns[1] + 1)]


class Step(NamedTuple):
    """Where a slot of a run points: `base + i * step` for its i-th cell; `last` likewise for a range."""

    base: int
    step: int
    last: int
    last_step: int


class FormulaRun(NamedTuple):
    """A run of formula cells with its parsed form."""

    start: int
    length: int
    form: Form
    compiled: Compiled
    steps: tuple[Step, ...]
    of_numbers: Compiled
    """The same closure for values that are no texts, a faster one where there is one."""
    reads: tuple[tuple[int, int], ...] | None
    """Base and step of every cell that a cell reads, those of ranges one by one; None where a range is large
    or grows from row to row.
    """
    blocks: tuple[tuple[int, int], ...]
    """How many cells each slot has, and in how many columns where it is a range, else 0; empty for no range.
    """
    texts: bool
    """Whether the formula holds a text or joins texts: its value may be one."""
