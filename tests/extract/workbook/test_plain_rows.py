"""Cells cut by patterns are the cells that expat's events give, and what is not plain is given to expat."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.extract.workbook import sheet_cells
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.forms import Book
from grader.extract.workbook.grid import Budget, Forms, Grid
from grader.extract.workbook.plain_rows import plain_rows
from grader.extract.workbook.sheet_cells import SheetReader

HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:x="urn:x">'
    '<cols><col min="1" max="2"/></cols>'
)
END = '<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells></worksheet>'
CELLS = [
    '<c r="A{0}"><v>0.5</v></c>', '<c r="B{0}" s="3"/>', '<c r="B{0}" s="1" t="s"><v>1</v></c>', '<c r="C{0}" t="s"><v>9</v></c>',
    '<c r="C{0}"><f>A{0}*2</f><v>1</v></c>', '<c r="C{0}" s="4"><f>A{0}*B$1</f><v></v></c>', '<c r="D{0}"><f>IF(A{0}&lt;1,"&amp;lt;",2)</f><v>2</v></c>',
    '<c r="E{0}"><f t="shared" ref="E1:E9" si="0">A{0}+1</f><v>1.5</v></c>', '<c r="E{0}"><f t="shared" si="0"/><v>2.5</v></c>',
    '<c r="E{0}"><f t="shared" si="7"/></c>', '<c r="F{0}"><f t="array" ref="F{0}:F9">A{0}:A9*2</f><v>1</v></c>', '<c r="F{0}"/>',
    '<c r="G{0}" t="inlineStr"><is><t xml:space="preserve"> ∂E &gt; w1\n</t></is></c>', '<c r="G{0}"><is><t>lost</t></is></c>',
    '<c r="H{0}" t="str"><f ca="1">"a"&amp;"b"</f><v>ab</v></c>', '<c r="H{0}" t="e"><f>1/0</f><v>#DIV/0!</v></c>', '<c r="I{0}" t="b"><v>1</v></c>',
    '<c r="I{0}"><v>inf</v></c>', '<c r="J{0}"><f t="dataTable" ref="J1:J9"/><v>1</v></c>', '<c r="XFD{0}"><f/><v/></c>',
    '<c r="K{0}"><f>=ARRAYFORMULA(A{0}:A)</f><v>1</v></c>', '<c r="K{0}"><f>IFERROR(__xludf.DUMMYFUNCTION("A{0}+1"),1)</f><v>1</v></c>',
]  # fmt: skip
ODD = [
    "<!-- a -->", "<![CDATA[1]]>", "&#10;", "&nbsp;", "&amp;", "&", "]]>", "\r\n", "\x01", "\ufffe", "\uffff", "\x85", " ", "\n", "<", ">", '"',
    "</row>", "<row>", '<row r="3"', "</c>", "<c>", '<c r="$a$2"><v>1</v></c>', "<c><v>1</v></c>", '<c r="A2" r="B2"/>', '<c t="s" r="A2"/>',
    '<c r="A2" cm="1"><v>1</v></c>', '<c r="A2" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>', "<v>3</v>", "<f>A1</f>", "<t>x</t>",
    '<x:c r="B2"><x:v>1</x:v></x:c>', '<y:c r="B2"/>', '<c r="A2"><f t="array" t="shared">A1</f></c>', '<c r="A2"><f y:t="1">A1</f></c>',
    '<c r="A2"><f xmlns="urn:y">A1</f><v>1</v></c>', '<c r="A2"><v a="1">1</v></c>', "</sheetData>", "<sheetData>", "</sheetData><sheetData>", "<?p q?>",
    '<row r="12345678"/>', '<row r="²"/>', '<row r="x"/>', '<row y:r="3"/>', '<row r="5" r="6"/>', '<row r="8" spans="1:3" x:d="0.2" ht="&lt;"></row>',
]  # fmt: skip


def outcome(data: bytes, by_events: bool) -> object:
    forms = Forms()
    reader = SheetReader("S", ["no", "w1"], Book(names={}, tables={}), forms, Grid(Budget()))
    with patch.object(sheet_cells, "plain_rows", (lambda *_: None) if by_events else plain_rows):
        try:
            reader.read(data, "xl/worksheets/sheet1.xml")
        except Unreadable as fault:
            return fault.problem, fault.message, reader.row
    return reader.grid.runs(), forms.all(), reader.lost


def sheet(rows: str, head: str = HEAD, end: str = END) -> bytes:
    return f"{head}<sheetData>{rows}</sheetData>{end}".encode()


def row(number: int, cells: list[str]) -> str:
    return f'<row r="{number}">' + "".join(cell.replace("{0}", str(number)) for cell in cells) + "</row>"


_ROWS = st.lists(st.lists(st.sampled_from(CELLS), max_size=4), max_size=5)


@settings(max_examples=300)
@given(_ROWS)
def test_rows_as_programs_write_them_are_cut_and_give_the_same_cells(rows: list[list[str]]) -> None:
    data = sheet("".join(row(at, cells) for at, cells in enumerate(rows, 1)))
    cut = plain_rows(data, "sheet1.xml")
    assert cut is not None
    assert [len(r.cells) for r in cut] == [len(cells) for cells in rows]
    assert outcome(data, by_events=False) == outcome(data, by_events=True)


@settings(max_examples=600)
@given(_ROWS, st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(ODD)), min_size=1, max_size=3))
@example([['<c r="A{0}"><v>1</v></c>']], [(400, "]]>")])
def test_whatever_stands_anywhere_the_cells_are_those_of_expat(
    rows: list[list[str]], odd: list[tuple[int, str]]
) -> None:
    text = sheet("".join(row(at, cells) for at, cells in enumerate(rows, 1))).decode()
    for at, piece in odd:
        at %= len(text) + 1
        text = text[:at] + piece + text[at:]
    data = text.encode()
    assert outcome(data, by_events=False) == outcome(data, by_events=True)


@pytest.mark.parametrize("odd", [piece for piece in ODD if piece not in (" ", "\n", "\x85", ">")])
def test_what_is_not_plain_among_the_cells_is_for_expat(odd: str) -> None:
    whole = '<row r="8" spans="1:3" x:d="0.2" ht="&lt;"></row>'
    data = sheet(row(1, ['<c r="A1"><v>1</v></c>', odd.replace(whole, whole[:-1])]))
    assert plain_rows(data, "sheet1.xml") is None
    assert outcome(data, by_events=False) == outcome(data, by_events=True)


@pytest.mark.parametrize(
    "data",
    [
        sheet(row(1, CELLS), head=HEAD.replace("UTF-8", "iso-8859-1")),
        sheet(row(1, CELLS)).decode().encode("utf-16"),
        sheet(row(1, CELLS), head=HEAD.replace("<cols>", "<cols><v>1</v>")),
        sheet(row(1, CELLS), head=HEAD + '<row r="4"/>'),
        sheet(row(1, CELLS), end="<extLst><x:f>A1</x:f></extLst></worksheet>"),
        sheet(row(1, CELLS), end="</worksheet"),
        sheet(row(1, CELLS), head=HEAD.replace("<worksheet", "<!DOCTYPE a [<!ENTITY b 'c'>]><worksheet")),
        sheet(row(1, CELLS), head=HEAD.replace("<worksheet", "<other><worksheet")),
        sheet('<row r="1"><c r="A1" t="str"><v>').replace(b"<v>", b"<v>\xff"),
        HEAD.encode() + b"<sheetData/>" + END.encode(),
    ],
)
def test_a_part_that_is_not_plain_around_its_cells_is_for_expat(data: bytes) -> None:
    assert plain_rows(data, "sheet1.xml") is None
    assert outcome(data, by_events=False) == outcome(data, by_events=True)
