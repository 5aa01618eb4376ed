"""The table starts from the given values.

## What it checks
Inputs, targets and the eight starting weights in the first row, against the values that the rubric names, in
one table for each learning rate of the assignment. Mathematics is judged from the student's own values
elsewhere; other values are one finding a table, not forty, and a remark in tables of other learning rates.

## Why it matters
The assignment asks for exactly the values of the class, or for those that were given to the student, so that
every curve can be compared with the expected one.

## Example
    i1 = 0.6   i2 = 0.25

where the class uses 0.05 and 0.1.

## What to do instead
Type the given values into the first row; the formulas below follow.
"""

from collections.abc import Sequence

from grader.checks.workbook._books import best, filled
from grader.core.facts.replay import BookFacts, ReplayFacts, TableFacts
from grader.core.outcome import Finding, Outcome, Weight, graded, unknown
from grader.core.place import Place
from grader.core.rubric import CheckParams, Profile
from grader.core.rule import Rule
from grader.execute.replay.learning_rates import same_rate


class Params(CheckParams, frozen=True, kw_only=True):
    """How exactly the values must be met; stored values of Google Sheets are rounded to ten digits."""

    tolerance: float = 1e-9


def check(replay: ReplayFacts, profile: Profile, params: Params) -> Outcome:
    """Give the share of the values that the best table of the best book uses."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, lambda book: _judge(book, profile, params.tolerance))


def _judge(book: BookFacts, profile: Profile, tolerance: float) -> Outcome:
    many = len(profile.network.leaves)
    complete = [t for t in filled(book) if len(t.inputs + t.targets + t.weights + t.biases) == many]
    if not complete:
        return unknown(f"the first row of {book.artefact} does not show all inputs, targets and weights")
    judged = [(apart(table, profile, tolerance), table) for table in complete]
    other, table = min(judged, key=lambda found: len(found[0]))
    if other:
        summary = f"{many - len(other)} of {many} starting values are the given ones"
        return graded((many - len(other)) / many, summary, (_finding(book, table, other),))
    counted = _of_the_sweep(judged, profile) or [(other, table)]
    remarks = [
        _finding(book, t, o, Weight.FAULT if (o, t) in counted else Weight.REMARK) for o, t in judged if o
    ]
    share = sum((many - len(o)) / many for o, _ in counted) / len(counted)
    away = sum(bool(o) for o, _ in counted)
    if away:
        tables = f"{away} of {len(counted)} tables of {book.artefact}"
        return graded(share, f"{tables} start from other values than the given ones", remarks)
    return graded(1.0, f"{book.artefact} starts from the given values", remarks)


Others = list[tuple[str, float, float]]
"""Values that differ from the class's: name, value, wanted."""


def _of_the_sweep(
    judged: Sequence[tuple[Others, TableFacts]], profile: Profile
) -> list[tuple[Others, TableFacts]]:
    """For each learning rate of the assignment the table that is nearest to the class; other tables are side
    work.
    """
    found = []
    for rate in profile.learning_rates:
        here = [one for one in judged if one[1].eta_known and same_rate(one[1].eta, rate)]
        if here:
            found.append(min(here, key=lambda one: len(one[0])))
    return found


def apart(table: TableFacts, profile: Profile, tolerance: float = Params().tolerance) -> Others:
    """What differs from the class, by the weights' place in the network or by their name, whichever is
    nearer.
    """
    return min(
        (_other(table, weights, profile, tolerance) for weights in (table.weights, table.own_weights)),
        key=len,
    )


def _finding(book: BookFacts, table: TableFacts, other: Others, weight: Weight = Weight.FAULT) -> Finding:
    return Finding(
        message="the table starts from other values than the given ones: "
        f"{', '.join(f'{n} = {v:g}' for n, v, _ in other)}",
        place=Place(artefact=book.artefact, sheet=table.sheet),
        expected=", ".join(f"{name} = {want:g}" for name, _, want in other),
        found=", ".join(f"{name} = {value:g}" for name, value, _ in other),
        hint="Type the given values into the first row; the formulas below follow.",
        diagnosis="other-class-values",
        weight=weight,
    )


def _other(table: TableFacts, weights: tuple[float, ...], profile: Profile, tolerance: float) -> Others:
    """The values that differ, with the class's; weights are compared by their place in the network and by
    their name.
    """
    network = profile.network
    names = (*network.inputs, *network.targets, *network.weights, *network.biases)
    values = (*table.inputs, *table.targets, *weights, *table.biases)
    wanted = (*profile.inputs, *profile.targets, *profile.weights, *profile.biases)
    triples = zip(names, values, wanted, strict=True)
    return [(name, value, want) for name, value, want in triples if abs(value - want) > tolerance]


rule = Rule(code="WB205", name="class-values", check=check)
