"""The losses shown for each learning rate are those that the formulas give.

## What it checks
For every learning rate of the assignment that the workbooks show as a table, a column or the stored values of
a chart: the shown losses against a recalculation of the student's own formulas, and against the reference
network. A rate that nothing shows, no cell, chart or picture, has no losses that could be right; one whose
curve stands in a picture alone is left out, since nobody reads it. A mistake in a derivative costs in WB201,
not again here: losses that follow from the student's own formulas earn their share, and the sentence says
that they are not the right ones. A table that starts from one or two other values than the tables of the
other rates is not comparable with them, and shows no losses of its rate.

## Why it matters
Pasted columns are easily mixed up or left over from an older version of the table.

## Example
    η = 0.5   0.2425  0.2314  0.2206

These are the losses of η = 0.8.

## What to do instead
Type each learning rate into its cell, let the book recalculate, and paste the losses as values with the rate
as header.
"""

from collections import Counter
from collections.abc import Sequence

from grader.checks.sweep._where import listed, not_shown, where_shown
from grader.core.evidence.documents import Documents
from grader.core.facts.replay import BookFacts, ReplayFacts, Severity, ShownAs, ShownLosses, TableFacts
from grader.core.outcome import Finding, Outcome, Weight, graded, unknown
from grader.core.place import Place
from grader.core.rubric import CheckParams, Profile
from grader.core.rule import Rule
from grader.core.submission import Submission
from grader.execute.replay.learning_rates import same_rate

_STORED = ("stale-cache", "cached-value-differs")
"""Diagnoses of stored values that the cell's own formula does not give."""


UNKNOWN_GAP = 1e6
"""A difference so large that it is no measurement: something in the comparison was no number."""


START_ALIKE = 3
"""Tables of different rates that start alike, and are most of them: another start is a slip, no plan."""
MOST_APART = 2
"""Values in which such a slip differs; more of them are another start that was meant."""


class Params(CheckParams, frozen=True, kw_only=True):
    """Differences relative to the first loss."""

    own: float = 1e-9
    """From the student's own formulas: rounding of Google's exports at most."""
    reference: float = 1e-3
    """From the reference, and for losses pasted with few digits."""


def check(
    replay: ReplayFacts, submission: Submission, profile: Profile, params: Params, documents: Documents | None
) -> Outcome:
    """Give the share of the learning rates whose losses are right; those that only pictures show do not
    count.
    """
    if replay.doubt:
        return unknown(replay.doubt)
    judged, right, summary, findings = _judge(replay, profile, params)
    if not judged:
        return unknown(
            f"no losses for any of the learning rates {listed(profile.learning_rates)} stand in cells: "
            "not machine-checkable"
        )
    given = where_shown(replay, submission, documents, profile.learning_rates)
    rates = profile.learning_rates
    if given.missing:
        findings = [*findings, not_shown(replay, given.missing, given.places, rates)]
        if given.elsewhere:
            return unknown(f"{summary}; {given.elsewhere}", findings)
        summary += f"; {len(given.missing)} of {len(rates)} rates are not shown"
    # Of those in pictures nobody knows better than of those in cells.
    share = right / judged * (len(rates) - len(given.missing)) / len(rates)
    return graded(share, summary, findings)


def _judge(replay: ReplayFacts, profile: Profile, params: Params) -> tuple[int, int, str, list[Finding]]:
    """How many rates have losses in cells, for how many they are right, the sentence and the findings."""
    shown = [(book, one) for book in replay.judged for one in book.shown]
    findings: list[Finding] = []
    right, judged, apart_at_start = 0, list[float](), _started_apart(replay, profile)
    for rate in profile.learning_rates:
        here = [(book, one) for book, one in shown if same_rate(one.eta, rate)]
        if not here:
            continue
        judged.append(rate)
        if rate in apart_at_start and not any(
            one.shown_as is ShownAs.COLUMN and _right(one, params) for _, one in here
        ):
            findings.append(apart_at_start[rate])
        elif any(_right(one, params) or _recalculates(book, one) for book, one in here):
            right += 1
        else:
            findings += [_finding(book, one, shown) for book, one in here]
    apart = {rate: gap for rate in judged if (gap := _apart(rate, shown, params)) > params.reference}
    if not apart or findings:
        summary = f"the losses of {right} of {len(judged)} shown learning rates are right"
        if apart:
            summary += f" or follow from the book's own formulas, for η = {listed(apart)}"
        return len(judged), right, summary, [*findings, *_consequences(apart, shown)]
    summary = (
        f"the losses of {right} of {len(judged)} shown learning rates are what the book's own "
        "formulas give, but those "
        f"of η = {listed(apart)} are not the right ones{_far(max(apart.values()))}"
    )
    return len(judged), right, summary, _consequences(apart, shown)


def _started_apart(replay: ReplayFacts, profile: Profile) -> dict[float, Finding]:
    """The rates whose only tables start from a value or two that the tables of most other rates have not."""
    tables = [(book, t) for book in replay.judged for t in book.tables if t.iterations and t.eta_known]
    by_rate = {
        rate: here
        for rate in profile.learning_rates
        if (here := [(book, t) for book, t in tables if same_rate(t.eta, rate)])
    }
    counted = Counter(start for here in by_rate.values() for start in {_start(t) for _, t in here})
    usual, times = counted.most_common(1)[0] if counted else ((), 0)
    if times < START_ALIKE or 2 * times <= len(by_rate):
        return {}
    found = {}
    for rate, here in by_rate.items():
        book, table = here[0]
        if any(len(_start(t)) != len(usual) or _start(t) == usual for _, t in here):
            continue
        names = (
            *profile.network.inputs,
            *profile.network.targets,
            *profile.network.weights,
            *profile.network.biases,
        )
        both = zip(names, _start(table), usual, strict=False)
        other = [(name, own, wanted) for name, own, wanted in both if own != wanted]
        if len(other) <= MOST_APART:
            found[rate] = _apart_at_start(book, table, other)
    return found


def _start(table: TableFacts) -> tuple[float, ...]:
    values = (*table.inputs, *table.targets, *table.weights, *table.biases)
    return tuple(float(f"{value:.9g}") for value in values)


def _apart_at_start(book: BookFacts, table: TableFacts, other: Sequence[tuple[str, float, float]]) -> Finding:
    own = ", ".join(f"{name} = {value:g}" for name, value, _ in other)
    wanted = ", ".join(f"{name} = {value:g}" for name, _, value in other)
    return Finding(
        message=f"the table of η = {table.eta:g} starts from {own}, the others from {wanted}: its losses "
        "cannot be compared with theirs",
        subject=f"η = {table.eta:g}",
        place=Place(artefact=book.artefact, sheet=table.sheet),
        expected=wanted,
        found=own,
        hint="Type the same first row into each table; the formulas below follow.",
        diagnosis="starts-from-other-values",
    )


def _apart(rate: float, shown: Sequence[tuple[BookFacts, ShownLosses]], params: Params) -> float:
    """How far the right losses are from the nearest of those shown that only follow from the book's own
    formulas.
    """
    here = [
        one
        for book, one in shown
        if same_rate(one.eta, rate) and (_right(one, params) or _recalculates(book, one))
    ]
    return min((one.reference_deviation for one in here), default=0.0)


def _consequences(apart: dict[float, float], shown: Sequence[tuple[BookFacts, ShownLosses]]) -> list[Finding]:
    """One remark a rate whose losses are wrong because a formula is: that costs where the formula is
    judged.
    """
    found = []
    for rate, gap in apart.items():
        book, one = min(
            ((b, o) for b, o in shown if same_rate(o.eta, rate)), key=lambda pair: pair[1].reference_deviation
        )
        cause = _cause(book)
        found.append(
            Finding(
                message=f"the losses of η = {rate:g} are what the formulas give, but not the right ones; "
                f"this follows from {cause}",
                subject=f"η = {rate:g}",
                slip="the losses are what the formulas give, but not the right ones; "
                f"this follows from {cause}",
                place=Place(artefact=book.artefact, sheet=one.sheet or None, ref=one.cells or None),
                expected="the losses of the reference network",
                found=f"other losses{_far(gap)}",
                hint=f"Correct {_faulty(cause)}, recalculate, and show the losses again.",
                diagnosis="losses-follow-from-formulas",
                weight=Weight.REMARK,
            )
        )
    return found


def _far(gap: float) -> str:
    if gap >= UNKNOWN_GAP:
        return ""
    percent = f"{100 * gap:.3g}" if gap < 1 else f"{100 * gap:,.0f}"
    return f", by up to {percent} % of the first loss"


def _cause(book: BookFacts) -> str:
    """The checks that judge the faulty formulas of a book."""
    faults = [fault for fault in book.faults if fault.severity is Severity.FAIL]
    codes = {
        "WB206" if f.diagnosis == "eta-drift" else "WB201" if f.quantity.startswith("d") else "WB202"
        for f in faults
    }
    return " and ".join(sorted(codes)) or "the formulas (WB201, WB202)"


def _faulty(cause: str) -> str:
    return cause if cause.startswith("the ") else f"the formulas that {cause} names"


def _right(one: ShownLosses, params: Params) -> bool:
    if one.own_known and one.own_deviation <= params.own:
        return True
    near_own = one.own_known and one.own_deviation <= params.reference
    return near_own or one.reference_deviation <= params.reference


def _recalculates(book: BookFacts, one: ShownLosses) -> bool:
    """Whether these are live formulas whose *stored* values alone are off: WB203's matter, and one fault
    costs once.
    """
    stored = [f for f in book.faults if f.sheet == one.sheet and f.diagnosis in _STORED]
    return one.shown_as is ShownAs.TABLE and one.own_known and bool(stored)


def _finding(book: BookFacts, one: ShownLosses, shown: Sequence[tuple[BookFacts, ShownLosses]]) -> Finding:
    gap = min(one.own_deviation, one.reference_deviation) if one.own_known else one.reference_deviation
    header = f" headed {one.claimed!r}" if one.claimed else ""
    return Finding(
        message=f"the losses{header} differ from those of a learning rate of {one.eta:g}{_far(gap)}",
        place=Place(artefact=book.artefact, sheet=one.sheet or None, ref=one.cells or None),
        expected=f"the losses at {one.eta:g}",
        found=(f"the losses at {one.fits:g}: " if one.fits else "")
        + ", ".join(f"{loss:.6g}" for loss in one.losses[:4])
        + (", …" if len(one.losses) > 4 else ""),
        hint=f"Type {one.eta:g} into the cell of the learning rate, recalculate, and paste the losses again.",
        diagnosis="sweep-losses-differ",
    )


rule = Rule(code="LR301", name="losses-of-the-sweep", check=check)
