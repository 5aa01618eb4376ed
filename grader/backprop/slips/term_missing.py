"""A term is missing.

The target or the output in a difference, or one of the inputs of a unit.

    ∂E/∂a_o1 = a_o1          wrong
    ∂E/∂a_o1 = a_o1 - t1     right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, Spot, at, binary, put, show, sym


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """An output with its target, or a target with its output."""
    path, node = spot
    above = at(t, path[:-1]).head if path else ""
    if node.head == "sym" and node.name.startswith("t") and above in ("*", ""):
        output = "a_o" + node.name[-1]
        new = binary("-", sym(output), node)
        yield Edit(1.25, put(t, path, new), node, new, f"{output} - is missing")
    if node.head == "sym" and node.name.startswith("a_o") and above in ("*", "", "^"):
        other = sym("t" + node.name[-1])
        for new in (binary("-", node, other), binary("-", other, node)):
            yield Edit(1.25, put(t, path, new), node, new, f"{show(new)} lost its {show(other)}")


slip = Slip(
    code="term-missing",
    sentence="a term is missing",
    rank=54,
    in_text=in_text,
)
