"""A product stands where a sum belongs.

What leads into a unit is added up.

    h1 = w1*i1 * w2*i2     wrong
    h1 = w1*i1 + w2*i2     right
"""

from collections.abc import Iterator

from grader.backprop.cell_formula import operator
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, binary, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """`+` for `*`."""
    path, node = spot
    if node.head == "*":
        new = binary("+", *node.args)
        yield Edit(1.3, put(t, path, new), node, new)


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """`+` for one `*`."""
    return operator(tokens, "*", "+")


slip = Slip(
    code="times-for-plus",
    sentence="a product where a sum belongs",
    rank=22,
    in_text=in_text,
    in_cell=in_cell,
)
