"""A term stands that does not belong there.

Each unit sums its own inputs, and a gradient the paths that lead through its weight.

    ∂E/∂a_o1 = ∂E1/∂a_o1 + a_h1     wrong
    ∂E/∂a_o1 = ∂E1/∂a_o1            right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, at, put, show, terms, total


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """A sum without one of its terms."""
    path, node = spot
    if node.head not in ("+", "-") or (path and at(t, path[:-1]).head in ("+", "-")):
        return
    ts = terms(node)
    for k in range(len(ts)):
        new = total(ts[:k] + ts[k + 1 :])
        yield Edit(1.3, put(t, path, new), node, new, f"extra term {show(ts[k].expr)}")


slip = Slip(
    code="extra-term",
    sentence="a term too many",
    rank=52,
    in_text=in_text,
)
