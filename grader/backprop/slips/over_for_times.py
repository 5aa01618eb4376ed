"""A quotient stands where a product belongs.

The factors of the chain rule are multiplied.

    ∂E/∂w5 = ∂E/∂o1 / a_h1     wrong
    ∂E/∂w5 = ∂E/∂o1 * a_h1     right
"""

from collections.abc import Iterator

from grader.backprop.cell_formula import operator
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, binary, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """`*` for `/`."""
    path, node = spot
    if node.head == "/":
        new = binary("*", *node.args)
        yield Edit(1.3, put(t, path, new), node, new)


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """`*` for one `/`."""
    return operator(tokens, "/", "*")


slip = Slip(
    code="over-for-times",
    sentence="a quotient where a product belongs",
    rank=25,
    in_text=in_text,
    in_cell=in_cell,
)
