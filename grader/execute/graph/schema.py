"""The wire format of an exported network, version 1: one model claim, two graphs, live tensors. All of it is
hostile.

A graph is a list of calls in the order of execution. An argument is a number, a truth value, a short string,
None, a reference to an earlier value, a named constant of torch, or a flat list of these.
"""

import contextlib
import json
import math
from collections.abc import Iterator
from enum import Enum
from typing import Literal

import msgspec
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
MAX_DECLARED = 1 << 40  # numbers in one declared tensor; more fits no machine, and 2^64 no integer of ours
DTYPES = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"})
"""Types of numbers in a safetensors file that torch can look into."""


class InvalidNetwork(Exception):
    """The exported network breaks the format or a limit; the message says what and where, in words for a
    person.
    """


@contextlib.contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever a student's network raises in our code into InvalidNetwork: it is hostile until it was
    read.

    `what` names what we were about to do. A list of exceptions would have gaps: a stride of zero divides by
    zero, a header of 12,000 digits cannot even be printed.
    """
    try:
        yield
    except InvalidNetwork:
        raise
    except Exception as error:
        raise InvalidNetwork(f"{what}: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """The first line of what an exception says, else its class: short enough for a sentence."""
    return str(error).partition("\n")[0].strip()[:200] or type(error).__name__


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
    """What the worker says about the module; `reason` says why there are no graphs, `discarded` what runs for
    nothing.
    """

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
    with refusing("the model frame does not follow the format"):
        claim = msgspec.json.decode(payload, type=ModelClaim)
    for name, shape, _ in (*claim.parameters, *claim.buffers):
        _check_shape(shape, name)
    _check_shape(claim.example_shape, "the example input")
    return claim


def decode_graph(payload: bytes, mode: str) -> Graph:
    """Decode a graph frame of that mode and check sizes and names; raises InvalidNetwork."""
    _check_size(payload, MAX_GRAPH_BYTES, f"{mode} graph")
    with refusing(f"the {mode} graph does not follow the format"):
        graph = msgspec.json.decode(payload, type=Graph)
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
    with refusing("the weights cannot be read"):
        return _decode_weights(payload)


def _decode_weights(payload: bytes) -> dict[str, torch.Tensor]:
    _check_size(payload, MAX_WEIGHT_BYTES, "weights")
    if len(payload) < 8 or (header := int.from_bytes(payload[:8], "little")) > MAX_HEADER_BYTES:
        raise InvalidNetwork("the weights are no safetensors file of a sensible size")
    with refusing("the header of the weights cannot be read"):
        entries = json.loads(payload[8 : 8 + header])
        names = [name for name in entries if name != "__metadata__"]
        numbers = sum(math.prod(entries[name]["shape"]) for name in names)
    if len(names) > MAX_TENSORS or numbers > MAX_NUMBERS:
        # A number of 12,000 digits cannot be printed.
        many = f"{numbers:,}" if numbers < 1 << 63 else "more than 2^63"
        raise InvalidNetwork(
            f"the weights hold {len(names):,} tensors with {many} numbers, "
            f"at most {MAX_TENSORS:,} and {MAX_NUMBERS:,} are read"
        )
    unknown = next((name for name in names if entries[name].get("dtype") not in DTYPES), None)
    if unknown is not None:
        found = str(entries[unknown].get("dtype"))[:20]
        raise InvalidNetwork(f"{unknown[:60]!r} holds {found}, expected one of {', '.join(sorted(DTYPES))}")
    tensors: dict[str, torch.Tensor] = safetensors.torch.load(payload)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InvalidNetwork(f"{name} holds NaN or infinity")
    return tensors


def _check_size(payload: bytes, limit: int, what: str) -> None:
    if len(payload) > limit:
        raise InvalidNetwork(f"the {what} has {len(payload):,} bytes, at most {limit:,} are read")


def _check_shape(shape: tuple[int, ...], what: str) -> None:
    sane = len(shape) <= 8 and all(0 <= extent <= MAX_DECLARED for extent in shape)
    if not sane or math.prod(shape) > MAX_DECLARED:
        extents = [extent if abs(extent) <= MAX_DECLARED else "2^40 or more" for extent in shape[:8]]
        raise InvalidNetwork(f"{what[:60]} has the impossible shape {extents}")
