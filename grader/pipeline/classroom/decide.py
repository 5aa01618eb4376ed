"""Decisions of a person about a class: one criterion, all that wait for the same reason, or a list.

All of a call are checked before any is written, so that a list with a fault in it changes nothing.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from grader.core.decision import Decision
from grader.core.faults import UsageFault
from grader.core.outcome import Verdict
from grader.core.report import Report
from grader.core.rubric import Criterion, Rubric

VERDICTS = (Verdict.PASS, Verdict.PARTIAL, Verdict.FAIL, Verdict.UNKNOWN)
"""What a person can say."""
_COLUMNS = ("submission", "criterion", "verdict", "credit", "points", "comment", "reason", "who")
_SAME = {"id": "submission", "code": "criterion"}
"""Other names of columns, as our own export and `grader rules` write them."""
_ESCAPED = re.compile(r"^'(?=\s*[=+@\-])")
_SHOWN = 20


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One decision as it was asked for, before anybody knows whether it can be made."""

    submission: str
    criterion: str
    verdict: str = ""
    credit: str = ""
    points: str = ""
    comment: str = ""
    reason: str = ""
    who: str = ""


def decisions_of(
    wishes: Mapping[str, Wish], rubric: Rubric, ids: Sequence[str], made: str
) -> tuple[Decision, ...]:
    """Return the decisions that are asked for, by the place that a fault is told with.

    Raises:
        UsageFault: with every fault of every wish, one a line; then none can be made.

    """
    found: list[Decision] = []
    faults: list[str] = []
    for place, wish in wishes.items():
        wrong = _faults(wish, rubric, ids)
        faults += [f"{place}{': ' if place else ''}{fault}" for fault in wrong]
        if not wrong:
            found.append(_decision(wish, made))
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise UsageFault("\n".join([*faults[:_SHOWN], *more]))
    return tuple(found)


def _faults(wish: Wish, rubric: Rubric, ids: Sequence[str]) -> list[str]:
    """What keeps a decision from being made, in sentences."""
    wrong: list[str] = []
    if wish.submission not in ids:
        wrong.append(f"{wish.submission}: no such submission; there are {', '.join(ids[:_SHOWN])}")
    named = [c for c in rubric.criterion if wish.criterion in (c.id, c.check)]
    if not named:
        known = ", ".join(sorted({n for c in rubric.criterion for n in (c.id, c.check)}))
        wrong.append(f"{wish.criterion}: not in rubric {rubric.id}; there are {known}")
    if wish.verdict and wish.verdict not in {v.value for v in VERDICTS}:
        wrong.append(f"{wish.verdict!r} is no verdict; say {', '.join(v.value for v in VERDICTS)}")
    if (wish.verdict == Verdict.PARTIAL.value) != bool(wish.credit):
        wrong.append("--credit goes with --verdict partial, and partial needs it")
    elif wish.credit and not 0 <= _number(wish.credit) <= 1:
        wrong.append(f"credit is a share from 0 to 1, not {wish.credit!r}")
    wrong += _points_faults(wish, named)
    if not (wish.verdict or wish.points or wish.comment):
        wrong.append("say --verdict, --points or --comment")
    if (wish.verdict or wish.points) and not wish.reason.strip():
        wrong.append("--reason must say why")
    return wrong


def _points_faults(wish: Wish, named: Sequence[Criterion]) -> list[str]:
    if not wish.points:
        return []
    if wish.verdict:
        return ["--points stands in the place of --verdict, which follows from it"]
    most = max((c.points for c in named), default=math.inf)
    if len(named) > 1:
        return [
            f"{wish.criterion} is the check of several criteria; name one: {', '.join(c.id for c in named)}"
        ]
    if not 0 <= _number(wish.points) <= most or most <= 0:
        return [f"{wish.criterion} is worth {most:g} points, so {wish.points!r} is none of them"]
    return []


def _number(text: str) -> float:
    """The number that a text is, with a decimal point or comma; NaN, which no bound holds, for none."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _decision(wish: Wish, made: str) -> Decision:
    verdict = Verdict(wish.verdict) if wish.verdict else None
    return Decision(
        submission=wish.submission,
        code=wish.criterion,
        verdict=verdict,
        credit=_number(wish.credit) if wish.credit else float(verdict is Verdict.PASS),
        points=_number(wish.points) if wish.points else None,
        comment=" ".join(wish.comment.split()),
        reason=" ".join(wish.reason.split()),
        who=wish.who,
        made=made,
    )


def wishes_where(reports: Sequence[Report], where: str, wish: Wish) -> dict[str, Wish]:
    """Return a wish for every outcome that `where` names: `unknown`, `skipped:no-notebook`, or with a
    criterion behind a blank (`skipped:no-notebook training-log`) that one alone.

    Raises:
        UsageFault: nothing is so, with what there is.

    """
    wanted, _, criterion = where.partition(" ")
    verdict, colon, cause = wanted.partition(":")
    found = {
        (r.submission.id, m.criterion): m
        for r in reports
        for m in r.outcomes
        if m.verdict.value == verdict
        and (not colon or m.cause == cause)
        and criterion.strip() in ("", m.criterion, m.code)
    }
    if not found:
        have = sorted({f"{m.verdict.value}:{m.cause}".rstrip(":") for r in reports for m in r.outcomes})
        raise UsageFault(f"--where {where!r}: no outcome is so; there are {', '.join(have)}")
    return {
        f"{name} {criterion}": msgspec.structs.replace(wish, submission=name, criterion=criterion)
        for name, criterion in found
    }


def wishes_in(path: Path, who: str) -> dict[str, Wish]:
    """Return the wishes of a CSV with the columns submission, criterion and verdict, points or comment.

    Raises:
        UsageFault: it is no such file.

    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{path}: cannot be read as UTF-8 ({fault})") from fault
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    head = {
        name: _SAME.get(name.strip().lower(), name.strip().lower()) for name in rows.fieldnames or () if name
    }
    lacks = [name for name in ("submission", "criterion") if name not in head.values()]
    strange = sorted(set(head.values()) - set(_COLUMNS))
    if lacks or strange:
        wrong = [f"no column {name}" for name in lacks] + [f"no such column: {name}" for name in strange]
        raise UsageFault(f"{path}: {'; '.join(wrong)}; there are {', '.join(_COLUMNS)}")
    found: dict[str, Wish] = {}
    for row in rows:
        cells = {head[name]: (cell or "").strip() for name, cell in row.items() if name in head}
        if any(cells.values()):
            cells["who"] = cells.get("who") or who
            # Our own exports put an apostrophe before what a spreadsheet would run.
            cells["submission"] = _ESCAPED.sub("", cells["submission"])
            found[f"{path}:{rows.line_num}"] = msgspec.convert(cells, Wish)
    if not found:
        raise UsageFault(f"{path}: holds no decision")
    return found
