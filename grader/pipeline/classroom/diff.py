"""Whose marks moved between two gradings, and why."""

from collections.abc import Sequence

import msgspec

from grader.core.report import Marked, Report


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One submission that is graded differently."""

    submission: str
    headline: str
    reasons: tuple[str, ...]


def compare(before: Sequence[Report], after: Sequence[Report]) -> tuple[Change, ...]:
    """Return the submissions whose score, verdict or outcomes differ, sorted by id."""
    # Where each stands: the reports of a large class lie on disk, and two of them are held at a time.
    old = {r.submission.id: number for number, r in enumerate(before)}
    new = {r.submission.id: number for number, r in enumerate(after)}
    changes: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            which = "second" if name not in old else "first"
            changes.append(Change(submission=name, headline=f"only in the {which} run", reasons=()))
            continue
        a, b = before[old[name]], after[new[name]]
        reasons = _reasons(a, b)
        if reasons or a.score != b.score or a.max_score != b.max_score:
            headline = f"{_sum(a)} -> {_sum(b)}"
            changes.append(Change(submission=name, headline=headline, reasons=reasons))
    return tuple(changes)


def _sum(report: Report) -> str:
    pending = f" ({report.pending_points:g} pending)" if report.pending_points else ""
    return f"{report.score:g}/{report.max_score:g}{pending}, {report.verdict.value}"


def _reasons(a: Report, b: Report) -> tuple[str, ...]:
    reasons: list[str] = []
    if a.submission.sha256 != b.submission.sha256:
        reasons.append("the submitted files differ")
    old = {m.criterion: m for m in a.outcomes}
    new = {m.criterion: m for m in b.outcomes}
    for criterion in [*old, *(c for c in new if c not in old)]:
        reason = _criterion(old.get(criterion), new.get(criterion))
        if reason:
            reasons.append(f"{criterion}: {reason}")
    return tuple(reasons)


def _criterion(a: Marked | None, b: Marked | None) -> str:
    if a is None or b is None:
        return "new in the second rubric" if a is None else "gone from the second rubric"
    if (a.verdict, a.credit, a.max_points) == (b.verdict, b.credit, b.max_points):
        return ""
    told = "" if a.summary == b.summary else f": {b.summary}"
    by = f", by {b.decided_by}" if b.decided_by and b.decided_by != a.decided_by else ""
    return (
        f"{a.verdict.value} {a.points:g}/{a.max_points:g} -> {b.verdict.value} "
        f"{b.points:g}/{b.max_points:g}{by}{told}"
    )
