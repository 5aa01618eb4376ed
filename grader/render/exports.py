"""Marks for other programs: CSV for a gradebook, JSON, JUnit XML for CI.

A cell that a spreadsheet would run as a formula gets a leading apostrophe (OWASP, CSV injection).
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape

import msgspec

from grader.core.outcome import Verdict
from grader.core.report import Marked, Report
from grader.core.spool import Ordered, only
from grader.render.escape import bare
from grader.render.result_json import encode, percent, percent_of_decided
from grader.render.strings import STAMP_PROVISIONAL

_FORMULA_STARTS = (
    *("=", "+", "-", "@", "\t", "\r", "\n"),
    *("\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}"),
    *("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}"),
)

_SPLIT = re.compile(rf"(;\s*)(?=[{''.join(re.escape(start) for start in _FORMULA_STARTS)}])")
"""Where a program that splits cells at semicolons, as Excel does in half of Europe, would find a formula."""


def cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula and no terminal for a command."""
    flat = _SPLIT.sub(r"\1'", bare(" ".join(text.splitlines())).replace("\t", " "))
    return (
        f"'{flat}" if flat.lstrip().startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS) else flat
    )


class _Named(msgspec.Struct):
    id: str


class _Criterion(msgspec.Struct):
    criterion: str


class _Columns(msgspec.Struct):
    submission: _Named
    outcomes: tuple[_Criterion, ...]


def to_csv(reports: Sequence[Report]) -> str:
    """One row a submission, one column a criterion's points; empty where they are pending, `provisional`
    names those that rest on claims.
    """
    criteria: dict[str, None] = {}
    order: list[tuple[str, int]] = []
    for number, column in enumerate(only(reports, _Columns)):  # those of a large class lie on disk
        criteria |= dict.fromkeys(m.criterion for m in column.outcomes)
        order.append((column.submission.id, number))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    head = [
        "id",
        "verdict",
        "score",
        "max_score",
        "pending_points",
        "percent",
        "percent_of_decided",
        *criteria,
        "waits_for",
        "provisional",
        "decided_by",
        "isolation",
    ]
    writer.writerow([cell(h) for h in head])
    for report in Ordered(reports, (number for _, number in sorted(order))):
        by_id = {m.criterion: m for m in report.outcomes}
        row = [
            cell(report.submission.id),
            report.verdict.value,
            f"{report.score:g}",
            f"{report.max_score:g}",
            f"{report.pending_points:g}",
            *("" if s is None else f"{s:.2f}" for s in (percent(report), percent_of_decided(report))),
            *(_points(by_id.get(c)) for c in criteria),
            cell(" ".join(m.code for m in report.outcomes if m.verdict in (Verdict.UNKNOWN, Verdict.ERROR))),
            cell(" ".join(m.code for m in report.outcomes if m.provisional)),
            cell("; ".join(f"{m.code} {m.decided_by}" for m in report.outcomes if m.decided_by)),
            cell(report.provenance.isolation),
        ]
        writer.writerow(row)
    return buffer.getvalue()


def to_json(reports: Sequence[Report]) -> str:
    """A JSON array of result.json objects."""
    parsed = [json.loads(encode(r)) for r in sorted(reports, key=lambda r: r.submission.id)]
    return json.dumps(parsed, indent=2, ensure_ascii=False) + "\n"


def to_junit(reports: Sequence[Report]) -> str:
    """One test suite a submission, one test case a criterion: fail and partial are failures, error is an
    error, the rest that is open is skipped.
    """
    suites = []
    for report in sorted(reports, key=lambda r: r.submission.id):
        cases = "".join(_case(report, m) for m in report.outcomes)
        failures = sum(m.verdict in (Verdict.FAIL, Verdict.PARTIAL) for m in report.outcomes)
        errors = sum(m.verdict is Verdict.ERROR for m in report.outcomes)
        skips = sum(m.verdict in (Verdict.UNKNOWN, Verdict.SKIPPED) for m in report.outcomes)
        counts = f'tests="{len(report.outcomes)}" failures="{failures}" errors="{errors}" skipped="{skips}"'
        suites.append(
            f"  <testsuite name={_attribute(report.submission.id)} {counts}>\n{cases}  </testsuite>\n"
        )
    return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n' + "".join(suites) + "</testsuites>\n"


def _case(report: Report, marked: Marked) -> str:
    head = (
        f"    <testcase classname={_attribute(report.submission.id)} "
        f"name={_attribute(f'{marked.code} {marked.title}')}"
    )
    detail = "\n".join(f"{f.place or ''} {f.message}".strip() for f in marked.findings)
    body = f" message={_attribute(marked.summary)}>{escape(_xml(detail), quote=False)}"
    match marked.verdict:
        case Verdict.PASS if marked.provisional:
            return f"{head}><system-out>{escape(STAMP_PROVISIONAL, quote=False)}</system-out></testcase>\n"
        case Verdict.PASS:
            return f"{head}/>\n"
        case Verdict.FAIL | Verdict.PARTIAL:
            return f"{head}><failure{body}</failure></testcase>\n"
        case Verdict.ERROR:
            return f"{head}><error{body}</error></testcase>\n"
        case _:
            return f"{head}><skipped{body}</skipped></testcase>\n"


def _attribute(text: str) -> str:
    """Quoted as XML quotes, and as `xml.sax.saxutils` does, which imports all of HTTP and TLS."""
    escaped = escape(_xml(text), quote=False).replace("\n", "&#10;").replace("\t", "&#9;")
    quote = "'" if '"' in escaped and "'" not in escaped else '"'
    return f"{quote}{escaped.replace(quote, '&quot;')}{quote}"


def _xml(text: str) -> str:
    # XML 1.0 has no way to write most control characters, not even escaped.
    return "".join(
        c
        if c in "\t\n" or (c.isprintable() and not "\ud800" <= c <= "\udfff")
        else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def _points(marked: Marked | None) -> str:
    return "" if marked is None or marked.verdict.pending else f"{marked.points:g}"


FORMATS: Mapping[str, Callable[[Sequence[Report]], str]] = {"csv": to_csv, "json": to_json, "junit": to_junit}
