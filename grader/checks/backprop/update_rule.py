"""The update rule is written down and right, for every weight.

## What it checks
Whether w = w - η * ∂E/∂w is written down and right. One line for w_i counts for all weights, and so does a right line for one of
them ("and so on for the others") unless the rubric asks for each. A wrong line costs its own weight.

## Why it matters
A line copied for the next weight and edited only in part (`w8 = w6 - η * ∂E/∂w6`) overwrites one weight with another.

## Example
    w8 = w6 - η * ∂E/∂w6

## What to do instead
    w8 = w8 - η * ∂E/∂w8

or once for all weights:

    wi = wi - η * ∂E/∂wi
"""

from grader.checks.backprop._coverage import WEIGHTS, Item, Standing, conclude, stand
from grader.checks.backprop._remarks import about_lines
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine, FormulaVerdict
from grader.core.outcome import Outcome
from grader.core.rubric import CheckParams, CheckPolicy, Treatment
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """`each_weight`: whether the rule has to be written out for every weight."""

    each_weight: bool = False


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`typo`: a misspelt name or bracket. `repeated`: a wrong rule beside a right one for the same weight."""

    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN


def check(formulas: FormulaEvidence, params: Params, policy: Policy) -> Outcome:
    """Give an eighth of the credit for each weight."""
    lines = [x for x in formulas.lines if x.kind is FormulaKind.UPDATE]
    items = [_weight(w, lines, policy) for w in WEIGHTS]
    given = next((i for i in items if i.standing is Standing.GIVEN), None)
    if given is not None and not params.each_weight:
        items = [i._replace(standing=Standing.GIVEN) if i.standing is Standing.ABSENT else i for i in items]
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    return conclude("update rules", items, formulas, about_lines(lines, costly))


def _weight(weight: str, lines: list[FormulaLine], policy: Policy) -> Item:
    concerned = [
        x
        for x in lines
        if weight in x.updates or (x.verdict is FormulaVerdict.WRONG and x.states in (weight, "w"))
    ]
    item = stand(
        f"the update of {weight}", concerned, gives=lambda _: True, typo=policy.typo, repeated=policy.repeated
    )
    return item._replace(quantity=weight)


rule = Rule(code="BP105", name="update-rule", check=check)
