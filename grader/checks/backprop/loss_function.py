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

from grader.checks.backprop._coverage import meant
from grader.checks.backprop._definitions import DefinitionPolicy, definitions
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Outcome
from grader.core.rubric import CLASS_PROFILE, Profile
from grader.core.rule import Rule


def check(
    formulas: FormulaEvidence,
    policy: DefinitionPolicy,
    profile: Profile = CLASS_PROFILE,
    replay: ReplayFacts | None = None,
) -> Outcome:
    """Give equal credit for E1, E2 … and E; one output has one loss."""
    losses = profile.network.losses
    only = losses if len(losses) == 1 else ()
    wanted = ("E",) if only else (*losses, "E")

    def defines(line: FormulaLine, name: str) -> bool:
        return meant(line) == name or _implies(line, name) or meant(line) in only

    return definitions("loss", FormulaKind.LOSS, wanted, defines, formulas, policy, profile, replay)


def _implies(line: FormulaLine, name: str) -> bool:
    """Whether a definition of the total loss carries the parts inside it."""
    if line.states != "E" or name == "E" or line.repairs:
        return False
    return any(
        f"a_o{name[-1]}" in side.reading and not re.search(r"\bE\d\b", side.reading)
        for side in line.sides[1:]
    )


rule = Rule(code="BP104", name="loss-function", check=check)
