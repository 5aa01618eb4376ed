"""A factor is missing.

The slope of an activation, a weight on the way back, or a whole step of the chain was left out.

    ∂E/∂w5 = (a_o1 - t1) * a_h1                         wrong
    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     right
"""

from collections.abc import Iterator
from itertools import pairwise

from grader.backprop.assigned import made, network
from grader.backprop.edits import Edit, Slip
from grader.backprop.expression import (
    Expr,
    Path,
    Spot,
    at,
    binary,
    deriv,
    factors,
    nodes,
    num,
    product,
    put,
    same,
    show,
    spots,
    sym,
)
from grader.backprop.slips._factors import FACTOR_PLACES, activated, missing_factors, steps


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """One more factor of the network, one beside another, or a step between two steps."""
    path, node = spot
    above = at(t, path[:-1]).head if path else ""
    inside = not path or above in FACTOR_PLACES or above == "neg"
    part = node.head == "*" and above == "*"
    if not part and inside and node.head in ("*", "sym", "deriv", "-", "^", "/", "+"):
        for f, phrase in made(missing_factors):
            new = binary("*", node, f)
            yield Edit(1.3 if path else 1.2, put(t, path, new), node, new, phrase)
        if any(n.head == "deriv" for n in nodes(node)):
            pure = all(f.head == "deriv" for f in factors(node))
            for f, phrase in made(steps):
                new = binary("*", node, f)
                yield Edit(1.1 if pure else 1.25, put(t, path, new), node, new, phrase)
        yield from _in_place(t, path, node)
    if node.head == "*":
        yield from _between(t, path, node)


def _in_place(t: Expr, path: Path, node: Expr) -> Iterator[Edit]:
    """The factor that belongs beside another: (1 - a) after a, a before (1 - a)."""
    fs = factors(node)
    for k, f in enumerate(fs):
        if f.head == "sym" and f.name in made(activated):
            beside, spot = binary("-", num(1.0), sym(f.name)), k + 1
        elif f.head == "-" and same(f.args[0], num(1.0)) and f.args[1].name in made(activated):
            beside, spot = sym(f.args[1].name), k
        else:
            continue
        new = product([*fs[:spot], beside, *fs[spot:]])
        yield Edit(1.15, put(t, path, new), node, new, f"missing factor {show(beside)}")


def _between(t: Expr, path: Path, node: Expr) -> Iterator[Edit]:
    """The step that two others of a chain lack between them."""
    fs = factors(node)
    for k, (left, right) in enumerate(pairwise(fs)):
        if left.head == right.head == "deriv" and not same(left.args[1], right.args[0]):
            link = deriv(left.args[1], right.args[0])
            new = product([*fs[: k + 1], link, *fs[k + 1 :]])
            yield Edit(0.9, put(t, path, new), node, new, f"missing factor {show(link)}")


def beside(left: Expr, side: Expr) -> Iterator[Edit]:
    """The gradient that an update lacks, w - η -> w - η * ∂E/∂w."""
    if left.head != "sym" or left.name not in (*network().weights, *network().biases):
        return
    gradient = deriv(sym("E"), sym(left.name))
    for path, node in spots(side):
        if node.head == "sym" and node.name == "eta":
            new = binary("*", node, gradient)
            yield Edit(1.2, put(side, path, new), node, new, f"missing factor {show(gradient)}")


slip = Slip(
    code="factor-missing",
    sentence="a factor is missing",
    rank=51,
    in_text=in_text,
    beside=beside,
)
