"""Brackets were left out, or stand at another place.

What is multiplied binds before what is added.

    ∂E/∂w5 = a_o1 - t1 * a_o1 * (1 - a_o1) * a_h1       wrong
    ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1     right
"""

from collections.abc import Iterator

from grader.backprop.cell_formula import CLOSE, OPEN, operands, pairs
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, Term, binary, factors, product, put, terms, total


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Brackets round a sum, a denominator, or what is squared."""
    path, node = spot
    if node.head in ("+", "-"):
        paired = _paired(node)
        if paired is not None:
            yield Edit(1.0, put(t, path, paired), node, paired)
        for new in _spread(node):
            yield Edit(1.1, put(t, path, new), node, new, "missing brackets round the sum")
        if node.args[0].head == "/":  # 1/1+exp(-h) -> 1/(1+exp(-h))
            over = node.args[0]
            new = binary("/", over.args[0], binary(node.head, over.args[1], node.args[1]))
            yield Edit(1.0, put(t, path, new), node, new, "missing brackets round the denominator")
        last = node.args[1]
        if last.head == "^":  # t - a^2 -> (t - a)^2
            new = binary("^", binary(node.head, node.args[0], last.args[0]), last.args[1])
            yield Edit(1.0, put(t, path, new), node, new, "missing brackets under the exponent")
    if not (node.head == "+" and any(n.head == "^" for n in node.args[1:])):
        for cost, new in _round_products(node):
            yield Edit(cost, put(t, path, new), node, new)


def _round_products(node: Expr) -> Iterator[tuple[float, Expr]]:
    if node.head == "-" and node.args[1].head == "*":
        fs = factors(node.args[1])
        if fs[0].head == "^":  # handled through the terms of the whole product
            base = binary("-", node.args[0], fs[0].args[0])
            yield 1.1, product([binary("^", base, fs[0].args[1]), *fs[1:]])
    if node.head not in ("+", "-") or node.args[0].head != "*":  # f * a - t -> f * (a - t)
        return
    fs = factors(node.args[0])
    for cut in range(1, len(fs)):
        before, inside = fs[:cut], product(fs[cut:])
        yield 1.05, product([*before, binary(node.head, inside, node.args[1])])
        if node.args[1].head == "^":
            base = binary(node.head, inside, node.args[1].args[0])
            yield 1.05, product([*before, binary("^", base, node.args[1].args[1])])
        if node.args[1].head == "*":
            tail = factors(node.args[1])
            for end in range(1, len(tail)):
                middle = binary(node.head, inside, product(tail[:end]))
                yield 1.05, product([*before, middle, *tail[end:]])


def _paired(node: Expr) -> Expr | None:
    """`a - t*f*g (+ b - u*k)` -> `(a - t)*f*g (+ (b - u)*k)`: lone quantities take the product after them."""
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


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """One pair of brackets more, one pair less, or one pair moved."""
    yield from _more(tokens, "a pair of brackets is missing")
    for opened, closed in pairs(tokens):
        if tokens[opened].kind != "open":
            continue
        inside = tokens[opened + 1 : closed]
        fewer = (*tokens[:opened], *inside, *tokens[closed + 1 :])
        yield Variant(fewer, "a pair of brackets is too many", (opened, closed))
        for moved in _more(fewer, "a pair of brackets is misplaced"):
            yield Variant(moved.tokens, moved.what, (opened, closed))


def _more(tokens: Tokens, what: str) -> Iterator[Variant]:
    for group in operands(tokens):
        for first in range(len(group)):
            for last in range(first + 1, len(group)):
                if first == 0 and last == len(group) - 1:
                    continue
                start, stop = group[first][0], group[last][1]
                edited = (*tokens[:start], OPEN, *tokens[start:stop], CLOSE, *tokens[stop:])
                yield Variant(edited, what, (start, stop - 1))


slip = Slip(
    code="brackets",
    sentence="missing brackets",
    rank=40,
    in_text=in_text,
    in_cell=in_cell,
)
