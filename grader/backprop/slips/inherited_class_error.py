"""The error that a widespread class sheet has.

In its gradients of the weights that lead to the second hidden unit the slope is that of the first; the
losses hardly show it.

    ∂E/∂w3 = … * a_h1 * (1 - a_h1) * i1     wrong
    ∂E/∂w3 = … * a_h2 * (1 - a_h2) * i1     right
"""

from collections.abc import Iterator

from grader.backprop.assigned import network
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import Expr, nodes, renamed, sym, symbols
from grader.core.class_sheet import INHERITED


def beside(left: Expr, side: Expr) -> Iterator[Edit]:
    """The slope of the second hidden unit for that of the first, in the gradient of a weight that leads to
    the second.
    """
    used, own = INHERITED
    unit = next((u for u in network().hidden if u.output == own), None)
    if left.head != "deriv" or unit is None or left.args[1].name not in [w for w, _ in unit.terms]:
        return
    names = symbols(side)
    places = [n for n in nodes(side) if n.head == "sym" and n.name == used]
    if own not in names and len(places) > 1:
        first = min(places, key=lambda n: n.start)
        phrase = "index swapped every time, as in a widespread class sheet"
        yield Edit(1.07, renamed(side, {used: own}), first, sym(own), phrase)


slip = Slip(
    code="inherited-class-error",
    sentence="the error of a widespread class sheet",
    rank=57,
    beside=beside,
)
