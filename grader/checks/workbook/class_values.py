"""The table starts from the values of the class.

## What it checks
Inputs, targets and the eight starting weights in the first row, against the values that the rubric names. Mathematics is
judged from the student's own values elsewhere; other values are one finding, not forty.

## Why it matters
The assignment asks for exactly the values of the class, so that every curve can be compared with the expected one.

## Example
    i1 = 0.6   i2 = 0.25

where the class uses 0.05 and 0.1.

## What to do instead
Type the values of the class into the first row; the formulas below follow.
"""

from grader.checks.workbook._books import best, filled
from grader.core.facts.replay import BookFacts, ReplayFacts, TableFacts
from grader.core.outcome import Finding, Outcome, graded, unknown
from grader.core.place import Place
from grader.core.rubric import CheckParams, Profile
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """How exactly the values must be met; stored values of Google Sheets are rounded to ten digits."""

    tolerance: float = 1e-9


def check(replay: ReplayFacts, profile: Profile, params: Params) -> Outcome:
    """Give the share of the twelve values that the best table of the best book uses."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, lambda book: _judge(book, profile, params.tolerance))


def _judge(book: BookFacts, profile: Profile, tolerance: float) -> Outcome:
    complete = [table for table in filled(book) if len(table.inputs + table.targets + table.weights) == 12]
    if not complete:
        return unknown(f"the first row of {book.artefact} does not show all inputs, targets and weights")
    other, table = min(
        (
            (_other(t, weights, profile, tolerance), t)
            for t in complete
            for weights in (t.weights, t.own_weights)
        ),
        key=lambda found: len(found[0]),
    )
    if not other:
        return graded(1.0, f"{book.artefact} starts from the values of the class", ())
    finding = Finding(
        message=f"the table starts from other values than the class: {', '.join(f'{n} = {v:g}' for n, v, _ in other)}",
        place=Place(artefact=book.artefact, sheet=table.sheet),
        expected=", ".join(f"{name} = {want:g}" for name, _, want in other),
        found=", ".join(f"{name} = {value:g}" for name, value, _ in other),
        hint="Type the values of the class into the first row; the formulas below follow.",
        diagnosis="other-class-values",
    )
    return graded(
        (12 - len(other)) / 12, f"{12 - len(other)} of 12 starting values are those of the class", (finding,)
    )


def _other(
    table: TableFacts, weights: tuple[float, ...], profile: Profile, tolerance: float
) -> list[tuple[str, float, float]]:
    """The values that differ, with the class's; weights are compared by their place in the network and by their name."""
    names = ("i1", "i2", "t1", "t2", *(f"w{k}" for k in range(1, 9)))
    values = (*table.inputs, *table.targets, *weights)
    wanted = (*profile.inputs, *profile.targets, *profile.weights)
    triples = zip(names, values, wanted, strict=True)
    return [(name, value, want) for name, value, want in triples if abs(value - want) > tolerance]


rule = Rule(code="WB205", name="class-values", check=check)
