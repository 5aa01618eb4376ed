"""Dropout is part of what the network computes in training, and off in evaluation.

## What it checks
At least one dropout lies on the way from the image to the output when your network trains, with a
probability of at least 0.001 (the rubric may say another), and the network computes something else without
it: we replace each by nothing and compare the answers, with random weights and with those that your own
training left. A person looks at one that moves all ten answers of an image together. It also looks whether
dropout is off when the network is evaluated.

## Why it matters
The assignment asks for dropout. `nn.Dropout(0)` does nothing, nor does `x + 0 * self.dropout(x)`, and
`F.dropout(x, 0.1)` without `training=self.training` drops values in the test as well: the accuracy is then a
matter of chance and lower than it need be.

## Example
    x = F.dropout(x, 0.1)              on in evaluation too

## What to do instead
Use `nn.Dropout(0.1)` as a module, or `F.dropout(x, 0.1, training=self.training)`, and a probability above 0.
"""

import msgspec

from grader.checks.network._effect import OPEN, does_nothing, doubtful
from grader.checks.network._printed import printed, rows_of
from grader.checks.network._where import named, place_of
from grader.core.evidence.summaries import SummaryEvidence
from grader.core.facts.network import Dropout, Effect, NetworkFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import CheckParams, CheckPolicy, Treatment
from grader.core.rule import Rule
from grader.core.submission import Submission


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`active_in_eval`: dropout that stays on when the network is evaluated. `absent`: none acts in training;
    a course that leaves dropout open accepts it.
    """

    active_in_eval: Treatment = Treatment.WARN
    absent: Treatment = Treatment.FAIL


class Params(CheckParams, frozen=True, kw_only=True):
    """`least_p`: the smallest probability that counts. The smallest honest one in our corpora is 0.05; 1e-12
    never zeroes anything.
    """

    least_p: float = 0.001


def check(network: NetworkFacts, params: Params, policy: Policy) -> Outcome:
    """Look for dropout that acts in the training graph, and for dropout in the evaluation graph."""
    acting = [item for item in network.dropout if item.active_in_training and item.p >= params.least_p]
    active = [item for item in acting if item.effect is Effect.CLEAR]
    open_ = [item for item in acting if item.effect in OPEN]
    if not active and open_ and policy.absent is Treatment.FAIL:
        finding = doubtful(network, open_, "dropout")
        return unknown(f"{network.name}: {finding.message}", [finding])
    if not active:
        summary, finding = f"{network.name} uses no dropout when it trains", _missing(network, params)
        if policy.absent is Treatment.FAIL:
            return failed(summary, [finding])
        remark = msgspec.structs.replace(finding, weight=Weight.REMARK)
        return passed(summary, [] if policy.absent is Treatment.ACCEPT else [remark])
    probabilities = ", ".join(f"{p:g}" for p in sorted({item.p for item in active}))
    often = {1: "once", 2: "twice"}.get(len(active), f"{len(active)} times")
    summary = f"{network.name} uses dropout {often} (p = {probabilities})"
    stuck = [item for item in network.dropout if item.active_in_eval]
    if not stuck or policy.active_in_eval is Treatment.ACCEPT:
        return passed(f"{summary}, off in evaluation" if not stuck else summary)
    finding = _active(network, stuck, policy)
    summary += (
        ", on in evaluation too" if len(active) == 1 else f", {len(stuck)} of them on in evaluation too"
    )
    if policy.active_in_eval is Treatment.FAIL:
        return failed(summary, [finding])
    return passed(summary, [finding])


def _missing(network: NetworkFacts, params: Params) -> Finding:
    trains = [item for item in network.dropout if item.active_in_training]
    if any(item.p >= params.least_p for item in trains):
        return does_nothing(network, [i for i in trains if i.p >= params.least_p], "dropout")
    if trains:
        largest = max(item.p for item in trains)
        diagnosis, found = "tiny-probability", f"the largest p is {largest:g}, below {params.least_p:g}"
        hint = "give it a probability that zeroes something, for example 0.1"
    elif network.dropout and all(item.p == 0 for item in network.dropout):
        diagnosis, found = "zero-probability", f"{len(network.dropout)} dropout layers, all with p = 0"
        hint = (
            "give them a probability above 0, for example 0.1; check which value really "
            "reaches the constructor"
        )
    elif network.dropout:
        diagnosis, found = "off-in-training", f"{len(network.dropout)} dropout layers, all off in training"
        hint = "do not pass training=False; nn.Dropout follows model.train() by itself"
    elif any("dropout" in operator for operator in network.dead):
        diagnosis, found = "result-discarded", "dropout is called, but its result is not used"
        hint = "assign it: x = self.dropout(x)"
    else:
        diagnosis, found = "no-dropout", f"none among {len(network.layers)} operators"
        hint = "add nn.Dropout(0.1) behind a block of convolutions and call it in forward"
    return Finding(
        message="no dropout acts on the network when it trains",
        place=place_of(network),
        expected=f"at least one dropout with p of at least {params.least_p:g} in the training graph",
        found=found,
        hint=hint,
        diagnosis=diagnosis,
    )


def _active(network: NetworkFacts, stuck: list[Dropout], policy: Policy) -> Finding:
    layer = network.layers[stuck[0].layer] if 0 <= stuck[0].layer < len(network.layers) else None
    at = f" at {named(layer)}" if layer is not None else ""
    return Finding(
        message="dropout stays on in evaluation",
        place=place_of(network),
        expected="dropout off after model.eval()",
        found=f"p = {stuck[0].p:g}{at} is on: two tests of the same network give two accuracies",
        hint=f"write F.dropout(x, {stuck[0].p:g}, training=self.training), or use nn.Dropout({stuck[0].p:g})",
        diagnosis="active-in-evaluation",
        weight=Weight.FAULT if policy.active_in_eval is Treatment.FAIL else Weight.REMARK,
    )


def claimed(summaries: SummaryEvidence, submission: Submission) -> Outcome | None:
    """Earn where every printed summary lists dropout; no summary prints its probability."""
    found = [rows_of(table, "Dropout") for table in printed(summaries, submission)]
    if not found or not all(found):
        return None
    first = found[0]
    return passed(f"the printed summary lists dropout ({len(first)} x, from {first[0].place} on)")


rule = Rule(code="NN403", name="dropout", check=check, claimed=claimed)
