"""A forged network made grader say that it had failed itself.

A notebook that writes its own frames can send anything: a convolution with a stride of zero, a division by zero, a header
whose shape has 12,000 digits, a type of numbers that torch cannot look into. Each raised an exception that no list had
foreseen, so the criteria came out as `error` with exit status 3: the forger turned "a person must look" into "our
fault", and a class with one such folder looked as if grader were broken. A declared shape of 2^320 took a whole phase with
it in a batch, because no 64-bit integer holds it.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.execute.engine.runs import retraining
from grader.execute.engine.runs.wish import Wish
from tests.attacks.judged import NOTEBOOK, known_of, notebook, outcomes, source_of
from tests.execute.engine import small
from tests.execute.graph import nasty
from tests.execute.graph.exported import frames

pytestmark = pytest.mark.slow

CODES = ("NN401", "NN402", "NN403", "NN404", "NN405", "NN406")
Frames = list[tuple[str, bytes]]


def _graph(change: Callable[[dict[str, Any]], None]) -> Frames:
    sent = list(frames("Honest"))
    for at in (1, 2):
        graph = json.loads(sent[at][1])
        change(graph)
        sent[at] = ("graph", json.dumps(graph).encode())
    return sent


def _node(graph: dict[str, Any], op: str) -> dict[str, Any]:
    found: dict[str, Any] = next(node for node in graph["nodes"] if node["op"] == op)
    return found


def _stride_zero(graph: dict[str, Any]) -> None:
    node = _node(graph, "aten.conv2d.default")
    node["args"] = [*node["args"][:3], [0, 0]]


def _pool_stride_zero(graph: dict[str, Any]) -> None:
    _node(graph, "aten.max_pool2d.default")["args"][1:] = [[2, 2], [0, 0]]


def _divided_by_zero(graph: dict[str, Any]) -> None:
    size = {
        "name": "n",
        "op": "aten.sym_size.int",
        "args": [{"type": "node", "name": graph["input"]}, 0],
        "kwargs": {},
    }
    floor = {
        "name": "z",
        "op": "operator.floordiv",
        "args": [{"type": "node", "name": "n"}, 0],
        "kwargs": {},
    }
    graph["nodes"][:0] = [size, floor]
    _node(graph, "aten.flatten.using_ints")["op"] = "aten.view.default"
    node = _node(graph, "aten.view.default")
    node["args"] = [node["args"][0], [{"type": "node", "name": "z"}, 8]]


def _no_groups(graph: dict[str, Any]) -> None:
    node = _node(graph, "aten.conv2d.default")
    node["args"] = [*node["args"][:3], [1, 1], [0, 0], [1, 1], 0]


def _weights(header: bytes, body: bytes = b"") -> Frames:
    sent = list(frames("Honest"))
    return [*sent[:3], ("weights", struct.pack("<Q", len(header)) + header + body)]


def _declared(shape: list[int]) -> Frames:
    sent = list(frames("Honest"))
    claim = json.loads(sent[0][1])
    claim["parameters"][0][1] = shape
    return [("model", json.dumps(claim).encode()), *sent[1:]]


FORGED: dict[str, Callable[[], Frames]] = {
    "convolution with stride 0": lambda: _graph(_stride_zero),
    "pooling with stride 0": lambda: _graph(_pool_stride_zero),
    "convolution in 0 groups": lambda: _graph(_no_groups),
    "division by zero": lambda: _graph(_divided_by_zero),
    "shape of 12,000 digits": lambda: _weights(
        b'{"w":{"dtype":"F32","shape":[' + b"9" * 4_000 + b"," + b"9" * 4_000 + b'],"data_offsets":[0,0]}}'
    ),
    "shape of one number of 12,000 digits": lambda: _weights(
        b'{"w":{"dtype":"F32","shape":[' + b"9" * 12_000 + b'],"data_offsets":[0,0]}}'
    ),
    "numbers of 8 bits": lambda: _weights(
        b'{"w":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}', b"\x7f\x01\x7f\x7f"
    ),
    "a type that does not exist": lambda: _weights(
        b'{"w":{"dtype":"Q7","shape":[4],"data_offsets":[0,4]}}', b"1234"
    ),
    "an entry that is a list": lambda: _weights(b'{"w":[1,2]}'),
    "declared shape of 2^320": lambda: _declared([1 << 40] * 8),
    "declared shape of 5,000 digits": lambda: _declared([10**4_000]),
    "nothing but noise": lambda: [("model", b"\xff\xfe"), ("graph", b""), ("graph", b"{"), ("weights", b"x")],
}


@pytest.mark.parametrize("kind", FORGED)
def test_it_is_a_network_for_a_person_to_look_at(kind: str) -> None:
    files = {NOTEBOOK: notebook(source_of(nasty.Honest()))}
    found = outcomes(known_of(FORGED[kind](), files), *CODES)
    assert {code: outcome.verdict for code, outcome in found.items()} == dict.fromkeys(CODES, Verdict.UNKNOWN)
    assert all(NOTEBOOK in outcome.summary and len(outcome.summary) < 700 for outcome in found.values())


def test_a_network_that_breaks_our_engine_is_no_fault_of_ours_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the training raises on a graph that passed validation: its student wrote every number in it."""

    def broken(*_: object) -> None:
        raise KeyError("a table that nobody foresaw")

    monkeypatch.setattr(retraining, "fresh_tensors", broken)
    with pytest.raises(Unavailable, match="cannot be trained here") as raised:
        retraining.retrain_network(small.network(), None, small.digits(), Settings(cache=""), Wish())
    assert raised.value.verdict is Verdict.UNKNOWN
