"""Factors and terms that a formula of the network can lose or gain, and names that are mixed up."""

from collections.abc import Mapping

import numpy as np

from grader.backprop.assigned import network
from grader.backprop.sheet_names import names
from grader.backprop.values import ARRAYS, activation_slope
from grader.core.assigned_network import Activation
from grader.execute.replay.reference_network import Array


def factors(same: Mapping[str, Array], previous: Mapping[str, Array], eta: Array) -> list[tuple[str, Array]]:
    """Every named factor or term with its values, simple ones first."""
    assigned = network()
    one = np.ones_like(eta)
    found: list[tuple[str, Array]] = [("-1", -one), ("2", 2 * one), ("1/2", 0.5 * one), ("η", eta)]
    found += [(name, same[name]) for name in (*assigned.targets, *assigned.inputs)]
    for layer in (assigned.hidden, assigned.outputs):
        found += [(unit.sum, same[unit.sum]) for unit in layer]
        found += [(unit.output, same[unit.output]) for unit in layer]
    found += [(name, same[name]) for name in (*assigned.losses, *assigned.biases)]
    for w in names().weights:
        found.append((w, same[w]))
        found.append((f"{w} of the row above", previous[w]))
        found.append((f"η·∂E/∂{w}", eta * previous[f"d{w}"]))
    for unit in assigned.units:
        if assigned.activation(unit) is Activation.SIGMOID:
            found.append((f"(1-{unit.output})", 1 - same[unit.output]))
        told, slope = _slope(unit.output, same)
        found += [(told, slope)] if told else []
    back = [w for unit in assigned.outputs for w, _ in unit.terms]
    for unit, t in zip(assigned.outputs, assigned.targets, strict=True):
        gap = same[unit.output] - same[t]
        told, slope = _slope(unit.output, same)
        name = f"({unit.output}-{t})" + (f"·{told}" if told else "")
        found.append((f"({unit.output}-{t})", gap))
        found += [(name, gap * slope)] if told else []
        found += [(f"{name}·{w}", gap * slope * same[w]) for w in back]
    found += [(f"{w}·{x}", same[w] * same[x]) for unit in assigned.units for w, x in unit.terms]
    return found


def _slope(output: str, same: Mapping[str, Array]) -> tuple[str, Array]:
    """The slope of a unit's activation with how it is written; no words where it is 1 or of a softmax."""
    assigned = network()
    unit = next(u for u in assigned.units if u.output == output)
    kind = assigned.activation(unit)
    told = {Activation.SIGMOID: f"{output}·(1-{output})", Activation.TANH: f"(1-{output}²)"}
    if kind in (Activation.LINEAR, Activation.SOFTMAX):
        return "", np.ones_like(same[output])
    slope = activation_slope(kind, same[unit.sum], same[output], ARRAYS)
    return told.get(kind, f"[{unit.sum}>0]"), slope


def twins(one: str, other: str) -> bool:
    """Names that differ only in their index: a_o1 and a_o2, w5 and w7."""
    return one.rstrip("0123456789") == other.rstrip("0123456789")


def family(name: str) -> set[str]:
    """Quantities that people confuse with one another share a letter of the result."""
    if name[0] in "ti":
        return {"inputs"}
    return {"gradients"} if name[0] == "d" else {"weights"} if name[0] in "wb" else {"neurons"}
