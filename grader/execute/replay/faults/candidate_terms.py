"""Factors and terms that a formula of the network can lose or gain, and names that are mixed up."""

from collections.abc import Mapping

import numpy as np

from grader.execute.replay.reference_network import Array


def factors(same: Mapping[str, Array], previous: Mapping[str, Array], eta: Array) -> list[tuple[str, Array]]:
    """Every named factor or term with its values, simple ones first."""
    one = np.ones_like(eta)
    found: list[tuple[str, Array]] = [("-1", -one), ("2", 2 * one), ("1/2", 0.5 * one), ("η", eta)]
    names = ("t1", "t2", "i1", "i2", "h1", "h2", "a_h1", "a_h2", "o1", "o2", "a_o1", "a_o2", "E1", "E2")
    found += [(name, same[name]) for name in names]
    for w in range(1, 9):
        found.append((f"w{w}", same[f"w{w}"]))
        found.append((f"w{w} of the row above", previous[f"w{w}"]))
        found.append((f"η·∂E/∂w{w}", eta * previous[f"dw{w}"]))
    for unit in ("a_h1", "a_h2", "a_o1", "a_o2"):
        found.append((f"(1-{unit})", 1 - same[unit]))
        found.append((f"{unit}·(1-{unit})", same[unit] * (1 - same[unit])))
    for k in ("1", "2"):
        gap = same[f"a_o{k}"] - same[f"t{k}"]
        delta = gap * same[f"a_o{k}"] * (1 - same[f"a_o{k}"])
        name = f"(a_o{k}-t{k})·a_o{k}·(1-a_o{k})"
        found += [(f"(a_o{k}-t{k})", gap), (name, delta)]
        found += [(f"{name}·w{w}", delta * same[f"w{w}"]) for w in range(5, 9)]
    summands = zip(range(1, 9), ("i1", "i2", "i1", "i2", "a_h1", "a_h2", "a_h1", "a_h2"), strict=True)
    found += [(f"w{w}·{value}", same[f"w{w}"] * same[value]) for w, value in summands]
    return found


def twins(one: str, other: str) -> bool:
    """Names that differ only in their index: a_o1 and a_o2, w5 and w7."""
    return one[:-1] == other[:-1]


def family(name: str) -> set[str]:
    """Quantities that people confuse with one another share a letter of the result."""
    if name[0] in "ti":
        return {"inputs"}
    return {"gradients"} if name.startswith("dw") else {"weights"} if name[0] == "w" else {"neurons"}
