"""SARIF 2.1.0 (OASIS): findings for code scanning, with stable rule ids and fingerprints of our own.

GitHub wants relative paths with `/` and shows a result twice unless `partialFingerprints` stay the same over
runs.
"""

import hashlib
import json

import grader
from grader.core.outcome import Finding, Verdict, Weight
from grader.core.report import Marked, Report
from grader.render.escape import unlinked

_LEVEL = {
    Verdict.FAIL: "error",
    Verdict.PARTIAL: "error",
    Verdict.UNKNOWN: "warning",
    Verdict.ERROR: "warning",
}


def to_sarif(report: Report, pages: dict[str, str], prefix: str = "") -> str:
    """Return one SARIF log; `pages` gives each check's doc page by code, `prefix` the submission's folder."""
    codes = sorted({m.code for m in report.outcomes})
    index = {code: n for n, code in enumerate(codes)}
    titles = {m.code: (m.name, m.title) for m in report.outcomes}
    rules = [
        {
            "id": code,
            "name": titles[code][0],
            "shortDescription": {"text": titles[code][1]},
            "help": {"text": pages.get(code, titles[code][1]), "markdown": pages.get(code, titles[code][1])},
        }
        for code in codes
    ]
    results = [
        _result(m, f, index[m.code], prefix)
        for m in report.outcomes
        for f in m.findings
        if f.place is not None and (m.verdict in _LEVEL or f.weight is Weight.REMARK)
    ]
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "grader", "semanticVersion": grader.__version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(marked: Marked, finding: Finding, index: int, prefix: str) -> dict[str, object]:
    assert finding.place is not None
    path = f"{prefix}/{finding.place.artefact}" if prefix else finding.place.artefact
    location: dict[str, object] = {"artifactLocation": {"uri": _uri(path), "uriBaseId": "%SRCROOT%"}}
    if finding.place.line is not None and finding.place.cell is None:
        location["region"] = {"startLine": finding.place.line}
    parts = [finding.message, finding.hint]
    parts.insert(
        1,
        f"Expected {finding.expected}, found {finding.found}." if finding.expected and finding.found else "",
    )
    where = "" if finding.place.line is not None and finding.place.cell is None else f"{finding.place}: "
    identity = "\n".join((marked.code, str(finding.place), finding.diagnosis, finding.found))
    return {
        "ruleId": marked.code,
        "ruleIndex": index,
        "level": "note" if finding.weight is Weight.REMARK else _LEVEL[marked.verdict],
        "message": {"text": unlinked(where + " ".join(p for p in parts if p))},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {
            "graderFinding/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()
        },
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/-._~")
