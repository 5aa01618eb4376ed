"""Rates with one loss or a few beside them: no curve, and not nothing."""

from __future__ import annotations

from collections.abc import Callable

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from grader.core.facts.replay import BookFacts
from tests.execute.replay.sheets import replayed, workbook

RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
MISSING = (0.1, 0.2, 0.8, 1.0, 2.0)
"""All but that of the table."""


def summary(fill: Callable[[Worksheet], None]) -> BookFacts:
    def edit(book: openpyxl.Workbook) -> None:
        fill(book.create_sheet("Summary"))

    return replayed(workbook(edit=edit))


def losses(rate: float) -> tuple[float, float]:
    """The losses after one step and after two, from the reference."""
    book = replayed(workbook(rows=3, eta=rate))
    return book.shown[0].losses[1], book.shown[0].losses[2]


def column(sheet: Worksheet, rates: tuple[float, ...] = RATES, text: str = "", digits: int = 8) -> None:
    sheet["A1"], sheet["B1"] = "learning rate", "E_total after 2"
    for row, rate in enumerate(rates, 2):
        sheet.cell(row, 1).value = f"{text}{rate:g}" if text else rate
        for at, loss in enumerate(losses(rate), 2):
            sheet.cell(row, at).value = round(loss, digits)


@pytest.mark.parametrize(("text", "digits"), [("", 8), ("", 4), ("η = ", 8), ("", 15)])
def test_rates_with_their_losses_beside_them_are_found(text: str, digits: int) -> None:
    book = summary(lambda sheet: column(sheet, text=text, digits=digits))
    assert tuple(one.eta for one in book.single) == MISSING
    assert {one.sheet for one in book.single} == {"Summary"}
    assert book.single[0].cells == "B2, C2"


def test_rates_in_a_row_with_their_losses_below_them_are_found() -> None:
    def fill(sheet: Worksheet) -> None:
        for at, rate in enumerate(RATES, 2):
            sheet.cell(1, at).value = rate
            sheet.cell(2, at).value = losses(rate)[1]

    assert tuple(one.eta for one in summary(fill).single) == MISSING


def test_numbers_that_are_no_losses_of_their_rates_show_nothing() -> None:
    def counts(sheet: Worksheet) -> None:
        for row, rate in enumerate(RATES, 1):
            sheet.cell(row, 1).value, sheet.cell(row, 2).value = rate, 100

    def others(sheet: Worksheet) -> None:
        for row, rate in enumerate(RATES, 1):
            sheet.cell(row, 1).value, sheet.cell(row, 2).value = rate, 0.3141592 + rate

    assert summary(counts).single == ()
    assert summary(others).single == ()
    assert summary(lambda sheet: column(sheet, (0.1, 0.2))).single == ()


def test_what_curves_show_needs_no_single_losses() -> None:
    assert summary(lambda sheet: column(sheet, (0.5, 0.5, 0.5))).single == ()
