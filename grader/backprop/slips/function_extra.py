"""A function is applied to what is one already.

The slope of a sigmoid is written with its output, and that is not put into the sigmoid again.

    ∂a_h1/∂h1 = σ(a_h1) * (1 - σ(a_h1))     wrong
    ∂a_h1/∂h1 = a_h1 * (1 - a_h1)           right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, put, show


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """The argument alone."""
    path, node = spot
    if node.head == "call" and node.name in ("sigma", "exp"):
        phrase = f"{show(node)} where its argument belongs"
        yield Edit(1.3, put(t, path, node.args[0]), node, node.args[0], phrase)


slip = Slip(
    code="function-extra",
    sentence="a function too many",
    rank=30,
    in_text=in_text,
)
