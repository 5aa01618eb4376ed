"""1 - is missing before an output.

The slope of a sigmoid is a * (1 - a).

    ∂a_h1/∂h1 = a_h1 * a_h1           wrong
    ∂a_h1/∂h1 = a_h1 * (1 - a_h1)     right
"""

from collections.abc import Iterator

from grader.backprop.assigned import made
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, at, binary, num, put
from grader.backprop.slips._factors import activated


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """1 - a for an output a."""
    path, node = spot
    above = at(t, path[:-1]).head if path else ""
    if node.head == "sym" and node.name in made(activated) and above in ("*", "", "+"):
        new = binary("-", num(1.0), node)
        yield Edit(1.25, put(t, path, new), node, new, f"1 - is missing before {node.name}")


slip = Slip(
    code="one-minus-missing",
    sentence="1 - is missing",
    rank=53,
    in_text=in_text,
)
