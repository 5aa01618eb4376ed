"""The arithmetic of marks."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.decision import Decision
from grader.core.outcome import Finding, Outcome, Verdict, graded, passed
from grader.core.report import Provenance, Report, RubricRef
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule
from grader.core.submission import Submission
from grader.score.marks import mark
from grader.score.overrides import decided


def _check() -> Outcome:
    return passed("x")


RULES = {"XX001": Rule(code="XX001", name="x", check=_check)}
PENDING = (Verdict.ERROR, Verdict.UNKNOWN, Verdict.SKIPPED)


def _outcome(verdict: Verdict, credit: float) -> Outcome:
    if verdict in PENDING:
        return Outcome(verdict=verdict, credit=0.0, summary="")
    return graded(credit, "", (Finding(message="because"),))


outcomes = st.builds(_outcome, st.sampled_from(Verdict), st.sampled_from([0.0, 0.125, 0.5, 0.875, 1.0]))
lines = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.5, 10.0, 0.1]), outcomes), min_size=1, max_size=12)


def _mark(given_lines: list[tuple[float, Outcome]]) -> tuple[float, float, float]:
    criteria = tuple(Criterion(id=str(n), check="XX001", points=p) for n, (p, _) in enumerate(given_lines))
    marks = mark(Rubric(id="r", title="r", criterion=criteria), RULES, [o for _, o in given_lines])
    return marks.score, marks.max_score, marks.pending_points


@given(lines)
def test_score_lies_between_nothing_and_what_is_judged(given_lines: list[tuple[float, Outcome]]) -> None:
    score, best, pending = _mark(given_lines)
    assert 0 <= score <= best - pending + 1e-9


@given(lines, st.integers(min_value=0, max_value=11))
def test_a_better_outcome_never_lowers_the_score(
    given_lines: list[tuple[float, Outcome]], where: int
) -> None:
    index = where % len(given_lines)
    better = [(p, passed("") if n == index else o) for n, (p, o) in enumerate(given_lines)]
    assert _mark(better)[0] >= _mark(given_lines)[0]


@given(lines)
def test_pending_points_are_exactly_those_of_undecided_criteria(
    given_lines: list[tuple[float, Outcome]],
) -> None:
    expected = sum(p for p, o in given_lines if o.verdict in PENDING)
    assert abs(_mark(given_lines)[2] - expected) < 1e-3


def test_eighths_do_not_drift() -> None:
    eighth = graded(0.875, "", (Finding(message="one of eight"),))
    assert _mark([(10.0, eighth)] * 8)[0] == 70.0


def test_a_claim_is_stamped_until_a_person_decides() -> None:
    rubric = Rubric(id="r", title="r", criterion=(Criterion(id="a", check="XX001", points=4.0),))
    earned = msgspec.structs.replace(passed("the summary says so"), provisional=True)
    marks = mark(rubric, RULES, [earned])
    assert (marks.score, marks.pending_points, marks.outcomes[0].provisional) == (4.0, 0.0, True)
    report = Report(
        submission=Submission(id="ann", slug="ann", sha256="", artefacts=()),
        rubric=RubricRef(id="r", title="r", sha256=""),
        outcomes=marks.outcomes,
        verdict=marks.verdict,
        score=marks.score,
        max_score=marks.max_score,
        pending_points=0.0,
        provenance=Provenance(grader="", python="", platform=""),
    )
    decision = Decision(
        submission="ann", code="a", verdict=Verdict.PASS, credit=1.0, reason="saw it run", who="prof"
    )
    (confirmed,) = decided(report, [decision])
    assert (confirmed.points, confirmed.provisional) == (4.0, False)


@pytest.mark.parametrize("verdict", [v for v in Verdict if v is not Verdict.PASS])
def test_a_claim_ends_in_nothing_but_a_pass(verdict: Verdict) -> None:
    credit = 0.5 if verdict is Verdict.PARTIAL else 0.0
    with pytest.raises(ValueError, match="a claim can only earn"):
        Outcome(verdict=verdict, credit=credit, summary="", provisional=True)
