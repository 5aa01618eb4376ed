"""A product stands where a difference belongs.

A star was typed for a minus.

    ∂E/∂w5 = (a_o1 * t1) * a_o1 * (1 - a_o1) * a_h1     wrong
    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     right
"""

from collections.abc import Iterator

from grader.backprop.assigned import network
from grader.backprop.edits import Edit
from grader.backprop.expression import Expr, binary, mapped, put, same, spots, sym
from grader.backprop.slips._operators import operator_slip


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
    return mapped(t, lambda node: binary("-", *node.args) if _of_an_output(node) else None)


def _of_an_output(node: Expr) -> bool:
    symbols = node.head == "*" and node.args[0].head == node.args[1].head == "sym"
    return symbols and {a.name[:-1] for a in node.args} == {"a_o", "t"}


slip = operator_slip(
    "times-for-minus",
    "a product where a difference belongs",
    rank=23,
    wrote="*",
    meant="-",
    cost=1.3,
    all_through=all_through,
)
