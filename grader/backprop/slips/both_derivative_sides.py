"""A step of the chain rule that belongs to another path.

Above and below stand quantities of another unit.

    ∂E/∂w5 = ∂E/∂a_o1 * ∂a_o2/∂o2 * ∂o1/∂w5     wrong
    ∂E/∂w5 = ∂E/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂w5     right
"""

from collections.abc import Iterator

from grader.backprop.confusions import swaps
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, deriv, put, sym


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another quantity above, and another below."""
    path, node = spot
    if node.head != "deriv" or node.args[0].head != "sym":
        return
    for top in swaps(node.args[0].name):
        for bottom in swaps(node.args[1].name):
            new = deriv(sym(top.name), sym(bottom.name), node.start, node.end)
            yield Edit(2.0, put(t, path, new), node, new)


slip = Slip(
    code="both-derivative-sides",
    sentence="both sides of the derivative wrong",
    rank=11,
    in_text=in_text,
    of_names=True,
)
