"""Whether a layer does anything: the network is run without it, and its answers must change.

A layer can stand in the graph and earn points while the network computes the same without it: `y + 0*bn(y)`,
a product with a buffer of zeros, `x + (q - q)`, `logits + 0*gap(x)`. Each is an honest operator, so no list
of operators finds it. What finds it is ablation: in training mode, with batch statistics and fixed masks, on
random images and several random weights and affine parameters, replacing the layer changes the answers, or
the layer does nothing. Evaluation mode would say nothing: there a fresh batch normalisation is the identity
and honest.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from grader.core.facts.network import Effect
from grader.execute.graph.checked import CheckedGraph, Instruction
from grader.execute.graph.interpret import Program
from grader.execute.graph.network import Network
from grader.execute.graph.operators import DROPOUTS
from grader.execute.graph.roles import Role, roles_of
from grader.execute.graph.schema import WeightKind

TRIALS = 3
"""Different random weights; the first shows the effect of nearly every honest layer."""
DIGITS = 4
"""In a batch; batch statistics of a 1x1 map need more than two."""
CLEAR = 1e-3
"""Share of what another image changes. Honest layers of the networks that were measured change 0.05 at least.
"""
ROUNDING = 1e-12
"""Share of the answers. All is computed in float64, which rounds at 1e-16: the images themselves move the
answers of twelve layers of sigmoids by 1e-7, which float32 would not tell from nothing.
"""
MOST_LAYERS = 200
MOST_WORK = 10**11
"""Floating-point operations of all passes; a network of this course takes 2e9."""

Replacement = Callable[..., Any]


def effects(network: Network, names: list[str], *, trained: bool) -> dict[str, Effect]:
    """What replacing each of these instructions of the training graph does to the answers.

    `trained` says that the exported values are those after optimizer steps: a parameter that is still exactly
    zero then is one that no step moves, and counts as the constant that it is.
    """
    graph = network.training
    size = network.static_batch or DIGITS
    passes = min(MOST_LAYERS, MOST_WORK // max(1, graph.flops * size))
    by_name = {item.name: item for item in graph.instructions}
    found = dict.fromkeys(names[passes:], Effect.UNMEASURED)
    found |= dict.fromkeys(names[:passes], Effect.NONE)
    open_ = names[:passes]
    masks = {
        item.name: _masked(number) for number, item in enumerate(graph.instructions) if item.base in DROPOUTS
    }
    norms = {item.name: _normalised(item) for item in graph.instructions if item.base == "batch_norm"}
    usual: dict[str, Replacement] = {**masks, **norms}
    with torch.no_grad():
        for trial in range(TRIALS):
            draw = torch.Generator().manual_seed(trial)
            images = torch.randn(size, *network.image, generator=draw, dtype=torch.float64)
            tensors = _random_tensors(network, draw, trained=trained)
            whole = _answers(graph, usual, images, tensors)
            for name in open_:
                other = {**usual, name: _replaced(by_name[name])}
                effect = _compared(whole, _answers(graph, other, images, tensors))
                found[name] = max(found[name], effect, key=_ORDER.index)
            open_ = [name for name in open_ if found[name] is not Effect.CLEAR]
            if not open_:
                break
    return found


_ORDER = (Effect.NONE, Effect.FAINT, Effect.CLEAR)


def _answers(
    graph: CheckedGraph, instead: Mapping[str, Replacement], images: Tensor, tensors: Mapping[str, Tensor]
) -> Tensor:
    # Fresh copies: batch normalisation moves its statistics, and an in-place operator may write into a
    # weight.
    own = {key: value.clone() for key, value in tensors.items()}
    return Program(graph, instead=instead, double=True).run(images.clone(), own.__getitem__)


def _compared(whole: Tensor, without: Tensor) -> Effect:
    difference = float((whole - without).abs().nan_to_num(0.0).max())
    spread = float((whole.amax(0) - whole.amin(0)).max())
    if difference <= ROUNDING * max(spread, float(whole.abs().max())):
        return Effect.NONE
    return Effect.CLEAR if difference > CLEAR * spread else Effect.FAINT


def _replaced(item: Instruction) -> Replacement:
    """What stands in the place of a layer: nothing at all for what keeps a shape, else an answer of its
    own.
    """
    if item.base == "batch_norm" or item.base in DROPOUTS:
        return _unchanged
    function = item.operator.function

    def disturbed(*arguments: Any, **named: Any) -> Tensor:
        result: Tensor = function(*arguments, **named)
        draw = torch.Generator().manual_seed(result.dim())
        noise = torch.randn(result.shape, generator=draw, dtype=result.dtype)
        return result + noise * (result.std(correction=0) + 0.1)

    return disturbed


def _unchanged(value: Tensor, *_: Any) -> Tensor:
    return value.clone()


def _masked(number: int) -> Replacement:
    """Dropout with a mask of its own, half of it zeros whatever its probability: what counts is whether it is
    heard.
    """

    def masked(value: Tensor, *_: Any) -> Tensor:
        draw = torch.Generator().manual_seed(number)
        return value * (torch.rand(value.shape, generator=draw) < 0.5) * 2

    return masked


def _normalised(item: Instruction) -> Replacement:
    """Batch normalisation with the statistics of the batch, whatever the module's own mode."""
    function = item.operator.function

    def normalised(value: Tensor, weight: Tensor, bias: Tensor, *_: Any) -> Any:
        return function(value, weight, bias, None, None, True, 0.1, item.arguments["eps"], False)

    return normalised


def _random_tensors(network: Network, draw: torch.Generator, *, trained: bool) -> dict[str, Tensor]:
    """Weights that keep the scale of what passes through, so that an early layer is heard at the output
    too.
    """
    roles = roles_of(network)
    found: dict[str, Tensor] = {}
    for key, kind in network.kinds.items():
        value = network.tensors[key]
        if not value.is_floating_point() or kind is not WeightKind.PARAMETER:
            found[key] = value.double() if value.is_floating_point() else value
            continue
        role = roles.get(key, Role("unknown"))
        noise = torch.randn(value.shape, generator=draw, dtype=torch.float64)
        if role.kind == "weight":
            found[key] = noise * (2 / max(1, role.fan_in)) ** 0.5
        elif role.kind == "bias":
            found[key] = noise * 0.1
        elif role.kind in ("scale", "offset"):
            found[key] = noise.abs() + 0.5 if role.kind == "scale" else noise * 0.3
        elif trained and not bool(value.any()):
            found[key] = value.double()
        else:
            found[key] = noise / max(1, value[:1].numel()) ** 0.5
    return found
