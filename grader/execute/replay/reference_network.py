"""The network of the rubric and its gradients, vectorised over settings: the reference of the replay.

Quantities carry the names of `backprop.sheet_names`: `t1 i1 w1 h1 a_h1 … E1 E_total dw1`.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from grader.backprop.assigned import network
from grader.backprop.sheet_names import names
from grader.backprop.values import ARRAYS, activation_slope, forward, gradients
from grader.core.assigned_network import Loss

Array = npt.NDArray[np.float64]


def step(state: Mapping[str, Array]) -> dict[str, Array]:
    """All quantities of one iteration from inputs, targets and weights; every array has one shape."""
    assigned = network()
    s = forward(assigned, {name: state[name] for name in names().given}, ARRAYS)
    s["E_total"] = s.pop("E")
    s.update({f"d{w}": slope for w, slope in gradients(assigned, s).items()})
    return s


def shares(state: dict[str, Array]) -> dict[str, Array]:
    """The settings with targets that are shares of 1, where the network's loss is over classes."""
    assigned = network()
    if assigned.softmax and assigned.loss is Loss.CROSS_ENTROPY:
        state[assigned.targets[-1]] = np.asarray(1.0 - sum(state[t] for t in assigned.targets[:-1]))
    return state


def inherited_gradients(s: Mapping[str, Array]) -> dict[str, Array]:
    """∂E/∂w3 and ∂E/∂w4 as a widespread class sheet has them: a_h1·(1−a_h1) where a_h2·(1−a_h2) belongs."""
    assigned = network()
    if len(assigned.layers) != 3 or len(assigned.hidden) < 2:
        return {}
    first, second = assigned.hidden[:2]
    slope, own = (
        activation_slope(assigned.activation(unit), s[unit.sum], s[unit.output], ARRAYS)
        for unit in (first, second)
    )
    return {f"d{w}": s[f"d{w}"] / own * slope for w, _ in second.terms}


def updated(s: Mapping[str, Array], eta: Array) -> dict[str, Array]:
    """Inputs, targets and the weights after one step of gradient descent."""
    fresh = {name: s[name] for name in names().inputs}
    fresh.update({w: s[w] - eta * s[f"d{w}"] for w in names().weights})
    return fresh


def train(start: Mapping[str, Array], eta: Array, iterations: int) -> list[dict[str, Array]]:
    """States of consecutive iterations, the first one from `start` itself."""
    states: list[dict[str, Array]] = []
    state: Mapping[str, Array] = start
    for _ in range(iterations):
        states.append(step(state))
        state = updated(states[-1], eta)
    return states
