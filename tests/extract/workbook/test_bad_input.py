"""Files that are no workbook, or a dangerous one: each gets its own clear sentence, and nothing is lost."""

from __future__ import annotations

import io
import zipfile

import pytest

from grader.checks.catalogue import catalogue
from grader.core.evidence.workbook import Book, WorkbookEvidence
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Problem
from grader.extract.workbook import grid
from grader.extract.workbook import read as reading
from grader.extract.workbook.child import read
from grader.ingest.read import from_bytes
from grader.pipeline.grade.products import Known, NothingKept, fill
from grader.pipeline.plan import rubrics
from grader.pipeline.plan.plan import make_plan
from grader.sandbox import reader
from grader.sandbox.reader import Lost, read_limited, stop
from grader.sandbox.reader_server import ReadLimits
from tests.generate.workbook import BookSpec, make

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("name", "data", "problem", "says"),
    [
        ("book.xlsx", b"t1,t2,i1\n0.01,0.99,0.05\n", Problem.NOT_WHAT_IT_SAYS, "separated values"),
        (
            "book.xlsx",
            b"<html><table><tr><td>1</td></tr></table></html>",
            Problem.NOT_WHAT_IT_SAYS,
            "HTML page",
        ),
        (
            "book.xlsx",
            OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            Problem.ENCRYPTED,
            "password",
        ),
        (
            "book.xls",
            OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"),
            Problem.OLD_FORMAT,
            "save it as .xlsx",
        ),
        (
            "book.xlsx",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n",
            Problem.LFS_POINTER,
            "git lfs",
        ),
        ("~$book.xlsx", b"\x07Somebody" + b"\0" * 150, Problem.LOCK_FILE, "lock file"),
        ("book.xlsx", b"", Problem.EMPTY, "empty"),
        ("book.xlsx", b"PK\x03\x04 and then nothing", Problem.BROKEN, "damaged"),
        ("book.xlsx", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, Problem.NOT_WHAT_IT_SAYS, "no workbook"),
    ],
)
def test_each_bad_file_has_its_own_message(name: str, data: bytes, problem: Problem, says: str) -> None:
    book = read(data, name)
    assert book.problem is problem
    assert says in book.message
    assert name in book.message


def repacked(**parts: bytes) -> bytes:
    """A right book with some parts replaced; `{}` in a part is the original."""
    data, _ = make(BookSpec(rows=14))
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            for key, edit in parts.items():
                if name.replace("/", "_").replace(".", "_").endswith(key):
                    content = (
                        edit
                        if b"{rows}" not in edit
                        else content.replace(b"</sheetData>", edit[6:] + b"</sheetData>")
                    )
            new.writestr(name, content)
    return buffer.getvalue()


def test_entities_are_refused_before_they_expand() -> None:
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b '
        b'"&a;&a;&a;&a;">]><worksheet><sheetData>&b;</sheetData></worksheet>'
    )
    book = read(repacked(sheet1_xml=bomb), "book.xlsx")
    assert book.problem is Problem.BROKEN
    assert "entities" in book.message


def test_an_external_entity_reads_no_file() -> None:
    evil = (
        b"<!DOCTYPE x [<!ENTITY a SYSTEM "
        b'"file:///etc/hostname">]><worksheet><sheetData><row><c><v>&a;</v></c></row></sheetData></worksheet>'
    )
    book = read(repacked(sheet1_xml=evil), "book.xlsx")
    assert book.problem is Problem.BROKEN
    assert book.sheets == ()


def test_a_zip_bomb_is_not_unpacked() -> None:
    book = read(repacked(sheet1_xml=b" " * 30_000_000), "book.xlsx")
    assert book.problem is Problem.TOO_LARGE
    assert "zip bomb" in book.message


def test_a_package_of_too_many_parts_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(2_001):
            archive.writestr(f"xl/{i}", "")
    assert read(buffer.getvalue(), "b.xlsx").problem is Problem.TOO_LARGE


def table_of(book: Book) -> tuple[int, int]:
    return book.tables[0].first_row, book.tables[0].last_row


def test_a_cell_in_the_last_corner_costs_nothing() -> None:
    book = read(
        repacked(sheet1_xml=b'{rows}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), "book.xlsx"
    )
    assert book.problem is Problem.NONE
    assert table_of(book) == (33, 46)


def test_many_styled_rows_are_no_cells() -> None:
    styled = "".join(f'<row r="{r}"><c r="A{r}" s="0"/></row>' for r in range(200, 30_000)).encode()
    book = read(repacked(sheet1_xml=b"{rows}" + styled), "book.xlsx")
    assert book.problem is Problem.NONE
    assert table_of(book) == (33, 46)


def test_too_many_cells_are_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MAX_CELLS", 5_000)
    rows = "".join(f'<row r="{r}">' + "<c><v>1</v></c>" * 1_000 + "</row>" for r in range(200, 210)).encode()
    book = read(repacked(sheet1_xml=b"{rows}" + rows), "book.xlsx")
    assert book.problem is Problem.TOO_LARGE
    assert "Delete the sheets" in book.message


def test_a_broken_part_is_named() -> None:
    book = read(repacked(sheet1_xml=b"<worksheet><sheetData><row>"), "book.xlsx")
    assert book.problem is Problem.BROKEN
    assert "sheet1.xml" in book.message


def test_a_book_that_dies_is_named_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(target: str, data: bytes, name: str, *, returns: type[Book]) -> Book | Lost:
        return read_limited("tests.sandbox.reading:loop", data, returns=returns, limits=ReadLimits(cpu=1))

    with monkeypatch.context() as hostile:
        hostile.setattr(reading, "read_limited", loop)
        book = reading.read_book(make(BookSpec(rows=14))[0], "book.xlsx", "x")
    assert book.problem is Problem.TOO_LARGE
    assert book.message.startswith("book.xlsx took longer than 1 s of computing time to read")
    assert reading.read_book(make(BookSpec(rows=14))[0], "book.xlsx", "x").problem is Problem.NONE


def test_a_reader_that_cannot_be_loaded_is_not_told_as_a_broken_workbook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop()
    monkeypatch.setattr(reader, "_START", "import no_module_of_this_name")
    sources = from_bytes("x", {"book.xlsx": make(BookSpec(rows=14))[0]})
    known = Known(sources, Settings(execute=False, retrain=False), Profile())
    rules = catalogue()
    plan = make_plan(rubrics.load("default", rules).rubric, rules)
    fill(plan, known, NothingKept(), wanted=("WorkbookEvidence",))
    missing = known.get(WorkbookEvidence)
    assert isinstance(missing, Missing)
    assert missing.verdict is Verdict.ERROR
    assert "no_module_of_this_name" in missing.reason
    assert "Save it again" not in missing.reason


@pytest.mark.parametrize("name", ["UTF-6", "hex", "gb18030", "x\u00e9"])
def test_an_encoding_that_nobody_has_is_damage_in_our_words(name: str) -> None:
    """Fuzzing found that it was told in Python's: LookupError."""
    sheet = f'<?xml version="1.0" encoding="{name}"?><worksheet/>'.encode()
    book = read(repacked(sheet1_xml=sheet), "book.xlsx")
    assert book.problem is Problem.BROKEN
    assert "sheet1.xml is damaged" in book.message


def test_nonsense_in_a_package_is_a_problem_not_a_crash() -> None:
    for content in (b"", b"not xml", b"<a/>", b"\xff\xfe\x00"):
        book = reading.read_book(repacked(workbook_xml=content), "book.xlsx", "x")
        assert book.problem is Problem.BROKEN or book.tables == ()
