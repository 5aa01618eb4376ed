"""One submission of a class as the page of the class shows it: marks by criterion, what waits, mistakes."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from grader.core.outcome import Verdict, Weight
from grader.core.report import Marked, Report
from grader.render.result_json import percent
from grader.render.summary import (
    anchor_of,
    at_stake,
    besides,
    faults,
    headline_of,
    title_of,
    verdict_for_people,
)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion that a person must decide, or that failed on our side."""

    code: str
    title: str
    verdict: str
    summary: str
    points: float
    criterion: str = ""
    """The id under which a person decides it."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one criterion in a cell of the table."""

    verdict: str
    anchor: str
    remarks: int = 0


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion of the rubric as a column of the table."""

    criterion: str
    code: str
    title: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Criteria of one submission that wait for the same reason."""

    verdict: str
    summary: str
    title: str
    """Of the only criterion; empty for several."""
    codes: tuple[str, ...]
    commands: tuple[str, ...] = ()
    """What decides each criterion, to be copied."""


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
    marks: dict[str, Mark] = {}
    """By the criterion's id."""
    columns: tuple[Column, ...] = ()
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
                commands=tuple(decide(self.id, i.criterion or i.code) for i in items),
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
            marks={m.criterion: _mark(m) for m in report.outcomes},
            columns=tuple(
                Column(criterion=m.criterion, code=m.code, title=title_of(m)) for m in report.outcomes
            ),
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


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What was graded, when, and where the marks are."""

    rubric: str = ""
    run: str = ""
    graded: str = ""
    """When the run ended, or began."""
    exports: tuple[tuple[str, str], ...] = ()
    """Names and addresses of files beside the page."""
    commands: tuple[str, ...] = ()
    """What writes the marks for a platform."""


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """Hand-ins that look alike, side by side: names, and of the closest two what agrees and where."""

    names: tuple[str, ...]
    what: str
    how: str
    passages: tuple[tuple[tuple[str, ...], str], ...] = ()
    """Places, one a submission of the closest two, and the text that agrees."""


class SimilarGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Hand-ins that look alike in one respect."""

    caption: str
    members: tuple[Similar, ...]


def _worst(outcomes: Sequence[Marked]) -> str:
    wrong = [marked for marked in outcomes if marked.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    if not wrong:
        return ""
    return headline_of(max(wrong, key=at_stake))


def _mark(marked: Marked) -> Mark:
    remarks = sum(finding.weight is Weight.REMARK for finding in marked.findings)
    return Mark(verdict=marked.verdict.value, anchor=anchor_of(marked), remarks=remarks)


def _waiting(marked: Marked) -> Waiting:
    return Waiting(
        code=marked.code,
        title=title_of(marked),
        verdict=marked.verdict.value,
        summary=marked.summary,
        points=marked.max_points,
        criterion=marked.criterion,
    )


def _mistakes(marked: Marked) -> list[Mistake]:
    if marked.verdict not in (Verdict.FAIL, Verdict.PARTIAL):
        return []
    return [
        Mistake(code=marked.code, title=title_of(marked), diagnosis=finding.diagnosis)
        for finding in faults(marked.findings)
    ]


def decide(submission: str, criterion: str, out: str = "") -> str:
    """Return the command that decides a criterion by hand, as one may paste it into a shell."""
    where = f" -o {shlex.quote(out)}" if out else ""
    name, what = shlex.quote(submission), shlex.quote(criterion)
    return f'grader override {name} {what} --verdict pass --reason "..."{where}'
