"""Array formulas to a formula for every cell that they fill, and what Google Sheets writes for its own
functions.

`{=U5:U18+V5:V18}` in W5:W18 means `U7+V7` in W7. Google exports `=ARRAYFORMULA(U5:U+V5:V)` as
`IFERROR(__xludf.DUMMYFUNCTION("ARRAYFORMULA(U5:U+V5:V)"),0.25)` in the first cell and a computed value in the
others.
"""

import re
from typing import NamedTuple

from grader.core.place import letters
from grader.extract.workbook.computed_references import column_number

_RANGE = re.compile(
    r"(?P<sheet>(?:'(?:[^']|'')+'|[A-Za-z_][\w.]*)!)?\$?(?P<c1>[A-Za-z]{1,3})\$?(?P<r1>\d{1,7}):"
    r"\$?(?P<c2>[A-Za-z]{1,3})\$?(?P<r2>\d{1,7})?(?![\w(])"
)
_TEXTS = re.compile(r"\"(?:[^\"]|\"\")*\"")
_WHOLE = re.compile(
    r"\b(?:SUM|SUMPRODUCT|SUMSQ|SUMXMY2|AVERAGE|MMULT|MIN|MAX|COUNT|INDEX|TRANSPOSE|PRODUCT|MEDIAN)\s*\(",
    re.IGNORECASE,
)
"""Functions that take a range as a whole."""
_DUMMY = re.compile(
    r"IFERROR\(__xludf\.DUMMYFUNCTION\(\"((?:[^\"]|\"\")*)\"\),.*\)", re.IGNORECASE | re.DOTALL
)
_ARRAYFORMULA = re.compile(r"=?\s*ARRAYFORMULA\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
COMPUTED = "COMPUTED_VALUE"


class Filled(NamedTuple):
    """An array formula and the cells that it fills; `last_row` is very large where nothing says how many."""

    text: str
    row: int
    column: int
    last_row: int
    last_column: int

    def holds(self, row: int, column: int) -> bool:
        """Whether a cell is one of those."""
        return self.row <= row <= self.last_row and self.column <= column <= self.last_column

    def element(self, row: int, column: int) -> str | None:
        """The formula of one cell; None where the array cannot be taken apart."""
        if (self.row, self.column) == (self.last_row, self.last_column):
            return self.text
        if _WHOLE.search(self.text):
            return None
        down, right = row - self.row, column - self.column
        height, width = self.last_row - self.row + 1, self.last_column - self.column + 1
        fits = True

        def one(match: re.Match[str]) -> str:
            nonlocal fits
            first, last = column_number(match["c1"]), column_number(match["c2"])
            rows = int(match["r2"] or self.last_row + int(match["r1"]) - self.row) - int(match["r1"]) + 1
            tall, wide = rows in (1, height) or match["r2"] is None, last - first + 1 in (1, width)
            fits = fits and tall and wide
            at = first + (right if last > first else 0)
            return f"{match['sheet'] or ''}{letters(at)}{int(match['r1']) + (down if rows > 1 else 0)}"

        text = _RANGE.sub(one, self.text)
        return text if fits else None


def google_formula(formula: str) -> str:
    """The formula that Google hides in a `DUMMYFUNCTION`; `COMPUTED_VALUE` for a cell that another one
    fills.
    """
    match = _DUMMY.fullmatch(formula)
    if match is None:
        return formula
    inside = match[1].replace('""', '"')
    return COMPUTED if inside.strip('"') == COMPUTED else inside.lstrip("=")


def google_array(formula: str, row: int, column: int) -> Filled | None:
    """The array of an `ARRAYFORMULA` at a cell, as far down as its first range reaches; None where it is
    none.
    """
    match = _ARRAYFORMULA.fullmatch(formula)
    if match is None:
        return None
    found = _RANGE.search(_TEXTS.sub("", match[1]))
    if found is None:
        return Filled(match[1], row, column, row, column)
    rows = int(found["r2"]) - int(found["r1"]) if found["r2"] else 1 << 20
    columns = column_number(found["c2"]) - column_number(found["c1"])
    return Filled(match[1], row, column, row + rows, column + columns)
