"""The network carries no table of stored numbers.

## What it checks
How many fixed numbers (buffers and constant tensors) the output depends on, apart from the running statistics
of normalisations.

## Why it matters
A network that keeps digits or answers in a buffer looks them up and has learnt nothing, and its buffers do
not count as parameters. A few constants are common: a fixed filter, a scale. A person looks when there are
many.

Measured on the networks of 84 public hand-ins, labelled ones and ones that nothing was tuned on: 84 passes,
each of 0 fixed numbers, as their sources say. Of 567 public notebooks and modules with a network nine make a
constant in its class, none of more than a few hundred numbers. Its `unknown` was seen on our own forgeries
alone.

## Example
    self.register_buffer("digits", train_images)       47 million stored numbers

## What to do instead
Let the network learn what it needs; if fixed numbers are part of the idea, say in the README what they are.
"""

from grader.checks.network._where import place_of
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Outcome, passed, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """How many fixed numbers need no explanation."""

    allowed: int = 1_000


def check(network: NetworkFacts, params: Params) -> Outcome:
    """Ask a person where the output depends on many fixed numbers."""
    if network.constants <= params.allowed:
        return passed(f"{network.name} carries {network.constants:,} fixed numbers")
    finding = Finding(
        message="the output depends on a table of fixed numbers",
        place=place_of(network),
        expected=f"at most {params.allowed:,} numbers outside the parameters",
        found=f"{network.constants:,} in buffers or constants, beside {network.parameters:,} parameters",
        hint="say in the README what they are and where they come from",
        diagnosis="stored-constants",
    )
    return unknown(f"{network.name} carries {network.constants:,} fixed numbers", [finding])


rule = Rule(code="NN406", name="stored-constants", check=check)
