"""The page for instructors: who needs a person first, then the table, the scores and the mistakes of a class.

It names every submission, so it stands apart from what students get. Its one script sorts and filters the
table; without it the page reads the same.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, Self
from urllib.parse import quote

import msgspec

from grader.core.outcome import Finding, Verdict
from grader.core.report import Marked, Report
from grader.render import strings
from grader.render.html import render_page
from grader.render.pictures.picture import DataTable
from grader.render.result_json import percent
from grader.render.summary import at_stake, besides, faults, title_of, verdict_for_people

BINS: Final = 10
WAITING_OPEN: Final = 10
SLOWEST_SHOWN: Final = 10
MISTAKES_SHOWN: Final = 40


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion that a person must decide, or that failed on our side."""

    code: str
    title: str
    verdict: str
    summary: str
    points: float


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Criteria of one submission that wait for the same reason."""

    verdict: str
    summary: str
    title: str
    """Of the only criterion; empty for several."""
    codes: tuple[str, ...]


class Mistake(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A check and the stable code of what it found; `diagnosis` is empty where the check has none."""

    code: str
    title: str
    diagnosis: str


class ClassRow(msgspec.Struct, frozen=True, kw_only=True):
    """One submission of a class, as far as the class page needs it."""

    slug: str
    id: str
    verdict: str
    """Of the criteria that make up the full score."""
    besides: str = ""
    """A worse one of the others, which take no points away; empty where there is nothing to look at."""
    link: str = ""
    """Address of the student's page relative to the class page; empty for none."""
    score: float = 0.0
    max_score: float = 0.0
    pending_points: float = 0.0
    percent: float | None = None
    counts: dict[str, int] = {}
    """Number of criteria by verdict."""
    worst: str = ""
    """The most costly finding, in a sentence."""
    waiting: tuple[Waiting, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    provisional: bool = False
    seconds: float | None = None
    """Duration of grading, where it was taken; never part of result.json."""
    phases: str = ""
    """The same by phase, in words."""
    problem: str = ""
    """Why nothing of it could be graded; empty for a graded submission."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What waits, each reason once: a workbook that cannot be opened leaves eight criteria open, and says
        so once.
        """
        groups: dict[tuple[str, str], list[Waiting]] = {}
        for item in self.waiting:
            groups.setdefault((item.verdict, item.summary), []).append(item)
        return tuple(
            Reason(
                verdict=verdict,
                summary=summary,
                title=items[0].title if len(items) == 1 else "",
                codes=tuple(i.code for i in items),
            )
            for (verdict, summary), items in groups.items()
        )

    @classmethod
    def of(cls, report: Report, link: str = "", seconds: Mapping[str, float] | None = None) -> Self:
        """Return the row of a graded submission; `seconds` by phase, where they were taken."""
        submission = report.submission
        return cls(
            slug=submission.slug,
            id=submission.id,
            verdict=verdict_for_people(report).value,
            besides="" if (also := besides(report)) is Verdict.PASS else also.value,
            link=link or f"{submission.slug}/index.html",
            score=report.score,
            max_score=report.max_score,
            pending_points=report.pending_points,
            percent=percent(report),
            counts=dict(Counter(marked.verdict.value for marked in report.outcomes)),
            worst=_worst(report.outcomes),
            waiting=tuple(
                _waiting(m) for m in report.outcomes if m.verdict in (Verdict.UNKNOWN, Verdict.ERROR)
            ),
            mistakes=tuple(sorted({m for marked in report.outcomes for m in _mistakes(marked)})),
            provisional=any(marked.provisional for marked in report.outcomes),
            seconds=round(sum(seconds.values()), 1) if seconds else None,
            phases=", ".join(f"{p} {s:.1f}" for p, s in seconds.items()) if seconds else "",
        )

    @classmethod
    def ungraded(
        cls, slug: str, submission_id: str, problem: str, verdict: Verdict = Verdict.UNKNOWN
    ) -> Self:
        """Return the row of a submission of which nothing could be graded, with the reason in one
        sentence.
        """
        return cls(slug=slug, id=submission_id, verdict=verdict.value, problem=problem)


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a histogram; `share` of the longest bar, 0 to 100."""

    cells: tuple[str, ...]
    count: int
    share: float
    open: int = 0
    """How many of `count` may still move, because points of theirs are open."""

    @property
    def open_share(self) -> float:
        """The part of `share` that is drawn grey."""
        return round(self.share * self.open / self.count, 1) if self.count else 0.0


class ClassView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    title: str
    rows: tuple[ClassRow, ...]
    ungraded: tuple[ClassRow, ...]
    waiting: tuple[ClassRow, ...]
    waiting_open: int
    """How many of `waiting` stand unfolded, so that the table of all is not pushed out of sight."""
    states: tuple[tuple[str, int], ...]
    median: float | None
    """Of all points, in percent; it can only grow while points are open."""
    open: int
    """Submissions of which points are open."""
    scores: tuple[Bar, ...]
    mistakes: tuple[Bar, ...]
    slowest: tuple[ClassRow, ...]


def rows_from(
    reports: Iterable[Report], seconds: Mapping[str, Mapping[str, float]] | None = None
) -> tuple[ClassRow, ...]:
    """Return a row for each graded submission; links follow the layout of the reports folder, `seconds` are
    by id and phase.
    """
    taken = seconds or {}
    return tuple(ClassRow.of(report, seconds=taken.get(report.submission.id)) for report in reports)


def view(rows: Sequence[ClassRow], title: str = "") -> ClassView:
    """Return what the class page says. The order of `rows` does not matter."""
    ordered = sorted(rows, key=_urgency)
    graded = [row for row in ordered if not row.problem]
    shares = [(row.percent, row.pending_points > 0) for row in graded if row.percent is not None]
    timed = [row for row in graded if row.seconds is not None]
    return ClassView(
        title=title or strings.CLASS_TITLE,
        rows=tuple(ordered),
        ungraded=tuple(row for row in ordered if row.problem),
        waiting=tuple(row for row in graded if row.waiting),
        waiting_open=WAITING_OPEN,
        states=tuple(
            (verdict.value, count)
            for verdict in strings.VERDICTS
            if (count := sum(row.verdict == verdict.value for row in ordered))
        ),
        median=statistics.median(share for share, _ in shares) if shares else None,
        open=sum(row.pending_points > 0 for row in graded),
        scores=_scores(shares),
        mistakes=_histogram(graded),
        slowest=tuple(sorted(timed, key=lambda row: (-(row.seconds or 0.0), row.slug))[:SLOWEST_SHOWN]),
    )


def render(
    rows: Sequence[ClassRow], title: str = "", *, tables: Sequence[DataTable] = (), note: str = ""
) -> str:
    """Return the page as HTML.

    `tables` are further tables for instructors only, such as submissions that look alike; `note` says what is
    not in them.
    """
    return render_page(
        "class.html.j2",
        script="class_table.js",
        view=view(rows, title),
        tables=tuple(tables),
        note=note,
        labels={verdict.value: label for verdict, label in strings.VERDICTS.items()},
        overall={verdict.value: strings.overall(verdict) for verdict in strings.VERDICTS},
        link=lambda address: quote(address, safe="/._-~"),
    )


def _urgency(row: ClassRow) -> tuple[int, float, float, str]:
    """Sort key: not graded, then those who wait for a person (most open points first), then the lowest
    share.
    """
    stage = 0 if row.problem else 1 if row.waiting else 2
    open_points = sum(item.points for item in row.waiting)
    decided = row.max_score - row.pending_points
    return (stage, -open_points, row.score / decided if decided > 0 else math.inf, row.slug)


def _worst(outcomes: Sequence[Marked]) -> str:
    wrong = [marked for marked in outcomes if marked.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    if not wrong:
        return ""
    marked = max(wrong, key=at_stake)
    finding: Finding | None = next(iter(faults(marked.findings)), None)
    return marked.summary if finding is None else finding.message


def _waiting(marked: Marked) -> Waiting:
    return Waiting(
        code=marked.code,
        title=title_of(marked),
        verdict=marked.verdict.value,
        summary=marked.summary,
        points=marked.max_points,
    )


def _mistakes(marked: Marked) -> list[Mistake]:
    if marked.verdict not in (Verdict.FAIL, Verdict.PARTIAL):
        return []
    return [
        Mistake(code=marked.code, title=title_of(marked), diagnosis=finding.diagnosis)
        for finding in faults(marked.findings)
    ]


def _scores(shares: Sequence[tuple[float, bool]]) -> tuple[Bar, ...]:
    """Count submissions by their share of all points, each with whether points of it are open."""
    if not shares:
        return ()
    width = 100 / BINS
    bins = [(min(max(int(share // width), 0), BINS - 1), still) for share, still in shares]
    counts = Counter(b for b, _ in bins)
    waiting = Counter(b for b, still in bins if still)
    longest = max(counts.values())
    return tuple(
        Bar(
            cells=(f"{b * width:.0f}–{(b + 1) * width:.0f}\N{NO-BREAK SPACE}%",),
            count=counts[b],
            share=round(100 * counts[b] / longest, 1),
            open=waiting[b],
        )
        for b in range(BINS)
    )


def _histogram(rows: Sequence[ClassRow]) -> tuple[Bar, ...]:
    """Count submissions, not findings: eight wrong formulas of one student are one student's mistake."""
    found = sorted((mistake, row.slug) for row in rows for mistake in row.mistakes)
    counts = [
        (mistake, len({slug for _, slug in group}))
        for mistake, group in groupby(found, key=lambda pair: pair[0])
    ]
    counts.sort(key=lambda pair: (-pair[1], pair[0]))
    longest = counts[0][1] if counts else 1
    return tuple(
        Bar(
            cells=(
                m.diagnosis.replace("-", " ").capitalize() or strings.CLASS_OTHER,
                f"{m.title} ({m.code})",
            ),
            count=count,
            share=round(100 * count / longest, 1),
        )
        for m, count in counts[:MISTAKES_SHOWN]
    )
