"""The marks of a class as an xlsx workbook for instructors: sheets of marks, of criteria and of findings.

openpyxl writes it. Text is always text: a name that begins with `=` is a string with a quote prefix and no
formula (OWASP, CSV injection, names the same danger for workbooks).
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence

from grader.core.report import Marked, Report
from grader.render.archive import packed
from grader.render.escape import bare, clip
from grader.render.result_json import percent
from grader.render.strings import PROVISIONAL, VERDICTS

_LONGEST = 32_000
"""Characters of a cell; Excel holds 32,767."""
Value = str | float | None
"""What a cell holds."""
_MARKS = ("id", "verdict", "score", "max_score", "pending_points", "percent")
_CRITERIA = ("id", "criterion", "code", "title", "verdict", "points", "max_points", "bonus", "summary",
             "provisional", "decided_by")  # fmt: skip
_FINDINGS = ("id", "criterion", "code", "verdict", "file", "place", "message", "expected", "found", "hint",
             "weight", "diagnosis")  # fmt: skip


def to_workbook(reports: Sequence[Report]) -> bytes:
    """Return the workbook; each sheet has frozen heads and a filter on each column. Open points are empty."""
    ordered = sorted(reports, key=lambda r: r.submission.id)
    criteria = list(dict.fromkeys(m.criterion for r in ordered for m in r.outcomes))
    return book_of(
        ("Marks", (*_MARKS, *criteria), (_marks(r, criteria) for r in ordered)),
        ("Criteria", _CRITERIA, (_criterion(r, m) for r in ordered for m in r.outcomes)),
        ("Findings", _FINDINGS, (row for r in ordered for row in _findings(r))),
    )


def book_of(*sheets: tuple[str, Sequence[str], Iterable[Sequence[Value]]]) -> bytes:
    """Return a workbook of sheets, each a title, its heads and its rows; no text in it is a formula."""
    import openpyxl

    book = openpyxl.Workbook()
    del book["Sheet"]
    for title, head, rows in sheets:
        _sheet(book, title, head, rows)
    buffer = io.BytesIO()
    book.save(buffer)
    return _without_clock(buffer.getvalue())


def _marks(report: Report, criteria: Sequence[str]) -> tuple[Value, ...]:
    by_id = {m.criterion: m for m in report.outcomes}
    shares = (None if m is None or m.verdict.pending else m.points for m in map(by_id.get, criteria))
    numbers = (report.score, report.max_score, report.pending_points, percent(report))
    return (report.submission.id, VERDICTS[report.verdict].word, *numbers, *shares)


def _criterion(report: Report, marked: Marked) -> tuple[Value, ...]:
    return (
        report.submission.id,
        marked.criterion,
        marked.code,
        marked.title,
        VERDICTS[marked.verdict].word,
        None if marked.verdict.pending else marked.points,
        marked.max_points,
        "bonus" if marked.bonus else "",
        marked.summary,
        PROVISIONAL if marked.provisional else "",
        marked.decided_by,
    )


def _findings(report: Report) -> Iterator[tuple[Value, ...]]:
    for marked in report.outcomes:
        for found in marked.findings:
            yield (
                report.submission.id,
                marked.criterion,
                marked.code,
                VERDICTS[marked.verdict].word,
                found.place.artefact if found.place else "",
                str(found.place or ""),
                found.message,
                found.expected,
                found.found,
                found.hint,
                found.weight.value,
                found.diagnosis,
            )


def _sheet(book: object, title: str, head: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)  # type: ignore[attr-defined]  # openpyxl has no types
    widths = [len(name) for name in head]
    for at, row in enumerate([head, *rows], 1):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(row=at, column=column)
            if isinstance(value, str):
                text = _text(value)
                cell.value = text
                cell.data_type = "s"
                cell.quotePrefix = text.startswith(("=", "+", "-", "@"))
                cell.alignment = Alignment(vertical="top", wrap_text=len(text) > 60)
                widths[column - 1] = max(widths[column - 1], *map(len, text.splitlines() or [""]))
            elif value is not None:
                cell.value = value
            if at == 1:
                cell.font = Font(bold=True)
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = min(60, width + 3)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions


def _text(value: str) -> str:
    head, omitted, tail = clip(bare(value), _LONGEST)
    return f"{head} [… {omitted:,} characters …] {tail}" if omitted else head


def _without_clock(data: bytes) -> bytes:
    """Return the workbook with the time of its making taken out: the same marks give the same bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    core = files["docProps/core.xml"].decode("utf-8")
    at_no_time = re.sub(r"(<dcterms:\w+[^>]*>)[^<]*", r"\g<1>2000-01-01T00:00:00Z", core)
    return packed(files | {"docProps/core.xml": at_no_time.encode("utf-8")})
