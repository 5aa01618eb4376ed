"""Sheets whose columns of gradients hold their negatives or the steps themselves: one fault costs once, and what a header
says is no fault.
"""

from __future__ import annotations

import openpyxl
import pytest

from grader.core.facts.replay import BookVerdict, Severity
from tests.execute.replay.sheets import AT, ETA, HEADER, replayed, workbook
from tests.execute.replay.test_layouts import FIRST, LAST

WEIGHTS = [f"w{k}" for k in range(1, 9)]
COLUMNS = {f"{AT['∂E/∂' + w]}{FIRST}:{AT['∂E/∂' + w]}{LAST}" for w in WEIGHTS}
UPDATES = {f"{AT[w]}{FIRST + 1}:{AT[w]}{LAST}" for w in WEIGHTS}


def sheet(head: str, factor: str, update: str) -> bytes:
    """A book with `factor` before each gradient, and `update` of the weight and what stands in that column."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for w in WEIGHTS:
            column = AT["∂E/∂" + w]
            page[f"{column}{HEADER}"] = head.format(w=w)
            for r in range(FIRST, LAST + 1):
                page[f"{column}{r}"] = f"={factor}({str(page[f'{column}{r}'].value)[1:]})"
                if r > FIRST:
                    page[f"{AT[w]}{r}"] = "=" + update.format(w=f"{AT[w]}{r - 1}", d=f"{column}{r - 1}")

    return workbook(edit=edit)


def fails(data: bytes) -> set[str]:
    return {fault.cells for fault in replayed(data).faults if fault.severity is Severity.FAIL}


PLUS_RATE, MINUS_RATE = "{w}+" + ETA + "*{d}", "{w}-" + ETA + "*{d}"
RIGHT = [
    ("-∂E/∂{w}", "-", PLUS_RATE),
    ("negative gradient {w}", "-", PLUS_RATE),
    ("Δ{w}", "-" + ETA + "*", "{w}+{d}"),
    ("Δ{w}", ETA + "*", "{w}-{d}"),
    ("Δ{w}", "-0.5*", "{w}+{d}"),
    ("Δ{w}", "0.5*", "{w}-{d}"),
    ("η·∂E/∂{w}", "0.5*", "{w}-{d}"),
    ("Δ{w}", "-", PLUS_RATE),
    ("∂E/∂{w}", "1*", MINUS_RATE),
]


@pytest.mark.parametrize(("head", "factor", "update"), RIGHT)
def test_what_a_header_says_is_right(head: str, factor: str, update: str) -> None:
    book = replayed(sheet(head, factor, update))
    assert [fault for fault in book.faults if fault.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == 0.5


@pytest.mark.parametrize(
    ("factor", "update"),
    [("-", PLUS_RATE), ("-", MINUS_RATE), (ETA + "*", "{w}-{d}"), ("-" + ETA + "*", "{w}+{d}")],
)
def test_columns_that_are_no_gradients_cost_once(factor: str, update: str) -> None:
    assert fails(sheet("∂E/∂{w}", factor, update)) == COLUMNS


@pytest.mark.parametrize(
    ("head", "factor", "update"),
    [
        ("-∂E/∂{w}", "-", MINUS_RATE),
        ("Δ{w}", ETA + "*", "{w}+{d}"),
        ("Δ{w}", "-" + ETA + "*", "{w}-{d}"),
    ],
)
def test_an_update_against_what_its_column_says_is_wrong(head: str, factor: str, update: str) -> None:
    assert fails(sheet(head, factor, update)) == UPDATES
