"""Assemble an exported network from its frames: two checked graphs, live tensors, and how the two modes
compare.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from grader.core.facts.network import Modes
from grader.execute.graph.checked import CheckedGraph, Instruction
from grader.execute.graph.operators import DROPOUTS, IDENTITIES, SOFTMAX
from grader.execute.graph.schema import (
    InvalidNetwork,
    ModelClaim,
    NodeRef,
    WeightKind,
    decode_graph,
    decode_model,
    decode_weights,
    refusing,
)
from grader.execute.graph.validate import check_graph

STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class Network:
    """A network that crossed the boundary and was found sound."""

    claim: ModelClaim
    training: CheckedGraph
    evaluation: CheckedGraph
    tensors: dict[str, torch.Tensor]
    """Live values by key: what the notebook's short run left; a retraining draws its own."""
    kinds: dict[str, WeightKind]
    """Every live tensor by key, in the order in which the module declares them."""
    statistics: frozenset[str]
    """Keys of running means and variances."""
    modes: Modes
    difference: str
    digest: str

    @property
    def image(self) -> tuple[int, ...]:
        """Shape of one digit as the network takes it."""
        return self.claim.example_shape[1:]

    def trains(self, key: str) -> bool:
        """Whether training changes the tensor of that key."""
        return self.kinds[key] is WeightKind.PARAMETER

    @property
    def static_batch(self) -> int:
        """The only batch size it takes, 0 for any."""
        return self.claim.example_shape[0] if self.claim.export == "static" else 0


def load_network(frames: Iterable[tuple[str, bytes]]) -> Network:
    """Decode and validate the frames of `export_model`; raises InvalidNetwork with the reason in words for a
    person.
    """
    with refusing("the exported network cannot be read"):
        return _load(frames)


_IN_WORDS = {
    "GuardOnDataDependentSymNode": "its code takes another way for other images "
    "(an `if` or a loop over the values of a tensor)",
}
"""Names of torch's own exceptions, which tell a student nothing."""


def _plainly(reason: str) -> str:
    """Return why a network could not be exported, in words for a student where torch has a name only."""
    known = next((words for name, words in _IN_WORDS.items() if name in reason), "")
    return known or reason[:300] or "no reason given"


def _load(frames: Iterable[tuple[str, bytes]]) -> Network:
    payloads: dict[str, list[bytes]] = {}
    for kind, payload in frames:
        payloads.setdefault(kind, []).append(payload)
    if len(payloads.get("model", [])) != 1:
        raise InvalidNetwork(f"expected one model frame, found {len(payloads.get('model', []))}")
    claim = decode_model(payloads["model"][0])
    if claim.export == "failed":
        raise InvalidNetwork(f"{claim.class_name[:60]} could not be exported: {_plainly(claim.reason)}")
    graphs, weights = payloads.get("graph", []), payloads.get("weights", [])
    if len(graphs) != 2 or len(weights) != 1:
        raise InvalidNetwork(
            f"expected two graphs and one set of weights, found {len(graphs)} and {len(weights)}"
        )
    tensors = decode_weights(weights[0])
    shape = claim.example_shape
    if not 2 <= len(shape) <= 4 or shape[0] < 1 or not all(1 <= extent <= 4096 for extent in shape):
        raise InvalidNetwork(f"the network takes inputs of shape {list(shape)}, expected a batch of digits")
    batch = shape[0] if claim.export == "static" else 0
    training = check_graph(decode_graph(graphs[0], "train"), shape[1:], batch)
    evaluation = check_graph(decode_graph(graphs[1], "eval"), shape[1:], batch)
    kinds = _kinds(claim, training, evaluation, tensors)
    modes, difference = _compare(training, evaluation)
    return Network(
        claim=claim,
        training=training,
        evaluation=evaluation,
        tensors={key: tensors[key] for key in kinds},
        kinds=kinds,
        statistics=_statistics(training) | _statistics(evaluation),
        modes=modes,
        difference=difference,
        digest=_digest(training, evaluation, shape[1:]),
    )


def _kinds(
    claim: ModelClaim, training: CheckedGraph, evaluation: CheckedGraph, tensors: Mapping[str, torch.Tensor]
) -> dict[str, WeightKind]:
    found: dict[str, WeightKind] = {}
    for graph in (training, evaluation):
        for weight in graph.weights.values():
            if weight.key not in tensors:
                raise InvalidNetwork(f"the weights lack {weight.key!r}, which the {graph.mode} graph reads")
            if tuple(tensors[weight.key].shape) != weight.shape:
                raise InvalidNetwork(
                    f"{weight.key!r} has the shape {list(tensors[weight.key].shape)}, the {graph.mode} "
                    f"graph says {list(weight.shape)}"
                )
            if found.setdefault(weight.key, weight.kind) is not weight.kind:
                raise InvalidNetwork(f"{weight.key!r} is a parameter in one mode and none in the other")
    order = {name: position for position, (name, *_) in enumerate((*claim.parameters, *claim.buffers))}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))


def _statistics(graph: CheckedGraph) -> frozenset[str]:
    """Running means and variances: not trained, and reset before a retraining."""
    keys = set()
    for instruction in graph.instructions:
        for parameter in STATISTICS:
            reference = instruction.arguments.get(parameter)
            if isinstance(reference, NodeRef) and reference.name in graph.weights:
                keys.add(graph.weights[reference.name].key)
    return frozenset(keys)


class _Line(NamedTuple):
    """One instruction with names replaced by positions."""

    operator: str
    arguments: str


def _canonical(
    graph: CheckedGraph, adjust: Callable[[str, dict[str, Any]], dict[str, Any]], *, loose: bool = False
) -> list[_Line]:
    """The graph up to names: values are numbered in the order of execution, tensors in the order of their
    first use.

    `loose` leaves out what changes no answer: a dropout that is off, a copy, a softmax at the very end.
    """
    numbers: dict[str, str] = {graph.input: "image"}
    lines: list[_Line] = []
    keys: dict[str, int] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, NodeRef):
            if value.name in graph.weights:
                weight = graph.weights[value.name]
                return (
                    f"tensor {keys.setdefault(weight.key, len(keys))} {weight.kind.value} "
                    f"{list(weight.shape)}"
                )
            return numbers[value.name]
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        return value if value is None or isinstance(value, bool | int | float | str) else value.name

    for instruction in graph.instructions:
        arguments = adjust(instruction.base, dict(instruction.arguments))
        if loose and _changes_no_answer(graph, instruction, arguments):
            numbers[instruction.name] = numbers.get(instruction.source, instruction.source)
            continue
        text = json.dumps({name: plain(value) for name, value in arguments.items()})
        numbers[instruction.name] = f"value {len(lines)}"
        lines.append(_Line(instruction.operator.name, text))
    lines.append(_Line("output", numbers.get(graph.output, "tensor")))
    return lines


def _changes_no_answer(graph: CheckedGraph, item: Instruction, arguments: Mapping[str, Any]) -> bool:
    if item.base in DROPOUTS:
        return not arguments["train"] or not arguments["p"]
    if item.base in SOFTMAX and item.name == graph.output and item.shape is not None:
        return arguments["dim"] % len(item.shape.extents) not in item.shape.batch_axes
    return item.base in IDENTITIES


def _as_in_evaluation(base: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What `model.eval()` changes: batch normalisation uses its running statistics if it has any, dropout is
    off.
    """
    if base == "batch_norm" and arguments["running_mean"] is not None:
        arguments["training"] = False
    if base == "instance_norm" and arguments["running_mean"] is not None:
        arguments["use_input_stats"] = False
    if base in DROPOUTS:
        arguments["train"] = False
    return arguments


def _dropout_off(base: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if base in DROPOUTS:
        arguments["train"] = False
    return arguments


def _unchanged(base: str, arguments: dict[str, Any]) -> dict[str, Any]:
    del base
    return arguments


def _compare(training: CheckedGraph, evaluation: CheckedGraph) -> tuple[Modes, str]:
    flipped = _canonical(training, _as_in_evaluation, loose=True)
    if flipped == _canonical(evaluation, _unchanged, loose=True):
        return Modes.SAME, ""
    quiet = _canonical(evaluation, _dropout_off, loose=True)
    if flipped == quiet:
        return Modes.DROPOUT_ACTIVE, "dropout stays on in evaluation"
    at = next(
        (i for i, (a, b) in enumerate(zip(flipped, quiet, strict=False)) if a != b),
        min(len(flipped), len(quiet)),
    )
    shown = [lines[at].operator if at < len(lines) else "nothing" for lines in (flipped, quiet)]
    return (
        Modes.DIFFERENT,
        f"step {at + 1} is {shown[0]} in training and {shown[1]} in evaluation, or works on something else",
    )


def _digest(training: CheckedGraph, evaluation: CheckedGraph, image: tuple[int, ...]) -> str:
    both = [_canonical(training, _unchanged), _canonical(evaluation, _unchanged)]
    return hashlib.sha256(json.dumps([image, both]).encode()).hexdigest()
