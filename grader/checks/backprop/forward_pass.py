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
    """Give equal credit for each sum and each activation."""
    layers = (profile.network.hidden, profile.network.outputs)
    wanted = [
        name for units in layers for of in ("sum", "output") for name in (getattr(u, of) for u in units)
    ]
    kind = FormulaKind.FORWARD
    return definitions("forward pass", kind, wanted, _defines, formulas, policy, profile, replay)


def _defines(line: FormulaLine, name: str) -> bool:
    return meant(line) == name or _implies(line, name)


def _implies(line: FormulaLine, name: str) -> bool:
    """Whether a definition of the activation carries the sum inside it."""
    if line.states != f"a_{name}" or line.repairs:
        return False
    return not any(re.search(rf"(?<![A-Za-z_]){name}\b", side.reading) for side in line.sides[1:])


rule = Rule(code="BP103", name="forward-pass", check=check)
