"""What a reader needs first, computed once for page, terminal and class table: next steps, groups, stamps."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from grader.core.outcome import Finding, Verdict, Weight, worst
from grader.core.report import Marked, Report
from grader.core.submission import Kind, Submission
from grader.render import strings
from grader.render.same_fault import Fault, one_by_one, same_slip, spots

STEPS_SHOWN: Final = 3
PLACES_SHOWN: Final = 8
LONGEST_TITLE: Final = 130
"""Characters of a title; a longer sentence stays below the criterion's own."""
_MISSING: Final = "missing-"
"""How the codes of files that were not handed in begin."""
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


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The points of a report in one line: earned, open and missed make up `of`."""

    earned: float
    open: float
    missed: float
    of: float

    @property
    def text(self) -> str:
        """`65 earned, 10 open, 25 missed of 100 points`; what is none is not said."""
        parts = [f"{strings.number(self.earned)} {strings.POINTS_EARNED}"]
        parts += [f"{strings.number(self.open)} {strings.OPEN_SHARE}"] if self.open else []
        parts += [f"{strings.number(self.missed)} {strings.POINTS_MISSED}"] if self.missed else []
        return f"{', '.join(parts)} {strings.OF} {strings.points(self.of)}"


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
    asked = [m for m in report.outcomes if not _of_another_file(m, report.submission)]
    for verdict in strings.VERDICTS:
        members = [marked for marked in asked if marked.verdict is verdict]
        if members:
            ordered = sorted(members, key=lambda m: -at_stake(m))  # stable: the rubric's order among equals
            found.append(Group(verdict=verdict, outcomes=tuple(ordered)))
    return tuple(found)


def tally(report: Report) -> Tally:
    """Return the points of a report. Where one file was given, those that only other files can earn are left
    out.
    """
    beyond = sum(m.pending_points for m in report.outcomes if _of_another_file(m, report.submission))
    return Tally(
        earned=report.score,
        open=report.pending_points - beyond,
        missed=max(0.0, report.judged_points - report.score),
        of=report.max_score - beyond,
    )


def next_steps(report: Report, limit: int = STEPS_SHOWN) -> tuple[Step, ...]:
    """Return what wins back the most points, in that order; what mends several criteria is one step.

    Errors of ours are not the student's to mend, and a skip only where the student's own file is missing.
    What waits for a person is one only where a check says what would spare the wait.
    """
    steps: dict[str, Step] = {}
    present = present_kinds(report.submission)
    told: list[tuple[Fault, str]] = []
    for marked in report.outcomes:
        if at_stake(marked) <= 0:
            continue
        for step, key, fault in _steps_of(marked, report.submission, present):
            same = ((f, k) for f, k in told if fault is not None and same_slip(f, fault))
            twin, twin_key = next(same, (None, ""))
            if fault is not None and twin is None:
                told.append((fault, key))
            first = steps.get(twin_key or key)
            besides = (
                fault if fault is not None and twin is not None and where(twin) != where(fault) else None
            )
            steps[twin_key or key] = _joined(first, step, besides)
    return tuple(sorted(steps.values(), key=lambda step: -step.points)[:limit])


def _steps_of(
    marked: Marked, submission: Submission, present: frozenset[Kind]
) -> Iterator[tuple[Step, str, Fault | None]]:
    """The steps of one criterion, each with what makes it the same as another's."""
    stake, anchor = at_stake(marked), anchor_of(marked)
    missing = [f for f in faults(marked.findings) if f.diagnosis.startswith(_MISSING)]
    if marked.verdict is Verdict.SKIPPED:
        kind = FAMILY_READS.get(marked.code[:2])
        if kind is None or kind in present or submission.single_file:
            return
        title = strings.missing(strings.KINDS[kind.value])
        yield Step(points=stake, title=title, text=strings.STEP_HAND_IN, anchor=anchor), title, None
    elif missing and len(missing) == len(faults(marked.findings)):
        for finding in missing:
            name = strings.KINDS.get(finding.diagnosis.removeprefix(_MISSING), "file")
            title = strings.missing(name)
            points = stake / len(missing)
            yield Step(points=points, title=title, text=strings.STEP_HAND_IN, anchor=anchor), title, None
    elif advice := _advice(marked):
        group = one_by_one(marked.findings, Weight.FAULT)
        step = Step(points=stake, title=headline_of(marked), text=advice, anchor=anchor)
        yield step, advice, group[0] if len(group) == 1 else None


def _joined(first: Step | None, step: Step, besides: Fault | None) -> Step:
    """One step for two criteria: their points together, and where the same slip is to be found besides."""
    if first is None:
        return step
    also = f" {strings.STEP_ALSO.format(places=where(besides))}" if besides is not None else ""
    return msgspec.structs.replace(first, points=first.points + step.points, text=first.text + also)


def told(fault: Fault) -> str:
    """Return a fault as lines of plain text: places and sentence, what was expected and found, what to do."""
    places, first = where(fault), fault.first
    parts = [f"{places}: {fault.sentence}" if places else fault.sentence]
    parts += [f"  expected: {first.expected}"] if first.expected else []
    parts += [f"  found: {first.found}"] if first.found else []
    parts += [f"  {first.hint}"] if first.hint else []
    return "\n".join(parts)


def where(fault: Fault) -> str:
    """Return the places of a fault in one phrase: `README.md:33, 34, 35`."""
    shown = spots(fault.findings)
    more = len(shown) - PLACES_SHOWN
    return ", ".join(spot.text for spot in shown[:PLACES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def present_kinds(submission: Submission) -> frozenset[Kind]:
    """The kinds of which a file can be read."""
    return frozenset(artefact.kind for artefact in submission.artefacts if artefact.readable)


def _of_another_file(marked: Marked, submission: Submission) -> bool:
    if not submission.single_file or marked.verdict is not Verdict.SKIPPED:
        return False
    return FAMILY_READS.get(marked.code[:2]) not in present_kinds(submission)


def headline_of(marked: Marked) -> str:
    """Return what is wrong, as a title; of what is right, the criterion."""
    if marked.verdict is Verdict.PASS or marked.decided_by:
        return title_of(marked)
    if marked.verdict in (Verdict.FAIL, Verdict.PARTIAL):
        groups = one_by_one(marked.findings, Weight.FAULT)
        more = f", {strings.AND_MORE.format(count=len(groups) - 1)}" if len(groups) > 1 else ""
        told = marked.headline or (
            f"{groups[0].sentence.removesuffix('.')}{more}" if groups else marked.summary
        )
    else:
        told = marked.summary
    told = strings.sentence(told).removesuffix(".")
    return told if len(told) <= LONGEST_TITLE else title_of(marked)


def remarks_of(marked: Marked) -> tuple[Fault, ...]:
    """Return what is told of a criterion and costs nothing, each slip once."""
    return one_by_one(marked.findings, Weight.REMARK)


def remarks_in(report: Report) -> int:
    """How many places are remarked on, in criteria that passed: what a student would else never look for."""
    return sum(
        1
        for marked in report.outcomes
        if marked.verdict is Verdict.PASS
        for finding in marked.findings
        if finding.weight is Weight.REMARK
    )


def first_fault(report: Report) -> str:
    """Return the code of the criterion that costs the most; empty where nothing is wrong."""
    wrong = [m for m in report.outcomes if m.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    doubtful = [m for m in report.outcomes if m.verdict is Verdict.UNKNOWN]
    remarked = [m for m in report.outcomes if remarks_of(m)]
    first = max(wrong, key=at_stake, default=None) or next(iter(doubtful or remarked), None)
    return first.code if first is not None else ""


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
    return _anchor(marked.criterion)


@lru_cache(maxsize=256)
def _anchor(criterion: str) -> str:
    return "c-" + "".join(
        char if char.isascii() and char.isalnum() else f"-{ord(char):x}-" for char in criterion
    )


def finding_anchor(marked: Marked, number: int) -> str:
    """The fragment of a criterion's finding in the page of its file; `number` counts the findings from 0."""
    return f"f{number}-{anchor_of(marked)}"


def faults(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that cost credit."""
    return tuple(finding for finding in findings if finding.weight is Weight.FAULT)


def stamps(report: Report) -> tuple[str, ...]:
    """Return the warnings that every rendered form carries."""
    found = [strings.STAMP_SINGLE] if report.submission.single_file else []
    if report.provenance.isolation.casefold().startswith("none"):
        found.append(strings.STAMP_ISOLATION)
    if any(marked.provisional for marked in report.outcomes):
        found.append(strings.STAMP_PROVISIONAL)
    return tuple(found)


def _advice(marked: Marked) -> str:
    if marked.verdict in (Verdict.PASS, Verdict.ERROR):
        return ""
    costly = faults(marked.findings)
    advised = next((finding for finding in costly if finding.hint), None)
    if advised is None:
        return "" if marked.verdict is Verdict.UNKNOWN else costly[0].message if costly else marked.summary
    if not says_the_slip_again(advised):
        return advised.hint
    group = next(fault for fault in one_by_one(marked.findings, Weight.FAULT) if advised in fault.findings)
    return strings.STEP_WHERE.format(places=where(group))


def says_the_slip_again(finding: Finding) -> bool:
    """Whether the hint is only the slip with both formulas, which are shown one above the other."""
    return bool(finding.slip and finding.expected and finding.hint.startswith(finding.slip))
