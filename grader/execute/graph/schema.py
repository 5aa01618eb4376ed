"""The wire format of an exported network, version 1: one model claim, two graphs, live tensors. All of it is hostile.

A graph is a list of calls in the order of execution. An argument is a number, a truth value, a short string, None, a
reference to an earlier value, a named constant of torch, or a flat list of these.
"""

import json
import math
from enum import Enum
from typing import Literal

import msgspec
import safetensors
import safetensors.torch
import torch

MAX_GRAPH_BYTES = 1 << 20
MAX_MODEL_BYTES = 1 << 20
MAX_WEIGHT_BYTES = 64 << 20
MAX_HEADER_BYTES = 1 << 18
MAX_CALLS = 1_000
MAX_TENSORS = 1_000
MAX_LIST = 64
MAX_NUMBERS = 5_000_000  # in all tensors; a network for MNIST has 20,000
MAX_NAME = 256


class InvalidNetwork(Exception):
    """The exported network breaks the format or a limit; the message says what and where, in words for a person."""


class NodeRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="node"):
    """The value that an earlier call, the input or a weight of that name has."""

    name: str


class TorchConstant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="torch"):
    """A dtype, device, layout or memory format, as torch prints it."""

    name: str


Scalar = None | bool | int | float | str | NodeRef | TorchConstant
Argument = Scalar | tuple[Scalar, ...]


class WeightKind(Enum):
    """What the module says a tensor is (a claim; how it is used decides)."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    CONSTANT = "constant"


class WeightInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tensor that the graph reads. `key` is its name in the state dict."""

    name: str
    key: str
    kind: WeightKind
    shape: tuple[int, ...]
    dtype: str


class Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One operator: `aten.conv2d.default`, `operator.getitem`."""

    name: str
    op: str
    args: tuple[Argument, ...]
    kwargs: dict[str, Argument]


class Graph(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mode of the network."""

    format: Literal[1]
    mode: Literal["train", "eval"]
    input: str
    output: str
    weights: tuple[WeightInput, ...]
    nodes: tuple[Call, ...]


class ModelClaim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the worker says about the module; `reason` says why there are no graphs, `discarded` what runs for nothing."""

    format: Literal[1]
    class_name: str
    parameters: tuple[tuple[str, tuple[int, ...], str], ...]
    buffers: tuple[tuple[str, tuple[int, ...], str], ...]
    example_shape: tuple[int, ...]
    export: Literal["dynamic", "static", "failed"]
    unwrapped: tuple[str, ...]
    discarded: tuple[str, ...]
    reason: str


def decode_model(payload: bytes) -> ModelClaim:
    """Decode a model frame; raises InvalidNetwork."""
    _check_size(payload, MAX_MODEL_BYTES, "model frame")
    try:
        claim = msgspec.json.decode(payload, type=ModelClaim)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidNetwork(f"the model frame does not follow the format: {error}") from error
    for name, shape, _ in (*claim.parameters, *claim.buffers):
        _check_shape(shape, name)
    _check_shape(claim.example_shape, "the example input")
    return claim


def decode_graph(payload: bytes, mode: str) -> Graph:
    """Decode a graph frame of that mode and check sizes and names; raises InvalidNetwork."""
    _check_size(payload, MAX_GRAPH_BYTES, f"{mode} graph")
    try:
        graph = msgspec.json.decode(payload, type=Graph)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidNetwork(f"the {mode} graph does not follow the format: {error}") from error
    if graph.mode != mode:
        raise InvalidNetwork(f"expected the {mode} graph, found the {graph.mode} graph")
    if len(graph.nodes) > MAX_CALLS:
        raise InvalidNetwork(
            f"the {mode} graph has {len(graph.nodes):,} calls, at most {MAX_CALLS:,} are read"
        )
    if len(graph.weights) > MAX_TENSORS:
        raise InvalidNetwork(
            f"the {mode} graph reads {len(graph.weights):,} tensors, at most {MAX_TENSORS:,} are read"
        )
    seen = {graph.input}
    for name in (*(weight.name for weight in graph.weights), *(node.name for node in graph.nodes)):
        if not name or len(name) > MAX_NAME:
            raise InvalidNetwork(f"the {mode} graph has a name of {len(name)} characters")
        if name in seen:
            raise InvalidNetwork(f"the {mode} graph defines {name!r} twice")
        seen.add(name)
    keys = [weight.key for weight in graph.weights]
    if len(set(keys)) != len(keys) or any(not key or len(key) > MAX_NAME for key in keys):
        raise InvalidNetwork(f"the {mode} graph reads a tensor under two names, or one without a usable name")
    return graph


def decode_weights(payload: bytes) -> dict[str, torch.Tensor]:
    """Decode a safetensors frame: finite tensors below the limits, in fresh memory; raises InvalidNetwork."""
    _check_size(payload, MAX_WEIGHT_BYTES, "weights")
    if len(payload) < 8 or (header := int.from_bytes(payload[:8], "little")) > MAX_HEADER_BYTES:
        raise InvalidNetwork("the weights are no safetensors file of a sensible size")
    try:
        entries = json.loads(payload[8 : 8 + header])
        names = [name for name in entries if name != "__metadata__"]
        numbers = sum(math.prod(entries[name]["shape"]) for name in names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidNetwork(f"the header of the weights cannot be read: {error}") from error
    if len(names) > MAX_TENSORS or numbers > MAX_NUMBERS:
        raise InvalidNetwork(
            f"the weights hold {len(names):,} tensors with {numbers:,} numbers, at most {MAX_TENSORS:,} and {MAX_NUMBERS:,} are read"
        )
    try:
        tensors: dict[str, torch.Tensor] = safetensors.torch.load(payload)
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise InvalidNetwork(f"the weights cannot be read: {error}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InvalidNetwork(f"{name} holds NaN or infinity")
    return tensors


def _check_size(payload: bytes, limit: int, what: str) -> None:
    if len(payload) > limit:
        raise InvalidNetwork(f"the {what} has {len(payload):,} bytes, at most {limit:,} are read")


def _check_shape(shape: tuple[int, ...], what: str) -> None:
    if len(shape) > 8 or any(not 0 <= extent <= 1 << 40 for extent in shape):
        raise InvalidNetwork(f"{what} has the impossible shape {list(shape)[:8]}")
