"""Mistakes of signs, operators and brackets."""

from collections.abc import Iterator
from itertools import pairwise

from grader.extract.formulas.reading.expression import (
    Expr,
    Spot,
    Term,
    at,
    binary,
    call,
    factors,
    neg,
    num,
    product,
    put,
    show,
    terms,
    total,
)
from grader.extract.formulas.repair.edit import Edit, slip


def operator_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Signs, exponents, and one operator in the place of another."""
    path, node = spot
    head = node.head
    if head in ("+", "-"):
        flipped = binary("-" if head == "+" else "+", *node.args)
        yield slip(1.1, "sign", put(t, path, flipped), node, flipped)
        if head == "-":
            swapped = binary("-", node.args[1], node.args[0])
            yield Edit(
                1.3 if swapped.args[1].head == "num" else 1.0,
                "sign",
                "difference the wrong way round",
                put(t, path, swapped),
                node,
                swapped,
            )
        times = binary("*", *node.args)
        yield slip(1.1, "plus-for-times", put(t, path, times), node, times)
        if not (path and at(t, path[:-1]).head in ("+", "-")):
            ts = terms(node)
            for k, (left, right) in enumerate(pairwise(ts)):
                joined = Term(left.sign, binary("*", left.expr, right.expr))
                new = total([*ts[:k], joined, *ts[k + 2 :]])
                yield slip(1.05, "plus-for-times", put(t, path, new), node, new)
    if head == "*":
        for op, code, phrase in (
            ("+", "times-for-plus", "a product where a sum belongs"),
            ("-", "times-for-minus", "a product where a difference belongs"),
        ):
            new = binary(op, *node.args)
            yield Edit(1.3, code, phrase, put(t, path, new), node, new)
        new = binary("/", *node.args)
        yield slip(1.4, "times-for-over", put(t, path, new), node, new)
    if head == "/":
        new = binary("*", *node.args)
        yield slip(1.3, "over-for-times", put(t, path, new), node, new)
    if head == "call" and node.name == "exp":
        inner = node.args[0]
        new = call("exp", inner.args[0] if inner.head == "neg" else neg(inner), node.start, node.end)
        yield slip(1.0, "exponent-sign", put(t, path, new), node, new)
    if head == "neg":
        yield slip(1.0, "sign", put(t, path, node.args[0]), node, node.args[0])
    elif head in ("*", "deriv", "sym", "/", "+", "-") and (not path or at(t, path[:-1]).head in ("+", "-")):
        yield slip(1.1, "sign", put(t, path, neg(node)), node, neg(node))
    if head == "^":
        yield slip(1.2, "extra-exponent", put(t, path, node.args[0]), node, node.args[0])
    if head == "-" and node.args[0].head == "num":
        yield slip(1.25, "extra-difference", put(t, path, node.args[1]), node, node.args[1])
    if head in ("sym", "-") and not (path and at(t, path[:-1]).head in ("deriv", "^")):
        squared = binary("^", node, num(2.0))
        yield slip(1.25, "exponent-missing", put(t, path, squared), node, squared)
    if head == "call" and node.name in ("sigma", "exp"):
        yield Edit(
            1.3,
            "function-extra",
            f"{show(node)} where its argument belongs",
            put(t, path, node.args[0]),
            node,
            node.args[0],
        )


def bracket_edits(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Brackets that were left out."""
    path, node = spot
    if node.head in ("+", "-"):
        paired = _paired(node)
        if paired is not None:
            yield slip(1.0, "brackets", put(t, path, paired), node, paired)
        for new in _spread(node):
            yield Edit(1.1, "brackets", "missing brackets round the sum", put(t, path, new), node, new)
        if node.args[0].head == "/":  # 1/1+exp(-h) -> 1/(1+exp(-h))
            over = node.args[0]
            new = binary("/", over.args[0], binary(node.head, over.args[1], node.args[1]))
            yield Edit(
                1.0,
                "brackets",
                "missing brackets round the denominator",
                put(t, path, new),
                node,
                new,
            )
        last = node.args[1]
        if last.head == "^":  # t - a^2 -> (t - a)^2
            new = binary("^", binary(node.head, node.args[0], last.args[0]), last.args[1])
            yield Edit(1.0, "brackets", "missing brackets under the exponent", put(t, path, new), node, new)
    if node.head == "+" and any(n.head == "^" for n in node.args[1:]):
        return
    if node.head == "-" and node.args[1].head == "*":
        fs = factors(node.args[1])
        if fs[0].head == "^":  # handled through the terms of the whole product
            new = product([binary("^", binary("-", node.args[0], fs[0].args[0]), fs[0].args[1]), *fs[1:]])
            yield slip(1.1, "brackets", put(t, path, new), node, new)
    if node.head in ("+", "-") and node.args[0].head == "*":  # f * a - t -> f * (a - t)
        fs = factors(node.args[0])
        for cut in range(1, len(fs)):
            new = product([*fs[:cut], binary(node.head, product(fs[cut:]), node.args[1])])
            yield slip(1.05, "brackets", put(t, path, new), node, new)
            if node.args[1].head == "^":
                base = binary(node.head, product(fs[cut:]), node.args[1].args[0])
                new = product([*fs[:cut], binary("^", base, node.args[1].args[1])])
                yield slip(1.05, "brackets", put(t, path, new), node, new)
            if node.args[1].head == "*":
                tail = factors(node.args[1])
                for end in range(1, len(tail)):
                    middle = binary(node.head, product(fs[cut:]), product(tail[:end]))
                    new = product([*fs[:cut], middle, *tail[end:]])
                    yield slip(1.05, "brackets", put(t, path, new), node, new)


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
