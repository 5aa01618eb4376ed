"""Cells of a generated book's truth, and cells that findings name."""

from __future__ import annotations

import re

from grader.core.facts.replay import BookFacts
from grader.extract.workbook.computed_references import column_number
from tests.generate.formulas import Defect
from tests.generate.workbook import Truth

RIGHT_TODAY = {Defect.HARD_CODED_TAIL, Defect.ROUNDED_FIRST_ROW}
"""Typed numbers whose values agree: remarks, no wrong mathematics."""

Cells = set[tuple[str, int, int]]
_AREA = re.compile(r"([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?")


def cells(text: str) -> Cells:
    """The cells of `Sheet1!Z33:Z40, AA33`."""
    sheet, _, areas = text.rpartition("!")
    found: Cells = set()
    for c1, r1, c2, r2 in _AREA.findall(areas):
        columns = range(column_number(c1), column_number(c2 or c1) + 1)
        found |= {(sheet, r, c) for c in columns for r in range(int(r1), int(r2 or r1) + 1)}
    return found


def truth_cells(truth: Truth) -> Cells:
    """Every faulty cell."""
    return set().union(*(cells(text) for text in truth.cells)) if truth.cells else set()


def named(book: BookFacts) -> Cells:
    """Every cell that a finding names."""
    return set().union(*(cells(f"{f.sheet}!{f.cells}") for f in book.faults)) if book.faults else set()
