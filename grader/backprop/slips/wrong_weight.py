"""One weight stands for another.

The weights of a layer are counted by where they lead; one that leads elsewhere was taken.

    h2 = w3*i1 + w2*i2     wrong
    h2 = w3*i1 + w4*i2     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swapped
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another name at one place."""
    return swapped("wrong-weight", t, spot)


slip = Slip(
    code="wrong-weight",
    sentence="wrong weight",
    rank=10,
    in_text=in_text,
    of_names=True,
)
