"""Run a checked graph as a torch module, bit for bit as the module that it was exported from."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from grader.execute.graph.checked import CheckedGraph
from grader.execute.graph.network import Network
from grader.execute.graph.operators import CONSTANTS, DROPOUTS, Operator
from grader.execute.graph.schema import NodeRef, TorchConstant, WeightKind


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where in the list of values an argument stands."""

    index: int


class _Step(NamedTuple):
    function: Callable[..., Any]
    positional: tuple[Any, ...]
    named: dict[str, Any]
    target: int
    frees: tuple[int, ...]


class GraphNetwork(nn.Module):
    """The network of a `Network` with tensors of our own: images (N, *image) to (N, outputs).

    In training mode it runs the training graph, in evaluation mode the evaluation graph. Dropout that the
    student left on in evaluation is off here unless `keep_eval_dropout`: the finding is reported, the score
    is the network's. With `training_dropout` False it is off in training too, where steps are compared that
    must not draw. The values stay in float32 whatever the graph says about types. `instead` gives single
    instructions of the training graph another implementation (`Program`).
    """

    def __init__(
        self,
        network: Network,
        tensors: Mapping[str, Tensor],
        *,
        keep_eval_dropout: bool = False,
        training_dropout: bool = True,
        instead: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        super().__init__()
        self._keys: dict[str, str] = {}
        for position, (key, kind) in enumerate(network.kinds.items()):
            value = tensors[key].detach().clone()
            if value.is_floating_point():
                value = value.float()
            self._keys[key] = name = f"t{position}"
            if kind is WeightKind.PARAMETER:
                self.register_parameter(name, nn.Parameter(value, requires_grad=value.is_floating_point()))
            else:
                self.register_buffer(name, value)
        self._training_steps = Program(
            network.training, dropout=None if training_dropout else False, instead=instead
        )
        self._evaluation_steps = Program(network.evaluation, dropout=None if keep_eval_dropout else False)

    def forward(self, images: Tensor) -> Tensor:
        """One pass in the current mode."""
        program = self._training_steps if self.training else self._evaluation_steps
        return program.run(images, lambda key: getattr(self, self._keys[key]))

    def tensors(self) -> dict[str, Tensor]:
        """The live tensors by their names in the student's state dict, sharing memory with the network."""
        return {key: getattr(self, name).detach() for key, name in self._keys.items()}


class Program:
    """The steps of one graph, arguments resolved as far as they can be before there are values.

    `instead` gives single instructions, by the name of their result, another implementation with the same
    arguments. It may hand out an argument itself only where nobody else reads that: the next step may
    overwrite it. `double` computes in float64 where the graph names float32.
    """

    def __init__(
        self,
        graph: CheckedGraph,
        *,
        dropout: bool | None = None,
        instead: Mapping[str, Callable[..., Any]] | None = None,
        double: bool = False,
    ) -> None:
        names = [graph.input, *graph.weights, *(instruction.name for instruction in graph.instructions)]
        slots = {name: index for index, name in enumerate(names)}
        self._size = len(names)
        self._weights = [(slots[name], weight.key) for name, weight in graph.weights.items()]
        self._output = slots[graph.output]
        last_use = {slots[graph.input]: -1}
        for position, instruction in enumerate(graph.instructions):
            last_use |= dict.fromkeys((slots[name] for name in instruction.sources), position)
        last_use[self._output] = len(graph.instructions)
        self._steps = []
        overwriting = _overwriting(graph)
        for position, instruction in enumerate(graph.instructions):
            arguments = dict(instruction.arguments)
            if dropout is not None and instruction.base in DROPOUTS:
                arguments["train"] = dropout
            frees = tuple(sorted(slot for slot, last in last_use.items() if last == position))
            step = _step(instruction.operator, arguments, slots, slots[instruction.name], frees)
            if instruction.name in overwriting:
                step = step._replace(function=torch.relu_)
            other = (instead or {}).get(instruction.name)
            step = step if other is None else step._replace(function=other)
            self._steps.append(_in_double(step) if double else step)

    def run(self, images: Tensor, tensor: Callable[[str], Tensor]) -> Tensor:
        """One pass over a batch; `tensor` gives weights by their name in the state dict."""
        values: list[Any] = [None] * self._size
        values[0] = images
        for slot, key in self._weights:
            values[slot] = tensor(key)
        for function, positional, named, target, frees in self._steps:
            values[target] = function(*[_fill(item, values) for item in positional], **named)
            for slot in frees:
                values[slot] = None
        result: Tensor = values[self._output]
        return result


_UNSAVED = frozenset({"conv2d", "batch_norm"})
"""Operators whose result no gradient needs, and that never hand out one of their arguments."""


def _overwriting(graph: CheckedGraph) -> set[str]:
    """The ReLUs that may overwrite what they read: the same bits without another map in memory."""
    uses = Counter(source for instruction in graph.instructions for source in instruction.sources)
    unsaved = {instruction.name for instruction in graph.instructions if instruction.base in _UNSAVED}
    return {
        instruction.name
        for instruction in graph.instructions
        if instruction.base == "relu"
        and all(source in unsaved and uses[source] == 1 for source in instruction.sources)
    }


def _step(
    operator: Operator,
    arguments: Mapping[str, Any],
    slots: Mapping[str, int],
    target: int,
    frees: tuple[int, ...],
) -> _Step:
    if operator.base == "to":  # a cast to what it already is: everything is float32 on one device
        return _Step(_same, (_prepare(arguments["self"], slots),), {}, target, frees)
    positional = tuple(_prepare(arguments[p.name], slots) for p in operator.parameters if not p.keyword_only)
    named = {
        p.name: _constant(arguments[p.name])
        for p in operator.parameters
        if p.keyword_only and arguments[p.name] is not None
    }
    return _Step(operator.function, positional, named, target, frees)


def _in_double(step: _Step) -> _Step:
    named = {key: torch.float64 if value is torch.float32 else value for key, value in step.named.items()}
    positional = tuple(torch.float64 if value is torch.float32 else value for value in step.positional)
    return step._replace(named=named, positional=positional)


def _same(value: Tensor) -> Tensor:
    return value


def _prepare(argument: Any, slots: Mapping[str, int]) -> Any:
    if isinstance(argument, NodeRef):
        return _Slot(slots[argument.name])
    if isinstance(argument, tuple):
        return [_prepare(item, slots) for item in argument]
    return _constant(argument)


def _constant(argument: Any) -> Any:
    return CONSTANTS[argument.name] if isinstance(argument, TorchConstant) else argument


def _fill(item: Any, values: list[Any]) -> Any:
    if type(item) is _Slot:
        return values[item.index]
    if type(item) is list:
        return [_fill(inner, values) for inner in item]
    return item
