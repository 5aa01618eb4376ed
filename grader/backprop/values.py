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
from typing import Any, Final

import numpy as np

from grader.core.assigned_network import Activation, AssignedNetwork, Loss

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


def activated(kind: Activation, x: Number, f: SimpleNamespace) -> Number:
    """The output of a unit from its own sum; not for a softmax."""
    if kind is Activation.SIGMOID:
        return f.sigmoid(x)
    if kind is Activation.TANH:
        return f.tanh(x)
    return x * f.positive(x) if kind is Activation.RELU else x


def activation_slope(kind: Activation, x: Number, a: Number, f: SimpleNamespace) -> Number:
    """The derivative of a unit's output `a` by its own sum `x`; not for a softmax."""
    if kind is Activation.SIGMOID:
        return a * (1.0 - a)
    if kind is Activation.TANH:
        return 1.0 - a * a
    return f.positive(x) if kind is Activation.RELU else 1.0


def loss_factor(network: AssignedNetwork) -> float:
    """What a network's loss multiplies its squares by; not for a cross-entropy."""
    return {Loss.HALF_SQUARED: 0.5, Loss.SQUARED: 1.0}.get(network.loss, 1.0 / network.layers[-1])


def _loss(network: AssignedNetwork, t: Number, a: Number, f: SimpleNamespace) -> Number:
    """The loss of one output."""
    if network.loss is not Loss.CROSS_ENTROPY:
        return loss_factor(network) * (t - a) ** 2
    return -t * f.log(a) if network.softmax else -(t * f.log(a) + (1.0 - t) * f.log(1.0 - a))


def _loss_slope(network: AssignedNetwork, t: Number, a: Number) -> Number:
    """The derivative of the loss of one output by that output."""
    if network.loss is not Loss.CROSS_ENTROPY:
        return 2.0 * loss_factor(network) * (a - t)
    return -t / a if network.softmax else (a - t) / (a * (1.0 - a))


def _target_slope(network: AssignedNetwork, t: Number, a: Number, f: SimpleNamespace) -> Number:
    """The derivative of the loss of one output by its target."""
    if network.loss is not Loss.CROSS_ENTROPY:
        return 2.0 * loss_factor(network) * (t - a)
    return -f.log(a) if network.softmax else f.log(1.0 - a) - f.log(a)


def forward(
    network: AssignedNetwork, leaves: Mapping[str, Number], f: SimpleNamespace = FLOATS
) -> dict[str, Number]:
    """Return every quantity from weights, biases, inputs and targets."""
    value = dict(leaves)
    for unit in network.units:
        (w, x), *others = unit.terms
        total = value[w] * value[x]
        for w, x in others:
            total = total + value[w] * value[x]
        value[unit.sum] = total + value[unit.bias] if unit.bias else total
        if not (network.softmax and unit in network.outputs):
            value[unit.output] = activated(network.activation(unit), value[unit.sum], f)
    if network.softmax:
        powers = [f.exp(value[u.sum]) for u in network.outputs]
        whole = sum(powers[1:], powers[0])
        value.update({u.output: p / whole for u, p in zip(network.outputs, powers, strict=True)})
    for name, unit, t in zip(network.losses, network.outputs, network.targets, strict=True):
        value[name] = _loss(network, value[t], value[unit.output], f)
    first, *rest = (value[name] for name in network.losses)
    value["E"] = sum(rest, first)
    return value


def slopes(
    network: AssignedNetwork, value: Mapping[str, Number], by: str, f: SimpleNamespace = FLOATS
) -> dict[str, Number]:
    """Return the derivative of every quantity by one, which is cut from its own inputs."""
    dot: dict[str, Number] = dict.fromkeys((*value, *network.quantities), 0.0)
    dot[by] = 1.0

    def put(name: str, slope: Number) -> None:
        dot[name] = 1.0 if name == by else slope

    for unit in network.units:
        slope = dot[unit.bias] if unit.bias else 0.0
        for w, x in unit.terms:
            slope = slope + dot[w] * value[x] + value[w] * dot[x]
        put(unit.sum, slope)
        if not (network.softmax and unit in network.outputs):
            kind = network.activation(unit)
            put(
                unit.output,
                activation_slope(kind, value[unit.sum], value[unit.output], f) * dot[unit.sum],
            )
    if network.softmax:
        mean = sum(value[u.output] * dot[u.sum] for u in network.outputs)
        for u in network.outputs:
            put(u.output, value[u.output] * (dot[u.sum] - mean))
    for name, unit, t in zip(network.losses, network.outputs, network.targets, strict=True):
        a = value[unit.output]
        by_target = _target_slope(network, value[t], a, f) * dot[t]
        put(name, _loss_slope(network, value[t], a) * dot[unit.output] + by_target)
    put("E", sum(dot[name] for name in network.losses))
    return dot


def gradients(
    network: AssignedNetwork, s: Mapping[str, Number], f: SimpleNamespace = ARRAYS
) -> dict[str, Number]:
    """Return ∂E/∂w and ∂E/∂b of every weight and bias at forward values, by backpropagation."""
    by_output: dict[str, Number] = {
        unit.output: _loss_slope(network, s[t], s[unit.output])
        for unit, t in zip(network.outputs, network.targets, strict=True)
    }
    shared: Number = 0.0
    if network.softmax:
        shared = sum(by_output[u.output] * s[u.output] for u in network.outputs)
    found: dict[str, Number] = {}
    for unit in reversed(network.units):
        slope, a = by_output[unit.output], s[unit.output]
        if network.softmax and unit in network.outputs:
            delta = a * (slope - shared)
        else:
            delta = slope * activation_slope(network.activation(unit), s[unit.sum], a, f)
        for w, x in unit.terms:
            found[w] = delta * s[x]
            if unit.layer:
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


PATIENCE: Final = 500
"""Settings that are drawn by chance before signs are chosen: twelve units are all on in one of 4,096, and in
deep networks of many units nothing was found at all.
"""


def random_points(network: AssignedNetwork, count: int = 4) -> list[dict[str, float]]:
    """Return at least `count` fixed random settings. Of units that can be off, all are on in the first two,
    and each is off in one of the others: where it is on, its sum and its output are the same. A unit that
    nothing turns off within twice `PATIENCE` settings more stays on.
    """
    rng = random.Random(7)  # noqa: S311
    found: list[dict[str, float]] = []
    relu = [u.sum for u in network.units if network.activation(u) is Activation.RELU]
    never_off = set(relu)
    drawn = 0
    while len(found) < count or never_off:
        leaves = random_leaves(network, rng)
        drawn += 1
        chosen, given_up = drawn > PATIENCE, drawn > 3 * PATIENCE
        first = len(found) < max(2, count - 2)
        if relu and (chosen or not first):
            # One unit off, all others on: where the unit behind was off, too, its slope left out was right.
            open_now = [name for name in relu if name in never_off] or relu
            leaves = _with_signs(network, leaves, "" if first else open_now[drawn % len(open_now)])
        value = forward(network, leaves)
        off = {name for name in relu if value[name] < 0.0}
        on = {name for name in relu if value[name] > 0.0}
        if first:
            usable = len(on) == len(relu)
        else:
            apart = bool(off and on) or len(relu) < 2 or chosen
            usable = apart and bool(off & never_off or not never_off)
        if usable or given_up:
            found.append(leaves)
            never_off = set() if given_up else never_off - off
    return found


def _with_signs(network: AssignedNetwork, leaves: dict[str, float], off: str) -> dict[str, float]:
    """Return a setting whose weights have the signs that turn a unit off and all others on."""
    signed = dict(leaves)
    for unit in network.units:
        if network.activation(unit) is Activation.RELU:
            value = forward(network, signed)
            wanted = -1.0 if unit.sum == off else 1.0
            for w, x in unit.terms:
                signed[w] = wanted * math.copysign(signed[w], value[x])
    return signed
