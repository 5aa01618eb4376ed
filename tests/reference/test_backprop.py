"""The oracle against torch autograd, central differences and the known values of the class weights."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.backprop import Weights, forward, gradients, sigmoid

CLASS_WEIGHTS = Weights(0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)
INPUTS = (0.05, 0.10)

number = st.floats(-3, 3)
pair = st.tuples(number, number)
weights = st.tuples(*[number] * 8).map(lambda w: Weights(*w))


def loss_of(inputs: tuple[float, float], targets: tuple[float, float], w: Weights) -> float:
    return forward(inputs, targets, w).E


@pytest.mark.parametrize(
    ("targets", "loss"), [((0.01, 0.99), 0.242519857348377), ((0.5, 0.5), 0.0141813779378917)]
)
def test_known_losses(targets: tuple[float, float], loss: float) -> None:
    assert loss_of(INPUTS, targets, CLASS_WEIGHTS) == pytest.approx(loss, rel=1e-12)


@given(inputs=pair, targets=pair, w=weights)
def test_gradients_equal_autograd(
    inputs: tuple[float, float], targets: tuple[float, float], w: Weights
) -> None:
    torch = pytest.importorskip("torch")
    leaf = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    i = torch.tensor(inputs, dtype=torch.float64)
    t = torch.tensor(targets, dtype=torch.float64)
    hidden = torch.sigmoid(leaf[:4].reshape(2, 2) @ i)
    out = torch.sigmoid(leaf[4:].reshape(2, 2) @ hidden)
    loss = 0.5 * ((t - out) ** 2).sum()
    loss.backward()
    assert loss_of(inputs, targets, w) == pytest.approx(loss.item(), rel=1e-12)
    for ours, theirs in zip(gradients(inputs, targets, w), leaf.grad.tolist(), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-15)


@given(inputs=pair, targets=pair, w=weights, k=st.integers(0, 7))
def test_gradients_equal_central_differences(
    inputs: tuple[float, float], targets: tuple[float, float], w: Weights, k: int
) -> None:
    step = 1e-5
    up, down = list(w), list(w)
    up[k] += step
    down[k] -= step
    slope = (forward(inputs, targets, Weights(*up)).E - forward(inputs, targets, Weights(*down)).E) / (
        2 * step
    )
    assert gradients(inputs, targets, w)[k] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("x", [-1e6, -800.0, -1.0, 0.0, 1.0, 800.0])
def test_sigmoid_is_stable_and_symmetric(x: float) -> None:
    assert 0.0 <= sigmoid(x) <= 1.0
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1.0)
    if abs(x) < 500:
        assert sigmoid(x) == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-15)
