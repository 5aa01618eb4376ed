"""A quantity has the number of another one.

The line of the first output was copied for the second, or the other way round.

    ∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     wrong
    ∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped, swapped_everywhere
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("index-swapped", t, spot)


def all_through(t: Expr) -> Iterator[Edit]:
    """Another name wherever it stands."""
    return swapped_everywhere("index-swapped", "index swapped", t)


slip = Slip(
    code="index-swapped",
    sentence="index swapped",
    rank=10,
    in_text=in_text,
    of_names=True,
    all_through=all_through,
)
