"""Graphs that a student could forge: refused with a reason, whatever they hold, without running or allocating
anything big.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
import torch

from grader.core.facts.network import GapKind
from grader.execute.graph.network import load_network
from grader.execute.graph.schema import InvalidNetwork, decode_weights
from tests.execute.graph.exported import frames, network

Frames = list[tuple[str, bytes]]


def forged(change: Callable[[dict[str, Any]], None], which: int = 1) -> Frames:
    """The frames of an honest network with one of its graphs (1 training, 2 evaluation) changed."""
    result = list(frames("Honest"))
    graph = json.loads(result[which][1])
    change(graph)
    result[which] = (result[which][0], json.dumps(graph).encode())
    return result


def call(graph: dict[str, Any], op: str) -> dict[str, Any]:
    return next(node for node in graph["nodes"] if node["op"] == op)


def rename(graph: dict[str, Any]) -> None:
    graph["nodes"][1]["name"] = graph["nodes"][0]["name"]


def swap(graph: dict[str, Any]) -> None:
    graph["nodes"][0], graph["nodes"][1] = graph["nodes"][1], graph["nodes"][0]


def loop(graph: dict[str, Any]) -> None:
    graph["nodes"][0]["args"][0] = {"type": "node", "name": graph["nodes"][0]["name"]}


def argument(op: str, position: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(graph: dict[str, Any]) -> None:
        call(graph, op)["args"][position] = value

    return change


def operator(name: str) -> Callable[[dict[str, Any]], None]:
    def change(graph: dict[str, Any]) -> None:
        call(graph, "aten.relu.default")["op"] = name

    return change


def extra(field: str) -> Callable[[dict[str, Any]], None]:
    def change(graph: dict[str, Any]) -> None:
        graph[field] = "x"

    return change


def weight(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(graph: dict[str, Any]) -> None:
        graph["weights"][0][field] = value

    return change


def many(graph: dict[str, Any]) -> None:
    graph["nodes"] = [{"name": f"n{i}", "op": "x", "args": [], "kwargs": {}} for i in range(20_000)]


def output(name: str) -> Callable[[dict[str, Any]], None]:
    def change(graph: dict[str, Any]) -> None:
        graph["output"] = name

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (operator("aten.fft_rfft.default"), "operator aten.fft_rfft.default"),
        (operator("aten.relu.__class__"), "cannot rebuild"),
        (operator("prims.device_put.default"), "cannot rebuild"),
        (operator("aten.embedding.default"), "cannot rebuild"),
        (argument("aten.conv2d.default", 0, 5), "cannot be 5"),
        (argument("aten.max_pool2d.default", 1, [10**9, 10**9]), "kernel_size cannot be"),
        (argument("aten.max_pool2d.default", 1, [2] * 65), "kernel_size cannot be"),
        (argument("aten.max_pool2d.default", 1, [True, True]), "kernel_size cannot be"),
        (argument("aten.max_pool2d.default", 1, ["2", "2"]), "kernel_size cannot be"),
        (argument("aten.max_pool2d.default", 1, [0, 0]), "cannot work"),
        (argument("aten.max_pool2d.default", 1, [-3, 2]), "cannot work"),
        (argument("aten.adaptive_avg_pool2d.default", 1, [10_000, 10_000]), "numbers a digit"),
        (argument("aten.batch_norm.default", 5, None), "training cannot be"),
        (argument("aten.batch_norm.default", 7, 1e300), "eps cannot be"),
        (argument("aten.dropout.default", 1, 7.0), "cannot work"),
        (argument("aten.conv2d.default", 1, {"type": "node", "name": "nowhere"}), "not defined before"),
        (
            argument("aten.relu.default", 0, {"type": "torch", "name": "cuda:0"}),
            "torch.float32|expected float32",
        ),
        (argument("aten.relu.default", 0, {"type": "code", "name": "x"}), "format"),
        (argument("aten.relu.default", 0, [[[[]]]]), "format"),
        (rename, "twice"),
        (swap, "not defined before"),
        (loop, "not defined before"),
        (many, "calls|bytes"),
        (extra("code"), "format"),
        (weight("shape", [10**6, 10**6]), "shape"),
        (weight("shape", [2, 2]), "cannot work"),
        (weight("shape", []), "shape|cannot work"),
        (weight("key", "elsewhere"), "lack"),
        (weight("dtype", "complex64"), "complex64"),
        (weight("kind", "code"), "format"),
        (output("nowhere"), "not defined"),
        (output("x"), "shape"),
    ],
)
def test_a_forged_graph_is_refused(change: Callable[[dict[str, Any]], None], reason: str) -> None:
    with pytest.raises(InvalidNetwork, match=reason):
        load_network(forged(change))


def test_the_honest_frames_pass() -> None:
    assert load_network(forged(lambda graph: None)).digest == network("Honest").digest


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"format":1,"mode":"train"}',
        b'{"format":2}',
        b'{"format":NaN}',
        b"\xff\xfe",
        b"1" * 5_000,
        b" " * (2 << 20),
    ],
)
def test_a_graph_frame_that_is_none_is_refused(payload: bytes) -> None:
    result = list(frames("Honest"))
    result[1] = ("graph", payload)
    with pytest.raises(InvalidNetwork):
        load_network(result)


def test_a_missing_or_doubled_frame_is_refused() -> None:
    honest = list(frames("Honest"))
    for wrong in ([], honest[1:], honest[:2], honest[:3], [*honest, honest[0]], [*honest, honest[1]]):
        with pytest.raises(InvalidNetwork):
            load_network(wrong)


def test_a_graph_of_splits_is_refused_before_it_makes_a_million_tensors() -> None:
    def change(graph: dict[str, Any]) -> None:
        node = call(graph, "aten.relu.default")
        flat = {"name": "flat", "op": "aten.view.default", "args": [node["args"][0], [-1]], "kwargs": {}}
        parts = {
            "name": "parts",
            "op": "aten.split.Tensor",
            "args": [{"type": "node", "name": "flat"}, 1],
            "kwargs": {},
        }
        first = {
            "name": "first",
            "op": "operator.getitem",
            "args": [{"type": "node", "name": "parts"}, 0],
            "kwargs": {},
        }
        graph["nodes"][graph["nodes"].index(node) : graph["nodes"].index(node)] = [flat, parts, first]
        node["args"][0] = {"type": "node", "name": "first"}

    with pytest.raises(InvalidNetwork, match="split into more"):
        load_network(forged(change))


def tensors(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00" * 8,
        struct.pack("<Q", 1 << 62) + b"{}",
        tensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"\x00" * 4),
        tensors({"a": {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 4]}}, b"\x00" * 4),
        tensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\x00\x00\xc0\x7f"),
        tensors(
            {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, struct.pack("<f", float("inf"))
        ),
        tensors({"a": {"dtype": "X99", "shape": [1], "data_offsets": [0, 4]}}, b"\x00" * 4),
        tensors({"a": {"dtype": "F32", "shape": "x", "data_offsets": [0, 4]}}, b"\x00" * 4),
        tensors({"a": 5}, b""),
        tensors({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(2_000)}, b""),
        tensors(
            {
                "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                "b": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]},
            },
            b"\x00" * 6,
        ),
    ],
)
def test_forged_weights_are_refused(payload: bytes) -> None:
    with pytest.raises(InvalidNetwork):
        decode_weights(payload)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("DataDependent", "could not be exported"),
        ("TwoInputs", "returns 2 tensors"),
        ("Fft", "fft_rfft"),
        ("NoGradAsked", "nested graph"),
        ("Exits", "SystemExit"),
    ],
)
def test_what_cannot_be_exported_says_why(name: str, reason: str) -> None:
    from grader.sandbox.worker.export import export_model
    from tests.execute.graph import nasty

    exported = export_model(getattr(nasty, name)(), None, torch.randn(4, 1, 28, 28))
    with pytest.raises(InvalidNetwork, match=reason):
        load_network(exported)


def test_what_is_no_module_and_what_is_no_batch_say_so() -> None:
    from grader.sandbox.worker.export import export_model
    from tests.execute.graph import nasty

    for model, example, reason in (
        ("not a module", torch.randn(4, 1, 28, 28), "no torch.nn.Module"),
        (nasty.Honest(), {"image": 3}, "called with dict"),
        (nasty.Honest(), torch.tensor(3.0), "called with"),
    ):
        (frame,) = export_model(model, None, example)
        assert reason in json.loads(frame[1])["reason"]


def test_a_thousand_averages_are_not_all_probed() -> None:
    from grader.execute.graph.facts import network_facts
    from grader.execute.graph.pooling import MOST_COLLAPSES

    def change(graph: dict[str, Any]) -> None:
        at = graph["nodes"].index(call(graph, "aten.adaptive_avg_pool2d.default"))
        source = graph["nodes"][at]["args"][0]
        added = []
        for number in range(400):
            average = {
                "name": f"m{number}",
                "op": "aten.mean.dim",
                "args": [source, [2, 3], True],
                "kwargs": {},
            }
            mixed = {
                "name": f"a{number}",
                "op": "aten.add.Tensor",
                "args": [{"type": "node", "name": f"a{number - 1}"} if number else source, ref(f"m{number}")],
                "kwargs": {},
            }
            added += [average, mixed]
        graph["nodes"][at:at] = added
        call(graph, "aten.adaptive_avg_pool2d.default")["args"][0] = ref("a399")

    net = load_network(forged(change))
    found = network_facts(net)
    assert len(found.reductions) == MOST_COLLAPSES
    assert (found.gap, found.reductions[-1].operator) == (GapKind.FULL, "adaptive_avg_pool2d")


def ref(name: str) -> dict[str, str]:
    return {"type": "node", "name": name}
