"""Outcomes to points. One place, one rule: points = credit times the criterion's points, pending where undecided."""

from collections.abc import Mapping, Sequence

import msgspec

from grader.core.outcome import Outcome, Verdict, worst
from grader.core.report import Marked
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """The arithmetic of one report; all in points of the rubric."""

    outcomes: tuple[Marked, ...]
    verdict: Verdict
    score: float
    max_score: float
    pending_points: float


def mark(rubric: Rubric, rules: Mapping[str, Rule], outcomes: Sequence[Outcome]) -> Marks:
    """Multiply credits by points.

    `outcomes` stand in the rubric's order. Points of `error`, `unknown` and `skipped` are pending: neither lost nor
    earned. The verdict is the most severe outcome among the criteria.
    """
    marked = tuple(_one(c, rules[c.check], o) for c, o in zip(rubric.criterion, outcomes, strict=True))
    return Marks(
        outcomes=marked,
        verdict=worst(m.verdict for m in marked),
        score=_rounded(sum(m.points for m in marked)),
        max_score=_rounded(sum(m.max_points for m in marked)),
        pending_points=_rounded(sum(m.pending_points for m in marked)),
    )


def _one(criterion: Criterion, rule: Rule, outcome: Outcome) -> Marked:
    return Marked(
        criterion=criterion.id,
        code=rule.code,
        name=rule.name,
        title=criterion.title or rule.title,
        verdict=outcome.verdict,
        credit=outcome.credit,
        points=_rounded(outcome.credit * criterion.points),
        max_points=criterion.points,
        summary=outcome.summary,
        findings=outcome.findings,
    )


def _rounded(points: float) -> float:
    # Sums of eighths and tenths drift in the last bit; a mark sheet shows at most four decimals.
    return round(points, 4)
