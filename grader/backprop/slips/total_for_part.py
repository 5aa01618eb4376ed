"""The total loss stands for that of one output.

The total is the sum, and not one of its parts.

    E1 = E1 + E2     wrong
    E = E1 + E2      right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("total-for-part", t, spot)


slip = Slip(
    code="total-for-part",
    sentence="total loss for the loss of one output",
    rank=10,
    in_text=in_text,
    of_names=True,
)
