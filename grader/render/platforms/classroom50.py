"""The contract of Classroom 50, `classroom50/result/v1`: one result.json of a submission, in whole points.

https://github.com/foundation50/classroom50/wiki/Advanced-Autograding and schemas/result-v1.schema.json of
that repository: no other key at the top, whole scores from 0 to the maximum, `tests` with `test-name`,
`passed`, `score` and `max-score`, further keys of a test kept as they are. `owner` and `assignment_type` are
stamped again by the runner. Its own release body calls every test that is not passed FAIL; ours says what is
open.
"""

import json
from collections.abc import Mapping, Sequence

from grader.core.faults import UsageFault
from grader.core.outcome import Verdict
from grader.core.report import Marked, Report
from grader.render.escape import markdown_cell
from grader.render.strings import VERDICTS
from grader.render.summary import next_steps, stamps, title_of

SCHEMA = "classroom50/result/v1"
_REQUIRED = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}
"""Key of the contract to the runner's variable."""
_TYPES = ("individual", "group", "team")


def to_classroom50(report: Report, environment: Mapping[str, str], now: str) -> str:
    """Return result.json; `now` is the time in UTC as `YYYY-MM-DDTHH:MM:SSZ`.

    Raises UsageFault with the names of the runner's variables that are not set.
    """
    missing = [name for name in _REQUIRED.values() if not environment.get(name)]
    if missing:
        raise UsageFault(
            f"--format classroom50 needs {', '.join(missing)}, which the runner of Classroom 50 sets; "
            "call it from the autograder.py of the assignment"
        )
    shown = [m for m in report.outcomes if not m.hidden]
    maxima = _whole([m.max_points for m in shown if not m.bonus], int(report.max_score))
    most = sum(maxima)
    score = max(0, min(most, int(report.score)))
    tree: dict[str, object] = {"schema": SCHEMA}
    tree |= {key: environment[name] for key, name in _REQUIRED.items()}
    tree["review"] = environment.get("REVIEW_URL") or environment["COMMIT_URL"]
    tree["datetime"] = now
    tree["score"] = score
    tree["max-score"] = most
    tree["tests"] = _tests(shown, maxima, score)
    if owner := environment.get("OWNER") or environment.get("USERNAME"):
        tree["owner"] = owner
    if (kind := environment.get("ASSIGNMENT_TYPE", "")) in _TYPES:
        tree["assignment_type"] = kind
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def release_body(report: Report) -> str:
    """Return release-body.md: what the student reads on the page of the release."""
    lines = [f"### grader: {summary(report)}", ""]
    lines += [f"> {stamp}\n" for stamp in stamps(report)]
    lines += ["| criterion | result | points | |", "|---|---|---|---|"]
    for m in report.outcomes:
        if m.hidden:
            continue
        points = "open" if m.verdict.pending else f"{m.points:g}"
        cells = (title_of(m), VERDICTS[m.verdict].word, f"{points} / {m.max_points:g}", m.summary)
        lines.append(f"| {' | '.join(markdown_cell(c) for c in cells)} |")
    lines += [f"\n{a.label}: {a.points:g} points" for a in report.adjustments]
    steps = next_steps(report)
    lines += ["", "Do this next:", ""] if steps else []
    lines += [f"{n}. {markdown_cell(s.title)}: {markdown_cell(s.text)}" for n, s in enumerate(steps, 1)]
    return "\n".join(lines) + "\n"


def summary(report: Report) -> str:
    """Return the line of the commit status: points, and what is open."""
    pending = f", {report.pending_points:g} open until a person or what is missing decides them"
    return f"{report.score:g} of {report.max_score:g} points{pending if report.pending_points else ''}"


def status(report: Report) -> str:
    """Return `failure` where something is wrong, else `success`; what waits for a person is no failure."""
    wrong = any(m.verdict in (Verdict.FAIL, Verdict.PARTIAL) for m in report.outcomes if not m.hidden)
    return "failure" if wrong else "success"


def _tests(shown: Sequence[Marked], maxima: Sequence[int], score: int) -> list[dict[str, object]]:
    """Return a test a criterion. Whole scores add up to the whole score; the exact points stand beside them.

    A criterion that is passed has all of its whole points; what is left of the score goes to the partly right
    ones, which never reach theirs.
    """
    most = iter(maxima)
    rows: list[dict[str, object]] = []
    partly: list[tuple[dict[str, object], float]] = []
    left = score
    for marked in shown:
        best = 0 if marked.bonus else next(most)
        have = best if marked.verdict is Verdict.PASS else 0
        left -= have
        row: dict[str, object] = {
            "test-name": _name(marked),
            "passed": marked.verdict is Verdict.PASS,
            "score": have,
            "max-score": best,
            "verdict": marked.verdict.value,
            "points": marked.points,
            "max-points": marked.max_points,
            "message": marked.summary,
        }
        rows.append(row)
        if marked.verdict is Verdict.PARTIAL and best:
            partly.append((row, marked.points))
    room = [int(str(row["max-score"])) - 1 for row, _ in partly]
    total = max(0, min(left, int(sum(points for _, points in partly))))
    for (row, _), share in zip(partly, _whole([p for _, p in partly], total, room), strict=True):
        row["score"] = share
    return rows


def _name(marked: Marked) -> str:
    waits = f", {marked.max_points:g} points wait" if marked.max_points else ""
    open_points = f"Open{waits}: " if marked.verdict.pending else ""
    return f"{open_points}{marked.code} {title_of(marked)}{' (bonus)' if marked.bonus else ''}"


def _whole(parts: Sequence[float], total: int, room: Sequence[int] | None = None) -> list[int]:
    """Return whole numbers that add up to `total`, the largest remainders rounded up; none above its room."""
    floors = [int(part) for part in parts]
    if room is not None:
        floors = [min(whole, most) for whole, most in zip(floors, room, strict=True)]
    by_rest = sorted(range(len(parts)), key=lambda i: floors[i] - parts[i])
    free = [i for i in by_rest if room is None or floors[i] < room[i]]
    for i in free[: max(0, total - sum(floors))]:
        floors[i] += 1
    return floors
