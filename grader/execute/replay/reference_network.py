"""The 2-2-2 sigmoid network and its gradients, vectorised over settings: the reference of the replay.

Same formulas as `reference/backprop.py`, which is written for reading; a test holds the two together.
Quantities are named `t1 t2 i1 i2 w1..w8 h1 a_h1 h2 a_h2 o1 a_o1 o2 a_o2 E1 E2 E_total dw1..dw8`.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

INPUTS = ("t1", "t2", "i1", "i2")
WEIGHTS = tuple(f"w{k}" for k in range(1, 9))
FORWARD = ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total")
GRADIENTS = tuple(f"dw{k}" for k in range(1, 9))
QUANTITIES = (*INPUTS, *WEIGHTS, *FORWARD, *GRADIENTS)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), elementwise."""
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def step(state: Mapping[str, Array]) -> dict[str, Array]:
    """All 31 quantities of one iteration from inputs, targets and weights; every array has one shape."""
    s = {name: state[name] for name in (*INPUTS, *WEIGHTS)}
    s["h1"] = s["w1"] * s["i1"] + s["w2"] * s["i2"]
    s["h2"] = s["w3"] * s["i1"] + s["w4"] * s["i2"]
    s["a_h1"], s["a_h2"] = sigmoid(s["h1"]), sigmoid(s["h2"])
    s["o1"] = s["w5"] * s["a_h1"] + s["w6"] * s["a_h2"]
    s["o2"] = s["w7"] * s["a_h1"] + s["w8"] * s["a_h2"]
    s["a_o1"], s["a_o2"] = sigmoid(s["o1"]), sigmoid(s["o2"])
    s["E1"], s["E2"] = 0.5 * (s["t1"] - s["a_o1"]) ** 2, 0.5 * (s["t2"] - s["a_o2"]) ** 2
    s["E_total"] = s["E1"] + s["E2"]
    delta1 = (s["a_o1"] - s["t1"]) * s["a_o1"] * (1 - s["a_o1"])
    delta2 = (s["a_o2"] - s["t2"]) * s["a_o2"] * (1 - s["a_o2"])
    hidden1 = (delta1 * s["w5"] + delta2 * s["w7"]) * s["a_h1"] * (1 - s["a_h1"])
    hidden2 = (delta1 * s["w6"] + delta2 * s["w8"]) * s["a_h2"] * (1 - s["a_h2"])
    s["dw1"], s["dw2"] = hidden1 * s["i1"], hidden1 * s["i2"]
    s["dw3"], s["dw4"] = hidden2 * s["i1"], hidden2 * s["i2"]
    s["dw5"], s["dw6"] = delta1 * s["a_h1"], delta1 * s["a_h2"]
    s["dw7"], s["dw8"] = delta2 * s["a_h1"], delta2 * s["a_h2"]
    return s


def inherited_gradients(s: Mapping[str, Array]) -> dict[str, Array]:
    """∂E/∂w3 and ∂E/∂w4 as a widespread class sheet has them: a_h1·(1−a_h1) where a_h2·(1−a_h2) belongs."""
    delta1 = (s["a_o1"] - s["t1"]) * s["a_o1"] * (1 - s["a_o1"])
    delta2 = (s["a_o2"] - s["t2"]) * s["a_o2"] * (1 - s["a_o2"])
    wrong = (delta1 * s["w6"] + delta2 * s["w8"]) * s["a_h1"] * (1 - s["a_h1"])
    return {"dw3": wrong * s["i1"], "dw4": wrong * s["i2"]}


def updated(s: Mapping[str, Array], eta: Array) -> dict[str, Array]:
    """Inputs, targets and the weights after one step of gradient descent."""
    fresh = {name: s[name] for name in INPUTS}
    fresh.update({f"w{k}": s[f"w{k}"] - eta * s[f"dw{k}"] for k in range(1, 9)})
    return fresh


def train(start: Mapping[str, Array], eta: Array, iterations: int) -> list[dict[str, Array]]:
    """States of consecutive iterations, the first one from `start` itself."""
    states: list[dict[str, Array]] = []
    state: Mapping[str, Array] = start
    for _ in range(iterations):
        states.append(step(state))
        state = updated(states[-1], eta)
    return states
