"""A person's decisions over a check's: applied last, visible, and never in place of what the check found."""

from collections.abc import Sequence

import msgspec

from grader.core.decision import Decision
from grader.core.outcome import Verdict
from grader.core.report import Marked, Report


def decided(report: Report, decisions: Sequence[Decision]) -> tuple[Marked, ...]:
    """Return the report's criteria with the last ruling and the last comment about each; the findings
    stay.
    """
    rulings: dict[str, Decision] = {}
    comments: dict[str, Decision] = {}
    for decision in decisions:
        if decision.submission == report.submission.id:
            if decision.rules:
                rulings[decision.code] = decision
            if decision.comment:
                comments[decision.code] = decision
    return tuple(
        _commented(
            _ruled(m, rulings.get(m.criterion) or rulings.get(m.code)),
            comments.get(m.criterion) or comments.get(m.code),
        )
        for m in report.outcomes
    )


def _ruled(marked: Marked, decision: Decision | None) -> Marked:
    if decision is None:
        return marked
    credit = decision.credit
    if decision.points is not None:
        # A rubric may have got other points since: they are what was given, and never more than there are.
        credit = min(1.0, decision.points / marked.max_points) if marked.max_points else 0.0
    verdict = decision.verdict or _verdict_of(credit)
    return msgspec.structs.replace(
        marked,
        verdict=verdict,
        credit=credit,
        points=round(credit * marked.max_points, 4),
        provisional=False,
        decided_by=f"{decision.who}: {decision.reason} (the check said {marked.verdict.value})",
    )


def _verdict_of(credit: float) -> Verdict:
    if credit >= 1.0:
        return Verdict.PASS
    return Verdict.PARTIAL if credit > 0.0 else Verdict.FAIL


def _commented(marked: Marked, decision: Decision | None) -> Marked:
    if decision is None:
        return marked
    return msgspec.structs.replace(marked, comment=f"{decision.who}: {decision.comment}")
