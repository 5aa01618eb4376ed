"""A product stands where a quotient belongs.

The sigmoid divides 1 by a sum.

    a_h1 = 1 * (1 + exp(-h1))     wrong
    a_h1 = 1/(1 + exp(-h1))       right
"""

from collections.abc import Iterator

from grader.backprop.cell_formula import operator
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, binary, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """`/` for `*`."""
    path, node = spot
    if node.head == "*":
        new = binary("/", *node.args)
        yield Edit(1.4, put(t, path, new), node, new)


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """`/` for one `*`."""
    return operator(tokens, "*", "/")


slip = Slip(
    code="times-for-over",
    sentence="a product where a quotient belongs",
    rank=24,
    in_text=in_text,
    in_cell=in_cell,
)
