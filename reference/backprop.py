"""The 2-2-2 sigmoid network of the class sheet and its eight gradients, in plain floats.

i1 --w1,w3--> h1 --sigmoid--> a_h1 --w5,w7--> o1 --sigmoid--> a_o1     E1 = 1/2 (t1 - a_o1)^2
i2 --w2,w4--> h2 --sigmoid--> a_h2 --w6,w8--> o2 --sigmoid--> a_o2     E2 = 1/2 (t2 - a_o2)^2

h1 = w1 i1 + w2 i2      o1 = w5 a_h1 + w6 a_h2      E = E1 + E2
h2 = w3 i1 + w4 i2      o2 = w7 a_h1 + w8 a_h2      no biases
"""

import math
from typing import NamedTuple

Pair = tuple[float, float]


class Weights(NamedTuple):
    """w1..w8; also used for the eight gradients, in the same order."""

    w1: float
    w2: float
    w3: float
    w4: float
    w5: float
    w6: float
    w7: float
    w8: float


class Forward(NamedTuple):
    """Every quantity of one forward pass."""

    h1: float
    h2: float
    a_h1: float
    a_h2: float
    o1: float
    o2: float
    a_o1: float
    a_o2: float
    E1: float
    E2: float
    E: float


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow for any finite x."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def forward(inputs: Pair, targets: Pair, weights: Weights) -> Forward:
    """One forward pass."""
    (i1, i2), (t1, t2) = inputs, targets
    w1, w2, w3, w4, w5, w6, w7, w8 = weights
    h1 = w1 * i1 + w2 * i2
    h2 = w3 * i1 + w4 * i2
    a_h1 = sigmoid(h1)
    a_h2 = sigmoid(h2)
    o1 = w5 * a_h1 + w6 * a_h2
    o2 = w7 * a_h1 + w8 * a_h2
    a_o1 = sigmoid(o1)
    a_o2 = sigmoid(o2)
    E1 = 0.5 * (t1 - a_o1) ** 2
    E2 = 0.5 * (t2 - a_o2) ** 2
    return Forward(h1, h2, a_h1, a_h2, o1, o2, a_o1, a_o2, E1, E2, E1 + E2)


def gradients(inputs: Pair, targets: Pair, weights: Weights) -> Weights:
    """∂E/∂w1 … ∂E/∂w8 by the chain rule, as the assignment derives them."""
    (i1, i2), (t1, t2) = inputs, targets
    w5, w6, w7, w8 = weights[4:]
    net = forward(inputs, targets, weights)
    o1_grad = (net.a_o1 - t1) * net.a_o1 * (1.0 - net.a_o1)  # ∂E/∂o1
    o2_grad = (net.a_o2 - t2) * net.a_o2 * (1.0 - net.a_o2)
    h1_grad = (
        (o1_grad * w5 + o2_grad * w7) * net.a_h1 * (1.0 - net.a_h1)
    )  # ∂E/∂h1: both outputs depend on a_h1
    h2_grad = (o1_grad * w6 + o2_grad * w8) * net.a_h2 * (1.0 - net.a_h2)
    return Weights(
        w1=h1_grad * i1,
        w2=h1_grad * i2,
        w3=h2_grad * i1,
        w4=h2_grad * i2,
        w5=o1_grad * net.a_h1,
        w6=o1_grad * net.a_h2,
        w7=o2_grad * net.a_h1,
        w8=o2_grad * net.a_h2,
    )
