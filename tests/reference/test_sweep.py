"""Loss tables against the known values of the class weights and against torch's own optimiser."""

import pytest

from reference.backprop import Weights
from reference.sweep import loss_tables, losses, steps

CLASS_WEIGHTS = Weights(0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)
INPUTS = (0.05, 0.10)


@pytest.mark.parametrize(
    ("targets", "eta", "loss"),
    [((0.01, 0.99), 1.0, 0.012395124), ((0.01, 0.99), 2.0, 0.0051601086), ((0.5, 0.5), 1.0, 2.2562565e-05)],
)
def test_known_losses_after_100_iterations(targets: tuple[float, float], eta: float, loss: float) -> None:
    table = losses(INPUTS, targets, CLASS_WEIGHTS, eta, 100)
    assert len(table) == 101
    assert table[100] == pytest.approx(loss, rel=1e-7)


def test_the_table_equals_torch_sgd() -> None:
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(CLASS_WEIGHTS, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([leaf], lr=0.5)
    target = torch.tensor([0.01, 0.99], dtype=torch.float64)
    theirs = []
    for _ in range(31):
        hidden = torch.sigmoid(leaf[:4].reshape(2, 2) @ torch.tensor(INPUTS, dtype=torch.float64))
        loss = 0.5 * ((target - torch.sigmoid(leaf[4:].reshape(2, 2) @ hidden)) ** 2).sum()
        theirs.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses(INPUTS, (0.01, 0.99), CLASS_WEIGHTS, 0.5, 30) == pytest.approx(theirs, rel=1e-12)


def test_every_rate_starts_from_the_same_weights() -> None:
    tables = loss_tables(INPUTS, (0.01, 0.99), CLASS_WEIGHTS, (0.1, 2.0), 5)
    assert list(tables) == [0.1, 2.0]
    assert tables[0.1][0] == tables[2.0][0]
    assert tables[0.1][5] > tables[2.0][5]


def test_steps_tell_weights_and_gradients() -> None:
    first, second = steps(INPUTS, (0.01, 0.99), CLASS_WEIGHTS, 0.5, 1)
    assert first.weights == CLASS_WEIGHTS
    assert second.weights.w5 == pytest.approx(0.40 - 0.5 * first.gradients.w5)
    assert losses(INPUTS, (0.01, 0.99), CLASS_WEIGHTS, 0.5, 0) == [first.loss]
    with pytest.raises(ValueError, match="at least 0, got -1"):
        steps(INPUTS, (0.01, 0.99), CLASS_WEIGHTS, 0.5, -1)
