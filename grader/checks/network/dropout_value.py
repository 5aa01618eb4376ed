"""The network's dropout has the probability that was asked for.

## What it checks
The probability of every dropout that acts when the network trains, in the network that we took out of your
notebook by running it. A dropout with p = 0 does nothing and is not counted, nor is one without which the
network computes the same.

## Why it matters
Some courses fix the value, 0.069 for instance. What counts is the number that reaches the layer: a
constructor with `p=0.1` as its default keeps 0.1 however often 0.069 is written elsewhere.

## Example
    def __init__(self, dropout=0.1): ...     # and then Net() instead of Net(0.069)

## What to do instead
Write `nn.Dropout(0.069)` in every block, or pass the value to the constructor; `print(model)` shows what the
layers hold.
"""

from grader.checks.network._where import named, place_of
from grader.core.facts.network import Dropout, Effect, NetworkFacts
from grader.core.outcome import Finding, Outcome, graded, passed, skipped
from grader.core.rubric import CheckParams
from grader.core.rule import Rule

_ROUNDING = 1e-6


class Params(CheckParams, frozen=True, kw_only=True):
    """The probability `p` of a zero."""

    p: float = 0.069


def check(network: NetworkFacts, params: Params) -> Outcome:
    """Credit is the share of acting dropouts with the value; without one, `dropout` (NN403) says so and this
    asks nothing.
    """
    active = [d for d in network.dropout if d.active_in_training and d.p > 0 and d.effect is not Effect.NONE]
    if not active:
        return skipped(
            f"{network.name} has no dropout that acts in training, so there is no value to compare"
        )
    wrong = [d for d in active if abs(d.p - params.p) > _ROUNDING]
    values = ", ".join(f"{p:g}" for p in sorted({d.p for d in active}))
    if not wrong:
        return passed(f"all {len(active)} dropouts of {network.name} have p = {params.p:g}")
    summary = f"{len(wrong)} of {len(active)} dropouts have another p than {params.p:g} (found: {values})"
    return graded(1 - len(wrong) / len(active), summary, [_finding(network, wrong, params)])


def _finding(network: NetworkFacts, wrong: list[Dropout], params: Params) -> Finding:
    first = wrong[0]
    layer = network.layers[first.layer] if 0 <= first.layer < len(network.layers) else None
    return Finding(
        message="dropout acts with another probability than was asked for",
        place=place_of(network),
        expected=f"p = {params.p:g}",
        found=f"p = {first.p:g}" + (f" at {named(layer)}" if layer is not None else ""),
        hint=f"write nn.Dropout({params.p:g}), and check which value reaches the constructor",
        diagnosis="other-dropout-value",
    )


rule = Rule(code="NN407", name="dropout-value", check=check)
