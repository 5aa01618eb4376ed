"""A unit's sum stands for its output, or its output for the sum.

What the activation makes of a sum has a name of its own.

    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * h1       wrong
    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped, swapped_everywhere
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("activation-confused", t, spot)


def all_through(t: Expr) -> Iterator[Edit]:
    """Another name wherever it stands."""
    return swapped_everywhere("activation-confused", "value before and after the activation confused", t)


slip = Slip(
    code="activation-confused",
    sentence="value before and after the activation confused",
    rank=10,
    in_text=in_text,
    of_names=True,
    all_through=all_through,
)
