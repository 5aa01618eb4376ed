"""A cell stands where its address says, whatever row it stands in in the file."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from grader.core.evidence.workbook import CellKind
from grader.extract.workbook.computed_references import column_number
from grader.extract.workbook.forms import Book
from grader.extract.workbook.grid import Budget, Forms, Grid
from grader.extract.workbook.xlsx import _SheetReader
from grader.extract.workbook.xml import Elements

_NUMBERS = st.sampled_from(["", "1", "2", "4", "24", "024", "124", "1024", "x", "9999999", "12345678"])
_CELLS = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["A", "b", "H", "AA", "$C", ""]), _NUMBERS),
    st.sampled_from(["H$4", "H1", "A-1", " A1", ""]),
)
_ROWS = st.lists(st.tuples(_NUMBERS, st.lists(_CELLS, max_size=4)), max_size=5)


class _Places(Grid):
    def __init__(self) -> None:
        super().__init__(Budget())
        self.places: list[tuple[int, int]] = []

    def add(self, row: int, column: int, form: int, kind: CellKind, value: float | str) -> None:
        self.places.append((row, column))


def _one_by_one(rows: list[tuple[str, list[str]]]) -> list[tuple[int, int]]:
    """Where each cell stands: an address says it, else it is the next of its row."""
    found, row = list[tuple[int, int]](), 0
    for number, cells in rows:
        row, column = int(number) if number.isdigit() else row + 1, 0
        for address in cells:
            if match := re.fullmatch(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})", address):
                row, column = int(match[2]), column_number(match[1])
            else:
                column += 1
            found.append((row, column))
    return found


def _attribute(text: str) -> str:
    return f' r="{text}"' if text else ""


@settings(max_examples=200)
@given(_ROWS)
def test_a_cell_stands_where_its_address_says(rows: list[tuple[str, list[str]]]) -> None:
    cells = [(n, "".join(f"<c{_attribute(c)}><v>1</v></c>" for c in cells)) for n, cells in rows]
    text = "".join(f"<row{_attribute(number)}>{inside}</row>" for number, inside in cells)
    grid = _Places()
    reader = _SheetReader("S", [], Book(names={}, tables={}), Forms(), grid)
    reader.read(Elements(f"<sheetData>{text}</sheetData>".encode(), "sheet"))
    assert grid.places == _one_by_one(rows)
