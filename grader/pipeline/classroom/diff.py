"""Whose marks moved between two gradings, and why."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter

import msgspec

from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.core.spool import only


class _Ruled(msgspec.Struct, frozen=True):
    """What a mark rests on of a criterion."""

    criterion: str
    verdict: Verdict
    credit: float
    points: float
    max_points: float
    summary: str
    decided_by: str


class _HandedIn(msgspec.Struct, frozen=True):
    id: str
    sha256: str


class _Side(msgspec.Struct, frozen=True):
    """What is compared of a report."""

    submission: _HandedIn
    verdict: Verdict
    score: float
    max_score: float
    pending_points: float
    outcomes: tuple[_Ruled, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One submission that is graded differently."""

    submission: str
    headline: str
    reasons: tuple[str, ...]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two gradings."""

    changes: tuple[Change, ...]
    """Sorted by id."""
    compared: int
    """How many submissions there are, in both or in one of them."""


def compare(before: Sequence[Report], after: Sequence[Report]) -> Moved:
    """Return the submissions whose score, verdict or outcomes differ, of gradings that are sorted by id.

    Each report is read once: those of a large class lie on disk, and two of them are held at a time.
    """
    changes: list[Change] = []
    compared = 0
    sides = (_numbered(number, only(reports, _Side)) for number, reports in enumerate((before, after)))
    for name, found in groupby(merge(*sides, key=_PLACE), key=_NAME):
        compared += 1
        which, reports = zip(*((number, report) for _, number, report in found), strict=True)
        if len(reports) < 2:
            told = f"only in the {'second' if which == (1,) else 'first'} run"
            changes.append(Change(submission=name, headline=told, reasons=()))
            continue
        a, b = reports
        reasons = _reasons(a, b)
        if reasons or a.score != b.score or a.max_score != b.max_score:
            headline = f"{_sum(a)} -> {_sum(b)}"
            changes.append(Change(submission=name, headline=headline, reasons=reasons))
    return Moved(changes=tuple(changes), compared=compared)


_NAME, _PLACE = itemgetter(0), itemgetter(0, 1)


def _numbered(side: int, reports: Iterable[_Side]) -> Iterator[tuple[str, int, _Side]]:
    for report in reports:
        yield report.submission.id, side, report


def _sum(report: _Side) -> str:
    pending = f" ({report.pending_points:g} pending)" if report.pending_points else ""
    return f"{report.score:g}/{report.max_score:g}{pending}, {report.verdict.value}"


def _reasons(a: _Side, b: _Side) -> tuple[str, ...]:
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


def _criterion(a: _Ruled | None, b: _Ruled | None) -> str:
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
