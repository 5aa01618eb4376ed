"""Is a statement true? Numbers at random points only *reject*; what holds at every point is taken as an identity."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from grader.backprop.assigned import network
from grader.backprop.expression import Expr, mapped_symbols, nodes, sym, symbols
from grader.extract.formulas.judging.network import NoValue, Point, Undefined, close


class Truth(Enum):
    """What the values say."""

    TRUE = "true"
    FALSE = "false"
    VALUE = "value"
    """Numbers were put in: not a formula."""
    OPEN = "open"
    """Fewer than two readable sides."""
    NO_VALUE = "no-value"
    """Unknown names, or undefined at the points."""


class Decision(NamedTuple):
    """`side` is the first side that differs from the left one; `reason` says why there is no value."""

    truth: Truth
    side: int = 0
    reason: str = ""


def with_weight(t: Expr, name: str) -> Expr:
    """The tree with the generic weight `w_i` replaced by one weight."""
    return mapped_symbols(t, lambda s: sym(name, s.start, s.end) if s.name == "w?" else s)


def decide(trees: Sequence[Expr], points: Sequence[Point]) -> Decision:
    """Compare every side with the first one at every point; update rules are compared with w - η ∂E/∂w."""
    if len(trees) < 2:
        return Decision(Truth.OPEN)
    try:
        if any("w?" in symbols(t) for t in trees):
            return _for_every_weight(trees, points)
        return _decide(trees, points)
    except NoValue as error:
        return Decision(Truth.NO_VALUE, reason=str(error))


def _for_every_weight(trees: Sequence[Expr], points: Sequence[Point]) -> Decision:
    found = Decision(Truth.OPEN)
    for name in network().weights:
        found = _decide([with_weight(t, name) for t in trees], points)
        if found.truth is not Truth.TRUE:
            break
    return found


def is_update(trees: Sequence[Expr]) -> bool:
    """Whether the left side is a weight that the right side holds too, or that η changes."""
    left = trees[0]
    if left.head != "sym" or left.name[0] not in "wb":
        return False
    return any("eta" in symbols(t) or left.name in symbols(t) for t in trees[1:])


def is_step(trees: Sequence[Expr]) -> bool:
    """Whether the line states a weight's change `Δw = -η ∂E/∂w`, of which the Δ reads as a ∂."""
    left = trees[0]
    change = left.head == "deriv" and left.args[0].start < 0 and left.args[1].name[:1] in ("w", "b")
    return change and any("eta" in symbols(t) for t in trees[1:])


def whole_step(trees: Sequence[Expr]) -> bool:
    """Whether the line is an update without η, by what reads as ∂w alone: `w = w - Δw`."""
    if not is_update(trees) or any("eta" in symbols(t) for t in trees):
        return False
    return any(n.head == "deriv" and n.args[0].start < 0 for t in trees[1:] for n in nodes(t))


def _decide(trees: Sequence[Expr], points: Sequence[Point]) -> Decision:
    left = trees[0]
    if is_update(trees):
        return _compare_update(left.name, trees, points)
    if is_step(trees):
        return _compare_step(left.args[1].name, trees, points)
    constant = [not symbols(t) for t in trees]
    if any(constant):
        numbers = [points[0].value(t) for t, c in zip(trees, constant, strict=True) if c]
        plain = left.head == "deriv" and (
            all(number in (0.0, 1.0, -1.0) for number in numbers) or _is_a_number(left, points)
        )
        if not plain:
            kept = [t for t, c in zip(trees, constant, strict=True) if not c]
            if len(kept) < 2 or all(t.head == "sym" for t in kept):
                return Decision(Truth.VALUE)
            trees = kept
    undefined: Undefined | None = None
    for point in points:
        try:
            base, *values = [point.value(tree) for tree in trees]
        except Undefined as error:  # what holds where it has a value may still be false elsewhere
            undefined = error
            continue
        for k, value in enumerate(values, 1):
            if not close(base, value):
                # w1 = w2 chooses values, a_o1 = t1 says what is hoped for
                given = all(t.head == "sym" for t in trees) and (
                    all(t.name[0] in "wbt" for t in trees)
                    or ({t.name[0] for t in trees} == {"a", "t"} and len({t.name[-1] for t in trees}) == 1)
                )
                return Decision(Truth.VALUE if given else Truth.FALSE, k)
    if undefined is not None:
        raise undefined
    return Decision(Truth.TRUE)


def _is_a_number(derivative: Expr, points: Sequence[Point]) -> bool:
    """Whether a derivative has the same value everywhere, as that of a linear unit by its sum."""
    first, *others = (point.value(derivative) for point in points)
    return bool(others) and all(close(first, other) for other in others)


def _compare_update(weight: str, trees: Sequence[Expr], points: Sequence[Point]) -> Decision:
    for point in points:
        want = point.values[weight] - point.values["eta"] * point.slopes(weight)["E"]
        for k, tree in enumerate(trees[1:], 1):
            value = point.value(tree)
            if not close(want, value) and not _numeric_rate(weight, tree, value, point):
                return Decision(Truth.FALSE, k)
    return Decision(Truth.TRUE)


def _numeric_rate(weight: str, tree: Expr, value: float, point: Point) -> bool:
    """Whether the rule holds with a number for η: `w1 = w1 - 0.5 * ∂E/∂w1`. A rate of 1 is a rate left out."""
    if "eta" in symbols(tree):
        return False
    rate = (point.values[weight] - value) / point.slopes(weight)["E"]
    return any(n.head == "num" and n.value != 1.0 and close(n.value, rate) for n in nodes(tree))


def _compare_step(weight: str, trees: Sequence[Expr], points: Sequence[Point]) -> Decision:
    for point in points:
        want = point.values["eta"] * point.slopes(weight)["E"]
        for k, tree in enumerate(trees[1:], 1):
            if not close(want, point.value(tree)) and not close(-want, point.value(tree)):
                return Decision(Truth.FALSE, k)
    return Decision(Truth.TRUE)


def closed(t: Expr) -> bool:
    """Whether no derivative is left in the tree."""
    return not any(n.head == "deriv" for n in nodes(t))
