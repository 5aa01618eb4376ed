"""A graph that was found sound: its instructions, the shapes of its values, and how much work they are."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grader.execute.graph.operators import DROPOUTS, NORMALISATIONS, WEIGHTED, Operator
from grader.execute.graph.schema import Argument, NodeRef, WeightInput


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of a value for a batch of one digit; `batch_axes` are the axes that grow with the batch."""

    extents: tuple[int, ...]
    batch_axes: tuple[int, ...]

    @property
    def without_batch(self) -> tuple[int, ...]:
        """(channels, height, width) or (features,), where the batch is the first axis; else all axes."""
        return self.extents[1:] if self.batch_axes == (0,) and self.extents[:1] == (1,) else self.extents

    @property
    def map(self) -> tuple[int, int] | None:
        """(height, width) of a batch of maps, None for everything else."""
        if len(self.extents) == 4 and self.batch_axes == (0,):
            return self.extents[2], self.extents[3]
        return None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One live call: `arguments` holds every parameter of the operator, defaults filled in, lists as
    tuples.
    """

    name: str
    operator: Operator
    arguments: dict[str, Any]
    shape: Shape | None
    """Of the first result; None for what is no tensor."""
    flops: int

    @property
    def base(self) -> str:
        """The operator's name without overload and in-place mark."""
        return self.operator.base

    @property
    def sources(self) -> tuple[str, ...]:
        """The values it reads, in the order of its arguments."""
        return tuple(references(self.arguments.values()))

    @property
    def source(self) -> str:
        """The first value it reads, empty where there is none."""
        return next(references(self.arguments.values()), "")


@dataclass(frozen=True, slots=True)
class CheckedGraph:
    """A graph that may be run. Holds only what the output depends on."""

    mode: str
    input: str
    output: str
    weights: dict[str, WeightInput]
    """Live tensors by their name in the graph."""
    instructions: tuple[Instruction, ...]
    shapes: dict[str, Shape]
    """Of input, weights and results; of several results the first."""
    dead: tuple[str, ...]
    flops: int


def references(values: Any) -> Iterator[str]:
    """The names that arguments refer to."""
    for value in values:
        if isinstance(value, NodeRef):
            yield value.name
        elif isinstance(value, tuple):
            yield from references(value)


def apply(operator: Operator, resolved: Mapping[str, Any]) -> Any:
    """Run one operator on resolved arguments. Casts are the identity here: everything is float32 on one
    device.
    """
    if operator.base == "to":
        return resolved["self"]
    positional = [resolved[p.name] for p in operator.parameters if not p.keyword_only]
    named = {
        p.name: resolved[p.name]
        for p in operator.parameters
        if p.keyword_only and resolved[p.name] is not None
    }
    return operator.function(*positional, **named)


def flops_of(
    operator: Operator, arguments: Mapping[str, Argument], shapes: Mapping[str, Shape], name: str
) -> int:
    """Floating-point operations for one digit; a multiplication and an addition count as two."""
    result = shapes.get(name)
    if result is None:
        return 0
    size = math.prod(result.extents)
    if operator.base in WEIGHTED:
        weight = arguments.get("weight") or arguments.get("other") or arguments.get("mat2")
        assert isinstance(weight, NodeRef)
        extents = shapes[weight.name].extents
        inner = math.prod(extents[1:]) if "weight" in arguments else extents[-2 if len(extents) > 1 else 0]
        return 2 * size * inner
    if operator.base in NORMALISATIONS or operator.base in DROPOUTS:
        return 4 * size if operator.base in NORMALISATIONS else size
    if operator.base in ("max_pool2d", "avg_pool2d", "max_pool2d_with_indices"):
        window = arguments["kernel_size"]
        sides = [
            side for side in (window if isinstance(window, tuple) else (window,)) if isinstance(side, int)
        ]
        return size * math.prod(sides if len(sides) == 2 else sides * 2)
    source = next(references(arguments.values()), "")
    return max(size, math.prod(shapes[source].extents) if source in shapes else 0)
