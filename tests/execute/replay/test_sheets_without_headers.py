"""Sheets of a book whose headers stand on another sheet alone, or that lie on their side: read, or told as not
read.
"""

from __future__ import annotations

import dataclasses
import io

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from grader.core.facts.replay import BookFacts, BookVerdict, Severity
from tests.execute.replay.sheets import replayed
from tests.generate.workbook import BookSpec, Layout, make

HEADER = 32
BOOK, _ = make(dataclasses.replace(BookSpec(rows=20, defect_row=8), layout=Layout.SHEET_PER_ETA))


def edited(at: int, edit: str) -> BookFacts:
    book = openpyxl.load_workbook(io.BytesIO(BOOK))
    EDITS[edit](book.worksheets[at])
    buffer = io.BytesIO()
    book.save(buffer)
    return replayed(buffer.getvalue())


def without_headers(sheet: Worksheet) -> None:
    for cell in sheet[HEADER]:
        cell.value = None


def without_headers_one_row_up(sheet: Worksheet) -> None:
    without_headers(sheet)
    sheet.move_range(f"A{HEADER + 1}:AZ{sheet.max_row}", rows=-1, translate=True)


def without_headers_and_wrong(sheet: Worksheet) -> None:
    without_headers(sheet)
    for row in range(HEADER + 1, HEADER + 21):
        cell = sheet.cell(row, 31)
        cell.value = f"=2*({str(cell.value)[1:]})"


def pasted_without_headers(sheet: Worksheet) -> None:
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str):
                cell.value = 0.123 if cell.value.startswith("=") else None


def on_its_side(sheet: Worksheet) -> None:
    held = {(c.row, c.column): c.value for row in sheet.iter_rows(HEADER) for c in row}
    for row in list(sheet.iter_rows(HEADER)):
        for cell in row:
            cell.value = None
    for (row, column), value in held.items():
        calculated = isinstance(value, str) and value.startswith("=")
        sheet.cell(column, row - HEADER + 9).value = 0.5 if calculated else value


def list_of_names(sheet: Worksheet) -> None:
    book = sheet.parent
    assert book is not None
    page = book.create_sheet("names")
    for row, cell in enumerate(sheet[HEADER], 1):
        page.cell(row, 1).value, page.cell(row, 2).value, page.cell(row, 3).value = cell.value, "is", 0.5


EDITS = {
    e.__name__: e
    for e in (
        without_headers,
        without_headers_one_row_up,
        without_headers_and_wrong,
        pasted_without_headers,
        on_its_side,
        list_of_names,
    )
}


@pytest.mark.parametrize("edit", ["without_headers", "without_headers_one_row_up", "list_of_names"])
@pytest.mark.parametrize("at", [0, 2, 5])
def test_the_formulas_of_a_neighbour_tell_the_columns(edit: str, at: int) -> None:
    book = edited(at, edit)
    assert book.verdict is BookVerdict.CORRECT
    assert [table.eta for table in book.tables] == [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]


def test_a_wrong_formula_of_a_sheet_without_headers_is_wrong() -> None:
    book = edited(2, "without_headers_and_wrong")
    failed = [(f.sheet, f.quantity) for f in book.faults if f.severity is Severity.FAIL]
    assert failed == [("η=0.5", "dw8")]


@pytest.mark.parametrize(
    ("edit", "said"), [("pasted_without_headers", "have no headers"), ("on_its_side", "lies on its side")]
)
def test_what_is_not_read_beside_other_sheets_is_said(edit: str, said: str) -> None:
    book = edited(2, edit)
    assert book.verdict is BookVerdict.UNKNOWN
    assert len(book.unread) == 1
    assert said in book.unread[0]
    assert "η=0.5" in book.unread[0]
