"""Global average pooling turns the last map into a vector.

## What it checks
On the way to the output some operator averages a whole map larger than 1x1, every position with the same
weight. The way it is written does not matter: `AdaptiveAvgPool2d(1)`, `AvgPool2d` as large as the map,
`x.mean([2, 3])`. An average without which the network computes the same, such as `logits + 0 * gap`, does not
count; we replace it and compare the answers. A person looks at the average of a map that holds one number
(spread, padded or masked), of the image's own pixels, and at one that evaluation does without.

## Why it matters
The assignment asks for global average pooling. A window smaller than the map looks the same, since what does
not fit is cut off, and ignores a part of the image; an average over a map that already is 1x1 does nothing.

## Example
    nn.AvgPool2d(7)                    on a map of 11x11: a single window of 7x7, and 60 % of the map is
    ignored

## What to do instead
Use `nn.AdaptiveAvgPool2d(1)` on the last map; it always averages all of it.
"""

from itertools import pairwise
from typing import NamedTuple

from grader.checks.network._effect import OPEN, does_nothing, doubtful
from grader.checks.network._printed import printed
from grader.checks.network._where import place_of
from grader.core.evidence.summaries import LayerRow, Summary, SummaryEvidence
from grader.core.facts.network import Effect, GapKind, NetworkFacts, Reduction, Where
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule
from grader.core.submission import Submission


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """What stands in the place of global average pooling; see `GapKind`. `absent`: nothing does.

    A course that leaves pooling open sets all of them to `warn`: the network is described, and nobody failed.
    """

    absent: Treatment = Treatment.FAIL
    crop: Treatment = Treatment.FAIL
    no_op: Treatment = Treatment.FAIL
    attention_only: Treatment = Treatment.FAIL
    maximum: Treatment = Treatment.FAIL
    conv_collapse: Treatment = Treatment.FAIL


class _Words(NamedTuple):
    message: str
    found: str
    hint: str


def check(network: NetworkFacts, policy: Policy) -> Outcome:
    """Pass for a full average in the head; else treat what is there as the policy says."""
    if network.gap is GapKind.FULL:
        item = _of(network, GapKind.FULL, Where.HEAD)
        if item is not None and item.effect in OPEN:
            finding = doubtful(network, [item], "global average pooling")
            return unknown(f"{network.name}: {finding.message}", [finding])
        size = f" of {item.map[0]}x{item.map[1]}" if item is not None else ""
        return passed(f"{network.name} averages the whole map{size}")
    words = _words(network)
    treatment = _treatment(network.gap, policy)
    summary = f"{network.name}: {words.message}"
    idle = [
        item
        for item in network.reductions
        if item.kind is GapKind.FULL and item.where is Where.HEAD and item.effect is Effect.NONE
    ]
    if treatment is Treatment.ACCEPT:
        return passed(summary)
    if idle and treatment is Treatment.FAIL:
        return failed(summary, [does_nothing(network, idle, "global average pooling")])
    finding = Finding(
        message=words.message,
        place=place_of(network),
        expected="an average over the whole of a map larger than 1x1, on the way to the output",
        found=words.found,
        hint=words.hint,
        diagnosis=f"gap-{network.gap.value}",
        weight=Weight.FAULT if treatment is Treatment.FAIL else Weight.REMARK,
    )
    return failed(summary, [finding]) if treatment is Treatment.FAIL else passed(summary, [finding])


def _treatment(kind: GapKind, policy: Policy) -> Treatment:
    return {
        GapKind.ABSENT: policy.absent,
        GapKind.CROP: policy.crop,
        GapKind.NO_OP: policy.no_op,
        GapKind.ATTENTION_ONLY: policy.attention_only,
        GapKind.MAX: policy.maximum,
        GapKind.CONV_COLLAPSE: policy.conv_collapse,
    }.get(kind, Treatment.FAIL)


def _of(network: NetworkFacts, kind: GapKind, where: Where) -> Reduction | None:
    """The reduction of that kind that the answers depend on; clear ones first."""
    found = [
        item
        for item in network.reductions
        if item.kind is kind and item.where is where and item.effect is not Effect.NONE
    ]
    return min(found, key=lambda item: item.effect in OPEN, default=None)


def _words(network: NetworkFacts) -> _Words:
    kind = network.gap
    wanted = GapKind.FULL if kind is GapKind.ATTENTION_ONLY else kind
    item = _of(network, wanted, Where.ATTENTION if kind is GapKind.ATTENTION_ONLY else Where.HEAD)
    size = f"{item.map[0]}x{item.map[1]}" if item is not None else "the map"
    window = f"{item.window[0]}x{item.window[1]}" if item is not None else "a window"
    by = item.operator if item is not None else "an operator"
    if kind is GapKind.CROP and item is not None:
        whole, seen = item.map[0] * item.map[1], item.window[0] * item.window[1]
        return _Words(
            "the average ignores a part of the map",
            f"{by} reads {window} of {size}: {100 - 100 * seen // whole} % of the map is ignored",
            f"use nn.AdaptiveAvgPool2d(1), or a window of {size}",
        )
    if kind is GapKind.NO_OP:
        return _Words(
            "the average has nothing to average",
            f"{by} acts on a map that already is 1x1",
            "put the average where the map still is larger, in the place of what made it 1x1",
        )
    if kind is GapKind.ATTENTION_ONLY:
        return _Words(
            "the only global average is inside an attention block",
            f"{by} over {size} is multiplied back onto a map",
            "put nn.AdaptiveAvgPool2d(1) behind the last convolution as well",
        )
    if kind is GapKind.MAX:
        return _Words(
            "a maximum, not an average, is taken over the map",
            f"{by} reduces {size} to 1x1",
            "use nn.AdaptiveAvgPool2d(1) in its place",
        )
    if kind is GapKind.CONV_COLLAPSE:
        return _Words(
            "a convolution as large as the map stands in the place of global average pooling",
            f"{by} with a kernel of {window} reduces {size} to 1x1",
            "use nn.AdaptiveAvgPool2d(1) in its place, with a 1x1 convolution or a linear "
            "layer for the ten classes",
        )
    flattened = next((layer for layer in network.linear if layer.map != (1, 1)), None)
    if flattened is not None:
        rows, columns = flattened.map
        return _Words(
            "there is no global average pooling",
            f"a map of {rows}x{columns} is flattened into a fully connected layer with "
            f"{flattened.inputs:,} inputs",
            "put nn.AdaptiveAvgPool2d(1) before it, and give it "
            f"{flattened.inputs // (rows * columns)} inputs",
        )
    return _Words(
        "there is no global average pooling",
        f"none among {len(network.layers)} operators",
        "put nn.AdaptiveAvgPool2d(1) behind the last convolution",
    )


def claimed(summaries: SummaryEvidence, submission: Submission) -> Outcome | None:
    """Earn where every printed summary lists an average that takes a larger map to 1x1.

    No summary prints the window, so an average that crops looks the same; the network that runs decides
    later.
    """
    found = [_average(table) for table in printed(summaries, submission)]
    if not found or None in found:
        return None
    first = next(row for row in found if row is not None)
    return passed(f"the printed summary lists an average of the map to 1x1 ({first.place})")


def _average(table: Summary) -> LayerRow | None:
    """The first row of an average whose map is 1x1 and that follows a larger one."""
    for before, row in pairwise(table.rows):
        named = row.type.lower().startswith(("adaptiveavgpool2d", "avgpool2d"))
        if named and row.shape[1:] == (1, 1) and len(before.shape) == 3 and before.shape[1:] > (1, 1):
            return row
    return None


rule = Rule(code="NN404", name="global-average-pooling", check=check, claimed=claimed)
