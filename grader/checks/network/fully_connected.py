"""The network has a fully connected layer, or has none, as the course asks.

## What it checks
Whether a fully connected layer (`nn.Linear`) lies on the way from the image to the output. Courses differ:
some require one, some forbid it, most leave it open; the rubric says which. A 1x1 convolution on a 1x1 map
does the same by function, and so does one whose map is averaged at once, since the average and the
convolution may change places, and a convolution as large as its map at the end; all three are told apart from
a layer.

## Why it matters
Some variants of the assignment list the fully connected layer among the parts that the network should use,
others forbid it in favour of convolutions. A layer that is commented out or belongs to another class does not
count.

## Example
    self.fc = nn.Linear(64, 10)        declared
    return F.log_softmax(x.view(-1, 10), dim=1)      and never called

## What to do instead
Call the layer in forward where it is required, behind the global average pooling; use `nn.Conv2d(channels,
10, 1)` where it is forbidden.
"""

from enum import Enum

from grader.checks.network._effect import OPEN, does_nothing, doubtful
from grader.checks.network._where import place_of, unused_modules
from grader.core.facts.network import Effect, NetworkFacts
from grader.core.outcome import Finding, Outcome, failed, passed, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule


class Demand(Enum):
    """What a course makes of fully connected layers."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    FORBIDDEN = "forbidden"


class Params(CheckParams, frozen=True, kw_only=True):
    """`point_convolution_counts`: whether a convolution that is a fully connected layer by function satisfies
    the requirement: 1x1 on a 1x1 map or right before global average pooling, or as large as its map at the
    end.
    """

    demand: Demand = Demand.OPTIONAL
    point_convolution_counts: bool = True


def check(network: NetworkFacts, params: Params) -> Outcome:
    """Compare the fully connected layers that the output depends on with the demand."""
    linear, pooled, whole = network.linear, network.averaged_at_once, network.whole_map_convolution
    points = [item for item in network.point_convolutions if item.effect is not Effect.NONE]
    if (
        params.demand is Demand.REQUIRED
    ):  # one that is multiplied by zero is no layer, and forbidden all the same
        linear = tuple(item for item in linear if item.effect is not Effect.NONE)
    sizes = ", ".join(f"{item.inputs} to {item.outputs}" for item in (linear or points)[:4])
    if linear:
        summary = f"{network.name} has {len(linear)} fully connected ({sizes})"
    elif points:
        summary = f"{network.name} has no fully connected layer, but a 1x1 convolution on a 1x1 map ({sizes})"
    elif pooled is not None:
        sizes = f"{pooled.input_shape[0]} to {pooled.output_shape[0]}"
        summary = (
            f"{network.name} has no fully connected layer, but a 1x1 convolution that is "
            f"averaged at once ({sizes})"
        )
    elif whole is not None:
        side = "x".join(map(str, whole.input_shape[1:]))
        summary = f"{network.name} has no fully connected layer, but a convolution as large as its {side} map"
    else:
        summary = f"{network.name} has no fully connected layer"
    if params.demand is Demand.FORBIDDEN and linear:
        finding = Finding(
            message="the network has a fully connected layer, which is not allowed here",
            place=place_of(network),
            expected="convolutions and pooling only",
            found=f"fully connected: {sizes}",
            hint=f"use nn.Conv2d({linear[-1].inputs}, {linear[-1].outputs}, 1) before the "
            "global average pooling",
            diagnosis="fully-connected-forbidden",
        )
        return failed(summary, [finding])
    counts = params.point_convolution_counts and (points or pooled is not None or whole is not None)
    if params.demand is Demand.REQUIRED and linear and all(i.effect in OPEN for i in linear) and not counts:
        finding = doubtful(network, linear, "fully connected layer")
        return unknown(f"{network.name}: {finding.message}", [finding])
    if params.demand is Demand.REQUIRED and not linear and not counts and network.linear:
        return failed(summary, [does_nothing(network, network.linear, "fully connected layer")])
    if params.demand is Demand.REQUIRED and not linear and not counts:
        unused = unused_modules(network)
        finding = Finding(
            message="the network has no fully connected layer",
            place=place_of(network),
            expected="a fully connected layer on the way to the output",
            found=f"none; forward never uses {', '.join(unused[:5])}" if unused else "none",
            hint="add nn.Linear(channels, 10) behind the global average pooling, and call it in forward",
            diagnosis="fully-connected-missing",
        )
        return failed(summary, [finding])
    return passed(summary)


rule = Rule(code="NN405", name="fully-connected", check=check)
