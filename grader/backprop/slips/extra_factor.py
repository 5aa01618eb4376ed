"""A factor stands that does not belong there.

One step of the chain was multiplied twice, or the 2 of a derivative was kept beside the ½.

    ∂E/∂a_o1 = 2 * (a_o1 - t1)     wrong
    ∂E/∂a_o1 = a_o1 - t1           right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, at, factors, num, product, put, show


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """A product without one of its factors, or without two neighbours."""
    path, node = spot
    if node.head != "*" or (path and at(t, path[:-1]).head == "*"):
        return
    fs = factors(node)
    for k, f in enumerate(fs):
        new = product(fs[:k] + fs[k + 1 :])
        yield Edit(1.2, put(t, path, new), node, new, f"extra factor {show(f)}")
    for k in range(len(fs) - 1):
        new = product(fs[:k] + fs[k + 2 :]) if len(fs) > 2 else num(1.0)
        phrase = f"extra factors {show(product(fs[k : k + 2]))}"
        yield Edit(1.5, put(t, path, new), node, new, phrase)


slip = Slip(
    code="extra-factor",
    sentence="a factor too many",
    rank=50,
    in_text=in_text,
)
