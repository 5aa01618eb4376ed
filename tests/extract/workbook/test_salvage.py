"""A damaged workbook: what can be read is read, what cannot is named, and nothing is called absent that was
not read.
"""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from grader.core.facts.replay import BookVerdict
from grader.core.rubric import Profile
from grader.core.submission import Problem
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.workbook.child import read
from tests.generate.workbook import BookSpec, Layout, make

SHEETS, _ = make(BookSpec(layout=Layout.SHEET_PER_ETA, rows=12, header_row=4))


def without(part: str) -> bytes:
    return changed(part, None)


def changed(part: str, content: bytes | None) -> bytes:
    """The book with one part left out, or with other bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(SHEETS)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
            elif content is not None:
                new.writestr(name, content)
    return out.getvalue()


def part(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(SHEETS)) as package:
        return package.read(name)


def with_shared_strings() -> bytes:
    """The book with its texts moved to shared strings, which are then lost."""
    sheet = part("xl/worksheets/sheet1.xml").replace(b't="inlineStr"', b't="s"')
    sheet = re.sub(rb"<is><t[^>]*>[^<]*</t></is>", b"<v>0</v>", sheet)
    return changed("xl/worksheets/sheet1.xml", sheet)


def test_lost_texts_are_named_and_the_book_is_not_called_empty() -> None:
    data = with_shared_strings()
    book = read(data, "book.xlsx")
    assert any("sharedStrings" in text for text in book.unread)
    facts = replay_book(book, Profile())
    assert facts.verdict is BookVerdict.UNKNOWN
    assert len(facts.tables) == 6  # by the formulas of its neighbours


@pytest.mark.parametrize("lost", ["xl/styles.xml", "docProps/app.xml", "[Content_Types].xml"])
def test_parts_that_hold_no_cells_are_not_missed(lost: str) -> None:
    book = read(without(lost), "book.xlsx")
    assert book.unread == ()
    assert replay_book(book, Profile()).verdict is BookVerdict.CORRECT


def test_without_relations_the_sheets_stand_in_their_order() -> None:
    book = read(without("xl/_rels/workbook.xml.rels"), "book.xlsx")
    assert [sheet.name for sheet in book.sheets] == [sheet.name for sheet in read(SHEETS, "b").sheets]
    assert replay_book(book, Profile()).verdict is BookVerdict.CORRECT


def test_one_damaged_sheet_is_named_and_the_others_are_judged() -> None:
    name = "xl/worksheets/sheet3.xml"
    book = read(changed(name, part(name)[:9000] + b"<<<"), "book.xlsx")
    facts = replay_book(book, Profile())
    assert any("η=0.5" in text and "damaged from row" in text for text in facts.unread)
    assert facts.verdict is BookVerdict.UNKNOWN
    assert len([table for table in facts.tables if table.iterations == 12]) == 5


def test_a_sheet_without_its_part_is_named() -> None:
    book = read(without("xl/worksheets/sheet2.xml"), "book.xlsx")
    assert book.unread == ("the sheet 'η=0.2' is missing in the file",)
    assert len(book.tables) == 5


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(share: float) -> None:
    whole = changed("", None)
    book = read(whole[: int(len(whole) * share)], "book.xlsx")
    assert book.problem is Problem.NONE
    assert book.tables
    assert "cut off" in book.unread[0]
    assert replay_book(book, Profile()).verdict is BookVerdict.UNKNOWN


def test_a_file_without_any_sheet_stays_unreadable() -> None:
    book = read(SHEETS[:200], "book.xlsx")
    assert book.problem is Problem.BROKEN
