"""How a network gets from a map to a vector, told from numbers: which positions of the map reach the result,
with which weight.

A window that looks global may be smaller than its map, an average may act on a single position, a mean may be
written as `view` and `mean` or as two means in a row. So averages are not judged by their arguments: the
chain of operators from the last map larger than 1x1 is run on a probe, and its derivative shows the window.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from grader.core.facts.network import GapKind
from grader.execute.graph.checked import CheckedGraph, Instruction, Shape, apply
from grader.execute.graph.operators import IDENTITIES, SHAPES, SPLITS
from grader.execute.graph.schema import NodeRef

_AVERAGES = frozenset({"avg_pool2d", "adaptive_avg_pool2d", "mean", "sum"})
_MAXIMA = frozenset({"max_pool2d", "max_pool2d_with_indices", "adaptive_max_pool2d", "amax", "max"})
_CHAIN = (SHAPES | IDENTITIES | _AVERAGES | {"div", "mul", "pad", "constant_pad_nd", "getitem"}) - SPLITS
_TOLERANCE = 1e-4
LONGEST_CHAIN = 16
"""Operators between a map and its average that are looked through; honest ones have at most five."""
MOST_COLLAPSES = 64
"""Each costs a probe; a network with an attention block behind every convolution has twenty."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """A step from a map to 1x1, or an average that finds 1x1 already."""

    instruction: Instruction
    kind: GapKind
    map: tuple[int, int]
    window: tuple[int, int]
    source: str
    """The value that is the map; empty where there is none larger than 1x1."""


def collapses(graph: CheckedGraph) -> list[Collapse]:
    """The steps of the graph after which every channel has one number, in the order of execution; at most the
    last 64.
    """
    by_name = {instruction.name: instruction for instruction in graph.instructions}
    found = []
    for instruction in reversed(graph.instructions):  # from the head, which must not be missed
        if instruction.shape is None or not _is_point(instruction.shape):
            continue
        if instruction.base in _AVERAGES:
            collapse = _average(instruction, graph, by_name)
        else:
            collapse = _other(instruction, graph)
        if collapse is not None:
            found.append(collapse)
        if len(found) >= MOST_COLLAPSES:
            break
    return found[::-1]


def _is_point(shape: Shape) -> bool:
    """(N, C), (N, C, 1) or (N, C, 1, 1)."""
    return shape.batch_axes == (0,) and len(shape.extents) >= 2 and math.prod(shape.extents[2:]) == 1


def _other(instruction: Instruction, graph: CheckedGraph) -> Collapse | None:
    before = graph.shapes.get(instruction.source)
    size = None if before is None else before.map
    if size is None or size == (1, 1):
        return None
    if instruction.base in _MAXIMA:
        kind = GapKind.MAX
    elif instruction.base == "conv2d":
        kind = GapKind.CONV_COLLAPSE
    else:
        return None
    return Collapse(instruction, kind, size, _window_of(instruction, graph, size), instruction.source)


def _window_of(instruction: Instruction, graph: CheckedGraph, size: tuple[int, int]) -> tuple[int, int]:
    kernel: Any = instruction.arguments.get("kernel_size")
    weight = instruction.arguments.get("weight")
    if isinstance(weight, NodeRef):
        kernel = graph.shapes[weight.name].extents[2:]
    if isinstance(kernel, int):
        kernel = (kernel, kernel)
    if not isinstance(kernel, tuple) or not kernel or not all(isinstance(side, int) for side in kernel):
        return size
    sides = (*kernel, *kernel)[:2]
    return min(sides[0], size[0]), min(sides[1], size[1])


def _average(
    instruction: Instruction, graph: CheckedGraph, by_name: Mapping[str, Instruction]
) -> Collapse | None:
    chain = [instruction]
    while True:
        source = graph.shapes.get(chain[0].source)
        if source is None:
            return None
        if source.map is not None and source.map != (1, 1):
            break
        before = by_name.get(chain[0].source)
        if before is None or before.base not in _CHAIN or len(chain) >= LONGEST_CHAIN:
            # Nothing but 1x1 on the way here: the average has nothing to average.
            first = graph.shapes.get(instruction.source)
            noop = first is not None and first.map == (1, 1) and instruction.base != "sum"
            return Collapse(instruction, GapKind.NO_OP, (1, 1), (1, 1), "") if noop else None
        if before.base in _AVERAGES and _is_point(before.shape or Shape((), ())):
            # The step before already was the collapse; averaging its result once more does nothing.
            return Collapse(instruction, GapKind.NO_OP, (1, 1), (1, 1), "")
        chain.insert(0, before)
    weights = _influence(chain, graph, by_name)
    if weights is None:
        return None
    rows, columns = _extent(weights.abs().sum(1)), _extent(weights.abs().sum(0))
    even = bool((weights - weights.mean()).abs().max() <= _TOLERANCE * weights.abs().max())
    size = (weights.shape[0], weights.shape[1])
    kind = GapKind.FULL if even else GapKind.CROP
    return Collapse(instruction, kind, size, (rows, columns), chain[0].source)


def _extent(values: torch.Tensor) -> int:
    touched = (values > 0).nonzero().flatten()
    return int(touched[-1] - touched[0] + 1) if len(touched) else 0


def _influence(
    chain: list[Instruction], graph: CheckedGraph, by_name: Mapping[str, Instruction]
) -> torch.Tensor | None:
    """Derivative of the first number of the result by its own map, (height, width); None where the chain is
    no average a channel.
    """
    start = chain[0].source
    extents = graph.shapes[start].extents
    probe = (
        torch.linspace(0.1, 1.0, math.prod(extents), dtype=torch.float64).reshape(extents).requires_grad_()
    )
    values: dict[str, Any] = {start: probe}
    try:
        for instruction in chain:
            values[instruction.name] = apply(
                instruction.operator,
                {name: _value(item, values, graph, by_name) for name, item in instruction.arguments.items()},
            )
        result = values[chain[-1].name]
        (gradient,) = torch.autograd.grad(result.flatten()[0], probe)
    except (RuntimeError, KeyError, TypeError, IndexError, ValueError):
        return None
    if float(gradient[0, 1:].abs().sum()) > 0 or not float(gradient.abs().sum()) > 0:
        return None  # it mixes channels, or reads nothing
    return gradient[0, 0].detach()


def _value(
    item: Any, values: Mapping[str, Any], graph: CheckedGraph, by_name: Mapping[str, Instruction]
) -> Any:
    """The argument for a batch of one digit; KeyError for a tensor from elsewhere: then the chain is not the
    whole story.
    """
    if isinstance(item, tuple):
        return [_value(part, values, graph, by_name) for part in item]
    if not isinstance(item, NodeRef):
        return item
    if item.name in values:
        return values[item.name]
    size = by_name[item.name]
    if size.base == "sym_size":
        axis: Any = size.arguments["dim"]
        return graph.shapes[size.source].extents[axis]
    if size.operator.name.startswith("operator.") and size.base != "getitem":
        return apply(
            size.operator,
            {name: _value(part, values, graph, by_name) for name, part in size.arguments.items()},
        )
    raise KeyError(item.name)


def users_of(graph: CheckedGraph) -> dict[str, list[Instruction]]:
    """The instructions that read each value, by its name."""
    users: dict[str, list[Instruction]] = {}
    for item in graph.instructions:
        for name in dict.fromkeys(item.sources):
            users.setdefault(name, []).append(item)
    return users


def stays_small(start: str, graph: CheckedGraph, users: Mapping[str, list[Instruction]]) -> bool:
    """Whether some path from a value to the output meets no map larger than 1x1."""
    waiting, seen = [start], {start}
    while waiting:
        name = waiting.pop()
        if name == graph.output:
            return True
        for user in users.get(name, []):
            size = None if user.shape is None else user.shape.map
            if user.name not in seen and (size is None or size == (1, 1)):
                seen.add(user.name)
                waiting.append(user.name)
    return False
