"""Only the path through one output is given.

A hidden unit changes every output, and its gradient is the sum over the paths.

    ∂E/∂a_h1 = ∂E/∂o1 * w5                   wrong
    ∂E/∂a_h1 = ∂E/∂o1 * w5 + ∂E/∂o2 * w7     right
"""

from collections.abc import Iterator

from grader.backprop.assigned import network
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, binary, deriv, sym


def beside(left: Expr, side: Expr) -> Iterator[Edit]:
    """A side with another output's share of the derivative on the left."""
    if left.head != "deriv":
        return
    by = left.args[1].name
    for unit, loss in zip(network().outputs, network().losses, strict=True):
        whole = binary("+", side, deriv(sym(loss), sym(by)))
        yield Edit(1.4, whole, side, whole, f"the path through {unit.sum} is missing")


slip = Slip(
    code="path-missing",
    sentence="the path through another output is missing",
    rank=56,
    beside=beside,
)
