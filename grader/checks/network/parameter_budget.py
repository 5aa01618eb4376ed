"""The network stays within the allowed number of parameters.

## What it checks
The parameters that the output of your network really depends on, counted in the network that we took out of
your notebook by running it. Where `model.parameters()` says more than that, because a layer was left in
`__init__` that forward never calls, the network that runs is ruled on and the difference is remarked. A
course may count what is declared instead (`declared = "fail"`): then the larger number is ruled on. By
default it is not, since the limit is there to keep the network small that reaches the accuracy, and a layer
that never runs does not help it to.

## Why it matters
The assignment limits the network to fewer than 20,000 parameters. A printed summary may count something else:
torchsummary leaves out layers that forward never calls and counts shared ones twice.

## Example
    self.fc = nn.Linear(1152, 50)      57,650 parameters: over the limit where forward calls it, remarked
    where it does not

## What to do instead
Remove layers that forward never uses, and use fewer channels where most of the parameters are; `sum(p.numel()
for p in model.parameters())` prints the count.
"""

from collections.abc import Mapping
from typing import ClassVar

from grader.checks.network._printed import printed
from grader.checks.network._where import named, place_of, unused_modules
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import Assignment, CheckParams, CheckPolicy, Treatment
from grader.core.rule import Rule
from grader.core.submission import Submission


class Params(CheckParams, frozen=True, kw_only=True):
    """Numbers of parameters: strictly `below`, and `at_least` where a course asks for that too."""

    below: int = Assignment().parameters
    at_least: int = Assignment().parameters_at_least
    limits: ClassVar[Mapping[str, str]] = {"below": "parameters", "at_least": "parameters_at_least"}


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`declared`: layers over the limit that are declared and never run."""

    declared: Treatment = Treatment.WARN


def check(network: NetworkFacts, params: Params, policy: Policy) -> Outcome:
    """Rule on what runs, or on the larger of the live and the declared count where the rubric says so."""
    counted = network.counted if policy.declared is Treatment.FAIL else network.parameters
    summary = f"{network.name} has {counted:,} parameters"
    wanted = f"fewer than {params.below:,}" + (f", at least {params.at_least:,}" if params.at_least else "")
    if counted >= params.below:
        return failed(
            f"{summary}, allowed are {wanted}", [_too_many(network, wanted, counted - params.below + 1)]
        )
    if counted < params.at_least:
        finding = Finding(
            message="the network is smaller than asked",
            place=place_of(network),
            expected=f"{wanted} parameters",
            found=f"{counted:,} parameters",
            hint=f"{params.at_least - counted:,} more are needed; more channels in the convolutions add them",
            diagnosis="too-few-parameters",
        )
        return failed(f"{summary}, asked are {wanted}", [finding])
    differs = network.parameters != network.declared_parameters and policy.declared is not Treatment.ACCEPT
    remarks = [_difference(network)] if differs else []
    if counted + network.constants >= params.below:
        finding = Finding(
            message="the network carries so many fixed numbers that with them it would be over the limit",
            place=place_of(network),
            expected=f"{wanted} parameters",
            found=f"{counted:,} parameters and {network.constants:,} fixed numbers (buffers or constants)",
            hint="say in the README what the fixed numbers are, or make them parameters",
            diagnosis="constants-beside-parameters",
        )
        return unknown(f"{summary} and {network.constants:,} fixed numbers besides", [finding, *remarks])
    return passed(f"{summary}, {wanted}", remarks)


def _too_many(network: NetworkFacts, wanted: str, surplus: int) -> Finding:
    largest = max(network.layers, key=lambda layer: layer.parameters, default=None)
    unused = unused_modules(network)
    if network.declared_parameters - network.parameters >= surplus and unused:
        hint = (
            f"forward never uses {', '.join(unused[:5])}; without it the network has "
            f"{network.parameters:,} parameters"
        )
        diagnosis = "unused-parameters"
    elif largest is not None and largest.parameters:
        hint = f"most are in {named(largest)}: {largest.parameters:,}; {surplus:,} have to go"
        diagnosis = "too-many-parameters"
    else:
        hint = f"{surplus:,} have to go"
        diagnosis = "too-many-parameters"
    return Finding(
        message="the network has more parameters than allowed",
        place=place_of(network),
        expected=f"{wanted} parameters",
        found=f"{network.declared_parameters:,} declared, {network.parameters:,} of them reach the output"
        if network.declared_parameters > network.parameters
        else f"{network.parameters:,} parameters reach the output",
        hint=hint,
        diagnosis=diagnosis,
    )


def _difference(network: NetworkFacts) -> Finding:
    unused = unused_modules(network)
    return Finding(
        message="the declared parameters are not those that the output depends on",
        place=place_of(network),
        found=f"{network.declared_parameters:,} declared, {network.parameters:,} reach the output",
        hint=f"forward never uses {', '.join(unused[:5])}; remove it" if unused else "",
        diagnosis="declared-differs-from-live",
        weight=Weight.REMARK,
    )


def claimed(summaries: SummaryEvidence, submission: Submission, params: Params) -> Outcome | None:
    """Earn by printed summaries whose rows add up, where every total and every printed count keeps the
    limits.
    """
    tables = printed(summaries, submission)
    main = {table.place.artefact for table in tables}
    totals = [table.row_sum for table in tables] + [table.total or 0 for table in tables]
    totals += [count.value for count in summaries.counts if count.place.artefact in main]
    if not totals or not all(params.at_least <= total < params.below for total in totals):
        return None
    table = tables[0]
    return passed(
        f"the printed summary says {max(totals):,} parameters, fewer than {params.below:,} "
        f"({table.total_place or table.place})"
    )


rule = Rule(code="NN401", name="parameter-budget", check=check, claimed=claimed)
