"""References that are computed from constants, and tables that lie on their side."""

import io

import openpyxl
import pytest

from grader.backprop.sheet_names import names
from grader.core.submission import Problem
from grader.extract.workbook.child import read
from grader.extract.workbook.computed_references import written_out


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ('E22-INDIRECT("G1")*X22', "E22-$G$1*X22"),
        ('E22-INDIRECT("G"&1)*X22', "E22-$G$1*X22"),
        ('E22-INDIRECT("rates!$G$1")*X22', "E22-rates!$G$1*X22"),
        ('INDIRECT("C"&ROW())*2', "$C23*2"),
        ('INDIRECT("W"&ROW()-1)', "$W22"),
        ("OFFSET(E23,-1,0)-1", "E22-1"),
        ("OFFSET($F$1,0,1)*X22", "$G$1*X22"),
        ("OFFSET(E23,,1)", "F23"),
        ("INDEX($F$1:$G$1,1,2)", "$G$1"),
        ("INDEX($F$1:$G$1,2)", "$G$1"),
        ("INDEX(A1:A9,3)", "A3"),
    ],
)
def test_a_reference_made_of_constants_is_a_plain_one(formula: str, plain: str) -> None:
    assert written_out(formula, 23) == plain


@pytest.mark.parametrize(
    "formula",
    [
        "OFFSET(E23,B1,0)",
        "OFFSET(A1,-1,0)",
        'INDIRECT(A1&"5")',
        'INDIRECT("rate")',
        'INDIRECT("R1C7",FALSE)',
        "INDEX(A1:B9,B1,2)",
        "INDEX(A1:B9,0,2)",
        "MYOFFSET(E23,1,0)",
        "SUM(A1:A9)",
    ],
)
def test_what_other_cells_decide_stays_as_it_is(formula: str) -> None:
    assert written_out(formula, 23) == formula


def test_a_table_on_its_side_is_said_to_be_not_read() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "turned"
    for row, name in enumerate(names().quantities, 1):
        sheet.cell(row, 2, name)
        for column in range(3, 9):
            sheet.cell(row, column, 0.1)
    data = io.BytesIO()
    book.save(data)
    found = read(data.getvalue(), "b.xlsx")
    assert found.problem is Problem.NONE
    assert found.tables == ()
    assert "lies on its side: its headers stand in column B" in found.unread[0]
