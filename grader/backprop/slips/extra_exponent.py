"""An exponent stands where none belongs.

The square of the loss is gone in its derivative.

    ∂E/∂a_o1 = (a_o1 - t1)^2     wrong
    ∂E/∂a_o1 = a_o1 - t1         right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """The base alone."""
    path, node = spot
    if node.head == "^":
        yield Edit(1.2, put(t, path, node.args[0]), node, node.args[0])


slip = Slip(
    code="extra-exponent",
    sentence="an exponent too many",
    rank=27,
    in_text=in_text,
)
