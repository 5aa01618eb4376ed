"""Names and formulas in neighbouring cells of a workbook, and heads of tables, which name no formula."""

import io

import openpyxl
import pytest

from grader.extract.formulas.document.workbook_texts import workbook_lines
from grader.extract.workbook.child import read

LIST = [
    ("h1", "w1*i1 + w2*i2"),
    ("a_h1", "σ(h1) = 1/(1 + exp(-h1))"),
    ("a_o1", "σ(o1)"),
    ("E1", "½ * (t1 - a_o1)²"),
    ("E_total", "E1 + E2"),
]


def lines_of(rows: list[tuple[str, ...]], *, column: int = 6) -> list[str]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row, cells in enumerate(rows, 20):
        for k, text in enumerate(cells):
            sheet.cell(row, column + k, text)
    buffer = io.BytesIO()
    book.save(buffer)
    return [line.text for line in workbook_lines(read(buffer.getvalue(), "book.xlsx"))]


def test_a_list_of_names_beside_their_formulas_is_read_whole() -> None:
    lines = lines_of(LIST)
    assert [f"{name} = {formula}" for name, formula in LIST] == [line for line in lines if line[0] != "σ"]


@pytest.mark.parametrize("end", [" =", "=", " = "])
def test_a_name_that_ends_in_an_equals_sign_goes_on_in_the_next_cell(end: str) -> None:
    (line,) = lines_of([(f"∂E/∂w5{end}", "(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1")])
    assert line.split("=")[1].strip() == "(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"


@pytest.mark.parametrize(
    "rows",
    [
        [("E1", "E2", "E1 + E2", "∂E/∂w1")],  # heads of a table
        [("h1", "σ(h1)", "h2", "σ(h2)"), ("0.1", "0.5", "0.2", "0.6")],
        [("the loss", "E1 + E2")],  # no list
        [("a_h1", "of the hidden layer"), ("h1", "w1*i1 + w2*i2")],  # a list, and a remark in it
    ],
)
def test_heads_and_remarks_are_no_formulas(rows: list[tuple[str, ...]]) -> None:
    assert [line for line in lines_of(rows) if not line.startswith("h1 = w1")] == []
