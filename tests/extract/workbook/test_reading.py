"""Workbooks to cells: formats, relative forms, tables, charts."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from grader.backprop.sheet_names import names
from grader.core.evidence.workbook import Book, CellKind, Producer, WorkbookEvidence
from grader.core.facts.replay import BookVerdict
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.core.submission import Problem
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.workbook.child import read
from grader.extract.workbook.forms import At, relative_form, table_columns
from grader.extract.workbook.forms import Book as Names
from grader.extract.workbook.headers import canonical
from grader.extract.workbook.ods import a1
from grader.extract.workbook.provider import read_workbooks
from grader.extract.workbook.read import read_book
from grader.ingest.read import from_bytes
from tests.generate.workbook import BookSpec, Layout, make

NAMES = Names(
    names={"learning_rate": "Sheet1!$B$4", "twice": "learning_rate*2"},
    tables={"table1": table_columns("Sheet1", 33, 100, 1, ["t1", "a_h1 ", "o1"])},
)


@pytest.mark.parametrize(
    ("formula", "form"),
    [
        ("E33*C33+F33*D33", "R[0]C[-3]*R[0]C[-5]+R[0]C[-2]*R[0]C[-4]"),
        ("$G$31*X32", "R31C7*R[-1]C[16]"),
        ("G$31*$X32", "R31C[-1]*R[-1]C24"),
        ("SUM(A1:$B$2)", "SUM(R[-32]C[-7]:R2C2)"),
        ("Sheet2!A33", "'Sheet2'!R[0]C[-7]"),
        ("'it''s'!A33", "'it''s'!R[0]C[-7]"),
        ("LOG10(A33)", "LOG10(R[0]C[-7])"),
        ('"A1"&A33', '"A1"&R[0]C[-7]'),
        ("1E5+A33", "1E5+R[0]C[-7]"),
        ("learning_rate*A33", "'Sheet1'!R4C2*R[0]C[-7]"),
        ("twice", "('Sheet1'!R4C2*2)"),
        ("Table1[[#This Row],[a_h1]]", "R[0]C2"),
        ("Table1[@o1]", "R[0]C3"),
        ("Table1[t1]", "R33C1:R100C1"),
        ("A33 * 2", "R[0]C[-7]*2"),
        ("$XFD$1048576", "R1048576C16384"),
    ],
)
def test_relative_forms(formula: str, form: str) -> None:
    assert relative_form(formula, At("Sheet1", 33, 8), NAMES) == form


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("∂E/∂w1", "dw1"), ("𝜕E/𝜕w1", "dw1"), ("𝟃E/𝟃w2", "dw2"), ("δE_tot/δw3", "dw3"), ("ӘE/Әw1", "dw1"), ("ꝺE/ꝺw8", "dw8"),
        ("E∂w1", "dw1"), ("Etotaldw1", "dw1"), ("Edw3", "dw3"), ("∂E∂W1", "dw1"), ("dE_total / dw1", "dw1"), ("∂E_T/∂w5", "dw5"),
        ("dw4", "dw4"), ("∂E_total/∂W5", "dw5"), ("∂E/∂w1 = (a_o1 - t1) * ...", "dw1"), (("$\\partial "
                                        "E/\\partial w_1$"), "dw1"),
        ("a_h1", "a_h1"), ("out_h1", "a_h1"), ("act_h2", "a_h2"), ("a_01", "a_o1"), ("out_o1 = σ(o1)", "a_o1"), ("a_O1", "a_o1"),
        ("E_tot", "E_total"), ("E = E1+E2", "E_total"), ("E-total", "E_total"), ("Etotal", "E_total"), ("e1", "E1"), ("E2 ", "E2"),
        ("W3", "w3"), ("w₃", "w3"), ("h1 = w1*i1 + w2*i2", "h1"), ("T1", "t1"), ("I2", "i2"), ("net_h1", "h1"),
        ("∂a_h1/∂h1", ""), ("∂E1/∂o1", ""), ("η", ""), ("w9", ""), ("", ""), ("iteration", ""), ("∂E/∂a_o1", ""),
    ],
)  # fmt: skip
def test_header_spellings(text: str, quantity: str) -> None:
    assert canonical(text) == quantity


@pytest.mark.parametrize(
    "text",
    [
        "dL/dw1", "∂C/∂w1", "dJ/dw1", "dErr/dw1", "d cost/dw1", "w1_grad", "w1 gradient", "derivative w1", "slope of w1",
        "partial derivative of E w.r.t. w1", "rate of change of E with respect to w1", "deltaE/deltaw1",
        "del E / del w1",
    ],
)  # fmt: skip
def test_a_gradient_in_other_words_is_one(text: str) -> None:
    assert canonical(text) == "dw1"


@pytest.mark.parametrize(
    "text", ["w1 new", "new w1", "wt1", "lw1", "change in loss", "g1", "w1 (t+1)", "w1_graded"]
)
def test_what_is_called_like_a_weight_is_no_gradient(text: str) -> None:
    assert canonical(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("of:=[.E2]-([.$B$1]*[.X2])", "E2-($B$1*X2)"),
        ("of:=SUM([.A1:.B3])", "SUM(A1:B3)"),
        ("of:=[$Sheet2.A1]+['my sheet'.$B$2]", "'Sheet2'!A1+'my sheet'!$B$2"),
        ("of:=$$learning_rate*2", "learning_rate*2"),
    ],
)
def test_openformula_to_a1(text: str, expected: str) -> None:
    assert a1(text) == expected


def test_a_generated_book_is_read_with_its_values_and_tables() -> None:
    data, truth = make(BookSpec(layout=Layout.SHEET_PER_ETA, rows=14, charts=True))
    book = read(data, "book.xlsx")
    assert [sheet.name for sheet in book.sheets] == [place.sheet for place in truth.tables]
    assert [(t.header_row, t.last_row - t.first_row + 1) for t in book.tables] == [(32, 14)] * 6
    assert all({c.quantity for c in table.columns} == set(names().quantities) for table in book.tables)
    assert len(book.forms) < 30
    assert not any(run.kind is CellKind.MISSING for sheet in book.sheets for run in sheet.runs)
    assert [chart.sheet for chart in book.charts] == [sheet.name for sheet in book.sheets]
    assert book.charts[0].series[0].areas[0].sheet == 0
    assert len(book.charts[0].series[0].cached) == 14


def test_shared_and_plain_formulas_are_the_same_book() -> None:
    shared, _ = make(BookSpec(rows=14, shared_formulas=True))
    plain, _ = make(BookSpec(rows=14))
    assert read(shared, "b").sheets == read(plain, "b").sheets


def test_google_exports_are_known_by_their_missing_properties() -> None:
    assert read(make(BookSpec(rows=14, google=True))[0], "b").producer is Producer.GOOGLE


def test_a_child_process_reads_the_same() -> None:
    data, _ = make(BookSpec(rows=14))
    assert read_book(data, "b.xlsx", "x") == _replace(read(data, "b.xlsx"))


def _replace(book: Book) -> Book:
    import msgspec

    return msgspec.structs.replace(book, sha256="x")


def test_no_workbook_is_skipped() -> None:
    with pytest.raises(Unavailable) as caught:
        read_workbooks(from_bytes("x", {"README.md": b"# hi"}, single=False), Profile())
    assert caught.value.verdict is Verdict.SKIPPED


def test_an_unreadable_workbook_is_evidence_of_its_problem() -> None:
    found = read_workbooks(
        from_bytes("x", {"book.xlsx": b"t1,t2\n1,2\n", "b.xlsx": make(BookSpec(rows=14))[0]}, single=False),
        Profile(),
    )
    assert isinstance(found, WorkbookEvidence)
    assert [book.problem is Problem.NONE for book in found.books] == [True, False]
    assert "book.xlsx" in found.books[1].message or found.books[1].message


ODS_CELL = '<table:table-cell office:value-type="float" office:value="{v}"{f}/>'


def ods(rows: list[str], names: str = "") -> bytes:
    content = (
        '<?xml version="1.0"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
        f'<office:body><office:spreadsheet><table:table table:name="S">{"".join(rows)}</table:table>{names}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
    return buffer.getvalue()


def test_ods_repeats_names_and_gaps() -> None:
    row = '<table:table-row{n}><table:table-cell table:number-columns-repeated="2"/>{c}</table:table-row>'
    number = ODS_CELL.format(v="1.5", f="")
    formula = ODS_CELL.format(v="3", f=' table:formula="of:=[.C1]*$$rate"')
    names = (
        '<table:named-expressions><table:named-expression table:name="rate" '
        'table:expression="of:=2"/></table:named-expressions>'
    )
    rows = [
        row.format(n="", c=number + formula),
        (
            '<table:table-row table:number-rows-repeated="1000000"><table:table-cell '
            'table:number-columns-repeated="1024"/></table:table-row>'
        ),
    ]
    book = read(ods(rows, names), "b.ods")
    assert book.message == ""
    assert [(r.column, r.row, r.numbers) for r in book.sheets[0].runs] == [(3, 1, (1.5,)), (4, 1, (3.0,))]
    assert book.forms == ("R[0]C[-1]*'defined name rate'!R1C1",)
    assert book.sheets[1].name == "defined name rate"


def test_an_ods_table_is_replayed() -> None:
    data, _ = make(BookSpec(rows=14, header_row=4))
    source = openpyxl.load_workbook(io.BytesIO(data))["Sheet1"]
    values = openpyxl.load_workbook(io.BytesIO(data), data_only=True)["Sheet1"]
    rows = []
    for r in range(1, 19):
        cells = []
        for c in range(1, 32):
            text, value = source.cell(r, c).value, values.cell(r, c).value
            if isinstance(text, str) and text.startswith("="):
                import re

                of = re.sub(r"(\$?[A-Z]{1,2}\$?\d+)", r"[.\1]", text[1:])
                cells.append(ODS_CELL.format(v=value, f=f' table:formula="of:={of}"'))
            elif isinstance(value, str):
                cells.append(
                    "<table:table-cell "
                    f'office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
                )
            else:
                cells.append("<table:table-cell/>" if value is None else ODS_CELL.format(v=value, f=""))
        rows.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    book = replay_book(read(ods(rows), "b.ods"), Profile())
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].iterations == 14
