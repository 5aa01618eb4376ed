"""The catalogue of mistakes: every small edit of one side of a formula that students' slips suggest.

An edit turns what stands there into what might have been meant. `cost` ranks edits: about 1 for the commonest slips.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from grader.extract.formulas.expression import (
    Expr,
    Path,
    Spot,
    Term,
    at,
    binary,
    call,
    deriv,
    factors,
    neg,
    nodes,
    num,
    product,
    put,
    renamed,
    same,
    show,
    spots,
    sym,
    symbols,
    terms,
    total,
)
from grader.extract.formulas.network import WEIGHTS

_OTHER = {"1": "2", "2": "1"}
_INDEXED = re.compile(r"(a_h|a_o|h|o|i|t|E)([12])")
_TWINS = {
    "a_h": ("h", "a_o"),
    "a_o": ("o", "a_h", "t"),
    "h": ("a_h", "o"),
    "o": ("a_o", "h"),
    "i": ("a_h",),
    "t": ("a_o",),
    "E": (),
}
_ACTIVATIONS = ({"h", "a_h"}, {"o", "a_o"})


class Edit(NamedTuple):
    """A possible correction of one side. `wrote` is the guilty part, `should` what to write instead."""

    cost: float
    code: str
    phrase: str
    tree: Expr
    wrote: Expr | None
    should: Expr | None


class _Swap(NamedTuple):
    name: str
    code: str
    phrase: str


def swaps(name: str) -> list[_Swap]:
    """Other quantities that a student may have meant by a name."""
    found: list[_Swap] = []
    if name in WEIGHTS:
        found += [_Swap(w, "wrong-weight", "wrong weight") for w in WEIGHTS if w != name]
    match = _INDEXED.fullmatch(name)
    if match:
        base, k = match.groups()
        found.append(_Swap(base + _OTHER[k], "index-swapped", "index swapped"))
        for twin in _TWINS[base]:
            if {twin, base} in _ACTIVATIONS:
                found.append(
                    _Swap(twin + k, "activation-confused", "value before and after the activation confused")
                )
            else:
                found.append(_Swap(twin + k, "wrong-quantity", "wrong quantity"))
            found.append(_Swap(twin + _OTHER[k], "wrong-quantity-and-index", "wrong quantity and index"))
        if base == "E":
            found.append(_Swap("E", "part-for-total", "loss of one output for the total loss"))
    if name == "E":
        found += [_Swap(e, "total-for-part", "total loss for the loss of one output") for e in ("E1", "E2")]
    return found


def edits(t: Expr) -> Iterator[Edit]:
    """All single edits of one side, in a fixed order."""
    found = spots(t)
    for spot in found:
        yield from _symbol_edits(t, spot)
        yield from _number_edits(t, spot)
        yield from _operator_edits(t, spot)
        yield from _bracket_edits(t, spot)
        yield from _factor_edits(t, spot)
        yield from _chain_edits(t, spot)
    yield from _rename_edits(t)
    yield from _star_for_minus(t)


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
        for name, code, phrase in swaps(node.name):
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
                yield Edit(
                    2.0,
                    "both-derivative-sides",
                    "both sides of the derivative wrong",
                    put(t, path, new),
                    node,
                    new,
                )


def _number_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    path, node = spot
    if node.head == "num" and node.value in (2.0, 3.0, 0.5, 1.0):
        exponent = bool(path) and path[-1] == 1 and at(t, path[:-1]).head == "^"
        for value in (2.0, 3.0, 0.5, 1.0):
            if value != node.value:
                new = num(value, node.start, node.end)
                code, phrase = (
                    ("wrong-exponent", "wrong exponent") if exponent else ("wrong-constant", "wrong constant")
                )
                yield Edit(1.2, code, phrase, put(t, path, new), node, new)


def _operator_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    path, node = spot
    head = node.head
    if head in ("+", "-"):
        flipped = binary("-" if head == "+" else "+", *node.args)
        yield Edit(1.1, "sign", "wrong sign", put(t, path, flipped), node, flipped)
        if head == "-":
            swapped = binary("-", node.args[1], node.args[0])
            yield Edit(1.0, "sign", "difference the wrong way round", put(t, path, swapped), node, swapped)
        times = binary("*", *node.args)
        yield Edit(1.3, "plus-for-times", "a sum where a product belongs", put(t, path, times), node, times)
        if not (path and at(t, path[:-1]).head in ("+", "-")):
            ts = terms(node)
            for k, (left, right) in enumerate(pairwise(ts)):
                joined = Term(left.sign, binary("*", left.expr, right.expr))
                new = total([*ts[:k], joined, *ts[k + 2 :]])
                yield Edit(
                    1.05, "plus-for-times", "a sum where a product belongs", put(t, path, new), node, new
                )
    if head == "*":
        for op, code, phrase in (
            ("+", "times-for-plus", "a product where a sum belongs"),
            ("-", "times-for-minus", "a product where a difference belongs"),
        ):
            new = binary(op, *node.args)
            yield Edit(1.3, code, phrase, put(t, path, new), node, new)
        new = binary("/", *node.args)
        yield Edit(1.4, "times-for-over", "a product where a quotient belongs", put(t, path, new), node, new)
    if head == "/":
        new = binary("*", *node.args)
        yield Edit(1.3, "over-for-times", "a quotient where a product belongs", put(t, path, new), node, new)
    if head == "call" and node.name == "exp":
        inner = node.args[0]
        new = call("exp", inner.args[0] if inner.head == "neg" else neg(inner), node.start, node.end)
        yield Edit(1.0, "exponent-sign", "wrong sign in the exponent", put(t, path, new), node, new)
    if head == "neg":
        yield Edit(1.0, "sign", "wrong sign", put(t, path, node.args[0]), node, node.args[0])
    elif head in ("*", "deriv", "sym", "/") and (not path or at(t, path[:-1]).head in ("+", "-")):
        yield Edit(1.1, "sign", "wrong sign", put(t, path, neg(node)), node, neg(node))
    if head == "^":
        yield Edit(
            1.2, "extra-exponent", "an exponent too many", put(t, path, node.args[0]), node, node.args[0]
        )
    if head == "-" and node.args[0].head == "num":
        yield Edit(
            1.25, "extra-difference", "a difference too many", put(t, path, node.args[1]), node, node.args[1]
        )
    if head in ("sym", "-") and not (path and at(t, path[:-1]).head in ("deriv", "^")):
        squared = binary("^", node, num(2.0))
        yield Edit(1.25, "exponent-missing", "the square is missing", put(t, path, squared), node, squared)
    if head == "call" and node.name in ("sigma", "exp"):
        yield Edit(
            1.3,
            "function-extra",
            f"{show(node)} where its argument belongs",
            put(t, path, node.args[0]),
            node,
            node.args[0],
        )


def _bracket_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    path, node = spot
    if node.head in ("+", "-"):
        paired = _paired(node)
        if paired is not None:
            yield Edit(1.0, "brackets-missing", "missing brackets", put(t, path, paired), node, paired)
        for new in _spread(node):
            yield Edit(
                1.1, "brackets-missing", "missing brackets round the sum", put(t, path, new), node, new
            )
        if node.args[0].head == "/":  # 1/1+exp(-h) -> 1/(1+exp(-h))
            over = node.args[0]
            new = binary("/", over.args[0], binary(node.head, over.args[1], node.args[1]))
            yield Edit(
                1.0,
                "brackets-missing",
                "missing brackets round the denominator",
                put(t, path, new),
                node,
                new,
            )
        last = node.args[1]
        if last.head == "^":  # t - a^2 -> (t - a)^2
            new = binary("^", binary(node.head, node.args[0], last.args[0]), last.args[1])
            yield Edit(
                1.0, "brackets-missing", "missing brackets under the exponent", put(t, path, new), node, new
            )
    if node.head == "+" and any(n.head == "^" for n in node.args[1:]):
        return
    if node.head == "-" and node.args[1].head == "*":
        fs = factors(node.args[1])
        if fs[0].head == "^":  # handled through the terms of the whole product
            new = product([binary("^", binary("-", node.args[0], fs[0].args[0]), fs[0].args[1]), *fs[1:]])
            yield Edit(1.1, "brackets-missing", "missing brackets", put(t, path, new), node, new)
    if node.head in ("+", "-") and node.args[0].head == "*":  # f * a - t -> f * (a - t)
        fs = factors(node.args[0])
        for cut in range(1, len(fs)):
            new = product([*fs[:cut], binary(node.head, product(fs[cut:]), node.args[1])])
            yield Edit(1.05, "brackets-missing", "missing brackets", put(t, path, new), node, new)
            if node.args[1].head == "^":
                base = binary(node.head, product(fs[cut:]), node.args[1].args[0])
                new = product([*fs[:cut], binary("^", base, node.args[1].args[1])])
                yield Edit(1.05, "brackets-missing", "missing brackets", put(t, path, new), node, new)
            if node.args[1].head == "*":
                tail = factors(node.args[1])
                for end in range(1, len(tail)):
                    middle = binary(node.head, product(fs[cut:]), product(tail[:end]))
                    new = product([*fs[:cut], middle, *tail[end:]])
                    yield Edit(1.05, "brackets-missing", "missing brackets", put(t, path, new), node, new)


def _paired(node: Expr) -> Expr | None:
    """`a - t*f*g (+ b - u*k)` -> `(a - t)*f*g (+ (b - u)*k)`: every lone quantity takes the product after it."""
    ts = terms(node)
    out: list[Term] = []
    k = 0
    changed = False
    while k < len(ts):
        sign, x = ts[k]
        if k + 1 < len(ts) and x.head in ("sym", "num") and ts[k + 1].expr.head == "*":
            fs = factors(ts[k + 1].expr)
            if fs[0].head == "sym":
                head = binary("+" if ts[k + 1].sign > 0 else "-", x, fs[0])
                out.append(Term(sign, product([head, *fs[1:]])))
                k += 2
                changed = True
                continue
        out.append(ts[k])
        k += 1
    return total(out) if changed else None


def _spread(node: Expr) -> Iterator[Expr]:
    """`A + B*f*g` -> `(A + B)*f*g` for every number of trailing factors of the last term."""
    ts = terms(node)
    fs = factors(ts[-1].expr)
    for cut in range(len(fs) - 1, 0, -1):
        yield product([total([*ts[:-1], Term(ts[-1].sign, product(fs[:cut]))]), *fs[cut:]])


def _missing_factors() -> tuple[tuple[Expr, str], ...]:
    found: list[tuple[Expr, str]] = []
    for a in ("a_h1", "a_h2", "a_o1", "a_o2"):
        rest = binary("-", num(1.0), sym(a))
        found.append((binary("*", sym(a), rest), f"missing factor {a} * (1 - {a})"))
        found.append((rest, f"missing factor (1 - {a})"))
        found.append((sym(a), f"missing factor {a}"))
    found += [(sym(w), f"missing factor {w}") for w in WEIGHTS]
    found += [(sym(i), f"missing factor {i}") for i in ("i1", "i2")]
    for k in "12":
        found.append((binary("-", sym(f"a_o{k}"), sym(f"t{k}")), f"missing factor (a_o{k} - t{k})"))
    found += [
        (num(0.5), "missing factor 1/2"),
        (num(2.0), "missing factor 2"),
        (sym("eta"), "missing learning rate η"),
    ]
    return tuple(found)


_STEPS = tuple(
    deriv(sym(x), sym(y))
    for k in "12"
    for x, y in (
        ("E", f"a_o{k}"), (f"E{k}", f"a_o{k}"), (f"a_o{k}", f"o{k}"), (f"o{k}", "a_h1"), (f"o{k}", "a_h2"),
        (f"a_h{k}", f"h{k}"), ("E", f"a_h{k}"), *((f"o{k}", w) for w in WEIGHTS[4:]), *((f"h{k}", w) for w in WEIGHTS[:4]),
    )
)  # fmt: skip
_FACTORS = _missing_factors()
_FACTOR_PLACES = frozenset("+-*")


def _factor_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    path, node = spot
    above = at(t, path[:-1]).head if path else ""
    if node.head == "*" and above == "*":
        return
    if node.head == "*":
        fs = factors(node)
        for k, f in enumerate(fs):
            new = product(fs[:k] + fs[k + 1 :])
            yield Edit(1.2, "extra-factor", f"extra factor {show(f)}", put(t, path, new), node, new)
        for k in range(len(fs) - 1):
            new = product(fs[:k] + fs[k + 2 :]) if len(fs) > 2 else num(1.0)
            phrase = f"extra factors {show(product(fs[k : k + 2]))}"
            yield Edit(1.5, "extra-factor", phrase, put(t, path, new), node, new)
    inside = not path or above in _FACTOR_PLACES or above == "neg"
    if inside and node.head in ("*", "sym", "deriv", "-", "^", "/", "+"):
        for f, phrase in _FACTORS:
            yield Edit(
                1.3 if path else 1.2,
                "factor-missing",
                phrase,
                put(t, path, binary("*", node, f)),
                node,
                binary("*", node, f),
            )
        if any(n.head == "deriv" for n in nodes(node)):
            for f in _STEPS:
                new = binary("*", node, f)
                yield Edit(1.25, "factor-missing", f"missing factor {show(f)}", put(t, path, new), node, new)
    if node.head in ("+", "-") and above not in ("+", "-"):
        ts = terms(node)
        for k in range(len(ts)):
            new = total(ts[:k] + ts[k + 1 :])
            yield Edit(1.3, "extra-term", f"extra term {show(ts[k].expr)}", put(t, path, new), node, new)
    if node.head == "sym" and node.name in ("a_h1", "a_h2", "a_o1", "a_o2") and above in ("*", "", "+"):
        new = binary("-", num(1.0), node)
        yield Edit(
            1.25, "one-minus-missing", f"1 - is missing before {node.name}", put(t, path, new), node, new
        )
    if node.head == "sym" and node.name.startswith("t") and above in ("*", ""):
        new = binary("-", sym("a_o" + node.name[-1]), node)
        yield Edit(1.25, "term-missing", f"a_o{node.name[-1]} - is missing", put(t, path, new), node, new)
    if node.head == "sym" and node.name in ("a_o1", "a_o2") and above in ("*", "", "^"):
        other = sym("t" + node.name[-1])
        for new in (binary("-", node, other), binary("-", other, node)):
            yield Edit(
                1.25, "term-missing", f"{show(new)} lost its {show(other)}", put(t, path, new), node, new
            )


def _chain_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    """A step that is not on the path: ∂X/∂Y * ∂Y/∂Z -> ∂X/∂Z."""
    path, node = spot
    if node.head != "*":
        return
    fs = factors(node)
    for k, (left, right) in enumerate(pairwise(fs)):
        if left.head == right.head == "deriv":
            new = product([*fs[:k], deriv(left.args[0], right.args[1]), *fs[k + 2 :]])
            phrase = f"{show(left.args[1])} is not on the path"
            yield Edit(1.1, "step-off-path", phrase, put(t, path, new), node, new)


_FAMILIES = {
    "the hidden index": ("h", "a_h"),
    "the output index": ("o", "a_o", "t", "E"),
    "every index": ("h", "a_h", "o", "a_o", "t", "E", "i"),
}


def _rename_edits(t: Expr) -> Iterator[Edit]:
    """The line was copied and an index, a weight or a quantity was not changed, all through."""
    used = symbols(t)
    for family, bases in _FAMILIES.items():
        for k, other in _OTHER.items():
            names = {base + k: base + other for base in bases if base + k in used}
            if len(names) >= 2:
                yield Edit(
                    1.05,
                    "copied-line",
                    f"{family} {k} should be {other} throughout",
                    renamed(t, names),
                    None,
                    None,
                )
    counted = [n.name for n in nodes(t) if n.head == "sym"]
    for name in sorted(used):
        if counted.count(name) < 2:
            continue
        for new, code, phrase in swaps(name):
            tree = renamed(t, {name: new})
            if name in WEIGHTS:
                phrase = f"line copied: {name} should be {new} throughout"
                yield Edit(1.1, "copied-line", phrase, tree, sym(name), sym(new))
            elif code in ("activation-confused", "index-swapped", "wrong-quantity"):
                yield Edit(1.08, code, f"{phrase} every time", tree, sym(name), sym(new))


def _star_for_minus(t: Expr) -> Iterator[Edit]:
    changed = _differences(t)
    if same(changed, t):
        return
    yield Edit(1.06, "times-for-minus", "a product where a difference belongs", changed, None, None)
    for path, node in spots(changed):
        if node.head == "sym" and node.name in ("t1", "t2"):
            new = put(changed, path, sym("t" + _OTHER[node.name[-1]]))
            yield Edit(
                1.6,
                "times-for-minus",
                "a product for a difference, and the target's index wrong",
                new,
                None,
                None,
            )


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
    for k in "12":
        yield deriv(sym("E" + k), sym(by)), f"the path through o{k} is missing"
