"""A summary of final losses is neither a curve nor nothing: it was told as rates that are not shown."""

from __future__ import annotations

import openpyxl
import pytest

from grader.checks.sweep import every_rate_shown, losses_of_the_sweep
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.ingest.read import from_bytes
from tests.execute.replay.sheets import replayed, workbook
from tests.execute.replay.test_single_losses import RATES, column


@pytest.mark.parametrize(("rates", "verdict"), [(RATES, Verdict.UNKNOWN), (RATES[:2], Verdict.PARTIAL)])
def test_single_losses_of_the_rates_are_for_a_person(rates: tuple[float, ...], verdict: Verdict) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        column(book.create_sheet("Summary"), rates)

    data = workbook(edit=edit)
    submission = from_bytes("s", {"book.xlsx": data}).submission
    facts = ReplayFacts(books=(replayed(data),))
    shown = every_rate_shown.check(facts, submission, Profile(), every_rate_shown.Params(), documents=None)
    right = losses_of_the_sweep.check(
        facts, submission, Profile(), losses_of_the_sweep.Params(), documents=None
    )
    assert (shown.verdict, right.verdict) == (verdict, verdict)
    assert ("Summary!B2" in shown.summary) == ("Summary!B2" in right.summary) == (verdict is Verdict.UNKNOWN)
