"""The forward pass is written down and right: h1, h2, o1, o2 and their activations.

## What it checks
Whether each of h1, h2, a_h1, a_h2, o1, o2, a_o1, a_o2 is defined by a right line. `a_h1 = σ(w1*i1 + w2*i2)`
defines h1 too. What no document defines, and a cell of the workbook defines as text, counts with a remark.

## Why it matters
Every derivative starts from these definitions; 1/1+exp(-h1) without brackets is not the sigmoid.

## Example
    a_h1 = σ(h1) = 1/1 + exp(-h1)

## What to do instead
    h1 = w1*i1 + w2*i2
    a_h1 = σ(h1) = 1/(1 + exp(-h1))
"""

import re

from grader.checks.backprop._cells import with_cells
from grader.checks.backprop._coverage import Item, Standing, conclude, meant, stand
from grader.checks.backprop._remarks import about_lines
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Outcome
from grader.core.rubric import CLASS_PROFILE, CheckPolicy, Profile, Treatment
from grader.core.rule import Rule


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`typo`: a misspelt name or bracket. `repeated`: a wrong definition beside a right one.

    `only_in_workbook`: a definition that stands as text in a cell, and in no document.
    """

    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN
    only_in_workbook: Treatment = Treatment.WARN


def check(
    formulas: FormulaEvidence,
    policy: Policy,
    profile: Profile = CLASS_PROFILE,
    replay: ReplayFacts | None = None,
) -> Outcome:
    """Give equal credit for each sum and each activation."""
    lines = [x for x in formulas.lines if x.kind is FormulaKind.FORWARD]
    layers = (profile.network.hidden, profile.network.outputs)
    wanted = [
        name for units in layers for of in ("sum", "output") for name in (getattr(u, of) for u in units)
    ]

    def judge(evidence: FormulaEvidence) -> list[Item]:
        stated = [x for x in evidence.lines if x.kind is FormulaKind.FORWARD]
        return [_quantity(name, stated, policy) for name in wanted]

    items, in_cells = with_cells(judge(formulas), formulas, judge, policy.only_in_workbook, replay)
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    remarks = [*in_cells, *about_lines(lines, costly)]
    return conclude("definitions of the forward pass", items, formulas, remarks, network=profile.network)


def _quantity(name: str, lines: list[FormulaLine], policy: Policy) -> Item:
    concerned = [x for x in lines if meant(x) == name or _implies(x, name)]
    return stand(name, concerned, gives=lambda _: True, typo=policy.typo, repeated=policy.repeated)


def _implies(line: FormulaLine, name: str) -> bool:
    """Whether a definition of the activation carries the sum inside it."""
    if line.states != f"a_{name}" or line.repairs:
        return False
    return not any(re.search(rf"(?<![A-Za-z_]){name}\b", side.reading) for side in line.sides[1:])


rule = Rule(code="BP103", name="forward-pass", check=check)
