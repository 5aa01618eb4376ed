"""The general network against the plain one, torch autograd, central differences and Mazur's numbers."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.backprop import Weights, sigmoid
from reference.backprop import forward as plain_forward
from reference.backprop import gradients as plain_gradients
from reference.general import Parameters, Shape, forward, gradients, loss, stepped

number = st.floats(-2, 2)
ACTIVATIONS = ("sigmoid", "tanh", "relu", "linear")
CLASS = Shape(("sigmoid", "sigmoid"), "half-squared")


@st.composite
def networks(draw: st.DrawFn) -> tuple[Shape, Parameters, list[float], list[float]]:
    """A network of up to three hidden layers with inputs and targets."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=3, max_size=5))
    last = draw(st.sampled_from(["sigmoid", "tanh", "linear", "softmax"]))
    losses = ["half-squared", "squared", "mean-squared"]
    losses += ["cross-entropy"] if last in ("sigmoid", "softmax") else []
    kinds = [draw(st.sampled_from(ACTIVATIONS)) for _ in sizes[2:]]
    shape = Shape((*kinds, last), draw(st.sampled_from(losses)))
    weights = [[[draw(number) for _ in range(n)] for _ in range(m)] for n, m in pairwise(sizes)]
    biases = [[draw(number) for _ in range(m)] for m in sizes[1:]]
    targets = [draw(st.floats(0.05, 0.95)) for _ in range(sizes[-1])]
    return shape, Parameters(weights, biases), [draw(number) for _ in range(sizes[0])], targets


@given(w=st.tuples(*[number] * 8), i=st.tuples(number, number), t=st.tuples(number, number))
def test_the_class_network_is_the_plain_one(
    w: tuple[float, ...], i: tuple[float, float], t: tuple[float, float]
) -> None:
    plain = Weights(*w)
    both = [[[w[0], w[1]], [w[2], w[3]]], [[w[4], w[5]], [w[6], w[7]]]]
    ours = Parameters(both, [[0.0, 0.0], [0.0, 0.0]])
    layers = forward(CLASS, ours, list(i))
    assert loss(CLASS, layers[-1].a, list(t)) == pytest.approx(plain_forward(i, t, plain).E, rel=1e-12)
    flat = [g for matrix in gradients(CLASS, ours, list(i), list(t)).weights for row in matrix for g in row]
    assert flat == pytest.approx(list(plain_gradients(i, t, plain)), rel=1e-12, abs=1e-300)


@given(network=networks())
def test_gradients_equal_autograd(network: tuple[Shape, Parameters, list[float], list[float]]) -> None:
    torch = pytest.importorskip("torch")
    shape, parameters, inputs, targets = network
    leaves = [[torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in part] for part in parameters]
    a = torch.tensor(inputs, dtype=torch.float64)
    for kind, w, b in zip(shape.activations, *leaves, strict=True):
        z = w @ a + b
        a = (
            torch.softmax(z, 0)
            if kind == "softmax"
            else {
                "sigmoid": torch.sigmoid,
                "tanh": torch.tanh,
                "relu": torch.relu,
                "linear": lambda x: x,
            }[kind](z)
        )
    t = torch.tensor(targets, dtype=torch.float64)
    if shape.loss == "cross-entropy":
        each = t * torch.log(a)
        if shape.activations[-1] != "softmax":
            each = each + (1 - t) * torch.log(1 - a)
        e = -each.sum()
    else:
        square = ((t - a) ** 2).sum()
        e = {"half-squared": square / 2, "squared": square, "mean-squared": square / len(t)}[shape.loss]
    e.backward()
    assert loss(shape, forward(shape, parameters, inputs)[-1].a, targets) == pytest.approx(e.item(), rel=1e-9)
    for ours, theirs in zip(gradients(shape, parameters, inputs, targets), leaves, strict=True):
        for layer, leaf in zip(ours, theirs, strict=True):
            assert torch.allclose(torch.tensor(layer, dtype=torch.float64), leaf.grad, rtol=1e-7, atol=1e-12)


@given(network=networks(), pick=st.randoms(use_true_random=False))
def test_gradients_equal_central_differences(
    network: tuple[Shape, Parameters, list[float], list[float]], pick: random.Random
) -> None:
    shape, parameters, inputs, targets = network
    layer = pick.randrange(len(parameters.weights))
    row = pick.randrange(len(parameters.weights[layer]))
    column = pick.randrange(len(parameters.weights[layer][row]))
    sums = [abs(z) for one in forward(shape, parameters, inputs) for z in one.z]
    if min(sums) < 1e-3:
        return  # a kink of a ReLU lies between the two points

    def at(step: float) -> float:
        weights = [[list(r) for r in m] for m in parameters.weights]
        weights[layer][row][column] += step
        moved = Parameters(weights, parameters.biases)
        return loss(shape, forward(shape, moved, inputs)[-1].a, targets)

    slope = (at(1e-5) - at(-1e-5)) / 2e-5
    ours = gradients(shape, parameters, inputs, targets).weights[layer][row][column]
    assert ours == pytest.approx(slope, abs=1e-5, rel=1e-5)


def test_the_numbers_of_a_widespread_example_with_biases() -> None:
    start = Parameters([[[0.15, 0.2], [0.25, 0.3]], [[0.4, 0.45], [0.5, 0.55]]], [[0.35] * 2, [0.6] * 2])
    inputs, targets = [0.05, 0.1], [0.01, 0.99]
    assert loss(CLASS, forward(CLASS, start, inputs)[-1].a, targets) == pytest.approx(0.2983711088, abs=1e-10)
    after = stepped(start, gradients(CLASS, start, inputs, targets), 0.5)
    assert loss(CLASS, forward(CLASS, after, inputs)[-1].a, targets) == pytest.approx(0.2910277737, abs=1e-10)
    assert sigmoid(0.3775) == pytest.approx(0.593269992, abs=1e-9)
