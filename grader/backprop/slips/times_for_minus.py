"""A product stands where a difference belongs.

A star was typed for a minus.

    ∂E/∂w5 = (a_o1 * t1) * a_o1 * (1 - a_o1) * a_h1     wrong
    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     right
"""

from collections.abc import Iterator

from grader.backprop.assigned import network
from grader.backprop.cell_formula import operator
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, binary, put, remade, same, spots, sym


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """`-` for `*`."""
    path, node = spot
    if node.head == "*":
        new = binary("-", *node.args)
        yield Edit(1.3, put(t, path, new), node, new)


def all_through(t: Expr) -> Iterator[Edit]:
    """Every product of target and output as their difference, also with the target of another output."""
    changed = _differences(t)
    if same(changed, t):
        return
    yield Edit(1.06, changed, None, None)
    targets = network().targets
    for path, node in spots(changed):
        for other in targets if node.head == "sym" and node.name in targets else ():
            if other != node.name:
                phrase = "a product for a difference, and the target's index wrong"
                yield Edit(1.6, put(changed, path, sym(other)), None, None, phrase)


def _differences(t: Expr) -> Expr:
    if t.head == "*" and t.args[0].head == t.args[1].head == "sym":
        if {t.args[0].name[:-1], t.args[1].name[:-1]} == {"a_o", "t"}:
            return binary("-", *t.args)
        return t
    return remade(t, tuple(_differences(a) for a in t.args)) if t.args else t


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """`-` for one `*`."""
    return operator(tokens, "*", "-")


slip = Slip(
    code="times-for-minus",
    sentence="a product where a difference belongs",
    rank=23,
    in_text=in_text,
    all_through=all_through,
    in_cell=in_cell,
)
