"""Explain a false statement: the small edits of its sides after which the *whole* line is true, cheapest first."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, product
from typing import NamedTuple

from grader.backprop.confusions import swaps
from grader.backprop.edits import Edit, fitting
from grader.backprop.expression import (
    Expr,
    factors,
    nodes,
    put,
    show,
    spots,
    sym,
    symbols,
)
from grader.backprop.slip_catalogue import SLIPS, edits, edits_beside, left_edits
from grader.extract.formulas.judging.decide import Truth, decide, is_step, is_update
from grader.extract.formulas.judging.network import Known, NoValue, Point, close

LEFT_SIDE = 0.6
"""The left side is what the line promises: believed, unless the document has already derived it."""
MAX_PAIRS = 6_000


class Explanation(NamedTuple):
    """One way to make a statement true. `side` is the side that changes, `trees` the whole statement after it."""

    cost: float
    code: str
    phrase: str
    side: int
    wrote: Expr | None
    should: Expr | None
    trees: tuple[Expr, ...]


class _Target(NamedTuple):
    """What a changed side must be worth at the first point, where the other sides agree on it."""

    value: float
    known: Known


def explain(
    trees: Sequence[Expr], points: Sequence[Point], stated: frozenset[str] = frozenset(), limit: int = 3
) -> list[Explanation]:
    """Find up to `limit` explanations, the likeliest first.

    `stated` holds the printed left sides of the document's other lines: a left side that was already derived is more
    likely the copied one. Deterministic.
    """
    found = list(_single(trees, points, stated))
    if not found:
        found = list(_double(trees, points))
    if not found and len(trees) > 2:
        found = _side_by_side(trees, points, stated)
    best: dict[tuple[int, str], Explanation] = {}
    for item in sorted(found, key=lambda e: (round(e.cost, 3), e.side, _disorder(e.trees[e.side]))):
        best.setdefault((item.side, show(item.trees[item.side])), item)
    return list(best.values())[:limit]


def _single(trees: Sequence[Expr], points: Sequence[Point], stated: frozenset[str]) -> Iterator[Explanation]:
    for k, side in enumerate(trees):
        target = _target(trees, k, points[0])

        def quick(edit: Edit, target: _Target | None = target) -> bool:
            return target is None or _hits(edit.tree, target, points[0])

        def sure(edit: Edit, k: int = k, side: Expr = side) -> bool:
            new = (*trees[:k], edit.tree, *trees[k + 1 :])
            return decide(new, points).truth is Truth.TRUE and not _empties(edit.tree, side)

        for edit in fitting(_candidates(trees, k), quick, sure):
            new = (*trees[:k], edit.tree, *trees[k + 1 :])
            cost = edit.cost + 0.05 * _broken_links(new)
            if k == 0:
                already = show(side) in stated
                moved = already and edit.code in ("wrong-weight", "index-swapped", "copied-line")
                cost += 0.15 if moved else LEFT_SIDE
                cost -= 0.3 if moved and show(edit.tree) not in stated else 0.0
            yield Explanation(cost, edit.code, edit.phrase, k, edit.wrote, edit.should, new)


def _empties(tree: Expr, side: Expr) -> bool:
    """Whether an edit makes a line true by `t2 - t2`: a term that is too many is struck out, not turned into nothing."""
    return _differences_of_nothing(tree) > _differences_of_nothing(side)


def _differences_of_nothing(t: Expr) -> int:
    return sum(n.head in ("-", "/") and show(n.args[0]) == show(n.args[1]) for n in nodes(t))


def _candidates(trees: Sequence[Expr], k: int) -> Iterator[Edit]:
    side = trees[k]
    if k == 0 and side.head in ("sym", "deriv"):
        yield from left_edits(side)
        return
    yield from edits(side)
    if k:
        yield from edits_beside(trees[0], side)


def _target(trees: Sequence[Expr], k: int, point: Point) -> _Target | None:
    """The common value of the other sides; None where truth is more than equality of sides."""
    if len(trees) < 2 or is_update(trees) or is_step(trees) or any("w?" in symbols(t) for t in trees):
        return None
    others = [t for j, t in enumerate(trees) if j != k]
    if any(not symbols(t) for t in trees):
        return None
    try:
        values = [point.value(t) for t in others]
    except NoValue:
        return None
    if not all(close(values[0], v) for v in values[1:]):
        return _Target(float("nan"), {})
    return _Target(values[0], point.remember(trees[k]))


def _hits(tree: Expr, target: _Target, point: Point) -> bool:
    try:
        return close(target.value, point.value(tree, target.known))
    except NoValue:
        return False


def _double(trees: Sequence[Expr], points: Sequence[Point]) -> Iterator[Explanation]:
    """Two symbols of one side wrong: the same slip twice, or any two slips of a short side."""
    for k, side in enumerate(trees):
        target = _target(trees, k, points[0])
        if target is None or target.value != target.value:
            continue
        found = [spot for spot in spots(side) if spot.node.head == "sym"]
        tried = 0
        for first, second in combinations(found, 2):
            for one, two in product(swaps(first.node.name), swaps(second.node.name)):
                if one.code != two.code and len(found) > 5:
                    continue
                tried += 1
                if tried > MAX_PAIRS:
                    break
                tree = put(put(side, first.path, sym(one.name)), second.path, sym(two.name))
                if not _hits(tree, target, points[0]):
                    continue
                new = (*trees[:k], tree, *trees[k + 1 :])
                if decide(new, points).truth is Truth.TRUE:
                    phrase = (
                        f"{SLIPS[one.code]} twice"
                        if one.code == two.code
                        else f"{SLIPS[one.code]}, and {SLIPS[two.code]}"
                    )
                    yield Explanation(2.0 + (0.3 if k == 0 else 0.0), one.code, phrase, k, side, tree, new)
            if tried > MAX_PAIRS:
                break


def _side_by_side(
    trees: Sequence[Expr], points: Sequence[Point], stated: frozenset[str]
) -> list[Explanation]:
    """Several sides wrong: each is mended against the left one."""
    fixed = list(trees)
    parts: list[tuple[int, Explanation]] = []
    for k, side in enumerate(trees[1:], 1):
        if decide([trees[0], side], points).truth is Truth.TRUE:
            continue
        single = [e for e in explain([trees[0], side], points, stated) if e.side == 1]
        if not single:
            return []
        fixed[k] = single[0].trees[1]
        parts.append((k, single[0]))
    if not parts:
        return []
    changed, first = parts[0]
    phrase = "; ".join(dict.fromkeys(e.phrase for _, e in parts))
    cost = sum(e.cost for _, e in parts)
    return [Explanation(cost, first.code, phrase, changed, first.wrote, first.should, tuple(fixed))]


def _disorder(t: Expr) -> int:
    """How many sums stand in an unusual order, `E2 + E1`; ranks equal repairs."""
    return sum(
        n.head == "+" and n.args[0].head == n.args[1].head == "sym" and n.args[0].name > n.args[1].name
        for n in nodes(t)
    )


class BrokenLink(NamedTuple):
    """Neighbours of a chain that do not join: ∂a_o2/∂o2 * ∂o1/∂w5."""

    left: Expr
    right: Expr


def broken_links(t: Expr) -> list[BrokenLink]:
    """Neighbouring derivatives of a product that do not telescope; factors in closed form between them bridge."""
    found: list[BrokenLink] = []
    todo = [t]
    while todo:
        node = todo.pop()
        if node.head == "*":
            fs = factors(node)
            found += [
                BrokenLink(left, right)
                for left, right in pairwise(fs)
                if left.head == right.head == "deriv"
                and right.args[0].head == "sym"
                and left.args[1].name != right.args[0].name
            ]
            todo += [f for f in fs if f.head != "*"]
        else:
            todo += node.args
    return found


def _broken_links(trees: Sequence[Expr]) -> int:
    return sum(len(broken_links(t)) for t in trees)
