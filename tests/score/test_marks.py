"""The arithmetic of marks."""

from hypothesis import given
from hypothesis import strategies as st

from grader.core.outcome import Finding, Outcome, Verdict, graded, passed
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule
from grader.score.marks import mark


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
