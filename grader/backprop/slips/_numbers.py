"""Another of the numbers that the formulas of a network hold."""

from collections.abc import Iterator

from grader.backprop.edits import Edit
from grader.backprop.expression import Expr, Spot, at, num, put

_NUMBERS = (2.0, 3.0, 0.5, 1.0)


def numbers(t: Expr, spot: Spot, *, exponent: bool) -> Iterator[Edit]:
    """Another number in an exponent, or elsewhere."""
    path, node = spot
    if node.head != "num" or node.value not in _NUMBERS:
        return
    above = at(t, path[:-1]).head if path else ""
    if exponent is not (above == "^" and path[-1] == 1):
        return
    for value in _NUMBERS:
        if value != node.value and not (value == 1.0 and above == "*"):
            new = num(value, node.start, node.end)
            yield Edit(1.15, put(t, path, new), node, new)
