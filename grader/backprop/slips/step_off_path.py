"""A step of the chain leads off the path.

∂X/∂Y * ∂Y/∂Z goes through a Y on which X does not depend here.

    ∂E1/∂a_h1 = ∂E1/∂o1 * ∂o1/∂w5 * ∂w5/∂a_h1     wrong
    ∂E1/∂a_h1 = ∂E1/∂o1 * ∂o1/∂a_h1                right
"""

from collections.abc import Iterator
from itertools import pairwise

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, deriv, factors, product, put, show


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Two neighbouring steps as one, ∂X/∂Y * ∂Y/∂Z -> ∂X/∂Z."""
    path, node = spot
    if node.head != "*":
        return
    fs = factors(node)
    for k, (left, right) in enumerate(pairwise(fs)):
        if left.head == right.head == "deriv":
            new = product([*fs[:k], deriv(left.args[0], right.args[1]), *fs[k + 2 :]])
            phrase = f"{show(left.args[1])} is not on the path"
            yield Edit(1.1, put(t, path, new), node, new, phrase)


slip = Slip(
    code="step-off-path",
    sentence="a step that is not on the path",
    rank=55,
    in_text=in_text,
)
