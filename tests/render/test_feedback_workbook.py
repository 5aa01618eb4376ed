"""A workbook with findings in it: formulas, stored values, charts and pictures as they were, or the findings
alone.
"""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import LineChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill

from grader.core.outcome import Finding, Verdict
from grader.core.place import Place
from grader.core.submission import Kind
from grader.extract.workbook.faults import Unreadable
from grader.render.feedback.findings_workbook import findings_only
from grader.render.feedback.told import Row, Told, told_of
from grader.render.feedback.workbook_copy import annotated, areas_of
from grader.render.feedback.workbook_styles import FAULT, REMARK
from grader.render.feedback.xml_edits import Edit, edited, elements, with_attribute
from grader.render.strings import FINDING_REMARK
from tests.render.samples import HOSTILE, artefact, marked, report

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(ROOT.glob("submissions/*/*.xlsx"))
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def told(ref: str | None, sheet: str | None = "S", text: str = "wrong", word: str = "To correct") -> Told:
    rows = (Row(label="You wrote", text="=A1*B1"), Row(label="It should be", text="=(A1*B1)"))
    return Told(
        code="WB201",
        word=word,
        sentence=text,
        place=Place(artefact="b.xlsx", sheet=sheet, ref=ref),
        rows=rows,
    )


def book(change: Any = None) -> bytes:
    """A small book with values, formulas, formats and a chart; `change` is given the book before it is
    saved.
    """
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "S"
    sheet["A1"], sheet["B1"], sheet["C1"] = 1.5, "text", "=A1*2"
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True), Alignment(horizontal="right")
    for row in range(2, 12):
        sheet.cell(row=row, column=1, value=row / 7)
        sheet.cell(row=row, column=2, value=f"=A{row}+A{row - 1}")
    chart = LineChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=1, max_row=11))
    sheet.add_chart(chart, "E2")
    made.create_sheet("Other & more")["A1"] = 7
    if change:
        change(made)
    out = io.BytesIO()
    made.save(out)
    return with_stored_values(out.getvalue())


def with_stored_values(data: bytes) -> bytes:
    """openpyxl stores no value of a formula; a student's program does."""
    return repacked(
        data,
        {
            "xl/worksheets/sheet1.xml": lambda x: x.replace(
                b"<v></v>", b"<v>0.30000000000000004</v>"
            ).replace(b"<v />", b"<v>0.30000000000000004</v>")
        },
    )


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def repacked(data: bytes, changes: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts(data).items():
            package.writestr(name, changes[name](content) if name in changes else content)
        for name, content in changes.items():
            if isinstance(content, bytes):
                package.writestr(name, content)
    return out.getvalue()


def values(data: bytes, *, stored: bool) -> dict[tuple[str, str], Any]:
    opened = openpyxl.load_workbook(io.BytesIO(data), data_only=stored)
    return {
        (sheet.title, cell.coordinate): getattr(cell.value, "text", cell.value)
        for sheet in opened.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


def same_book(data: bytes, made: bytes) -> None:
    """Cell by cell with openpyxl, and part by part: what is not ours is the student's, byte for byte."""
    assert values(made, stored=True) == values(data, stored=True)
    assert values(made, stored=False) == values(data, stored=False)
    before, after = parts(data), parts(made)
    added = after.keys() - before.keys()
    assert before.keys() <= after.keys()
    assert all(re.search(r"grader|/_rels/sheet\d+\.xml\.rels$", name) for name in added), added
    changed = {name for name in before if before[name] != after[name]}
    assert all(
        re.search(r"styles\.xml$|^\[Content_Types\]\.xml$|^xl/worksheets/", name) for name in changed
    ), changed
    for name in changed:
        if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name):
            assert without_ours(after[name]) == without_ours(before[name]), name


def without_ours(sheet: bytes) -> bytes:
    """A sheet without the numbers of its cells' formats, and without the tag that ties comments to it."""
    return re.sub(
        rb"(<\w*:?c\b[^>]*?) s=\"\d+\"", rb"\1", re.sub(rb"<\w*:?legacyDrawing [^>]*/>", b"", sheet)
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_real_book_keeps_everything(path: Path) -> None:
    data = path.read_bytes()
    sheet = openpyxl.load_workbook(io.BytesIO(data)).sheetnames[0]
    made = annotated(data, path.name, (told("A1:C9", sheet), told("X14:X73", sheet), told(None, None)))
    assert not made.problem
    same_book(data, made.data)
    assert (
        annotated(data, path.name, (told("A1:C9", sheet), told("X14:X73", sheet), told(None, None))) == made
    )


def test_guilty_cells_are_coloured_and_the_first_has_the_right_formula_in_a_comment() -> None:
    data = book()
    made = annotated(
        data, "b.xlsx", (told("B3:B5"), told("A1", word=FINDING_REMARK), told("B3", text="twice"))
    )
    assert not made.problem
    same_book(data, made.data)
    sheet = openpyxl.load_workbook(io.BytesIO(made.data))["S"]
    fills = {c.coordinate: c.fill.fgColor.rgb for row in sheet.iter_rows() for c in row if c.fill.fill_type}
    assert fills == {"B3": FAULT, "B4": FAULT, "B5": FAULT, "A1": REMARK}
    assert sheet["A1"].font.bold, "the rest of the format stays"
    assert sheet["A1"].alignment.horizontal == "right"
    said = {c.coordinate: c.comment.text for row in sheet.iter_rows() for c in row if c.comment}
    assert said.keys() == {"B3", "A1"}
    assert said["B3"].startswith(
        "grader WB201 (B3:B5), To correct: wrong\nYou wrote: =A1*B1\nIt should be: =(A1*B1)"
    )
    assert "grader WB201, To correct: twice" in said["B3"]
    assert len(sheet._charts) == 1


def test_what_names_no_cell_stands_on_the_first() -> None:
    made = annotated(book(), "b.xlsx", (told(None, None), told("B2", "no such sheet"), told("?!")))
    opened = openpyxl.load_workbook(io.BytesIO(made.data))
    assert opened["S"]["A1"].comment.text.count("grader WB201") == 3
    assert not opened["S"]["A1"].fill.fill_type
    data = book()
    there = annotated(data, "b.xlsx", (told("A1", "Other & more"), told("ZZ9", "Other & more")))
    sheet = openpyxl.load_workbook(io.BytesIO(there.data))["Other & more"]
    assert {c.coordinate for row in sheet["A1:ZZ9"] for c in row if c.comment} == {"A1", "ZZ9"}
    same_book(data, there.data)


def test_no_text_of_ours_is_a_formula_or_breaks_the_file() -> None:
    nasty = f"=HYPERLINK(1)&{HOSTILE}\ufffe\x00]]><!--"
    finding = Finding(
        message=nasty,
        place=Place(artefact="b.xlsx", sheet="S", ref="B2"),
        found=nasty,
        expected="\r=1",
        hint="@x",
    )
    made_of = report("x", (marked("WB201", Verdict.FAIL, title=nasty, summary="s", findings=(finding,)),))
    data = book()
    made = annotated(data, "b.xlsx", told_of(made_of, artefact("b.xlsx", Kind.WORKBOOK)))
    assert not made.problem
    same_book(data, made.data)
    text = openpyxl.load_workbook(io.BytesIO(made.data))["S"]["B2"].comment.text
    assert text.startswith("grader WB201, To correct: =HYPERLINK(1)&")
    added = {n: c for n, c in parts(made.data).items() if "grader" in n}
    assert len(added) == 2
    assert not re.search(rb"<script|<f>|TargetMode|<hyperlink", b"".join(added.values()))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("xl/vbaProject.bin", b"x", "may be more than data (xl/vbaProject.bin)"),
        ("xl/embeddings/oleObject1.bin", b"x", "may be more than data"),
        ("xl/connections.xml", b"<x/>", "may be more than data"),
        ("xl/ctrlProps/ctrlProp1.xml", b"<x/>", "may be more than data"),
        ("xl/comments/grader1.xml", b"<x/>", "has a part xl/comments/grader1.xml"),
    ],
)
def test_a_part_that_may_be_alive_is_not_handed_on(name: str, content: bytes, words: str) -> None:
    made = annotated(repacked(book(), {name: content}), "b.xlsx", (told("B2"),))
    assert words in made.problem
    assert not made.data


def test_comments_of_the_student_are_not_touched() -> None:
    def comment(made: Any) -> None:
        made["Other & more"]["A1"].comment = Comment("mine", "me")

    data = book(comment)
    refused = annotated(data, "b.xlsx", (told("A1", "Other & more"),))
    assert "comments of its own" in refused.problem
    beside = annotated(data, "b.xlsx", (told("B2"),))
    assert not beside.problem
    same_book(data, beside.data)
    opened = openpyxl.load_workbook(io.BytesIO(beside.data))
    assert opened["Other & more"]["A1"].comment.text == "mine"
    assert opened["S"]["B2"].comment.text.startswith("grader")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 no package", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1Workbook", "old"),
        (repacked(book(), {"xl/styles.xml": lambda _: b"<styleSheet/>"}), "namespace"),
        (repacked(book(), {"xl/worksheets/sheet1.xml": lambda x: b'<!DOCTYPE a [<!ENTITY b "c">]>' + x}), "entities"),
        (repacked(book(), {"xl/worksheets/sheet1.xml": lambda x: x[:-30]}), "damaged"),
        (repacked(book(), {"xl/worksheets/sheet1.xml": lambda x: b'<?xml version="1.0" encoding="utf-16"?>'.decode().encode("utf-16") + x.decode().encode("utf-16-le")}), "UTF-8"),
    ],
    ids=range(7),
)  # fmt: skip
def test_what_cannot_be_copied_says_why(data: bytes, words: str) -> None:
    made = annotated(data, "b.xlsx", (told("B2"),))
    assert words in made.problem, made.problem
    assert not made.data


def test_names_with_prefixes_and_cells_without_addresses() -> None:
    """Some programs write `<x:c>`, and cells that only their order tells apart."""
    rows = b"".join(
        b"<x:row><x:c><x:v>%d</x:v></x:c><x:c s='0'><x:v>2</x:v></x:c></x:row>" % n for n in range(3)
    )
    sheet = (
        b'<x:worksheet xmlns:x="'
        + MAIN.encode()
        + b'"><x:sheetData>'
        + rows
        + b"</x:sheetData><x:tableParts/></x:worksheet>"
    )
    data = repacked(book(), {"xl/worksheets/sheet2.xml": lambda _: sheet})
    made = annotated(data, "b.xlsx", (told("B2:B3", "Other & more"),))
    assert not made.problem
    new = parts(made.data)["xl/worksheets/sheet2.xml"]
    assert re.fullmatch(
        rb".*<x:row><x:c><x:v>1</x:v></x:c><x:c s=\"(\d+)\"><x:v>2</x:v></x:c></x:row>.*<x:c s=\"\1\">.*"
        rb"</x:sheetData><x:legacyDrawing [^>]*/><x:tableParts/></x:worksheet>",
        new,
    )  # fmt: skip
    sheet_of = openpyxl.load_workbook(io.BytesIO(made.data))["Other & more"]
    assert sheet_of["B3"].fill.fgColor.rgb == FAULT
    assert not sheet_of["A3"].fill.fill_type


def test_too_many_guilty_cells_are_not_coloured_one_by_one() -> None:
    made = annotated(book(), "b.xlsx", (told("A1:ZZ1000"),))
    assert "too many" in made.problem


def test_findings_alone_hold_no_formula() -> None:
    data = findings_only((told("B2:B9", text="=1+1"), told(None, None, "+x"), told("@y", "-S", HOSTILE)))
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Findings"]
    head, *rows = sheet.values
    assert head == ("Sheet", "Cells", "Check", "Result", "What was found", "In detail")
    assert rows[0] == (
        "S",
        "B2:B9",
        "WB201",
        "To correct",
        "=1+1",
        "You wrote: =A1*B1\nIt should be: =(A1*B1)",
    )
    assert (rows[1][:2], rows[1][4]) == ((None, None), "+x")
    assert all(cell.data_type in ("s", "n") for row in sheet.iter_rows() for cell in row if cell.value)
    assert sheet["E2"].quotePrefix


@pytest.mark.parametrize(
    ("ref", "areas"),
    [
        ("K7", [(11, 7, 11, 7)]),
        ("Z33:Z100, AB3", [(26, 33, 26, 100), (28, 3, 28, 3)]),
        ("$A$1:$B$2", [(1, 1, 2, 2)]),
        ("", []),
        ("row 3", []),
        ("B9:A1", []),
    ],
)
def test_references_of_findings(ref: str, areas: list[tuple[int, int, int, int]]) -> None:
    assert [tuple(area) for area in areas_of(ref)] == areas


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.text("ab= /s'", max_size=8), max_size=4)
)
def test_an_attribute_is_set_and_nothing_else(attributes: dict[str, str]) -> None:
    tag = "<c" + "".join(f' {name} = "{value}"' for name, value in attributes.items()) + "/>"
    new = with_attribute(tag.encode(), "s", "12")
    (found,) = elements(b'<r xmlns="u">' + new + b"</r>", "p", "u", lambda path, _: path[-1] == "c")
    assert found.attributes == attributes | {"s": "12"}
    assert found.empty


def test_edits_must_not_overlap() -> None:
    assert edited(b"abcdef", [Edit(4, 5, b"X"), Edit(1, 3, b"")]) == b"adXf"
    with pytest.raises(ValueError, match="overlap"):
        edited(b"abcdef", [Edit(0, 3, b""), Edit(2, 4, b"")])
    with pytest.raises(Unreadable):
        elements(b'<?xml version="1.0" encoding="latin-1"?><r xmlns="u"/>', "p", "u", lambda *_: True)


def test_a_fill_of_the_students_is_found_again_under_ours() -> None:
    def fill(made: Any) -> None:
        for row in range(2, 12):
            made["S"].cell(row=row, column=2).fill = PatternFill("solid", fgColor="FF00FF00")

    data = book(fill)
    made = annotated(data, "b.xlsx", (told("B3"),))
    sheet = openpyxl.load_workbook(io.BytesIO(made.data))["S"]
    assert [sheet[f"B{n}"].fill.fgColor.rgb for n in (2, 3, 4)] == ["FF00FF00", FAULT, "FF00FF00"]
