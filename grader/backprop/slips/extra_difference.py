"""1 - stands where nothing is subtracted.

The weight's own step ends in the output of the unit before.

    ∂o1/∂w5 = 1 - a_h1     wrong
    ∂o1/∂w5 = a_h1         right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """What is subtracted, alone."""
    path, node = spot
    if node.head == "-" and node.args[0].head == "num":
        yield Edit(1.25, put(t, path, node.args[1]), node, node.args[1])


slip = Slip(
    code="extra-difference",
    sentence="a difference too many",
    rank=28,
    in_text=in_text,
)
