"""Loss tables of gradient descent on the 2-2-2 network, for any learning rate and number of iterations."""

from typing import NamedTuple

from reference.backprop import Pair, Weights, forward, gradients


class Step(NamedTuple):
    """One row of the table: the weights before the update, their loss E, and ∂E/∂w1..w8."""

    weights: Weights
    loss: float
    gradients: Weights


def descend(weights: Weights, grads: Weights, eta: float) -> Weights:
    """Gradient descent updates all eight weights at once: w - eta * ∂E/∂w."""
    return Weights(*(w - eta * g for w, g in zip(weights, grads, strict=True)))


def steps(inputs: Pair, targets: Pair, weights: Weights, eta: float, iterations: int) -> list[Step]:
    """Rows 0..iterations; row 0 holds the initial weights, row n the weights after n updates.

    Raises:
        ValueError: `iterations` is negative.

    """
    if iterations < 0:
        raise ValueError(f"iterations must be at least 0, got {iterations}")
    table: list[Step] = []
    for _ in range(iterations + 1):
        grads = gradients(inputs, targets, weights)
        table.append(Step(weights, forward(inputs, targets, weights).E, grads))
        weights = descend(weights, grads, eta)
    return table


def losses(inputs: Pair, targets: Pair, weights: Weights, eta: float, iterations: int) -> list[float]:
    """E before the first update and after each of `iterations` updates: `iterations + 1` numbers."""
    return [step.loss for step in steps(inputs, targets, weights, eta, iterations)]


def loss_tables(
    inputs: Pair, targets: Pair, weights: Weights, etas: tuple[float, ...], iterations: int
) -> dict[float, list[float]]:
    """`losses` for every learning rate, each run starting from the same weights."""
    return {eta: losses(inputs, targets, weights, eta, iterations) for eta in etas}
