"""The loss of one output stands for the sum over all.

What lies before the last layer changes the losses of all outputs.

    ∂E/∂w1 = ∂E1/∂w1     wrong
    ∂E/∂w1 = ∂E1/∂w1 + ∂E2/∂w1     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("part-for-total", t, spot, 1.12)


slip = Slip(
    code="part-for-total",
    sentence="loss of one output for the total loss",
    rank=10,
    in_text=in_text,
    of_names=True,
)
