"""The tree of one side of a formula, and how it prints.

Heads: `num` (value), `sym` (name; text is the student's spelling), `+ - * / ^` (two args), `neg`, `call`
(name; `sigma`, `sigmaprime`, `exp`, `ln`), `deriv` (∂args[0]/∂args[1]) and `diff` (a ∂ that has not found its
fraction; never evaluated).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec


class Expr(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A node; `start` and `end` are offsets in the student's line, -1 for a node that no student wrote."""

    head: str
    name: str = ""
    value: float = 0.0
    args: "tuple[Expr, ...]" = ()
    start: int = -1
    end: int = -1
    text: str = ""


Path = tuple[int, ...]


class Spot(NamedTuple):
    """A node with the way to it from the root."""

    path: Path
    node: Expr


def num(value: float, start: int = -1, end: int = -1) -> Expr:
    """A number."""
    return Expr("num", value=value, start=start, end=end)


def sym(name: str, start: int = -1, end: int = -1, text: str = "") -> Expr:
    """A quantity of the network by its canonical name."""
    return Expr("sym", name=name, start=start, end=end, text=text)


def binary(op: str, left: Expr, right: Expr) -> Expr:
    """`left op right`, spanning both."""
    return Expr(op, args=(left, right), start=_first(left, right), end=max(left.end, right.end))


def neg(x: Expr, start: int = -1) -> Expr:
    """-x."""
    return Expr("neg", args=(x,), start=start if start >= 0 else x.start, end=x.end)


def call(name: str, x: Expr, start: int = -1, end: int = -1) -> Expr:
    """A function applied."""
    return Expr("call", name=name, args=(x,), start=start if start >= 0 else x.start, end=max(end, x.end))


def deriv(x: Expr, y: Expr, start: int = -1, end: int = -1) -> Expr:
    """∂x/∂y."""
    return Expr(
        "deriv",
        args=(x, y),
        start=start if start >= 0 else _first(x, y),
        end=end if end >= 0 else max(x.end, y.end),
    )


def _first(a: Expr, b: Expr) -> int:
    return a.start if b.start < 0 else b.start if a.start < 0 else min(a.start, b.start)


def same(a: Expr, b: Expr) -> bool:
    """Equality of meaning-bearing parts; positions and spellings do not count."""
    if a is b:
        return True
    return (
        (a.head, a.name, a.value, len(a.args)) == (b.head, b.name, b.value, len(b.args))
        and all(same(x, y) for x, y in zip(a.args, b.args, strict=True))
    )  # fmt: skip


def spots(t: Expr) -> list[Spot]:
    """All nodes with their paths, parents first."""
    found = [Spot((), t)]
    for path, node in found:
        found.extend(Spot((*path, k), child) for k, child in enumerate(node.args))
    return found


def nodes(t: Expr) -> Iterator[Expr]:
    """All nodes."""
    todo = [t]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(node.args)


def at(t: Expr, path: Path) -> Expr:
    """The node at `path`."""
    for k in path:
        t = t.args[k]
    return t


def put(t: Expr, path: Path, new: Expr) -> Expr:
    """The tree with the node at `path` replaced; everything beside the path is shared."""
    if not path:
        return new
    k = path[0]
    changed = put(t.args[k], path[1:], new)
    return remade(t, (*t.args[:k], changed, *t.args[k + 1 :]))


def remade(t: Expr, args: tuple[Expr, ...]) -> Expr:
    """The same node over other arguments."""
    return Expr(t.head, t.name, t.value, args, t.start, t.end, t.text)


def mapped(t: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with every outermost node replaced for which `change` gives another."""
    new = change(t)
    if new is not None or not t.args:
        return new or t
    args = tuple(mapped(a, change) for a in t.args)
    return t if all(a is b for a, b in zip(args, t.args, strict=True)) else remade(t, args)


def mapped_symbols(t: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The tree with `change` applied to every symbol."""
    return mapped(t, lambda node: change(node) if node.head == "sym" else None)


def renamed(t: Expr, names: dict[str, str]) -> Expr:
    """The tree with symbols renamed."""
    return mapped_symbols(t, lambda s: sym(names[s.name], s.start, s.end) if s.name in names else s)


def symbols(t: Expr) -> set[str]:
    """Names of all quantities in the tree."""
    found: set[str] = set()
    todo = [t]
    for node in todo:
        if node.head == "sym":
            found.add(node.name)
        else:
            todo += node.args
    return found


def has_derivative(t: Expr) -> bool:
    """Whether some ∂ stands in the tree."""
    return t.head in ("deriv", "diff") or any(map(has_derivative, t.args))


def factors(t: Expr) -> list[Expr]:
    """Factors of a product, left to right."""
    return factors(t.args[0]) + factors(t.args[1]) if t.head == "*" else [t]


def product(fs: list[Expr]) -> Expr:
    """The product of at least one factor."""
    whole = fs[0]
    for f in fs[1:]:
        whole = binary("*", whole, f)
    return whole


class Term(NamedTuple):
    """A term of a sum with its sign, 1 or -1."""

    sign: int
    expr: Expr


def terms(t: Expr) -> list[Term]:
    """Terms of a sum, left to right."""
    if t.head == "+":
        return terms(t.args[0]) + terms(t.args[1])
    if t.head == "-":
        return terms(t.args[0]) + [Term(-s, x) for s, x in terms(t.args[1])]
    return [Term(1, t)]


def total(ts: list[Term]) -> Expr:
    """The sum of at least one term."""
    whole = ts[0].expr if ts[0].sign > 0 else neg(ts[0].expr)
    for sign, x in ts[1:]:
        whole = binary("+" if sign > 0 else "-", whole, x)
    return whole


_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
_SEPARATOR = {"*": " * ", "+": " + ", "-": " - ", "/": "/", "^": "^"}
_FUNCTION = {"sigma": "σ", "sigmaprime": "σ'", "tanhprime": "tanh'", "reluprime": "relu'"}
Spelling = Callable[[str], str]


def _canonical(name: str) -> str:
    return "η" if name == "eta" else "w" if name == "w?" else name


def show(t: Expr, spelling: Spelling = _canonical) -> str:
    """Print with the fewest brackets that keep the tree; `spelling` names the quantities."""
    head = t.head
    if head == "num":
        return f"{t.value:g}"
    if head == "sym":
        return spelling(t.name)
    if head == "deriv":
        x = show(t.args[0], spelling)
        return f"∂{x if t.args[0].head == 'sym' else f'({x})'}/∂{show(t.args[1], spelling)}"
    if head == "diff":
        return f"∂({show(t.args[0], spelling)})"
    if head == "neg":
        x = show(t.args[0], spelling)
        return f"-{x}" if t.args[0].head in ("sym", "num", "deriv", "call") else f"-({x})"
    if head == "call":
        return f"{_FUNCTION.get(t.name, t.name)}({show(t.args[0], spelling)})"
    return _operand(t, 0, spelling) + _SEPARATOR[head] + _operand(t, 1, spelling)


def _operand(t: Expr, side: int, spelling: Spelling) -> str:
    child = t.args[side]
    text = show(child, spelling)
    mine, theirs = _STRENGTH[t.head], _STRENGTH.get(child.head)
    weaker = theirs is not None and (
        theirs < mine
        or (side == 1 and theirs == mine and t.head in "-/^")
        or (side == 0 and t.head == "^" == child.head)
    )
    signed = child.head == "neg" and (side == 1 or t.head == "^")
    negative = child.head == "num" and child.value < 0 and (side == 1 or t.head == "^")
    exponent = child.head == "deriv" and (t.head == "^" or (t.head == "/" and side == 1))
    return f"({text})" if weaker or signed or negative or exponent else text
