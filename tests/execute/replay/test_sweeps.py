"""Losses of the six learning rates in layouts that people use: each is found, and none is called wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openpyxl
import pytest

from grader.checks.sweep import losses_of_the_sweep
from grader.core.facts.replay import BookFacts, ReplayFacts
from grader.core.outcome import Outcome, Verdict
from grader.core.rubric import Profile
from grader.core.submission import Submission
from grader.execute.replay.reference_network import train
from tests.execute.replay.sheets import START, replayed, workbook

RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)


def losses(count: int, step: int = 1) -> dict[float, list[float]]:
    """The right losses of each rate, every `step`-th of them."""
    start = {name: np.full(len(RATES), value) for name, value in START.items()}
    states = train(start, np.array(RATES), count * step)[::step]
    return {rate: [float(state["E_total"][k]) for state in states] for k, rate in enumerate(RATES)}


def down(
    heading: Callable[[float], object], step: int = 1, sheet: str = "Sweep"
) -> Callable[[openpyxl.Workbook], None]:
    """Columns on a sheet of their own, with an index before them."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.create_sheet(sheet)
        for k, (rate, values) in enumerate(losses(20, step).items(), 2):
            page.cell(3, k, heading(rate))
            for row, value in enumerate(values, 4):
                page.cell(row, 1, (row - 4) * step)
                page.cell(row, k, value)

    return edit


def across(book: openpyxl.Workbook) -> None:
    page = book.create_sheet("Sweep")
    for row, (rate, values) in enumerate(losses(20).items(), 2):
        page.cell(row, 1, f"η = {rate:g}")
        for column, value in enumerate(values, 2):
            page.cell(row, column, value)


LAYOUTS = {
    "bare numbers": down(lambda rate: rate),
    "texts": down(lambda rate: f"LR {rate:g}"),
    "a decimal comma as text": down(lambda rate: str(rate).replace(".", ",")),
    "every tenth": down(lambda rate: f"η = {rate:g}", step=10),
    "every fifth under bare numbers": down(lambda rate: rate, step=5),
    "across": across,
}


def judged(book: BookFacts) -> Outcome:
    alone = Submission(id="s", slug="s", sha256="", artefacts=())
    return losses_of_the_sweep.check(
        ReplayFacts(books=(book,)), alone, Profile(), losses_of_the_sweep.Params(), None
    )


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_rate_is_found_and_right(name: str) -> None:
    book = replayed(workbook(edit=LAYOUTS[name]))
    assert {one.eta for one in book.shown} == set(RATES)
    outcome = judged(book)
    assert (outcome.verdict, outcome.summary) == (
        Verdict.PASS,
        "the losses of 6 of 6 shown learning rates are right",
    )


def test_losses_of_another_rate_are_still_wrong_where_they_are_thinned_out() -> None:
    def mixed(book: openpyxl.Workbook) -> None:
        down(lambda rate: f"η = {rate:g}", step=10)(book)
        page = book["Sweep"]
        for row in range(4, 24):
            page.cell(row, 2, page.cell(row, 3).value)

    book = replayed(workbook(edit=mixed))
    outcome = judged(book)
    assert outcome.verdict is Verdict.PARTIAL
