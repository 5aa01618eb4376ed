"""How much of the image one position of a map sees (Araujo, Norris and Sim, 2019: r += (k - 1) d j, j
*= s).
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from grader.execute.graph.checked import CheckedGraph, Instruction
from grader.execute.graph.schema import NodeRef


class _Field(NamedTuple):
    size: int
    jump: int


def receptive_fields(graph: CheckedGraph) -> dict[str, int]:
    """Side in pixels of the square of the image that a position of each map depends on, as if there were no
    border.

    Only for maps; where paths join, the larger one counts. The height stands for both axes.
    """
    fields = {graph.input: _Field(1, 1)}
    for item in graph.instructions:
        sources = [fields[name] for name in item.sources if name in fields]
        if not sources or item.shape is None or item.shape.map is None:
            continue
        before = max(sources)
        kernel, stride, dilation = _window(item, graph)
        fields[item.name] = _Field(before.size + (kernel - 1) * dilation * before.jump, before.jump * stride)
    return {name: field.size for name, field in fields.items()}


def last_field(graph: CheckedGraph, fields: Mapping[str, int]) -> int:
    """The receptive field of the last map larger than 1x1."""
    last = 0
    for item in graph.instructions:
        if item.shape is not None and item.shape.map is not None and math.prod(item.shape.map) > 1:
            last = fields.get(item.name, last)
    return last


_SPREADS = frozenset(
    {
        *("matmul", "bmm", "mm", "upsample_nearest2d", "upsample_bilinear2d", "pixel_shuffle", "flip"),
    }
)
"""What brings numbers of other places of a map to one, or moves them, and is not counted as a window."""


def not_counted(graph: CheckedGraph) -> tuple[str, ...]:
    """Operators of a graph that may let a map see more than `receptive_fields` counts, by name."""
    return tuple(sorted({item.base for item in graph.instructions if item.base in _SPREADS}))


def _window(item: Instruction, graph: CheckedGraph) -> tuple[int, int, int]:
    """(kernel, stride, dilation) along the height."""
    arguments = item.arguments
    if item.base == "conv2d":
        weight = arguments["weight"]
        assert isinstance(weight, NodeRef)
        return (
            graph.shapes[weight.name].extents[2],
            _first(arguments["stride"], 1),
            _first(arguments["dilation"], 1),
        )
    if item.base in ("max_pool2d", "max_pool2d_with_indices", "avg_pool2d"):
        kernel = _first(arguments["kernel_size"], 1)
        return kernel, _first(arguments["stride"], kernel), _first(arguments.get("dilation"), 1)
    before = graph.shapes.get(item.source)
    if (
        item.base.startswith("adaptive_")
        and before is not None
        and before.map is not None
        and item.shape is not None
    ):
        inner, outer = before.map[0], (item.shape.map or (1, 1))[0]
        stride = max(1, inner // outer)
        return inner - (outer - 1) * stride, stride, 1
    return 1, 1, 1


def _first(value: object, default: int) -> int:
    if isinstance(value, tuple):
        value = value[0] if value else default
    return value if isinstance(value, int) else default
