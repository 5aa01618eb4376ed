"""Another quantity, and another number.

Both were taken from a neighbouring line.

    o1 = w5*a_h1 + w6*i1       wrong
    o1 = w5*a_h1 + w6*a_h2     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("wrong-quantity-and-index", t, spot)


slip = Slip(
    code="wrong-quantity-and-index",
    sentence="wrong quantity and index",
    rank=10,
    in_text=in_text,
    of_names=True,
)
