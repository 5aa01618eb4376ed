"""A person's decisions over a check's: applied last, visible, and never in place of what the check found."""

from collections.abc import Sequence

import msgspec

from grader.core.decision import Decision
from grader.core.report import Marked, Report


def decided(report: Report, decisions: Sequence[Decision]) -> tuple[Marked, ...]:
    """Return the report's criteria with the last decision about each applied; the findings stay."""
    last: dict[str, Decision] = {}
    for decision in decisions:
        if decision.submission == report.submission.id:
            last[decision.code] = decision
    return tuple(_apply(m, last.get(m.criterion) or last.get(m.code)) for m in report.outcomes)


def _apply(marked: Marked, decision: Decision | None) -> Marked:
    if decision is None:
        return marked
    return msgspec.structs.replace(
        marked,
        verdict=decision.verdict,
        credit=decision.credit,
        points=round(decision.credit * marked.max_points, 4),
        provisional=False,
        decided_by=f"{decision.who}: {decision.reason} (the check said {marked.verdict.value})",
    )
