"""A few digits of the test set stood in the operations of the network itself.

A retraining draws every weight anew, and a kept table is told. But a number can stand in the graph: a factor, a threshold,
or the choice of the pixels that are added. Ten pixels tell one digit from the other 69,999, thirty operators lift its answer,
and a network at 99.25 % needs fifteen of them to pass. Nothing counted the numbers that are written into a graph.
"""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.retrain_rule import RuleParams
from grader.core.settings import Settings
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.wish import Wish
from grader.execute.graph.learnt import learnt_elsewhere
from grader.execute.graph.network import Network, load_network
from grader.sandbox.worker.export import export_model
from tests.attacks.test_labels_by_position import Plain
from tests.execute.engine import small


class Remembers(Plain):
    """Knows `DIGITS` images by ten pixels each, with factors of their own."""

    DIGITS = 9

    def forward(self, x: Tensor) -> Tensor:
        pixels, o = x.flatten(1), self.logits(x)
        for digit in range(self.DIGITS):
            score = pixels[:, 0] * 0.0
            for n in range(10):
                score = score + pixels[:, (97 * digit + 53 * n) % 784] * (0.1 + digit + n / 100)
            bump = functional.relu(score - 20.0).unsqueeze(1) * 50.0
            o = o + functional.pad(bump, (digit % 10, 9 - digit % 10))
        return o


class RemembersPlaces(Plain):
    """The same with no number of its own: only which pixels are added and which are taken off."""

    def forward(self, x: Tensor) -> Tensor:
        pixels, o = x.flatten(1), self.logits(x)
        for digit in range(15):
            score = pixels[:, 0] * 0.0
            for n in range(10):
                pixel = pixels[:, (97 * digit + 53 * n) % 784]
                score = score + pixel if n % 3 else score - pixel
            bump = functional.relu(score - 5.0).unsqueeze(1) * 50.0
            o = o + functional.pad(bump, (digit % 10, 9 - digit % 10))
        return o


class Rows(nn.Module):
    """Honest: reads a digit row by row with one state, as a recurrent network does."""

    def __init__(self) -> None:
        super().__init__()
        self.read, self.keep, self.out = nn.Linear(28, 12), nn.Linear(12, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        state = self.read(x[:, 0, 0])
        for row in range(1, 28):
            state = torch.tanh(self.read(x[:, 0, row]) + self.keep(state))
        return self.out(state)


def exported(module: nn.Module) -> Network:
    torch.manual_seed(1)
    return load_network(export_model(module, None, torch.randn(4, 1, 28, 28)))


@pytest.mark.parametrize(
    ("kind", "word"), [(Remembers, "different numbers"), (RemembersPlaces, "cuts and picks")]
)
def test_digits_that_a_graph_knows_by_heart_are_for_a_person(kind: type[nn.Module], word: str) -> None:
    wish = Wish(rule=RuleParams(epochs=1, seeds=1))
    with pytest.raises(Unavailable, match=word) as raised:
        retrain_network(exported(kind()), small.recipe(epochs=1), small.digits(), Settings(cache=""), wish)
    assert raised.value.verdict is Verdict.UNKNOWN
    assert "learnt elsewhere" in str(raised.value)


@pytest.mark.parametrize("kind", [Plain, Rows])
def test_an_honest_network_writes_few_numbers(kind: type[nn.Module]) -> None:
    assert learnt_elsewhere(exported(kind())) == ""
