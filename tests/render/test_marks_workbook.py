"""The workbook of a class, opened again by openpyxl: marks, criteria, findings, and no formula of a student's."""

import io
import zipfile
from typing import Any

import msgspec
import openpyxl
import pytest

from grader.core.outcome import Finding, Verdict
from grader.core.place import Place
from grader.core.report import Report
from grader.render.marks_workbook import to_workbook
from tests.render.samples import hostile, marked, mixed, report

NASTY = '=HYPERLINK("http://x";"Jörg, ""Bo""\n\x1b[31m")'
WRONG = Finding(
    message="=1+1", place=Place(artefact="b.xlsx", sheet="S", ref="K7"), found="+x", hint="@y" * 40_000
)
CLASS = [
    report(
        "a",
        (
            marked(
                "BP101", Verdict.PARTIAL, title="One", summary="-s", points=10, credit=0.25, findings=(WRONG,)
            ),
            marked("RT601", Verdict.UNKNOWN, title="Two", summary="cannot tell", points=5),
        ),
        submission_id=NASTY,
    ),
    mixed(),
    hostile(),
]


@pytest.fixture(scope="module")
def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(to_workbook(CLASS)))


def test_three_sheets_with_frozen_heads_and_filters(book: Any) -> None:
    assert book.sheetnames == ["Marks", "Criteria", "Findings"]
    for sheet in book:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.bold for cell in sheet[1])


def test_every_submission_criterion_and_finding_stands_once(book: Any) -> None:
    assert book["Marks"].max_row - 1 == len(CLASS)
    assert book["Criteria"].max_row - 1 == sum(len(r.outcomes) for r in CLASS)
    assert book["Findings"].max_row - 1 == sum(len(m.findings) for r in CLASS for m in r.outcomes)


def test_numbers_are_numbers_and_open_points_are_empty(book: Any) -> None:
    head, *rows = book["Marks"].values
    row = dict(zip(head, next(r for r in rows if str(r[0]).startswith("=")), strict=True))
    assert (row["score"], row["max_score"], row["pending_points"]) == (2.5, 15, 5)
    assert (row["one"], row["two"]) == (2.5, None)
    assert row["percent"] == pytest.approx(100 * 2.5 / 15, abs=0.01)


def test_no_text_is_a_formula_whoever_wrote_it(book: Any) -> None:
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    begun = [c for c in cells if isinstance(c.value, str) and c.value.startswith(("=", "+", "-", "@"))]
    assert len(begun) >= 5
    assert all(cell.quotePrefix for cell in begun)
    assert all(len(str(cell.value)) <= 32_767 for cell in cells)


def test_the_same_marks_give_the_same_bytes_and_no_order_matters() -> None:
    assert to_workbook(CLASS) == to_workbook(list(reversed(CLASS)))
    with zipfile.ZipFile(io.BytesIO(to_workbook(CLASS))) as archive:
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")
        assert {info.date_time[0] for info in archive.infolist()} == {1980}


def test_a_class_of_nobody_is_a_workbook_too() -> None:
    reports: list[Report] = []
    assert openpyxl.load_workbook(io.BytesIO(to_workbook(reports)))["Marks"].max_row == 1


def test_a_criterion_that_only_some_have_is_empty_for_the_others() -> None:
    other = msgspec.structs.replace(CLASS[0], outcomes=CLASS[0].outcomes[:1])
    head, first, second = openpyxl.load_workbook(io.BytesIO(to_workbook([other, mixed()])))["Marks"].values
    assert len(head) == len(first) == len(second)
