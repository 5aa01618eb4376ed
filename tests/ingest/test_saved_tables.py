"""A table of iterations that was saved without its formulas is there and was not read."""

import pytest

from grader.core.submission import Kind, Problem
from grader.ingest.identify import saved_as
from grader.ingest.read import from_bytes

HEADERS = "t1 t2 i1 i2 w1 w2 w3 w4 h1 a_h1 h2 a_h2 w5 w6 w7 w8 o1 a_o1 o2 a_o2 E1 E2 E_total ∂E/∂w1 ∂E/∂w2"
NAMES = HEADERS.split()
VALUES = ["0.25"] * len(NAMES)


def table(separator: str, *, turned: bool = False) -> str:
    rows = [NAMES, VALUES, VALUES]
    return "\n".join(separator.join(row) for row in (zip(*rows, strict=True) if turned else rows))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".csv", ";"), (".tsv", "\t")])
def test_a_table_is_known_by_its_headers(suffix: str, separator: str, turned: bool) -> None:
    text = table(separator, turned=turned)
    assert "holds no formulas" in saved_as(suffix, text.encode())
    assert saved_as(suffix, text.encode("utf-16"))
    assert saved_as(suffix, b"\xef\xbb\xbf\n learning rate;0.5\n" + text.encode())


def test_formulas_as_text_are_a_workbook() -> None:
    assert saved_as(".csv", b"=1/(1+EXP(-I5)),=1/(1+EXP(-K5)),=1/(1+EXP(-Q5))\n")


def test_a_page_of_a_spreadsheet_program_is_a_workbook() -> None:
    page = (
        b'<html xmlns:x="urn:schemas-microsoft-com:office:excel"><table><tr><td>h1</td></tr></table></html>'
    )
    assert "web page" in saved_as(".html", page)
    assert saved_as(".html", page.replace(b":excel", b":word")) == ""


@pytest.mark.parametrize(
    "text",
    [
        "epoch,train_loss,test_loss,accuracy\n1,0.3,0.2,98.1\n",
        "label," + ",".join(f"pixel{k}" for k in range(784)) + "\n5,0,0\n",
        "name,grade\nAna,1\n",
        "x1,y1,x2,y2,class\n1,2,3,4,0\n",
        "",
    ],
)
def test_other_values_are_no_workbook(text: str) -> None:
    assert saved_as(".csv", text.encode()) == ""


def test_it_is_told_as_not_read_where_no_workbook_is_there() -> None:
    files = {"README.md": b"# backpropagation, with the table", "table.csv": table(",").encode()}
    alone = next(a for a in from_bytes("x", files).submission.artefacts if a.path == "table.csv")
    assert (alone.kind, alone.problem) == (Kind.WORKBOOK, Problem.NOT_READ)
    assert "save the workbook as .xlsx" in alone.note
    from tests.execute.replay.sheets import workbook

    beside = from_bytes("x", {**files, "sheet.xlsx": workbook()}).submission
    assert next(a for a in beside.artefacts if a.path == "table.csv").kind is Kind.OTHER
