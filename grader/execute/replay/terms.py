"""Factors and terms that a formula of the network can lose or gain."""

from collections.abc import Mapping

import numpy as np

from grader.execute.replay.network import Array


def factors(same: Mapping[str, Array], previous: Mapping[str, Array], eta: Array) -> list[tuple[str, Array]]:
    """Every named factor or term with its values, simple ones first."""
    one = np.ones_like(eta)
    found: list[tuple[str, Array]] = [("-1", -one), ("2", 2 * one), ("1/2", 0.5 * one), ("η", eta)]
    for name in ("t1", "t2", "i1", "i2", "h1", "h2", "a_h1", "a_h2", "o1", "o2", "a_o1", "a_o2", "E1", "E2"):
        found.append((name, same[name]))
    for k in range(1, 9):
        found.append((f"w{k}", same[f"w{k}"]))
        found.append((f"w{k} of the row above", previous[f"w{k}"]))
        found.append((f"η·∂E/∂w{k}", eta * previous[f"dw{k}"]))
    for unit in ("a_h1", "a_h2", "a_o1", "a_o2"):
        found.append((f"(1-{unit})", 1 - same[unit]))
        found.append((f"{unit}·(1-{unit})", same[unit] * (1 - same[unit])))
    for unit_number in ("1", "2"):
        gap = same[f"a_o{unit_number}"] - same[f"t{unit_number}"]
        slope = same[f"a_o{unit_number}"] * (1 - same[f"a_o{unit_number}"])
        found.append((f"(a_o{unit_number}-t{unit_number})", gap))
        found.append(
            (f"(a_o{unit_number}-t{unit_number})·a_o{unit_number}·(1-a_o{unit_number})", gap * slope)
        )
        for w in range(5, 9):
            found.append(
                (
                    f"(a_o{unit_number}-t{unit_number})·a_o{unit_number}·(1-a_o{unit_number})·w{w}",
                    gap * slope * same[f"w{w}"],
                )
            )
    for name, a, b in (("w1·i1", "w1", "i1"), ("w2·i2", "w2", "i2"), ("w3·i1", "w3", "i1"), ("w4·i2", "w4", "i2"),
                       ("w5·a_h1", "w5", "a_h1"), ("w6·a_h2", "w6", "a_h2"), ("w7·a_h1", "w7", "a_h1"), ("w8·a_h2", "w8", "a_h2")):  # fmt: skip
        found.append((name, same[a] * same[b]))
    return found
