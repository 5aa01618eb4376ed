"""Batch normalisation is part of what the network computes.

## What it checks
At least one batch normalisation lies on the way from the image to the output of your network, and the network
computes something else without it. We look at the operators that the network runs, not at its source, so a
layer that is only declared or whose result is thrown away does not count. Nor does one that is multiplied by
zero: in training mode, on random images and with random weights, we replace each normalisation by nothing and
compare the answers. A person looks at a normalisation by stored statistics (training too), of what no image
changes, of a branch that moves all ten answers together, and at one that evaluation does without.

## Why it matters
The assignment asks for batch normalisation. It keeps the scale of the maps steady from layer to layer, which
is what lets a network of this size learn quickly; a layer that forward never calls does nothing of the kind.

## Example
    self.bn1 = nn.BatchNorm2d(16)      declared in __init__
    x = F.relu(self.conv1(x))          and never called

## What to do instead
Call it in forward, usually right after the convolution: `x = F.relu(self.bn1(self.conv1(x)))`.
"""

from grader.checks.network._effect import OPEN, does_nothing, doubtful
from grader.checks.network._printed import printed, rows_of
from grader.checks.network._where import place_of, unused_modules
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import Effect, NetworkFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule
from grader.core.submission import Submission

_OTHERS = ("group_norm", "layer_norm", "instance_norm")


class Params(CheckParams, frozen=True, kw_only=True):
    """How many batch normalisations the network must have."""

    at_least: int = 1


def check(network: NetworkFacts, params: Params) -> Outcome:
    """Count the batch normalisations without which the output is another."""
    idle = [item for item in network.batchnorm if item.effect is Effect.NONE]
    open_ = [item for item in network.batchnorm if item.effect in OPEN]
    count = len(network.batchnorm) - len(idle) - len(open_)
    if count >= params.at_least:
        stuck = [item for item in network.batchnorm if item.batch_statistics_in_eval]
        remarks = [_batch_statistics(network, len(stuck))] if stuck else []
        remarks += [does_nothing(network, idle, "batch normalisation", remark=True)] if idle else []
        layers = "batch normalisation" if count == 1 else "batch normalisations"
        return passed(f"{network.name} uses {count} {layers}", remarks)
    if count + len(open_) >= params.at_least:
        finding = doubtful(network, open_, "batch normalisation")
        return unknown(f"{network.name}: {finding.message}", [finding])
    summary = f"{network.name} uses {count} batch normalisations, asked for is {params.at_least}"
    if idle:
        return failed(summary, [does_nothing(network, idle, "batch normalisation")])
    return failed(summary, [_missing(network, params)])


def _missing(network: NetworkFacts, params: Params) -> Finding:
    others = sorted({layer.operator for layer in network.layers if layer.operator in _OTHERS})
    unused = unused_modules(network)
    if "aten.batch_norm.default" in network.dead:
        diagnosis, hint = (
            "result-discarded",
            "it is called, but its result is not used: assign it, x = self.bn(x)",
        )
    elif others:
        diagnosis, hint = (
            "other-normalisation",
            f"{', '.join(others)} is another normalisation; use nn.BatchNorm2d",
        )
    elif unused:
        diagnosis, hint = (
            "never-called",
            f"forward never uses {', '.join(unused[:5])}; call it after the convolution",
        )
    else:
        diagnosis, hint = (
            "no-batch-normalisation",
            "add nn.BatchNorm2d(channels) after the convolutions and call it in forward",
        )
    return Finding(
        message="the output does not depend on any batch normalisation"
        if not network.batchnorm
        else "the network has fewer batch normalisations than asked",
        place=place_of(network),
        expected=f"at least {params.at_least} in the network that runs",
        found=f"{len(network.batchnorm)} among {len(network.layers)} operators",
        hint=hint,
        diagnosis=diagnosis,
    )


def _batch_statistics(network: NetworkFacts, count: int) -> Finding:
    return Finding(
        message="batch normalisation uses the statistics of the batch in evaluation too",
        place=place_of(network),
        found=f"{count} of {len(network.batchnorm)}: the answer for a digit depends on the digits beside it",
        hint="call model.eval() before testing, and leave track_running_stats on",
        diagnosis="batch-statistics-in-eval",
        weight=Weight.REMARK,
    )


def claimed(summaries: SummaryEvidence, submission: Submission, params: Params) -> Outcome | None:
    """Earn where every printed summary lists enough layers of batch normalisation."""
    found = [rows_of(table, "BatchNorm") for table in printed(summaries, submission)]
    if not found or min(map(len, found)) < max(1, params.at_least):
        return None
    first = found[0]
    return passed(f"the printed summary lists batch normalisation ({len(first)} x, from {first[0].place} on)")


rule = Rule(code="NN402", name="batch-normalisation", check=check, claimed=claimed)
