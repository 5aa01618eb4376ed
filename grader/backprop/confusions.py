"""Which other quantities may have been meant by a name, and what such a slip is called."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from grader.backprop.assigned import made
from grader.backprop.edits import NO_WHOLE, Edit, Slip
from grader.backprop.expression import Expr, Path, Spot, at, nodes, put, renamed, sym, symbols
from grader.core.assigned_network import AssignedNetwork

_INDEXED = re.compile(r"(a_h|a_o|h|o|i|t|E)(\d+)")
_TWINS = {
    "a_h": ("h", "a_o"),
    "a_o": ("o", "a_h", "t"),
    "h": ("a_h", "o"),
    "o": ("a_o", "h"),
    "i": ("a_h",),
    "t": ("a_o",),
    "E": (),
}


class Swap(NamedTuple):
    """Another quantity, and the code of the slip."""

    name: str
    code: str


def confusion(wrote: str, meant: str) -> str:
    """Return the slip of one quantity written for another; `wrong-quantity` where they have nothing in
    common.
    """
    if {wrote[:1], meant[:1]} <= {"w"}:
        return "wrong-weight"
    one, other = wrote.rstrip("0123456789"), meant.rstrip("0123456789")
    if one == other:
        return "index-swapped"
    same_index = wrote[len(one) :] == meant[len(other) :] or wrote == one or meant == other
    if {one, other} in ({"h", "a_h"}, {"o", "a_o"}) and same_index:
        return "activation-confused"
    return "wrong-quantity" if same_index else "wrong-quantity-and-index"


def swaps(name: str) -> Sequence[Swap]:
    """Other quantities of the network that a student may have meant by a name."""
    return made(_all_swaps).get(name, ())


def _all_swaps(assigned: AssignedNetwork) -> Mapping[str, list[Swap]]:
    return {name: list(_swaps(name, assigned)) for name in assigned.quantities}


def _swaps(name: str, assigned: AssignedNetwork) -> Iterator[Swap]:
    for family in (assigned.weights, assigned.biases):
        if name in family:
            yield from (Swap(w, "wrong-weight") for w in family if w != name)
    match = _INDEXED.fullmatch(name)
    if match:
        base, k = match.groups()
        meant = [base + other for other in _indices(base, assigned) if other != k]
        for twin in _TWINS[base]:
            there = sorted(_indices(twin, assigned), key=lambda other: other != k)  # its own number first
            meant += [twin + other for other in there]
        yield from (Swap(other, confusion(name, other)) for other in meant)
        if base == "E":
            yield Swap("E", "part-for-total")
    if name == "E":
        yield from (Swap(e, "total-for-part") for e in assigned.losses)


def _indices(base: str, assigned: AssignedNetwork) -> list[str]:
    """The numbers of the quantities with a base name."""
    return [m[2] for name in assigned.quantities if (m := _INDEXED.fullmatch(name)) and m[1] == base]


def _enclosing_derivative(t: Expr, path: Path) -> Spot | None:
    for depth in range(len(path) - 1, -1, -1):
        node = at(t, path[:depth])
        if node.head == "deriv":
            return Spot(path[:depth], node)
    return None


def _swapped(code: str, t: Expr, spot: Spot, cost: float) -> Iterator[Edit]:
    """One name for another, where that is the slip of a code; in a derivative the whole of it is shown."""
    path, node = spot
    if node.head != "sym":
        return
    meant = [swap for swap in swaps(node.name) if swap.code == code]
    around = _enclosing_derivative(t, path) if meant else None
    for swap in meant:
        new = sym(swap.name, node.start, node.end)
        wrote, should = node, new
        if around is not None:  # ∂o1/∂w7 -> ∂o2/∂w7
            wrote, should = around.node, put(around.node, path[len(around.path) :], new)
        yield Edit(cost, put(t, path, new), wrote, should)


def repeated(t: Expr) -> Iterator[tuple[Expr, str]]:
    """The names that stand more than once in a side, each with its first node in the line."""
    for name in sorted(symbols(t)):
        places = [n for n in nodes(t) if n.head == "sym" and n.name == name]
        if len(places) > 1:
            # The first stands for all: a repair without a place would mark the whole side.
            yield min(places, key=lambda n: n.start), name


def name_slip(code: str, sentence: str, *, cost: float = 1.0, throughout: bool = False) -> Slip:
    """The slip of one quantity for another at one place; with `throughout` also wherever its name stands."""

    def all_through(t: Expr) -> Iterator[Edit]:
        for first, name in repeated(t):
            for swap in swaps(name):
                if swap.code == code:
                    changed = renamed(t, {name: swap.name})
                    yield Edit(1.08, changed, first, sym(swap.name), f"{sentence} every time")

    return Slip(
        code,
        sentence,
        rank=10,
        in_text=lambda t, spot: _swapped(code, t, spot, cost),
        all_through=all_through if throughout else NO_WHOLE,
        of_names=True,
    )
