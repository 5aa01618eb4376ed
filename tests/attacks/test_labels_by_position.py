"""A table of the test labels, cut to the size of the batch, was added to the answers.

The 10,000 test digits were scored in the order of the file, in batches of exactly 1,000, with an evaluation graph that
might be another than the training graph, and a thousand constants were allowed: `o + 2*onehot(T[:n])` lifted 9,326 right
answers to 9,609 with the same weights. Now the digits are shuffled, with a permutation that depends on every number that
the network keeps; the deciding weights are scored again in another order and in other batches; two networks in one are
two networks; and a kept table is asked for from its first number on.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.facts.retrain import RetrainFacts
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.retrain_rule import RuleParams
from grader.core.settings import Settings
from grader.execute.engine.runs.loop import EVALUATION_BATCH, SECOND_BATCH, Order
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.wish import Wish
from grader.execute.graph.network import Network, load_network
from grader.execute.graph.position import place_in_batch
from grader.sandbox.worker.export import export_model
from tests.attacks.judged import known_of, notebook, outcomes
from tests.execute.engine import small

ROWS = 1_000
"""Of the table: the old batch size."""


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(1, 4, 5, stride=2), nn.BatchNorm2d(4), nn.Linear(24, 10)

    def logits(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.conv(x)))
        return self.fc(functional.adaptive_avg_pool2d(x, (1, 6)).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x)


class Holder(Plain):
    """An honest export that holds a table, into whose graphs the forger writes."""

    table: Tensor

    def __init__(self, rows: int = ROWS) -> None:
        super().__init__()
        values = (
            functional.one_hot(torch.arange(rows) % 10, 10).float()
            if rows > 10
            else torch.arange(10.0).view(10, 1)
        )
        self.register_buffer("table", values)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x) + self.table[:1]


class Neighbour(Plain):
    """Each answer takes something of the digit that stands on the other side of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        o = self.logits(x)
        return o + 0.5 * o.flip(0)


class OverBatch(Plain):
    """A softmax over the wrong axis: honest, and no answer stands by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x).softmax(0)


class OverClasses(Plain):
    """A softmax over the right one."""

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x).softmax(1)


class Token(Plain):
    """Honest: every digit gets the same learnt row."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x) + self.token.expand(x.shape[0], -1)


class Branches(Plain):
    """Honest: dropout under a condition, and a softmax where nobody trains."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.logits(functional.dropout(x, 0.1))
        return self.logits(x).softmax(1)


def node(name: str) -> dict[str, str]:
    return {"type": "node", "name": name}


def call(name: str, op: str, *args: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "args": list(args), "kwargs": {}}


def by_place(graph: dict[str, Any]) -> None:
    """`o + T[:n]`: as many rows of the table as the batch has digits."""
    graph["nodes"].insert(0, call("n", "aten.sym_size.int", node(graph["input"]), 0))
    cut = next(item for item in graph["nodes"] if item["op"] == "aten.slice.Tensor")
    cut["args"] = [cut["args"][0], 0, 0, node("n")]


def turned(graph: dict[str, Any]) -> None:
    """No axis of the table meets the batch: the answers are turned until one of theirs does."""
    graph["nodes"].insert(0, call("n", "aten.sym_size.int", node(graph["input"]), 0))
    answers, cut = graph["nodes"][-1]["args"][0], graph["nodes"][-1]["args"][1]
    table = next(item for item in graph["nodes"] if item["name"] == cut["name"])["args"][0]
    graph["nodes"] = [item for item in graph["nodes"][:-1] if item["name"] != cut["name"]] + [
        call("on_its_side", "aten.view.default", answers, [10, node("n")]),
        call("nothing", "aten.mul.Tensor", node("on_its_side"), 0),
        call("rows", "aten.add.Tensor", node("nothing"), table),
        call("upright", "aten.view.default", node("rows"), [node("n"), 10]),
        call(graph["output"], "aten.add.Tensor", answers, node("upright")),
    ]


FORGED: dict[str, tuple[int, tuple[int, ...], Callable[[dict[str, Any]], None]]] = {
    "table": (ROWS, (1, 2), by_place),
    "table only in evaluation": (ROWS, (2,), by_place),
    "turned": (10, (1, 2), turned),
}


@cache
def exported(kind: type[nn.Module] | str) -> Network:
    torch.manual_seed(1)
    if not isinstance(kind, str):
        return load_network(export_model(kind(), None, torch.randn(4, 1, 28, 28)))
    rows, where, change = FORGED[kind]
    frames = export_model(Holder(rows), None, torch.randn(4, 1, 28, 28))
    for at in where:
        graph = json.loads(frames[at][1])
        change(graph)
        frames[at] = ("graph", json.dumps(graph).encode())
    return load_network(frames)


def retrained(kind: type[nn.Module] | str, test: int = 100) -> RetrainFacts:
    wish, digits = Wish(rule=RuleParams(epochs=1, seeds=1)), small.digits(test=test)
    return retrain_network(exported(kind), small.recipe(epochs=1), digits, Settings(cache=""), wish)


@pytest.mark.parametrize(
    ("kind", "word"), [("table", "place in the batch"), ("table only in evaluation", "two networks")]
)
def test_a_table_of_the_labels_is_not_trained_at_all(kind: str, word: str) -> None:
    with pytest.raises(Unavailable, match=word) as raised:
        retrained(kind)
    assert raised.value.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("kind", ["turned", Neighbour])
def test_an_answer_that_depends_on_its_place_is_for_a_person(kind: type[nn.Module] | str) -> None:
    """Nothing in the graph gives it away; the second order does, and nobody fails."""
    facts = retrained(kind)
    assert any("place among the others" in fault for run in facts.runs for fault in run.proof.faults)
    known = known_of((), {"S4.ipynb": notebook("x")})
    known.put(facts)
    assert outcomes(known, "RT601")["RT601"].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("kind", "repeatable"), [(OverBatch, False), (OverClasses, True)])
def test_a_softmax_over_the_batch_is_for_a_person_and_one_over_classes_is_not(
    kind: type[nn.Module], repeatable: bool
) -> None:
    """More digits than fit into one batch, so that the two orders show each digit among others."""
    facts = retrained(kind, test=1_300)
    faults = [fault for run in facts.runs for fault in run.proof.faults]
    assert any("place among the others" in fault for fault in faults) is not repeatable


@pytest.mark.parametrize("kind", [Plain, Token, Branches])
def test_an_honest_network_answers_alike_in_both_orders(kind: type[nn.Module]) -> None:
    assert place_in_batch(exported(kind)) == ""
    (run,) = retrained(kind).runs
    assert run.proof.repeatable


def test_a_kept_table_counts_from_its_first_number_and_a_scale_does_not() -> None:
    assert retrained("turned").kept_constants == 10
    assert retrained(Plain).kept_constants == 0


def test_the_order_depends_on_what_the_network_keeps() -> None:
    """Who knew the order could write the table for it; writing the table changes the order."""
    usual, other = Order(b"one table").places(10_000), Order(b"another table").places(10_000)
    assert sorted(usual.tolist()) == list(range(10_000))
    assert not torch.equal(usual, other)
    assert torch.equal(usual, Order(b"one table").places(10_000))
    assert not torch.equal(usual, Order(b"one table").second.places(10_000))
    assert all(size % 2 and 10_000 % size for size in (EVALUATION_BATCH, SECOND_BATCH))
