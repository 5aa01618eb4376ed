"""result.json: the whole graded record as one documented, versioned JSON file.

The file is the `Report` itself plus what a reader would otherwise have to compute: `percent`,
`percent_of_decided`, `remarks`, and `text` for every place. Every other form (page, terminal, exports) can be
made again from it.
docs/reference/result-json.md describes every key.
"""

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec

from grader.core.faults import UsageFault
from grader.core.outcome import Finding, Weight
from grader.core.place import Place
from grader.core.report import SCHEMA, Marked, Provenance, Report

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_Json = dict[str, Any]

UPGRADES: Final[dict[int, Callable[[_Json], _Json]]] = {}
"""Step `n` turns a file of schema n into one of schema n + 1. Fields that merely got a default need no step.
"""


def encode(report: Report) -> bytes:
    """Return result.json: UTF-8, two spaces of indent, keys in the order of the documentation, a newline at
    the end.

    Half characters (lone surrogates, which file names may hold) become U+FFFD, because UTF-8 has no bytes for
    them.
    """
    tree: _Json = {
        "schema": report.schema,
        "submission": msgspec.to_builtins(report.submission),
        "rubric": msgspec.to_builtins(report.rubric),
        "outcomes": [_outcome(marked) for marked in report.outcomes],
        "verdict": report.verdict.value,
        "score": float(report.score),
        "max_score": float(report.max_score),
        "pending_points": float(report.pending_points),
        "percent": percent(report),
        "percent_of_decided": percent_of_decided(report),
        "remarks": sum(_remarks(marked) for marked in report.outcomes),
        "adjustments": [{"label": a.label, "points": float(a.points)} for a in report.adjustments],
        "provenance": _provenance(report.provenance),
        "read": [msgspec.to_builtins(note) for note in report.read],
        "wrong_digits": msgspec.to_builtins(report.wrong_digits),
    }
    numbers = [n for m in report.outcomes for n in (m.credit, m.points, m.max_points)]
    numbers += [report.score, report.max_score, report.pending_points]
    numbers += [step.points for step in report.adjustments]
    return indented(encoded(tree, numbers)) + b"\n"


def encoded(tree: object, numbers: Iterable[float]) -> bytes:
    """Return what `json.dumps` writes, apart from spaces; by msgspec in an eighth of the time, where both
    write the `numbers` of the tree alike: with neither an exponent nor something that is no number.

    Raises ValueError for what is no number.
    """
    if all(n == 0 or 1e-4 <= abs(n) < 1e15 for n in numbers):
        with suppress(UnicodeEncodeError, OverflowError):  # half characters, integers beyond 64 bits
            return msgspec.json.encode(tree)
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text).encode("utf-8")


def indented(data: bytes) -> bytes:
    """Return JSON as `json.dumps` writes it with an indent of 2, which does so in Python: a twentieth of a
    page.
    """
    return msgspec.json.format(data, indent=2)


def decode(data: bytes) -> Report:
    """Return the report that result.json holds; files of older schemas are brought up to date first.

    Raises UsageFault for bytes that are no result.json, and for a schema newer than this grader knows.
    """
    try:
        tree = json.loads(data)
    except ValueError as fault:  # UnicodeDecodeError is one too
        raise UsageFault(f"this is no result.json: it is not JSON in UTF-8 ({fault})") from fault
    if not isinstance(tree, dict) or not isinstance(tree.get("schema"), int):
        raise UsageFault(
            "this is no result.json: expected an object with a whole number as `schema`, as "
            "`grader grade` writes it"
        )
    if tree["schema"] > SCHEMA:
        raise UsageFault(
            f"result.json has schema {tree['schema']}, this grader reads up to {SCHEMA}: "
            "update grader to open it"
        )
    while tree["schema"] < SCHEMA:
        step = UPGRADES.get(tree["schema"])
        if step is None:
            raise UsageFault(f"result.json has schema {tree['schema']}, which no grader ever wrote")
        tree = step(tree)
    try:
        return msgspec.convert(_without_derived(tree), Report)
    except msgspec.ValidationError as fault:
        raise UsageFault(f"this result.json does not follow schema {SCHEMA}: {fault}") from fault


def percent(report: Report) -> float | None:
    """Score as a percentage of all points, open ones included; None where there are none.

    This is what a gradebook takes: it can only grow while points are open.
    """
    return None if report.max_score <= 0 else round(100 * report.score / report.max_score, 2)


def percent_of_decided(report: Report) -> float | None:
    """Score as a percentage of the points that are decided; None while nothing is decided."""
    judged = report.judged_points
    return None if judged <= 0 else round(100 * report.score / judged, 2)


def _outcome(marked: Marked) -> _Json:
    tree: _Json = msgspec.to_builtins(marked)
    tree.update({key: float(tree[key]) for key in ("credit", "points", "max_points")})
    tree["findings"] = [_finding(finding) for finding in marked.findings]
    tree["remarks"] = _remarks(marked)
    return tree


def _remarks(marked: Marked) -> int:
    """How many findings of a criterion cost nothing: eight wrong lines beside eight right ones are eight."""
    return sum(finding.weight is Weight.REMARK for finding in marked.findings)


def _provenance(provenance: Provenance) -> _Json:
    tree: _Json = msgspec.to_builtins(provenance)
    tree.update({key: dict(sorted(tree[key].items())) for key in ("packages", "options")})
    return tree


def _finding(finding: Finding) -> _Json:
    """Every key is written, also where it is empty: readers need no `get`."""
    return {
        "message": finding.message,
        "place": None if finding.place is None else _place(finding.place),
        "expected": finding.expected,
        "found": finding.found,
        "hint": finding.hint,
        "excerpt": finding.excerpt,
        "marked": finding.marked,
        "diagnosis": finding.diagnosis,
        "weight": finding.weight.value,
        "subject": finding.subject,
        "slip": finding.slip,
        "others": list(finding.others),
    }


def _place(place: Place) -> _Json:
    return {"text": str(place), **msgspec.to_builtins(place)}


def _without_derived(tree: _Json) -> _Json:
    """Drop what `encode` computed; `convert` refuses every other unknown key."""
    derived = ("percent", "percent_of_decided", "remarks")
    bare = {key: value for key, value in tree.items() if key not in derived}
    outcomes = bare.get("outcomes")
    if isinstance(outcomes, list):
        bare["outcomes"] = [_bare_outcome(outcome) for outcome in outcomes]
    return bare


def _bare_outcome(outcome: object) -> object:
    if not isinstance(outcome, dict) or not isinstance(outcome.get("findings"), list):
        return outcome
    bare = {key: value for key, value in outcome.items() if key != "remarks"}
    return {**bare, "findings": [_bare_finding(finding) for finding in outcome["findings"]]}


def _bare_finding(finding: object) -> object:
    if not isinstance(finding, dict) or not isinstance(finding.get("place"), dict):
        return finding
    return {**finding, "place": {key: value for key, value in finding["place"].items() if key != "text"}}
