"""The square of the loss is missing.

Each output's loss is half of the squared difference.

    E1 = 1/2 * (t1 - a_o1)       wrong
    E1 = 1/2 * (t1 - a_o1)^2     right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, at, binary, num, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """A square of a quantity or of a difference."""
    path, node = spot
    if node.head in ("sym", "-") and not (path and at(t, path[:-1]).head in ("deriv", "^")):
        squared = binary("^", node, num(2.0))
        yield Edit(1.25, put(t, path, squared), node, squared)


slip = Slip(
    code="exponent-missing",
    sentence="the square is missing",
    rank=29,
    in_text=in_text,
)
