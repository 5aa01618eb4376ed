"""Code Quality of GitLab: findings beside the lines of a merge request, from one JSON array.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format names the fields: `description`,
`check_name`, `fingerprint` (of two entries with one fingerprint GitLab shows one), `severity` (info, minor,
major, critical, blocker), `location.path` (relative, without `./`) and `location.lines.begin`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Marked, Report
from grader.core.submission import Kind
from grader.render.escape import unlinked

_SEVERITY = {
    Verdict.FAIL: "major",
    Verdict.PARTIAL: "major",
    Verdict.UNKNOWN: "minor",
    Verdict.ERROR: "info",
}


def to_code_quality(report: Report, prefix: str = "") -> str:
    """Return the report as GitLab reads it; `prefix` is the submission's folder inside the repository.

    A finding without a line stands on line 1 of its file, a criterion without a finding on the README, since
    GitLab leaves out whatever has no place.
    """
    seen: Counter[str] = Counter()
    entries = [
        _entry(marked, finding, _home(report), prefix, seen)
        for marked in report.outcomes
        for finding in _findings(marked)
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _findings(marked: Marked) -> Iterator[Finding]:
    told = [f for f in marked.findings if marked.verdict in _SEVERITY or f.weight is Weight.REMARK]
    yield from told
    if not told and marked.verdict in _SEVERITY:
        yield Finding(message=marked.summary)


def _entry(marked: Marked, finding: Finding, home: str, prefix: str, seen: Counter[str]) -> dict[str, object]:
    place = finding.place or Place(artefact=home)
    on_a_line = place.line is not None and place.cell is None
    where = "" if on_a_line or finding.place is None else f"{place}: "
    found = (
        f"expected {finding.expected}, found {finding.found}" if finding.expected and finding.found else ""
    )
    text = "; ".join(part for part in (f"{where}{finding.message}", found, finding.hint) if part)
    identity = "\n".join((marked.code, str(place), finding.diagnosis, finding.found))
    seen[identity] += 1
    unique = f"{identity}\n{seen[identity]}"
    return {
        "description": unlinked(f"{marked.code}: {text}"),
        "check_name": f"{marked.code} {marked.name}",
        "fingerprint": hashlib.sha256(unique.encode("utf-8", "replace")).hexdigest(),
        "severity": "info" if finding.weight is Weight.REMARK else _SEVERITY[marked.verdict],
        "location": {
            "path": f"{prefix}/{place.artefact}" if prefix else place.artefact,
            "lines": {"begin": place.line if on_a_line else 1},
        },
    }


def _home(report: Report) -> str:
    """Return the file that a criterion without a place is shown at."""
    files = report.submission.artefacts
    readme = next((a.path for a in files if a.kind is Kind.README), None)
    return readme or (files[0].path if files else "README.md")
