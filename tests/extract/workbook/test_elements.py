"""A part that is built as elements says what the events of its parser say, whole or cut off."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.core.submission import Problem
from grader.extract.workbook import xml
from grader.extract.workbook.faults import Declared, Unreadable
from grader.extract.workbook.xml import Elements, parse
from tests.generate.workbook import BookSpec, make

with zipfile.ZipFile(io.BytesIO(make(BookSpec(rows=6))[0])) as _package:
    _SHEET = _package.read("xl/worksheets/sheet1.xml")


def _events(data: bytes) -> tuple[list[tuple[str, str, str]], str]:
    """Name, place and text of each closed cell, formula and value, and what is wrong with the part."""
    found: list[tuple[str, str, str]] = []
    opened: list[tuple[dict[str, str], list[str]]] = []

    def start(_: str, attributes: dict[str, str]) -> None:
        opened.append((attributes, []))

    def end(name: str) -> None:
        attributes, texts = opened.pop()
        found.append((name, attributes.get("r", ""), "".join(texts)))

    def said(text: str) -> None:
        opened[-1][1].append(text)

    try:
        parse(data, "sheet", start, end, said)
    except Unreadable as fault:
        return sorted(found), fault.message
    return sorted(found), ""


def _elements(data: bytes) -> tuple[list[tuple[str, str, str]], str]:
    whole = Elements(data, "sheet")
    closed = [element for element in whole.all if element not in whole.open]
    found = [(whole.names[one.tag], one.get("r", ""), one.text or "") for one in closed]
    return sorted(found), whole.fault.message if whole.fault else ""


def test_a_whole_part_has_the_elements_of_its_events() -> None:
    found, message = _elements(_SHEET)
    assert (found, message) == _events(_SHEET)
    assert sum(name == "c" for name, _, _ in found) > 200


@settings(max_examples=60)
@given(st.integers(0, len(_SHEET) - 1), st.sampled_from([b"", b"</row>", b"<", b"&x;", b"\xff"]))
def test_a_damaged_part_has_what_stands_before_the_damage(cut: int, instead: bytes) -> None:
    data = _SHEET[:cut] + instead
    found, message = _elements(data)
    assert message
    assert (found, message) == _events(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_part_that_declares_entities_is_refused(encoding: str) -> None:
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><worksheet><c>&b;</c></worksheet>'
    with pytest.raises(Declared):
        Elements(text.encode(encoding), "sheet")


def test_a_part_of_an_unknown_encoding_has_no_elements() -> None:
    whole = Elements(b'<?xml version="1.0" encoding="klingon"?><a/>', "sheet")
    assert whole.fault is not None
    assert not [*whole.all]


def test_a_part_with_too_many_tags_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MAX_TAGS", 10)
    with pytest.raises(Unreadable) as refused:
        Elements(b"<a>" + b"<c/>" * 10 + b"</a>", "sheet")
    assert refused.value.problem is Problem.TOO_LARGE
