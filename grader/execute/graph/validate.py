"""From a hostile graph to one that may be run: known operators, sane arguments, shapes for any batch size,
bounded work.

Nothing is computed here: shapes come from our rules for common operators, else from torch's own shape
functions on tensors without memory (the `meta` device), for two batch sizes. What differs between them is the
batch.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch

from grader.execute.graph.checked import CheckedGraph, Instruction, Shape, apply, flops_of, references
from grader.execute.graph.operators import (
    CONSTANTS,
    SPLITS,
    STRINGS,
    Operator,
    Parameter,
    operator_of,
)
from grader.execute.graph.schema import (
    MAX_LIST,
    Argument,
    Call,
    Graph,
    InvalidNetwork,
    NodeRef,
    TorchConstant,
    WeightInput,
    refusing,
)
from grader.execute.graph.shape_rules import ruled

BATCHES = (4, 7)  # two sizes without a common factor, both above 1
LARGEST_ARGUMENT = 10_000
LARGEST_TENSOR = 1_000_000  # numbers a digit; 64 channels of 28x28 are 50,000
LARGEST_SPLIT = 64
LARGEST_WORK = (
    2_000_000_000  # floating-point operations a digit; the networks of this course need 2 to 20 million
)
SLICE_END = (1 << 63) - 1  # how torch writes "to the end"


def check_graph(graph: Graph, image: tuple[int, ...], static_batch: int = 0) -> CheckedGraph:
    """Validate a decoded graph for digits of shape `image` (without batch); raises InvalidNetwork.

    `static_batch` is the only batch size that the network takes, 0 for any.
    """
    live = _live(graph)
    weights = {weight.name: weight for weight in graph.weights if weight.name in live}
    for weight in weights.values():
        if (
            math.prod(weight.shape) > LARGEST_TENSOR
            or len(weight.shape) > 8
            or min(weight.shape, default=1) < 1
        ):
            raise InvalidNetwork(
                f"{weight.key} has the shape {list(weight.shape)[:8]}, which no layer here can use"
            )
        if weight.dtype not in ("float32", "float64", "float16", "bfloat16", "int64"):
            raise InvalidNetwork(f"{weight.key} holds {weight.dtype[:20]}, expected float32")
    calls = [(call, _operator(call)) for call in graph.nodes if call.name in live]
    prepared = [(call, operator, _complete(call, operator)) for call, operator in calls]
    batches = (static_batch,) if static_batch else BATCHES
    runs = [_shapes(graph, weights, prepared, image, batch) for batch in batches]
    shapes = {name: _generalise(name, [run[name] for run in runs], batches) for name in runs[0]}
    instructions = tuple(
        Instruction(
            name=call.name,
            operator=operator,
            arguments=arguments,
            shape=shapes.get(call.name),
            flops=flops_of(operator, arguments, shapes, call.name),
        )
        for call, operator, arguments in prepared
    )
    flops = sum(instruction.flops for instruction in instructions)
    if flops > LARGEST_WORK:
        raise InvalidNetwork(
            f"one digit needs {flops:,} floating-point operations, at most {LARGEST_WORK:,} are run"
        )
    output = shapes.get(graph.output)
    if output is None or len(output.extents) != 2 or output.batch_axes not in ((0,), ()):
        raise InvalidNetwork(
            f"the output has the shape {list(output.extents) if output else 'of no tensor'}, expected one "
            "row of numbers a digit"
        )
    return CheckedGraph(
        mode=graph.mode,
        input=graph.input,
        output=graph.output,
        weights=weights,
        instructions=instructions,
        shapes=shapes,
        dead=tuple(call.op for call in graph.nodes if call.name not in live and "sym_size" not in call.op),
        flops=flops,
    )


def _live(graph: Graph) -> set[str]:
    """What the output depends on; an in-place operator counts where something that is needed shares its
    memory.
    """
    known = {graph.input, *(weight.name for weight in graph.weights)}
    family: dict[str, str] = {}
    reads: dict[str, tuple[str, ...]] = {}
    for call in graph.nodes:
        reads[call.name] = tuple(references((*call.args, *call.kwargs.values())))
        unknown = next((name for name in reads[call.name] if name not in known), None)
        if unknown is not None:
            raise InvalidNetwork(
                f"{call.name!r} reads {unknown[:60]!r}, which is not defined before it: a graph without "
                "cycles lists values first"
            )
        known.add(call.name)
        operator = operator_of(call.op)
        if reads[call.name] and (operator is None or operator.aliases or operator.in_place):
            first = reads[call.name][0]
            family[call.name] = family.get(first, first)
    if graph.output not in known:
        raise InvalidNetwork(f"the output {graph.output[:60]!r} is not defined")
    live = {graph.output}
    while True:
        before = len(live)
        touched = {family.get(name, name) for name in live}
        for call in reversed(graph.nodes):
            in_place = call.op.split(".")[1:2] and call.op.split(".")[1].endswith("_")
            if call.name in live or (in_place and family.get(call.name, call.name) in touched):
                live |= {call.name, *reads[call.name]}
        if len(live) == before:
            return live


def _operator(call: Call) -> Operator:
    operator = operator_of(call.op)
    if operator is None:
        raise InvalidNetwork(f"the network uses the operator {call.op[:60]}, which we cannot rebuild")
    return operator


def _complete(call: Call, operator: Operator) -> dict[str, Argument]:
    """All arguments by parameter name; raises InvalidNetwork for a wrong number, an unknown name or a missing
    one.
    """
    positional = [parameter for parameter in operator.parameters if not parameter.keyword_only]
    if len(call.args) > len(positional):
        raise InvalidNetwork(
            f"{call.name}: {operator.name} takes {len(positional)} arguments, got {len(call.args)}"
        )
    given: dict[str, Argument] = {
        parameter.name: value for parameter, value in zip(positional, call.args, strict=False)
    }
    names = {parameter.name for parameter in operator.parameters}
    for keyword, value in call.kwargs.items():
        if keyword not in names or keyword in given:
            raise InvalidNetwork(f"{call.name}: {operator.name} takes no argument {keyword[:40]!r} here")
        given[keyword] = value
    complete: dict[str, Argument] = {}
    for parameter in operator.parameters:
        if parameter.name in given:
            complete[parameter.name] = given[parameter.name]
        elif parameter.required:
            raise InvalidNetwork(f"{call.name}: {operator.name} misses its argument {parameter.name}")
        else:
            default = parameter.default
            complete[parameter.name] = tuple(default) if isinstance(default, list) else default
    return complete


def _shapes(
    graph: Graph,
    weights: Mapping[str, WeightInput],
    calls: list[tuple[Call, Operator, dict[str, Argument]]],
    image: tuple[int, ...],
    batch: int,
) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor for a batch of that size, without computing anything."""
    values: dict[str, Any] = {graph.input: torch.empty((batch, *image), device="meta")}
    for name, weight in weights.items():
        dtype = torch.int64 if weight.dtype == "int64" else torch.float32
        values[name] = torch.empty(weight.shape, dtype=dtype, device="meta")
    with torch.no_grad():
        for call, operator, arguments in calls:
            resolved = {
                parameter.name: _checked(call, parameter, arguments[parameter.name], values)
                for parameter in operator.parameters
            }
            _check_split(call, operator, resolved)
            with refusing(f"{call.name}: {operator.name} cannot work on its arguments"):
                result = ruled(operator, resolved)
                if result is None:
                    result = apply(operator, resolved)
            for tensor in result if isinstance(result, list | tuple) else (result,):
                if isinstance(tensor, torch.Tensor) and tensor.numel() > LARGEST_TENSOR * batch:
                    raise InvalidNetwork(
                        f"{call.name}: {operator.name} makes {tensor.numel() // batch:,} numbers a digit, "
                        f"at most {LARGEST_TENSOR:,} are allowed"
                    )
            values[call.name] = result
    if not isinstance(values[graph.output], torch.Tensor):
        raise InvalidNetwork(
            f"the output is of type {type(values[graph.output]).__name__}, expected a tensor"
        )
    # Of a maximum and its positions, the maximum.
    single = {key: value[0] if isinstance(value, list | tuple) else value for key, value in values.items()}
    return {key: tuple(value.shape) for key, value in single.items() if isinstance(value, torch.Tensor)}


def _checked(call: Call, parameter: Parameter, argument: Argument, values: Mapping[str, Any]) -> Any:
    value = _resolve(argument, values)
    if not _fits(value, parameter.type, parameter.name):
        shown = type(value).__name__ if isinstance(value, torch.Tensor) else repr(value)[:60]
        raise InvalidNetwork(f"{call.name}: {call.op}: the argument {parameter.name} cannot be {shown}")
    return value


def _resolve(argument: Argument, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, NodeRef):
        if argument.name not in values:
            raise InvalidNetwork(f"{argument.name[:60]!r} is read before it is defined")
        return values[argument.name]
    if isinstance(argument, TorchConstant):
        if argument.name not in CONSTANTS:
            raise InvalidNetwork(f"the network uses {argument.name[:60]}, expected float32 on the CPU")
        return CONSTANTS[argument.name]
    if isinstance(argument, tuple):
        return [_resolve(item, values) for item in argument]
    return argument


def _fits(value: Any, kind: str, name: str) -> bool:
    if name in ("dtype", "layout", "memory_format", "device"):
        return value is None or type(value) in (torch.dtype, torch.layout, torch.memory_format, torch.device)
    if kind.startswith("Optional["):
        return value is None or _fits(value, kind[9:-1], name)
    if kind == "List":  # the several outputs of an operator
        return isinstance(value, list | tuple)
    if kind.startswith("List["):
        items = value if isinstance(value, list) else [value]
        return len(items) <= MAX_LIST and all(_fits(item, kind[5:-1], name) for item in items)
    if kind == "Tensor":
        return isinstance(value, torch.Tensor) or (name == "other" and _is_number(value))
    if kind in ("int", "SymInt"):
        return type(value) is int and (
            abs(value) <= LARGEST_ARGUMENT or (name == "end" and value == SLICE_END)
        )
    if kind == "bool":
        return type(value) is bool
    if kind == "str":
        return value in STRINGS
    return kind in ("float", "number") and _is_number(value)


def _is_number(value: Any) -> bool:
    # A truth value in the place of a number is what `x * self.training` exports to.
    return type(value) in (int, float, bool) and math.isfinite(value) and abs(value) <= 1e12


def _check_split(call: Call, operator: Operator, resolved: Mapping[str, Any]) -> None:
    if operator.base == "split":
        extent = max(resolved["self"].shape, default=1)
        if extent > LARGEST_SPLIT * max(1, resolved["split_size"]):
            raise InvalidNetwork(f"{call.name}: a tensor is split into more than {LARGEST_SPLIT} parts")
    elif operator.base in SPLITS and operator.base == "chunk" and resolved["chunks"] > LARGEST_SPLIT:
        raise InvalidNetwork(f"{call.name}: a tensor is split into more than {LARGEST_SPLIT} parts")


def _generalise(name: str, shapes: list[tuple[int, ...]], batches: tuple[int, ...]) -> Shape:
    """One shape for every batch size from the shapes at some."""
    first = shapes[0]
    if len(batches) == 1:
        axes = tuple(axis for axis, extent in enumerate(first[:1]) if extent == batches[0])
        return Shape(
            tuple(extent // batches[0] if axis in axes else extent for axis, extent in enumerate(first)), axes
        )
    other = shapes[1]
    if len(first) != len(other):
        raise InvalidNetwork(f"{name}: the number of axes depends on the batch size")
    axes = tuple(axis for axis, (a, b) in enumerate(zip(first, other, strict=True)) if a != b)
    for axis in axes:
        if first[axis] * batches[1] != other[axis] * batches[0] or first[axis] % batches[0]:
            raise InvalidNetwork(f"{name}: an extent is no multiple of the batch size")
    return Shape(
        tuple(extent // batches[0] if axis in axes else extent for axis, extent in enumerate(first)), axes
    )
