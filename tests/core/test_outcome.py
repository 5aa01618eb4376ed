"""Outcomes cannot be built dishonestly."""

import math

import pytest

from grader.core.faults import Unavailable
from grader.core.outcome import Finding, Outcome, Verdict, failed, graded, passed, unknown, worst
from grader.core.place import Place

FAULT = Finding(message="wrong")


def test_order_of_severity_is_the_published_one() -> None:
    order = [Verdict.ERROR, Verdict.UNKNOWN, Verdict.FAIL, Verdict.PARTIAL, Verdict.SKIPPED, Verdict.PASS]
    assert sorted(Verdict, key=lambda v: v.severity) == order
    assert worst([Verdict.PASS, Verdict.SKIPPED, Verdict.FAIL]) is Verdict.FAIL
    assert worst([]) is Verdict.PASS


def test_pending_verdicts_are_those_that_decide_nothing() -> None:
    assert {v for v in Verdict if v.pending} == {Verdict.ERROR, Verdict.UNKNOWN, Verdict.SKIPPED}


def test_a_fail_without_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence"):
        failed("bad", ())
    with pytest.raises(ValueError, match="evidence"):
        graded(0.5, "half", ())


@pytest.mark.parametrize("credit", [-0.1, 1.1, math.nan, math.inf])
def test_credit_outside_its_range_is_refused(credit: float) -> None:
    with pytest.raises(ValueError, match="credit"):
        Outcome(verdict=Verdict.PARTIAL, credit=credit, summary="x")


@pytest.mark.parametrize(
    ("verdict", "credit"),
    [(Verdict.PASS, 0.5), (Verdict.FAIL, 0.5), (Verdict.UNKNOWN, 1.0), (Verdict.ERROR, 0.1)],
)
def test_verdict_and_credit_must_agree(verdict: Verdict, credit: float) -> None:
    with pytest.raises(ValueError, match="credit"):
        Outcome(verdict=verdict, credit=credit, summary="x")


def test_graded_gives_the_three_verdicts() -> None:
    assert graded(1.0, "all", ()).verdict is Verdict.PASS
    assert graded(0.5, "half", (FAULT,)).verdict is Verdict.PARTIAL
    assert graded(0.0, "none", (FAULT,)).verdict is Verdict.FAIL
    assert passed("fine").credit == 1.0
    assert unknown("hm").credit == 0.0


def test_unavailable_is_never_a_judgement_of_the_student() -> None:
    with pytest.raises(ValueError, match="not fail"):
        Unavailable("x", Verdict.FAIL)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(artefact="README.md", line=41), "README.md:41"),
        (Place(artefact="S4.ipynb", cell=7, line=3), "S4.ipynb cell 7 line 3"),
        (Place(artefact="S4.ipynb", cell=7), "S4.ipynb cell 7"),
        (Place(artefact="book.xlsx", sheet="Sheet1", ref="K7"), "book.xlsx Sheet1!K7"),
        (Place(artefact="book.xlsx", sheet="Sheet1"), "book.xlsx Sheet1"),
        (Place(artefact="README.md"), "README.md"),
    ],
)
def test_places_read_like_the_file_they_are_in(place: Place, text: str) -> None:
    assert str(place) == text
