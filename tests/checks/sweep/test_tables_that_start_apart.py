"""Tables of the sweep start alike: one that starts from another value shows no losses of its rate."""

from __future__ import annotations

import io
from collections.abc import Mapping

import openpyxl
import pytest

from grader.checks.sweep import losses_of_the_sweep
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Outcome, Verdict
from grader.core.rubric import Profile
from grader.ingest.read import from_bytes
from tests.execute.replay.sheets import AT, HEADER, replayed, workbook

RATES = Profile().learning_rates


def judged(starts: Mapping[float, Mapping[str, float]]) -> Outcome:
    """Six sheets of one table each, with other values in the first row of some."""

    def edit(book: openpyxl.Workbook) -> None:
        first = book.worksheets[0]
        for rate in RATES[1:]:
            book.copy_worksheet(first).title = f"lr {rate:g}"
        first.title = f"lr {RATES[0]:g}"
        for page, rate in zip(book.worksheets, RATES, strict=True):
            page["G2"] = rate
            for name, value in starts.get(rate, {}).items():
                page[f"{AT[name]}{HEADER + 1}"] = value

    data = workbook(edit=edit)
    assert len(openpyxl.load_workbook(io.BytesIO(data)).worksheets) == len(RATES)
    submission = from_bytes("s", {"book.xlsx": data}).submission
    facts = ReplayFacts(books=(replayed(data),))
    return losses_of_the_sweep.check(
        facts, submission, Profile(), losses_of_the_sweep.Params(), documents=None
    )


@pytest.mark.parametrize("starts", [{"w4": 0.35}, {"i1": 0.5}, {"w1": 0.2, "w2": 0.15}])
def test_one_table_that_starts_from_other_values_shows_no_losses(starts: dict[str, float]) -> None:
    outcome = judged({RATES[1]: starts})
    assert outcome.verdict is Verdict.PARTIAL
    assert outcome.credit == pytest.approx(5 / 6)
    assert [f.diagnosis for f in outcome.findings] == ["starts-from-other-values"]
    assert outcome.findings[0].found == ", ".join(f"{name} = {value:g}" for name, value in starts.items())


OWN = {f"w{k}": 0.1 * k for k in range(1, 9)}


@pytest.mark.parametrize(
    "starts",
    [
        {},
        dict.fromkeys(RATES, OWN),
        {rate: {"w4": 0.35} for rate in RATES[:3]},
        {rate: {"w4": 0.3 + 0.01 * k} for k, rate in enumerate(RATES)},
        {RATES[1]: OWN},
        {RATES[1]: {"w4": 0.3 + 1e-12}},
    ],
)
def test_own_values_and_starts_of_every_table_are_no_fault(starts: dict[float, dict[str, float]]) -> None:
    outcome = judged(starts)
    assert outcome.verdict is Verdict.PASS
    assert outcome.credit == 1.0
