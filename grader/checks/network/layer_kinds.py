"""The network has the kinds of layers that are asked for, and none that is not allowed.

## What it checks
The layers that the output depends on, by what they are in the network that runs: `max-pooling`, `stride-2` (a
convolution that skips pixels), `dilated`, `depthwise` (each channel by itself), `point-convolution` (1x1),
`fully-connected`, and the normalisations `batch-normalisation`, `layer-normalisation` (also a group
normalisation with one group), `group-normalisation` and `instance-normalisation`. `required` and `forbidden`
name them; without them nothing is asked, and the kinds are told.

What is one kind by its name and another by what it computes (a group normalisation with one group, a maximum
over the whole map, a 1x1 convolution on a 1x1 map) is for a person where it would decide.

## Why it matters
Courses teach by exclusion: no max-pooling, so that strides and dilations have to do its work; a depthwise
convolution, so that parameters are saved; three networks that differ in nothing but their normalisation.

Measured on 20 public notebooks: batch normalisations, max-poolings and fully connected layers are as many as
the rows of the printed summary, and a stride of 2 stands in the code of the one that has it. Depthwise and
dilated convolutions and the other normalisations were met in networks of ours alone.

## Example
    nn.Conv2d(16, 32, 3, groups=16)       asked for is a depthwise one, and 16 channels make it one
    nn.MaxPool2d(2, 2)                    not allowed where strides are asked for

## What to do instead
    nn.Conv2d(16, 32, 3, stride=2, padding=1)
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from grader.checks.network._where import named, place_of
from grader.core.facts.network import Effect, Layer, NetworkFacts
from grader.core.outcome import Finding, Outcome, failed, passed, unknown
from grader.core.rubric import CheckParams
from grader.core.rule import Rule


class Kind(Enum):
    """What a layer is."""

    MAX_POOLING = "max-pooling"
    STRIDE_2 = "stride-2"
    DILATED = "dilated"
    DEPTHWISE = "depthwise"
    POINT_CONVOLUTION = "point-convolution"
    FULLY_CONNECTED = "fully-connected"
    BATCH_NORMALISATION = "batch-normalisation"
    LAYER_NORMALISATION = "layer-normalisation"
    GROUP_NORMALISATION = "group-normalisation"
    INSTANCE_NORMALISATION = "instance-normalisation"


class Params(CheckParams, frozen=True, kw_only=True):
    """Kinds that must be there, and kinds that must not."""

    required: tuple[Kind, ...] = ()
    forbidden: tuple[Kind, ...] = ()


class Found(NamedTuple):
    """The layers of one kind, and those of which it is open."""

    sure: tuple[Layer, ...]
    open: tuple[Layer, ...]


def check(network: NetworkFacts, params: Params) -> Outcome:
    """Compare the kinds that the output depends on with those that are asked for and those that are not
    allowed.
    """
    found = {kind: _of(network, kind) for kind in Kind}
    faults, doubts = [], []
    for kind in params.forbidden:
        if found[kind].sure:
            faults.append(_forbidden(network, kind, found[kind].sure))
        elif found[kind].open:
            doubts.append(_forbidden(network, kind, found[kind].open))
    idle = _idle(network)
    for kind in params.required:
        if all(layer.index in idle for layer in found[kind].sure):
            (doubts if found[kind].open else faults).append(_missing(network, kind, found[kind].open))
    there = (
        ", ".join(f"{len(f.sure)} x {kind.value}" for kind, f in found.items() if f.sure) or "none of them"
    )
    summary = f"{network.name}: {there}"
    if faults:
        return failed(f"{summary}; {faults[0].message}", [*faults, *doubts])
    if doubts:
        return unknown(f"{summary}; {doubts[0].message}", doubts)
    return passed(summary)


def _of(network: NetworkFacts, kind: Kind) -> Found:
    sure = tuple(layer for layer in network.layers if _IS[kind](layer))
    maybe = _MAY_BE.get(kind)
    return Found(sure, tuple(layer for layer in network.layers if maybe is not None and maybe(layer)))


def _idle(network: NetworkFacts) -> set[int]:
    """Positions of the layers without which the network computes the same."""
    norms = {item.layer for item in network.batchnorm if item.effect is Effect.NONE}
    return norms | {item.layer for item in network.linear if item.effect is Effect.NONE}


def _convolution(layer: Layer) -> bool:
    return layer.operator == "conv2d"


_IS: Mapping[Kind, Callable[[Layer], bool]] = {
    Kind.MAX_POOLING: lambda layer: layer.operator in ("max_pool2d", "max_pool2d_with_indices"),
    Kind.STRIDE_2: lambda layer: _convolution(layer) and max(layer.stride, default=1) > 1,
    Kind.DILATED: lambda layer: (
        _convolution(layer) and max(layer.dilation, default=1) > 1 and max(layer.kernel, default=1) > 1
    ),
    Kind.DEPTHWISE: lambda layer: (
        _convolution(layer) and layer.groups > 1 and layer.groups == layer.input_shape[0]
    ),
    Kind.POINT_CONVOLUTION: lambda layer: _convolution(layer) and layer.kernel == (1, 1),
    Kind.FULLY_CONNECTED: lambda layer: layer.operator == "linear",
    Kind.BATCH_NORMALISATION: lambda layer: layer.operator == "batch_norm",
    Kind.LAYER_NORMALISATION: lambda layer: (
        layer.operator == "layer_norm" or (layer.operator == "group_norm" and layer.groups == 1)
    ),
    Kind.GROUP_NORMALISATION: lambda layer: layer.operator == "group_norm" and layer.groups > 1,
    Kind.INSTANCE_NORMALISATION: lambda layer: layer.operator == "instance_norm",
}
_MAY_BE: Mapping[Kind, Callable[[Layer], bool]] = {
    Kind.MAX_POOLING: lambda layer: layer.operator in ("adaptive_max_pool2d", "amax", "max"),
    Kind.FULLY_CONNECTED: lambda layer: _convolution(layer) and layer.output_shape[1:] == (1, 1),
    Kind.DEPTHWISE: lambda layer: _convolution(layer) and 1 < layer.groups != layer.input_shape[0],
    Kind.LAYER_NORMALISATION: lambda layer: layer.operator == "group_norm" and layer.groups == 0,
    Kind.GROUP_NORMALISATION: lambda layer: layer.operator == "group_norm" and layer.groups <= 1,
    Kind.INSTANCE_NORMALISATION: lambda layer: (
        layer.operator == "group_norm" and layer.groups == layer.input_shape[0]
    ),
}
"""Layers that are of a kind by what they compute, and not by their name."""


def _forbidden(network: NetworkFacts, kind: Kind, layers: tuple[Layer, ...]) -> Finding:
    return Finding(
        message=f"{kind.value} is not allowed here",
        place=place_of(network),
        expected=f"no {kind.value}",
        found="; ".join(named(layer) for layer in layers[:4]),
        hint=f"build the network without {kind.value}",
        diagnosis=f"forbidden-{kind.value}",
    )


def _missing(network: NetworkFacts, kind: Kind, layers: tuple[Layer, ...]) -> Finding:
    near = "; ".join(named(layer) for layer in layers[:4])
    return Finding(
        message=f"{kind.value} is asked for",
        place=place_of(network),
        expected=f"at least one {kind.value} on the way to the output",
        found=f"none, but {near}" if near else "none",
        hint=_HINTS[kind],
        diagnosis=f"missing-{kind.value}",
    )


_HINTS = {
    Kind.MAX_POOLING: "nn.MaxPool2d(2, 2)",
    Kind.STRIDE_2: "nn.Conv2d(a, b, 3, stride=2, padding=1)",
    Kind.DILATED: "nn.Conv2d(a, b, 3, dilation=2)",
    Kind.DEPTHWISE: "nn.Conv2d(a, a, 3, groups=a), and a 1x1 convolution behind it",
    Kind.POINT_CONVOLUTION: "nn.Conv2d(a, b, 1)",
    Kind.FULLY_CONNECTED: "nn.Linear(a, b) behind the global average pooling",
    Kind.BATCH_NORMALISATION: "nn.BatchNorm2d(channels)",
    Kind.LAYER_NORMALISATION: "nn.GroupNorm(1, channels), or nn.LayerNorm",
    Kind.GROUP_NORMALISATION: "nn.GroupNorm(groups, channels) with more than one group",
    Kind.INSTANCE_NORMALISATION: "nn.InstanceNorm2d(channels)",
}


rule = Rule(code="NN409", name="layer-kinds", check=check)
