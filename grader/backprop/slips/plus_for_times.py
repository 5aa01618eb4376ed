"""A plus stands where a product belongs.

Weight and input are multiplied.

    h1 = w1*i1 + w2 + i2     wrong
    h1 = w1*i1 + w2*i2       right
"""

from collections.abc import Iterator
from itertools import pairwise

from grader.backprop.cell_formula import operator
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, Term, at, binary, put, terms, total


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """A product for the sum, or for two terms of it."""
    path, node = spot
    if node.head not in ("+", "-"):
        return
    times = binary("*", *node.args)
    yield Edit(1.1, put(t, path, times), node, times)
    if not (path and at(t, path[:-1]).head in ("+", "-")):
        ts = terms(node)
        for k, (left, right) in enumerate(pairwise(ts)):
            joined = Term(left.sign, binary("*", left.expr, right.expr))
            new = total([*ts[:k], joined, *ts[k + 2 :]])
            yield Edit(1.05, put(t, path, new), node, new)


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """`*` for one `+`."""
    return operator(tokens, "+", "*")


slip = Slip(
    code="plus-for-times",
    sentence="a sum where a product belongs",
    rank=21,
    in_text=in_text,
    in_cell=in_cell,
)
