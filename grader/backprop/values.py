"""What the quantities of a network are worth, and their derivatives: one evaluation for texts and for cells.

A formula in a text is compared at a few points in plain floats, a cell at many points at once in arrays; the
same code serves both, for it needs no more than arithmetic and the functions of `Numbers`. Derivatives are
forward-mode duals, so that ∂X/∂Y has a value for any two quantities; the gradients of a training step come
by backpropagation, which is faster, and tests hold the two together and against `reference`.
"""

import math
import random
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from grader.core.assigned_network import Activation, AssignedNetwork, Loss, Unit

TOLERANCE = 1e-9
"""Relative difference up to which two values are the same: the gradients are of order 1e-3, where an absolute
tolerance accepts wrong ones.
"""
Number = Any
"""A float or an array of float64; every quantity of one evaluation is of the same kind."""


def close(a: float, b: float) -> bool:
    """Equal up to `TOLERANCE`, relative to the larger of the two."""
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1e-6)


def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


FLOATS = SimpleNamespace(
    sigmoid=_sigmoid, tanh=math.tanh, exp=math.exp, log=math.log, positive=lambda x: 1.0 if x > 0.0 else 0.0
)
ARRAYS = SimpleNamespace(
    sigmoid=lambda x: np.asarray(1.0 / (1.0 + np.exp(-x))),
    tanh=np.tanh,
    exp=np.exp,
    log=np.log,
    positive=lambda x: np.where(x > 0.0, 1.0, 0.0),
)


def activated(kind: Activation, x: Number, f: SimpleNamespace) -> tuple[Number, Number]:
    """The output of a unit and its slope by its own sum; not for a softmax."""
    if kind is Activation.SIGMOID:
        s = f.sigmoid(x)
        return s, s * (1.0 - s)
    if kind is Activation.TANH:
        s = f.tanh(x)
        return s, 1.0 - s * s
    if kind is Activation.RELU:
        on = f.positive(x)
        return x * on, on
    return x, 1.0


def _loss(
    network: AssignedNetwork, t: Number, a: Number, f: SimpleNamespace
) -> tuple[Number, Number, Number]:
    """The loss of one output with its slopes by the output and by the target."""
    if network.loss is Loss.CROSS_ENTROPY:
        if network.softmax:
            return -t * f.log(a), -t / a, -f.log(a)
        entropy = -(t * f.log(a) + (1.0 - t) * f.log(1.0 - a))
        return entropy, (a - t) / (a * (1.0 - a)), f.log(1.0 - a) - f.log(a)
    scale = {Loss.HALF_SQUARED: 0.5, Loss.SQUARED: 1.0, Loss.MEAN_SQUARED: 1.0 / network.layers[-1]}[
        network.loss
    ]
    rest = t - a
    return scale * rest * rest, -2.0 * scale * rest, 2.0 * scale * rest


def forward(
    network: AssignedNetwork, leaves: Mapping[str, Number], loose: str = "", f: SimpleNamespace = FLOATS
) -> tuple[dict[str, Number], dict[str, Number]]:
    """Return every quantity, and its derivative by the quantity `loose`, which is cut from its own inputs."""
    value = dict(leaves)
    dot: dict[str, Number] = dict.fromkeys((*leaves, *network.quantities), 0.0)
    if loose:
        dot[loose] = 1.0

    def put(name: str, new: Number, slope: Number) -> None:
        value[name] = new
        dot[name] = 1.0 if name == loose else slope

    waiting: list[Unit] = []
    for unit in network.units:
        total, slope = value[unit.bias] if unit.bias else 0.0, dot[unit.bias] if unit.bias else 0.0
        for w, x in unit.terms:
            total = total + value[w] * value[x]
            slope = slope + dot[w] * value[x] + value[w] * dot[x]
        put(unit.sum, total, slope)
        if network.softmax and unit in network.outputs:
            waiting.append(unit)
        else:
            out, by_sum = activated(network.activation(unit), total, f)
            put(unit.output, out, by_sum * dot[unit.sum])
    if waiting:
        powers = [f.exp(value[u.sum]) for u in waiting]
        whole = sum(powers[1:], powers[0])
        outs = [p / whole for p in powers]
        mean = sum(a * dot[u.sum] for a, u in zip(outs, waiting, strict=True))
        for u, a in zip(waiting, outs, strict=True):
            put(u.output, a, a * (dot[u.sum] - mean))
    total, slope = 0.0, 0.0
    for name, unit, t in zip(network.losses, network.outputs, network.targets, strict=True):
        e, by_output, by_target = _loss(network, value[t], value[unit.output], f)
        put(name, e, by_output * dot[unit.output] + by_target * dot[t])
        total, slope = total + value[name], slope + dot[name]
    put("E", total, slope)
    return value, dot


def gradients(
    network: AssignedNetwork, s: Mapping[str, Number], f: SimpleNamespace = ARRAYS
) -> dict[str, Number]:
    """Return ∂E/∂w and ∂E/∂b of every weight and bias at forward values, by backpropagation."""
    by_output: dict[str, Number] = {}
    for unit, t in zip(network.outputs, network.targets, strict=True):
        by_output[unit.output] = _loss(network, s[t], s[unit.output], f)[1]
    shared: Number = 0.0
    if network.softmax:
        shared = sum(by_output[u.output] * s[u.output] for u in network.outputs)
    found: dict[str, Number] = {}
    for unit in reversed(network.units):
        slope = by_output[unit.output]
        a = s[unit.output]
        softmax = network.softmax and unit in network.outputs
        delta = (
            a * (slope - shared)
            if softmax
            else slope * activated(network.activation(unit), s[unit.sum], f)[1]
        )
        for w, x in unit.terms:
            found[w] = delta * s[x]
            share = delta * s[w]
            by_output[x] = by_output[x] + share if x in by_output else share
        if unit.bias:
            found[unit.bias] = found[unit.bias] + delta if unit.bias in found else delta
    return found


def random_leaves(network: AssignedNetwork, rng: random.Random) -> dict[str, float]:
    """Return random weights and biases of either sign, everything else positive and away from 0.

    Targets after a softmax are shares of 1, as the derivation of its gradient supposes.
    """
    leaves = {
        name: rng.uniform(0.2, 1.4) * (rng.choice((-1, 1)) if name[0] in "wb" else 1)
        for name in network.leaves
    }
    leaves["eta"] = rng.uniform(0.3, 1.7)
    if network.softmax and network.loss is Loss.CROSS_ENTROPY:
        whole = sum(leaves[t] for t in network.targets)
        leaves.update({t: leaves[t] / whole for t in network.targets})
    return leaves


def _usable(network: AssignedNetwork, leaves: Mapping[str, float], *, on: bool) -> bool:
    """Whether a point tells formulas apart: units of a ReLU all on, or some of them off."""
    value, _ = forward(network, leaves)
    sums = [value[u.sum] for u in network.units if network.activation(u) is Activation.RELU]
    return not sums or (all(x > 0.0 for x in sums) if on else min(sums) < 0.0 < max(sums) or len(sums) == 1)


def random_points(network: AssignedNetwork, count: int = 4) -> list[dict[str, float]]:
    """Return fixed random settings; of units that can be off, all are on in the first two."""
    rng = random.Random(7)  # noqa: S311
    found: list[dict[str, float]] = []
    while len(found) < count:
        leaves = random_leaves(network, rng)
        if _usable(network, leaves, on=len(found) < max(2, count - 2)):
            found.append(leaves)
    return found
