"""Another number in the exponent.

The loss is squared.

    E1 = 1/2 * (t1 - a_o1)^3     wrong
    E1 = 1/2 * (t1 - a_o1)^2     right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot
from grader.backprop.slips._numbers import numbers


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another exponent of those that the network's formulas hold."""
    return numbers(t, spot, exponent=True)


slip = Slip(
    code="wrong-exponent",
    sentence="wrong exponent",
    rank=12,
    in_text=in_text,
)
