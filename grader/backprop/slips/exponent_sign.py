"""The exponent has the wrong sign.

The sigmoid has exp(-h).

    a_h1 = 1/(1 + exp(h1))      wrong
    a_h1 = 1/(1 + exp(-h1))     right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, call, neg, put


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """The other sign in an exponent."""
    path, node = spot
    if node.head == "call" and node.name == "exp":
        inner = node.args[0]
        new = call("exp", inner.args[0] if inner.head == "neg" else neg(inner), node.start, node.end)
        yield Edit(1.0, put(t, path, new), node, new)


slip = Slip(
    code="exponent-sign",
    sentence="wrong sign in the exponent",
    rank=19,
    in_text=in_text,
)
