"""The loss is written down and right: E1, E2 and their sum.

## What it checks
Whether E1, E2 and E = E1 + E2 are defined by right lines. A loss without 1/2 is right where the document's
gradients carry the 2 that follows from it. `E = 1/2*(t1 - a_o1)^2 + 1/2*(t2 - a_o2)^2` defines all three.
What no document defines, and a cell of the workbook defines as text, counts with a remark.

## Why it matters
A wrong exponent or target in the loss makes every gradient that follows from it wrong.

## Example
    E2 = 1/2 * (t1 - a_o1)^2

## What to do instead
    E1 = 1/2 * (t1 - a_o1)^2
    E2 = 1/2 * (t2 - a_o2)^2
    E = E1 + E2
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
    """Give equal credit for E1, E2 … and E; one output has one loss."""
    lines = [x for x in formulas.lines if x.kind is FormulaKind.LOSS]
    losses = profile.network.losses
    only = losses if len(losses) == 1 else ()

    def judge(evidence: FormulaEvidence) -> list[Item]:
        stated = [x for x in evidence.lines if x.kind is FormulaKind.LOSS]
        return [_part(name, stated, policy, only) for name in _wanted(profile)]

    items, in_cells = with_cells(judge(formulas), formulas, judge, policy.only_in_workbook, replay)
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    remarks = [*in_cells, *about_lines(lines, costly)]
    return conclude("definitions of the loss", items, formulas, remarks, network=profile.network)


def _wanted(profile: Profile) -> tuple[str, ...]:
    losses = profile.network.losses
    return (*losses, "E") if len(losses) > 1 else ("E",)


def _part(name: str, lines: list[FormulaLine], policy: Policy, only: tuple[str, ...]) -> Item:
    concerned = [x for x in lines if meant(x) == name or _implies(x, name) or meant(x) in only]
    return stand(name, concerned, gives=lambda _: True, typo=policy.typo, repeated=policy.repeated)


def _implies(line: FormulaLine, name: str) -> bool:
    """Whether a definition of the total loss carries the parts inside it."""
    if line.states != "E" or name == "E" or line.repairs:
        return False
    return any(
        f"a_o{name[-1]}" in side.reading and not re.search(r"\bE\d\b", side.reading)
        for side in line.sides[1:]
    )


rule = Rule(code="BP104", name="loss-function", check=check)
