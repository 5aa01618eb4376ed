"""The catalogue of mistakes: every small edit of one side of a formula that students' slips suggest.

An edit turns what stands there into what might have been meant. `cost` ranks edits: about 1 for the commonest slips.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

from grader.backprop.assigned import made, network
from grader.backprop.slips import SLIPS, confusion
from grader.core.assigned_network import AssignedNetwork
from grader.extract.formulas.reading.expression import (
    Expr,
    Path,
    Spot,
    at,
    binary,
    deriv,
    nodes,
    num,
    put,
    remade,
    renamed,
    same,
    spots,
    sym,
    symbols,
)
from grader.extract.formulas.repair.edit import Edit, slip
from grader.extract.formulas.repair.factor_edits import chain_edits, factor_edits
from grader.extract.formulas.repair.structure_edits import bracket_edits, operator_edits

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


class _Swap(NamedTuple):
    name: str
    code: str

    @property
    def phrase(self) -> str:
        return SLIPS[self.code]


def swaps(name: str) -> Sequence[_Swap]:
    """Other quantities of the network that a student may have meant by a name."""
    return made(_all_swaps).get(name, ())


def _all_swaps(assigned: AssignedNetwork) -> Mapping[str, list[_Swap]]:
    return {name: list(_swaps(name, assigned)) for name in assigned.quantities}


def _swaps(name: str, assigned: AssignedNetwork) -> Iterator[_Swap]:
    for family in (assigned.weights, assigned.biases):
        if name in family:
            yield from (_Swap(w, "wrong-weight") for w in family if w != name)
    match = _INDEXED.fullmatch(name)
    if match:
        base, k = match.groups()
        meant = [base + other for other in _indices(base, assigned) if other != k]
        for twin in _TWINS[base]:
            there = sorted(_indices(twin, assigned), key=lambda other: other != k)  # its own number first
            meant += [twin + other for other in there]
        yield from (_Swap(other, confusion(name, other)) for other in meant)
        if base == "E":
            yield _Swap("E", "part-for-total")
    if name == "E":
        yield from (_Swap(e, "total-for-part") for e in assigned.losses)


def _indices(base: str, assigned: AssignedNetwork) -> list[str]:
    """The numbers of the quantities with a base name."""
    return [m[2] for name in assigned.quantities if (m := _INDEXED.fullmatch(name)) and m[1] == base]


def edits(t: Expr) -> Iterator[Edit]:
    """All single edits of one side, in a fixed order."""
    found = spots(t)
    for spot in found:
        yield from _symbol_edits(t, spot)
        yield from _number_edits(t, spot)
        yield from operator_edits(t, spot)
        yield from bracket_edits(t, spot)
        yield from factor_edits(t, spot)
        yield from chain_edits(t, spot)
    yield from _rename_edits(t)
    yield from _star_for_minus(t)
    yield from _turned_differences(t)


def left_edits(t: Expr) -> Iterator[Edit]:
    """Edits of a left side that is one quantity: it may be the wrong one, but it is no formula with slips."""
    for spot in spots(t):
        yield from _symbol_edits(t, spot)


def _enclosing_derivative(t: Expr, path: Path) -> Spot | None:
    for depth in range(len(path) - 1, -1, -1):
        node = at(t, path[:depth])
        if node.head == "deriv":
            return Spot(path[:depth], node)
    return None


def _symbol_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    path, node = spot
    if node.head == "sym":
        around = _enclosing_derivative(t, path)
        for swap in swaps(node.name):
            name, code, phrase = swap.name, swap.code, swap.phrase
            new = sym(name, node.start, node.end)
            wrote, should = node, new
            if around is not None:  # show the whole derivative: ∂o1/∂w7 -> ∂o2/∂w7
                wrote, should = around.node, put(around.node, path[len(around.path) :], new)
            yield Edit(
                1.12 if code == "part-for-total" else 1.0, code, phrase, put(t, path, new), wrote, should
            )
    if node.head == "deriv" and node.args[0].head == "sym":
        for top in swaps(node.args[0].name):
            for bottom in swaps(node.args[1].name):
                new = deriv(sym(top.name), sym(bottom.name), node.start, node.end)
                yield slip(
                    2.0,
                    "both-derivative-sides",
                    put(t, path, new),
                    node,
                    new,
                )


def _number_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    path, node = spot
    if node.head == "num" and node.value in (2.0, 3.0, 0.5, 1.0):
        above = at(t, path[:-1]).head if path else ""
        exponent = above == "^" and path[-1] == 1
        for value in (2.0, 3.0, 0.5, 1.0):
            if value != node.value and not (value == 1.0 and above == "*"):
                new = num(value, node.start, node.end)
                code, phrase = (
                    ("wrong-exponent", "wrong exponent") if exponent else ("wrong-constant", "wrong constant")
                )
                yield Edit(1.15, code, phrase, put(t, path, new), node, new)


_FAMILIES = {
    "the hidden index": ("h", "a_h"),
    "the output index": ("o", "a_o", "t", "E"),
    "every index": ("h", "a_h", "o", "a_o", "t", "E", "i"),
}


def _renumberings(assigned: AssignedNetwork) -> tuple[tuple[str, str], ...]:
    numbers = [str(k) for k in range(1, max(len(assigned.hidden), *assigned.layers) + 1)]
    return tuple(permutations(numbers, 2))


def _rename_edits(t: Expr) -> Iterator[Edit]:
    """The line was copied and an index, a weight or a quantity was not changed, all through."""
    used, known = symbols(t), set(network().quantities)
    for family, bases in _FAMILIES.items():
        for k, other in made(_renumberings):
            names = {base + k: base + other for base in bases if base + k in used}
            if len(names) >= 2 and set(names.values()) <= known:
                yield Edit(
                    1.05,
                    "copied-line",
                    f"{family} {k} should be {other} throughout",
                    renamed(t, names),
                    None,
                    None,
                )
    for name in sorted(used):
        places = [n for n in nodes(t) if n.head == "sym" and n.name == name]
        if len(places) < 2:
            continue
        # The first in the line stands for all: a repair without a place would mark the whole side.
        first = min(places, key=lambda n: n.start)
        for swap in swaps(name):
            new, code, phrase = swap.name, swap.code, swap.phrase
            tree = renamed(t, {name: new})
            if name in network().weights:
                copied = f"line copied: {name} should be {new} throughout"
                yield Edit(1.1, "copied-line", copied, tree, first, sym(new))
            elif code in ("activation-confused", "index-swapped", "wrong-quantity"):
                yield Edit(1.08, code, f"{phrase} every time", tree, first, sym(new))


def _turned_differences(t: Expr) -> Iterator[Edit]:
    """Every t - a written for a - t, as 1/2 * (t - a)^2 suggests."""
    changed, count = _turned(t)
    if count > 1:
        yield Edit(1.02, "sign", "every difference the wrong way round", changed, None, None)


def _turned(t: Expr) -> tuple[Expr, int]:
    if (
        t.head == "-"
        and t.args[0].head == t.args[1].head == "sym"
        and {a.name[:-1] for a in t.args} == {"a_o", "t"}
    ):
        return binary("-", t.args[1], t.args[0]), 1
    if not t.args:
        return t, 0
    parts = [_turned(a) for a in t.args]
    return remade(t, tuple(p[0] for p in parts)), sum(p[1] for p in parts)


def _star_for_minus(t: Expr) -> Iterator[Edit]:
    changed = _differences(t)
    if same(changed, t):
        return
    yield slip(1.06, "times-for-minus", changed, None, None)
    for path, node in spots(changed):
        for other in network().targets if node.head == "sym" and node.name in network().targets else ():
            if other != node.name:
                phrase = "a product for a difference, and the target's index wrong"
                yield Edit(1.6, "times-for-minus", phrase, put(changed, path, sym(other)), None, None)


def _differences(t: Expr) -> Expr:
    if t.head == "*" and t.args[0].head == t.args[1].head == "sym":
        if {t.args[0].name[:-1], t.args[1].name[:-1]} == {"a_o", "t"}:
            return binary("-", *t.args)
        return t
    if not t.args:
        return t
    args = tuple(_differences(a) for a in t.args)
    return Expr(t.head, t.name, t.value, args, t.start, t.end, t.text)


def missing_terms(left: Expr) -> Iterator[tuple[Expr, str]]:
    """What a single-path chain leaves out: the other output's share of the derivative on the left."""
    if left.head != "deriv":
        return
    by = left.args[1].name
    for unit, loss in zip(network().outputs, network().losses, strict=True):
        yield deriv(sym(loss), sym(by)), f"the path through {unit.sum} is missing"
