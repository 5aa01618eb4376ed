"""GitHub: workflow commands that annotate the student's own lines, and the table of the job summary."""

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.report import Marked, Report
from grader.render.strings import PROVISIONAL
from grader.render.summary import stamps

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
MAX_ANNOTATIONS = 40
"""GitHub shows ten of a level per step and fifty per job; the rest would be dropped in silence, so we say how
many are left.
"""


def annotations(report: Report, prefix: str = "") -> str:
    """Return workflow commands, one a line; `prefix` is the submission's folder inside the repository.

    Values are escaped as the runner's toolkit does it (`%0A`), so that no text of a student can start a
    command.
    """
    lines: list[str] = []
    for marked in report.outcomes:
        lines += [
            _command(marked, f, prefix)
            for f in marked.findings
            if marked.verdict in _LEVEL or f.weight is Weight.REMARK
        ]
        if marked.verdict in _LEVEL and not marked.findings:
            lines.append(
                f"::{_LEVEL[marked.verdict]} title={_property(marked.code)}::{_data(marked.summary)}"
            )
    if len(lines) > MAX_ANNOTATIONS:
        rest = len(lines) - MAX_ANNOTATIONS
        lines = [*lines[:MAX_ANNOTATIONS], f"::notice::{rest} more findings stand in the report"]
    return "".join(f"{line}\n" for line in lines)


def summary(report: Report) -> str:
    """Return the Markdown table of the job summary."""
    rows = "".join(
        f"| {_SYMBOL[m.verdict]} | {m.code} | {_cell(m.title)} | "
        f"{'' if m.verdict.pending else f'{m.points:g}'} / "
        f"{m.max_points:g}{f' {PROVISIONAL}' if m.provisional else ''} | {_cell(m.summary)} |\n"
        for m in report.outcomes
    )
    pending = f", {report.pending_points:g} pending" if report.pending_points else ""
    warnings = "".join(f"> {stamp}\n\n" for stamp in stamps(report))
    return (
        f"## grader: {report.score:g} of {report.max_score:g} points{pending}\n\n{warnings}"
        "| verdict | check | | points | |\n|---|---|---|---|---|\n" + rows
    )


def classroom_points(report: Report) -> str:
    """Return the two notices that GitHub Classroom reads, points rounded down.

    Title and form are those of GitHub's own classroom-resources/autograding-grading-reporter.
    """
    have, most = int(report.score), int(report.max_score)
    return (
        f"::notice title=Autograding complete::Points {have}/{most}\n"
        f'::notice title=Autograding report::{{"totalPoints":{have},"maxPoints":{most}}}\n'
    )


def _command(marked: Marked, finding: Finding, prefix: str) -> str:
    level = "notice" if finding.weight is Weight.REMARK else _LEVEL[marked.verdict]
    fields = [f"title={_property(f'{marked.code} {marked.name}')}"]
    if finding.place is not None:
        path = f"{prefix}/{finding.place.artefact}" if prefix else finding.place.artefact
        fields.insert(0, f"file={_property(path)}")
        if finding.place.line is not None and finding.place.cell is None:
            fields.insert(1, f"line={finding.place.line}")
    where = f"{finding.place}: " if finding.place is not None and finding.place.line is None else ""
    parts = [f"{where}{finding.message}"]
    parts += [f"expected: {finding.expected}"] if finding.expected else []
    parts += [f"found: {finding.found}"] if finding.found else []
    parts += [finding.hint] if finding.hint else []
    return f"::{level} {','.join(fields)}::{_data(chr(10).join(parts))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    flat = " ".join(text.split())
    return "".join(f"&#{ord(c)};" if c in "|<>&`*_[]()!#\\@" else c for c in flat)
