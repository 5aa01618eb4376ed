"""Another quantity of the same number.

An input stands where the output of a hidden unit belongs.

    o1 = w5*i1 + w6*a_h2       wrong
    o1 = w5*a_h1 + w6*a_h2     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped, swapped_everywhere
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("wrong-quantity", t, spot)


def all_through(t: Expr) -> Iterator[Edit]:
    """Another name wherever it stands."""
    return swapped_everywhere("wrong-quantity", "wrong quantity", t)


slip = Slip(
    code="wrong-quantity",
    sentence="wrong quantity",
    rank=10,
    in_text=in_text,
    of_names=True,
    all_through=all_through,
)
