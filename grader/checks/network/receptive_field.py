"""The network sees enough of the image.

## What it checks
The receptive field of the last map that is larger than 1x1, in pixels along an edge: how much of the image
one of its numbers can depend on, counted through kernels, strides and dilations of the network that runs, as
if the image had no border. Where paths join, the larger one counts. `at_least` and `at_most` are limits of
the rubric; without them nothing is asked, and the field is told.

A network below the limit is for a person where a step of it is not counted (upsampling, products of maps,
kernels that are no squares): its field may be larger than what was counted.

## Why it matters
A network whose last map sees a corner of the object guesses the rest. Courses ask for a field of at least the
image (28 for MNIST) or more (44 for CIFAR-10).

Measured on 37 public notebooks, 17 of them of session 7: each field is the one that the kernel and map sizes
of the printed summary give. Two more had printed the summary of another network than the one they train.

## Example
    nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3), nn.AdaptiveAvgPool2d(1)       5 pixels of 28

## What to do instead
    two more convolutions behind nn.MaxPool2d(2, 2): each adds four pixels there
"""

from grader.checks.network._where import place_of
from grader.core.facts.network import NetworkFacts
from grader.core.outcome import Finding, Outcome, failed, passed, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule


class Params(CheckParams, frozen=True, kw_only=True):
    """Pixels along an edge; 0 where nothing is asked."""

    at_least: int = 0
    at_most: int = 0


def check(network: NetworkFacts, params: Params) -> Outcome:
    """Compare the counted field with the limits."""
    field = network.receptive_field
    if not field:
        return unknown(f"{network.name} has no map whose receptive field could be counted")
    summary = f"{network.name} sees {field} pixels along an edge before its last map is reduced"
    low, high = field < params.at_least, bool(params.at_most) and field > params.at_most
    if not low and not high:
        return passed(summary)
    odd = _not_counted(network)
    if low and odd:
        text = f"{summary}, and {', '.join(odd[:3])} may add to it"
        return unknown(text, [_finding(network, params)])
    return failed(summary, [_finding(network, params)])


def _not_counted(network: NetworkFacts) -> list[str]:
    """What can make the field larger than what was counted."""
    tall = [
        f"the {'x'.join(map(str, layer.kernel))} kernel of {layer.module or layer.operator}"
        for layer in network.layers
        if len(set(layer.kernel)) > 1
    ]
    return [*network.beyond_receptive_field, *tall]


def _finding(network: NetworkFacts, params: Params) -> Finding:
    low = network.receptive_field < params.at_least
    message = "the network sees too little of the image" if low else "the network sees more than is allowed"
    missing = params.at_least - network.receptive_field
    return Finding(
        message=message,
        place=place_of(network),
        expected=f"at least {params.at_least} pixels" if low else f"at most {params.at_most} pixels",
        found=f"{network.receptive_field} pixels",
        hint=f"{missing} pixels are missing: a 3x3 convolution adds 2 times the strides before it"
        if low
        else "take a convolution or a stride away",
        diagnosis="receptive-field-small" if low else "receptive-field-large",
    )


rule = Rule(code="NN408", name="receptive-field", check=check)
