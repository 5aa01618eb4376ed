"""GitHub: workflow commands that annotate the student's own lines, and the table of the job summary."""

from collections.abc import Mapping

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.report import Marked, Report
from grader.render.escape import markdown_cell
from grader.render.same_fault import one_by_one
from grader.render.strings import PROVISIONAL
from grader.render.summary import at_stake, faults, headline_of, next_steps, stamps, told, where

_LEVEL = {
    Verdict.FAIL: "error",
    Verdict.PARTIAL: "error",
    Verdict.ERROR: "warning",
    Verdict.UNKNOWN: "warning",
}
_SYMBOL = {
    Verdict.ERROR: "⚠️ error",
    Verdict.UNKNOWN: "❔ unknown",
    Verdict.FAIL: "❌ fail",
    Verdict.PARTIAL: "🟠 partial",
    Verdict.SKIPPED: "⏭️ skipped",
    Verdict.PASS: "✅ pass",
}
SHOWN = 10
"""Annotations of one level that GitHub shows of a step; what comes after them it drops in silence.

https://docs.github.com/en/rest/checks/runs, "Annotations": what a step prints beyond its limit is not kept.
"""
PLACES_SHOWN = 12
"""Faults of one annotation that are told in full; the places of the others are listed."""


def annotations(report: Report, prefix: str = "") -> str:
    """Return workflow commands, one line a criterion, most points at stake first.

    GitHub shows ten of a level, so a criterion takes one, at the line of its first finding, and lists the
    others; how many criteria are left out is said. `prefix` is the submission's folder inside the repository.
    Values are escaped as the runner's toolkit does it (`%0A`), so that no text of a student can start a
    command.
    """
    levels: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for marked in sorted(report.outcomes, key=lambda m: -at_stake(m)):
        costly = faults(marked.findings)
        remarks = tuple(finding for finding in marked.findings if finding not in costly)
        if marked.verdict in _LEVEL:
            level = _LEVEL[marked.verdict]
            levels[level].append(_command(level, marked, costly, prefix))
        if remarks:
            levels["notice"].append(_command("notice", marked, remarks, prefix))
    levels["notice"] = _notices(levels)
    return "".join(f"{line}\n" for level in levels.values() for line in level[:SHOWN])


def _notices(levels: Mapping[str, list[str]]) -> list[str]:
    """Return the notices that there is room for beside those of the points, first what is left out."""
    room = SHOWN - CLASSROOM_NOTICES
    left = sum(max(0, len(levels[level]) - SHOWN) for level in ("error", "warning"))
    notices = levels["notice"]
    if not left and len(notices) <= room:
        return notices
    shown = notices[: room - 1]
    left += len(notices) - len(shown)
    return [f"::notice::{left} more criteria with findings stand in the job summary and the report", *shown]


def summary(report: Report) -> str:
    """Return the Markdown table of the job summary."""
    rows = "".join(
        f"| {_SYMBOL[m.verdict]} | {m.code} | {markdown_cell(headline_of(m))} | "
        f"{'' if m.verdict.pending else f'{m.points:g}'} / "
        f"{m.max_points:g}{f' {PROVISIONAL}' if m.provisional else ''} | {markdown_cell(m.summary)} |\n"
        for m in report.outcomes
    )
    pending = f", {report.pending_points:g} pending" if report.pending_points else ""
    warnings = "".join(f"> {stamp}\n\n" for stamp in stamps(report))
    steps = "".join(
        f"{n}. {markdown_cell(step.title)} (up to {step.points:g} points): {markdown_cell(step.text)}\n"
        for n, step in enumerate(next_steps(report), 1)
    )
    return (
        f"## grader: {report.score:g} of {report.max_score:g} points{pending}\n\n{warnings}"
        f"{f'{steps}{chr(10)}' if steps else ''}"
        "| verdict | check | | points | |\n|---|---|---|---|---|\n" + rows
    )


CLASSROOM_NOTICES = 2


def classroom_points(report: Report) -> str:
    """Return the two notices that GitHub Classroom read, points rounded down; for repositories of its time.

    It was discontinued on 28 August 2026. Title and form are those of GitHub's own
    classroom-resources/autograding-grading-reporter.
    """
    have, most = int(report.score), int(report.max_score)
    return (
        f"::notice title=Autograding complete::Points {have}/{most}\n"
        f'::notice title=Autograding report::{{"totalPoints":{have},"maxPoints":{most}}}\n'
    )


def _command(level: str, marked: Marked, findings: tuple[Finding, ...], prefix: str) -> str:
    at = next((f.place for f in findings if f.place is not None), None)
    fields = []
    if at is not None:
        path = f"{prefix}/{at.artefact}" if prefix else at.artefact
        fields.append(f"file={_property(path)}")
        if at.line is not None and at.cell is None:
            fields.append(f"line={at.line}")
    fields.append(f"title={_property(f'{marked.code} {marked.name}{_worth(level, marked)}')}")
    faults = one_by_one(findings, Weight.REMARK if level == "notice" else Weight.FAULT)
    lines = [told(fault) for fault in faults[:PLACES_SHOWN]] or [marked.summary]
    if rest := [where(fault) for fault in faults[PLACES_SHOWN:] if where(fault)]:
        lines.append(f"and the same kind at {', '.join(rest)}")
    return f"::{level} {','.join(fields)}::{_data(chr(10).join(lines))}"


def _worth(level: str, marked: Marked) -> str:
    points = at_stake(marked)
    if level == "notice" or points <= 0 or marked.bonus:
        return ""
    return f" ({points:g} points {'open' if marked.verdict.pending else 'missed'})"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
