"""Take a live network out of the sandbox as data: two graphs of ATen operators, the live tensors, the
declared shapes.

Runs inside the sandbox, next to student code, so everything it returns is a claim; the trusted side
validates, rebuilds and counts for itself (`grader/execute/graph`). Imports nothing of grader.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import safetensors.torch
import torch
from torch import fx, nn

from . import measure
from .mnist_stub import About
from .record import Asked, Recorded, Traced, record

FORMAT = 1
EXAMPLES = 4  # batch size of the export: above 1, because torch specialises a batch of one
LARGEST_BATCH = 512
LARGEST = 5_000_000  # numbers in the live tensors; a network for MNIST has 20,000

# Wrappers whose own forward cannot be exported and adds nothing to the network.
WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}

# These may return their own argument although their schema does not say so.
MAY_ALIAS = {
    "dropout",
    "feature_dropout",
    "alpha_dropout",
    "to",
    "contiguous",
    "reshape",
    "flatten",
    "getitem",
    "type_as",
}


# Calls without a result that anybody reads: counting batches, asking for sizes, checks that `.to` leaves
# behind.
BOOKKEEPING = ("aten.add_.Tensor", "aten.sym_size", "aten._assert", "aten.detach")


class NotExportable(Exception):
    """Why the network cannot leave as data, in words for the student."""


def export_model(
    model: Any,
    state: dict[str, Any] | None,
    example: Any,
    queries: bytes | None = None,
    about: About | None = None,
) -> list[tuple[str, bytes]]:
    """Return the frames of `model`: ("model", JSON) and, where it can be exported, two ("graph", JSON) and
    ("weights", safetensors), with `queries` ("answers", float32) behind them where it was recorded.

    `state` is the state dict at the last training step (the live one where it is None); `example` is a batch
    that the network accepts; `queries` holds unseen images of the data set that `about` describes, of which
    the answers let the trusted side see that the graph is the network's. Never raises: a failure becomes the
    reason in the model frame.
    """
    claim: dict[str, Any] = {
        "format": FORMAT,
        "class_name": type(model).__name__,
        "parameters": [],
        "buffers": [],
        "example_shape": [],
        "export": "failed",
        "unwrapped": [],
        "discarded": [],
        "reason": "",
    }
    try:
        asked = None
        if queries is not None and about is not None:
            asked = Asked(partial(measure.unseen, queries, about=about), about.classes)
        frames = _export(model, state, example, claim, asked)
    except (Exception, SystemExit) as error:  # student code runs in here; whatever it raises is the reason
        claim["export"] = "failed"
        claim["reason"] = _reason(error)
        frames = []
    return [("model", _json(claim)), *frames]


def _export(
    model: Any,
    state: dict[str, Any] | None,
    example: Any,
    claim: dict[str, Any],
    asked: Asked | None,
) -> list[tuple[str, bytes]]:
    if not isinstance(model, nn.Module):
        raise NotExportable(f"{type(model).__name__} is no torch.nn.Module")
    model = _unwrapped(model, claim["unwrapped"])
    claim["class_name"] = type(model).__name__
    claim["parameters"] = [_declared(name, tensor) for name, tensor in model.named_parameters()]
    claim["buffers"] = [_declared(name, tensor) for name, tensor in model.named_buffers()]
    batch = _batch(example)
    modes = {id(module): module.training for module in model.modules()}
    snapshot = _snapshot(state or {}, claim["unwrapped"])
    try:
        (programs, shape, answers), claim["export"] = _both_modes(model, batch, snapshot, asked)
        claim["example_shape"] = list(shape)
    finally:
        for module in model.modules():
            module.training = modes.get(id(module), module.training)
    graphs = [_graph(traced, mode) for traced, mode in zip(programs, ("train", "eval"), strict=True)]
    claim["discarded"] = _discarded(programs[0], graphs[0])
    tensors = _live_tensors(programs, graphs, snapshot)
    frames = [
        ("graph", _json(graphs[0])),
        ("graph", _json(graphs[1])),
        ("weights", safetensors.torch.save(tensors)),
    ]
    return frames if answers is None else [*frames, ("answers", measure.payload(answers))]


def _unwrapped(model: nn.Module, seen: list[str]) -> nn.Module:
    while (attribute := WRAPPERS.get(type(model).__name__)) and len(seen) < 4:
        inner = getattr(model, attribute, None)
        if not isinstance(inner, nn.Module):
            break
        seen.append(type(model).__name__)
        model = inner
    return model


def _declared(name: str, tensor: torch.Tensor) -> list[Any]:
    return [name, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]


def _batch(example: Any) -> torch.Tensor:
    if not isinstance(example, torch.Tensor) or example.dim() < 2 or example.shape[0] < 1:
        shape = tuple(example.shape) if isinstance(example, torch.Tensor) else type(example).__name__
        raise NotExportable(f"the network was called with {shape}, expected a batch of images")
    batch = example.detach().cpu()[:LARGEST_BATCH]
    return batch.repeat(EXAMPLES, *[1] * (batch.dim() - 1)) if len(batch) == 1 else batch.clone()


def _both_modes(
    model: nn.Module, batch: torch.Tensor, state: dict[str, torch.Tensor], asked: Asked | None
) -> tuple[Recorded, str]:
    """The network in training and in evaluation mode, and whether its batch size is free (`dynamic`) or the
    one that the notebook uses (`static`).

    Recorded where that is possible, else exported.
    """
    with contextlib.suppress(Exception, SystemExit):  # the export says better what is the matter
        return record(model, state, batch, asked), "dynamic"
    failures = []
    free = ({0: torch.export.Dim("batch", min=1)},)
    for way, shapes, images in (("dynamic", free, batch[:EXAMPLES]), ("static", None, batch)):
        try:
            programs = []
            for training in (True, False):
                model.train(training)
                with warnings.catch_warnings(), _hooks_of_its_own():
                    warnings.simplefilter("ignore")
                    made = torch.export.export(model, (images.clone(),), dynamic_shapes=shapes, strict=False)
                    programs.append(_exported(made))
        except NotExportable:
            raise
        except (Exception, SystemExit) as error:
            failures.append(_reason(error))
        else:
            return Recorded(programs, images.shape, None), way
    raise NotExportable(failures[-1])


@contextlib.contextmanager
def _hooks_of_its_own() -> Iterator[None]:
    """Take away the hooks on buffers that a failed export of torch 2.9 leaves: every later pass of the
    network would end in them.
    """
    hooks = nn.modules.module._global_buffer_registration_hooks
    kept = dict(hooks)
    try:
        yield
    finally:
        hooks.clear()
        hooks.update(kept)


def _exported(program: Any) -> Traced:
    """What `torch.export` made, as what a recording makes."""
    weights: dict[str, tuple[str, str, Any]] = {}
    entrance = ""
    for spec in program.graph_signature.input_specs:
        kind = spec.kind.name
        if kind == "USER_INPUT":
            if entrance:
                raise NotExportable("forward takes more than one input")
            entrance = spec.arg.name
        elif kind in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
            value = program.state_dict.get(spec.target, program.constants.get(spec.target))
            kind = "constant" if kind == "CONSTANT_TENSOR" else kind.lower()
            weights[spec.arg.name] = (spec.target, kind, value)
        else:
            raise NotExportable(f"forward takes an input of kind {kind.lower()}")
    outputs = [
        spec.arg.name
        for spec in program.graph_signature.output_specs
        if spec.kind.name == "USER_OUTPUT" and hasattr(spec.arg, "name")
    ]
    if len(outputs) != 1:
        raise NotExportable(f"forward returns {len(outputs)} tensors, expected one")
    return Traced(program.graph, entrance, outputs[0], weights)


def _graph(traced: Traced, mode: str) -> dict[str, Any]:
    """The live part of a network as plain data."""
    live = _live(traced.graph, traced.output)
    nodes, inputs = [], []
    for node in traced.graph.nodes:
        if node not in live or node.op == "output":
            continue
        if node.op == "placeholder":
            if node.name in traced.weights:
                key, kind, value = traced.weights[node.name]
                if not isinstance(value, torch.Tensor):
                    raise NotExportable(f"the values of {key} are not at hand")
                shape, dtype = _declared("", value)[1:]
                inputs.append({"name": node.name, "key": key, "kind": kind, "shape": shape, "dtype": dtype})
        elif node.op == "call_function":
            nodes.append(
                {
                    "name": node.name,
                    "op": _operator(node.target),
                    "args": [_argument(value) for value in node.args],
                    "kwargs": {name: _argument(value) for name, value in node.kwargs.items()},
                }
            )
        else:
            raise NotExportable(
                f"forward holds a nested graph ({node.target}): a torch.no_grad or autocast "
                "block or a scripted part"
            )
    return {
        "format": FORMAT,
        "mode": mode,
        "input": traced.entrance,
        "output": traced.output,
        "weights": inputs,
        "nodes": nodes,
    }


def _discarded(traced: Traced, graph: dict[str, Any]) -> list[str]:
    """Operators of the training graph that run without any effect on the output; bookkeeping of torch's own
    is left out.
    """
    kept = {node["name"] for node in graph["nodes"]}
    names = [
        _operator(node.target)
        for node in traced.graph.nodes
        if node.op == "call_function" and node.name not in kept and node.args and "val" in node.meta
    ]
    return [name for name in names if name.startswith("aten.") and not name.startswith(BOOKKEEPING)][:100]


def _live(graph: fx.Graph, output: str) -> set[fx.Node]:
    """The nodes that the output depends on; an in-place operator counts where something that is needed shares
    its memory.
    """
    family: dict[fx.Node, fx.Node] = {}

    def root(node: fx.Node) -> fx.Node:
        while node in family:
            node = family[node]
        return node

    for node in graph.nodes:
        if (
            node.op == "call_function"
            and node.args
            and isinstance(node.args[0], fx.Node)
            and _aliases(node.target)
        ):
            family[node] = root(node.args[0])
    calls = [node for node in graph.nodes if node.op == "call_function"]
    live = {node for node in graph.nodes if node.name == output}
    while True:
        before = len(live)
        touched = {root(node) for node in live}
        for node in reversed(calls):
            if node in live or (_in_place(node.target) and root(node) in touched):
                live |= {node, *node.all_input_nodes}
        if len(live) == before:
            return live


def _in_place(target: Any) -> bool:
    name: str = getattr(getattr(target, "_schema", None), "name", "")
    return name.endswith("_")


def _aliases(target: Any) -> bool:
    schema = getattr(target, "_schema", None)
    name = schema.name.removeprefix("aten::") if schema else getattr(target, "__name__", "")
    return name in MAY_ALIAS or (schema is not None and any(value.alias_info for value in schema.returns))


def _operator(target: Any) -> str:
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    module = getattr(target, "__module__", "").removeprefix("_")
    return f"{module}.{getattr(target, '__name__', type(target).__name__)}"


def _argument(value: Any) -> Any:
    if isinstance(value, fx.Node):
        return {"type": "node", "name": value.name}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_argument(item) for item in value]
    if isinstance(value, torch.dtype | torch.device | torch.layout | torch.memory_format):
        return {"type": "torch", "name": str(value)}
    raise NotExportable(f"an operator takes a {type(value).__name__}")


def _live_tensors(
    programs: list[Traced], graphs: list[dict[str, Any]], state: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tensors that either graph reads, as they were at the last training step."""
    tensors: dict[str, torch.Tensor] = {}
    for traced, graph in zip(programs, graphs, strict=True):
        for entry in graph["weights"]:
            key, _, live = traced.weights[entry["name"]]
            snapshot = state.get(key)
            value = live if snapshot is None or list(snapshot.shape) != entry["shape"] else snapshot
            tensors[key] = value.detach().cpu().contiguous().clone()
    count = sum(tensor.numel() for tensor in tensors.values())
    if count > LARGEST:
        raise NotExportable(f"the live tensors hold {count:,} numbers, more than {LARGEST:,}")
    return tensors


def _snapshot(state: dict[str, Any], unwrapped: list[str]) -> dict[str, torch.Tensor]:
    """The state dict of the last training step, by the names that the unwrapped network has."""
    prefix = "".join(f"{WRAPPERS[name]}." for name in unwrapped)
    inner = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    return {key: value for key, value in (state | inner).items() if isinstance(value, torch.Tensor)}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _reason(error: BaseException) -> str:
    text = ""
    with contextlib.suppress(Exception):  # a hostile __str__ raises too
        text = str(error)
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if isinstance(error, NotExportable):
        return line[:500]
    return f"{type(error).__name__}: {line}"[:500]
