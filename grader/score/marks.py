"""Outcomes to points. One place, one rule: points = credit times the criterion's points, pending where
undecided.
"""

from collections.abc import Mapping, Sequence

import msgspec

from grader.core.outcome import Finding, Outcome, Verdict, worst
from grader.core.report import Adjustment, Marked, Report
from grader.core.rubric import Absent, Criterion, LatePolicy, Rubric
from grader.core.rule import Rule


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """The arithmetic of one report; all in points of the rubric."""

    outcomes: tuple[Marked, ...]
    verdict: Verdict
    score: float
    max_score: float
    pending_points: float
    adjustments: tuple[Adjustment, ...]


def mark(
    rubric: Rubric,
    rules: Mapping[str, Rule],
    outcomes: Sequence[Outcome],
    late_days: float = 0.0,
    *,
    missing: Absent = Absent.OPEN,
) -> Marks:
    """Multiply credits by points, then deduct for lateness, then cap.

    `outcomes` stand in the rubric's order. Points of `error`, `unknown` and `skipped` are pending: neither
    lost nor earned. The verdict is the most severe outcome among the criteria. Bonus points count where they
    are earned and do not enlarge the maximum. `missing` says what becomes of what was never handed in.
    """
    called = {model.id: model.called for model in rubric.model}
    marked = tuple(
        _one(c, rules[c.check], o, called.get(c.model, ""))
        for c, o in zip(rubric.criterion, outcomes, strict=True)
    )
    if missing is Absent.ZERO:
        marked = tuple(_nothing(m, rubric) for m in marked)
    return total(rubric, marked, late_days)


def total(rubric: Rubric, marked: Sequence[Marked], late_days: float) -> Marks:
    """Add up marked criteria under a rubric's late policy and cap."""
    best = sum(m.max_points for m in marked if not m.bonus)
    score = sum(m.points for m in marked)
    adjustments = [*_late(rubric.late, score, late_days)]
    score += sum(a.points for a in adjustments)
    cap = rubric.cap or best
    if score > cap:
        adjustments.append(Adjustment(label=f"at most {cap:g} points", points=_rounded(cap - score)))
        score = cap
    return Marks(
        outcomes=tuple(marked),
        verdict=worst(m.verdict for m in marked),
        score=_rounded(score),
        max_score=_rounded(best),
        pending_points=_rounded(sum(m.pending_points for m in marked)),
        adjustments=tuple(adjustments),
    )


def remarked(report: Report, rubric: Rubric, outcomes: Sequence[Marked], late_days: float) -> Report:
    """Return a report with other marked criteria, added up afresh."""
    return with_marks(report, total(rubric, outcomes, late_days))


def with_marks(report: Report, marks: Marks) -> Report:
    """Return a report with other marks."""
    return msgspec.structs.replace(
        report,
        outcomes=marks.outcomes,
        verdict=marks.verdict,
        score=marks.score,
        max_score=marks.max_score,
        pending_points=marks.pending_points,
        adjustments=marks.adjustments,
    )


def student_view(report: Report, rubric: Rubric, late_days: float = 0.0) -> Report:
    """Return the report without what the rubric hides; the fields are left out, not covered up."""
    visible = [m for m in report.outcomes if not m.hidden]
    return report if len(visible) == len(report.outcomes) else remarked(report, rubric, visible, late_days)


def _late(policy: LatePolicy, score: float, days: float) -> tuple[Adjustment, ...]:
    counted = max(0.0, days - policy.free_days)
    share = min(policy.at_most, policy.per_day * counted)
    if share <= 0:
        return ()
    label = f"{days:g} days late: {share:.0%} of the points earned"
    return (Adjustment(label=label, points=_rounded(-share * score)),)


def _one(criterion: Criterion, rule: Rule, outcome: Outcome, model: str) -> Marked:
    title = criterion.title or rule.title
    return Marked(
        criterion=criterion.id,
        code=rule.code,
        name=rule.name,
        title=f"{model}: {title}" if model else title,
        verdict=outcome.verdict,
        credit=outcome.credit,
        points=_rounded(outcome.credit * criterion.points),
        max_points=criterion.points,
        summary=outcome.summary,
        model=criterion.model,
        findings=outcome.findings,
        cause=outcome.cause,
        provisional=outcome.provisional,
        bonus=criterion.bonus,
        hidden=criterion.hidden,
        headline=outcome.headline,
    )


def _nothing(marked: Marked, rubric: Rubric) -> Marked:
    """No points for what was surely not handed in, with the rubric as the reason; the rest stays as it is."""
    if marked.verdict is not Verdict.SKIPPED or not marked.cause:
        return marked
    finding = Finding(
        message=marked.summary,
        expected="a hand-in that holds it",
        found="nothing of it by the deadline",
        hint="hand it in; whether it still counts is for your instructor to say",
        diagnosis=marked.cause,
    )
    why = 'what was never handed in by the deadline earns nothing (missing = "zero")'
    return msgspec.structs.replace(
        marked,
        verdict=Verdict.FAIL,
        findings=(*marked.findings, finding),
        decided_by=f"the rubric {rubric.id}: {why} (the check said {marked.verdict.value})",
    )


def _rounded(points: float) -> float:
    # Sums of eighths and tenths drift in the last bit; a mark sheet shows at most four decimals.
    return round(points, 4)
