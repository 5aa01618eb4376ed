"""A small network of any shape and its gradients, in plain floats: what `backprop` is for 2-2-2, in general.

Layers are lists; `weights[l][j][k]` leads from the k-th output of layer l to the j-th unit of layer l + 1.
"""

import math
from typing import NamedTuple

from reference.backprop import sigmoid

Vector = list[float]
Matrix = list[Vector]


class Shape(NamedTuple):
    """`sigmoid`, `tanh`, `relu`, `linear`, at the end also `softmax`; a loss of `loss` below."""

    activations: tuple[str, ...]
    loss: str


class Parameters(NamedTuple):
    """Weights and biases of every layer; also used for their gradients."""

    weights: list[Matrix]
    biases: list[Vector]


class Layer(NamedTuple):
    """The sums z of one layer and what its activation makes of them."""

    z: Vector
    a: Vector


def activate(kind: str, z: Vector) -> Vector:
    """Outputs of a layer from its sums."""
    if kind == "softmax":
        e = [math.exp(x - max(z)) for x in z]
        return [x / sum(e) for x in e]
    if kind == "relu":
        return [max(0.0, x) for x in z]
    one = {"sigmoid": sigmoid, "tanh": math.tanh, "linear": float}[kind]
    return [one(x) for x in z]


def forward(shape: Shape, parameters: Parameters, inputs: Vector) -> list[Layer]:
    """Every layer of one forward pass."""
    layers, x = list[Layer](), inputs
    for kind, weights, biases in zip(shape.activations, *parameters, strict=True):
        z = [
            sum(w * v for w, v in zip(row, x, strict=True)) + b
            for row, b in zip(weights, biases, strict=True)
        ]
        layers.append(Layer(z, activate(kind, z)))
        x = layers[-1].a
    return layers


def loss(shape: Shape, outputs: Vector, targets: Vector) -> float:
    """E of one forward pass; cross-entropy is over all classes after a softmax, else over each output."""
    pairs = list(zip(outputs, targets, strict=True))
    if shape.loss == "cross-entropy":
        if shape.activations[-1] == "softmax":
            return -sum(t * math.log(a) for a, t in pairs)
        return -sum(t * math.log(a) + (1.0 - t) * math.log(1.0 - a) for a, t in pairs)
    return _scale(shape, pairs) * sum((t - a) ** 2 for a, t in pairs)


def _scale(shape: Shape, pairs: list[tuple[float, float]]) -> float:
    return {"half-squared": 0.5, "squared": 1.0, "mean-squared": 1.0 / len(pairs)}[shape.loss]


def gradients(shape: Shape, parameters: Parameters, inputs: Vector, targets: Vector) -> Parameters:
    """∂E/∂w and ∂E/∂b of every layer by backpropagation."""
    layers = forward(shape, parameters, inputs)
    slopes = _loss_slopes(shape, layers[-1].a, targets)
    grads = Parameters([], [])
    for n in reversed(range(len(layers))):
        deltas = _before(shape.activations[n], layers[n], slopes)  # ∂E/∂z
        x = layers[n - 1].a if n else inputs
        grads.weights.insert(0, [[d * v for v in x] for d in deltas])
        grads.biases.insert(0, deltas)
        matrix = parameters.weights[n]
        slopes = [sum(d * matrix[j][k] for j, d in enumerate(deltas)) for k in range(len(x))]  # ∂E/∂a
    return grads


def _loss_slopes(shape: Shape, outputs: Vector, targets: Vector) -> Vector:
    """∂E/∂a of every output."""
    pairs = list(zip(outputs, targets, strict=True))
    if shape.loss == "cross-entropy":
        if shape.activations[-1] == "softmax":
            return [-t / a for a, t in pairs]
        return [(a - t) / (a * (1.0 - a)) for a, t in pairs]
    return [2.0 * _scale(shape, pairs) * (a - t) for a, t in pairs]


def _before(kind: str, layer: Layer, slopes: Vector) -> Vector:
    """∂E/∂z of every unit from ∂E/∂a; the outputs of a softmax depend on every sum."""
    if kind == "softmax":
        shared = sum(s * a for s, a in zip(slopes, layer.a, strict=True))
        return [a * (s - shared) for s, a in zip(slopes, layer.a, strict=True)]
    return [s * _slope(kind, z, a) for s, z, a in zip(slopes, *layer, strict=True)]


def _slope(kind: str, z: float, a: float) -> float:
    """∂a/∂z of one unit."""
    if kind == "sigmoid":
        return a * (1.0 - a)
    return 1.0 - a * a if kind == "tanh" else float(z > 0.0) if kind == "relu" else 1.0


def stepped(parameters: Parameters, grads: Parameters, eta: float) -> Parameters:
    """One step of gradient descent on the weights; biases stay, as in Mazur's example."""
    weights = [[list(row) for row in matrix] for matrix in parameters.weights]
    for n, matrix in enumerate(grads.weights):
        for j, row in enumerate(matrix):
            weights[n][j] = [w - eta * g for w, g in zip(weights[n][j], row, strict=True)]
    return Parameters(weights, parameters.biases)
