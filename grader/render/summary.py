"""What a reader needs first, computed once for page, terminal and class table: next steps, groups, stamps."""

from collections.abc import Iterable
from typing import Final

import msgspec

from grader.core.outcome import Finding, Verdict, Weight, worst
from grader.core.report import Marked, Report
from grader.core.submission import Kind
from grader.render import strings

STEPS_SHOWN: Final = 3
FAMILY_READS: Final = {
    "BP": Kind.README,
    "RD": Kind.README,
    "WB": Kind.WORKBOOK,
    "LR": Kind.WORKBOOK,
    "NN": Kind.NOTEBOOK,
    "TR": Kind.NOTEBOOK,
    "RT": Kind.NOTEBOOK,
}
"""The kind of file that a family of checks judges: a skip is the student's to mend only where that file is
missing.
"""
PRIVATE_OPTIONS: Final = frozenset({"data", "cache"})
"""Options that hold paths of the grading machine; a student's page and file leave them out."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do, with the points that it can win back."""

    points: float
    title: str
    text: str
    anchor: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The criteria of one verdict, most points at stake first."""

    verdict: Verdict
    outcomes: tuple[Marked, ...]


def for_student(report: Report) -> Report:
    """Return the report without what only the grading side may see. Fields are taken out here, never hidden
    in a page.

    Points without the hidden criteria are the score layer's to add up (`grader.score.marks.student_view`).
    """
    options = {k: v for k, v in report.provenance.options.items() if k not in PRIVATE_OPTIONS}
    return msgspec.structs.replace(
        report,
        outcomes=tuple(marked for marked in report.outcomes if not marked.hidden),
        provenance=msgspec.structs.replace(report.provenance, options=options),
    )


def groups(report: Report) -> tuple[Group, ...]:
    """Return the non-empty groups in the order of `strings.VERDICTS`: what can be mended first, what is right
    last.
    """
    found = []
    for verdict in strings.VERDICTS:
        members = [marked for marked in report.outcomes if marked.verdict is verdict]
        if members:
            ordered = sorted(members, key=lambda m: -at_stake(m))  # stable: the rubric's order among equals
            found.append(Group(verdict=verdict, outcomes=tuple(ordered)))
    return tuple(found)


def next_steps(report: Report, limit: int = STEPS_SHOWN) -> tuple[Step, ...]:
    """Return what wins back the most points, in that order; criteria that need the same thing are one step.

    Errors of ours are not the student's to mend, and a skip only where the student's own file is missing.
    What waits for a person is one only where a check says what would spare the wait.
    """
    steps: dict[str, Step] = {}
    present = {artefact.kind for artefact in report.submission.artefacts if artefact.readable}
    for marked in report.outcomes:
        if marked.verdict is Verdict.SKIPPED:
            missing = FAMILY_READS.get(marked.code[:2])
            wanted = "" if missing is None or missing in present else strings.KINDS[missing.value]
            title, advice = (strings.missing(wanted), strings.STEP_HAND_IN) if wanted else ("", "")
        else:
            title, advice = title_of(marked), _advice(marked)
        if not advice or at_stake(marked) <= 0:
            continue
        key = f"{title}\n" * (marked.verdict is Verdict.SKIPPED) + advice
        points = at_stake(marked) + (steps[key].points if key in steps else 0.0)
        first = steps.get(key) or Step(points=0.0, title=title, text=advice, anchor=anchor_of(marked))
        steps[key] = msgspec.structs.replace(first, points=points)
    return tuple(sorted(steps.values(), key=lambda step: -step.points)[:limit])


def verdict_for_people(report: Report) -> Verdict:
    """Return the verdict that a headline shows: the most severe one among the criteria that the full score is
    made of.

    result.json keeps the most severe of all. But "Failed" or "Not checked" over full points, because of a
    criterion that is worth none or of a bonus, tells nobody anything true.
    """
    worth = [marked.verdict for marked in report.outcomes if marked.max_points > 0 and not marked.bonus]
    return worst(worth) if worth else report.verdict


def besides(report: Report) -> Verdict:
    """Return what an instructor should see beside a milder headline: `pass` where there is nothing to look
    at.
    """
    milder = report.verdict.severity < verdict_for_people(report).severity
    return report.verdict if milder and report.verdict is not Verdict.SKIPPED else Verdict.PASS


def at_stake(marked: Marked) -> float:
    """Points that the criterion could still bring."""
    return marked.max_points - marked.points


def title_of(marked: Marked) -> str:
    """The criterion's title; rubrics may leave it out."""
    return (marked.title or marked.name.replace("-", " ").capitalize()).removesuffix(".")


def anchor_of(marked: Marked) -> str:
    """The fragment of the criterion's card; criterion ids are unique in a rubric, but may hold any
    character.
    """
    return "c-" + "".join(
        char if char.isascii() and char.isalnum() else f"-{ord(char):x}-" for char in marked.criterion
    )


def faults(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that cost credit."""
    return tuple(finding for finding in findings if finding.weight is Weight.FAULT)


def stamps(report: Report) -> tuple[str, ...]:
    """Return the warnings that every rendered form carries."""
    found = []
    if report.provenance.isolation.casefold().startswith("none"):
        found.append(strings.STAMP_ISOLATION)
    if any(marked.provisional for marked in report.outcomes):
        found.append(strings.STAMP_PROVISIONAL)
    return tuple(found)


def _advice(marked: Marked) -> str:
    if marked.verdict in (Verdict.PASS, Verdict.ERROR):
        return ""
    costly = faults(marked.findings)
    hint = next((finding.hint for finding in costly if finding.hint), "")
    if hint or marked.verdict is Verdict.UNKNOWN:
        return hint
    return costly[0].message if costly else marked.summary
