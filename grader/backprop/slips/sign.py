"""A plus for a minus, or a difference the wrong way round.

The derivative of ½ (t - a)² by a is a - t.

    ∂E/∂a_o1 = t1 - a_o1     wrong
    ∂E/∂a_o1 = a_o1 - t1     right
"""

from collections.abc import Iterator

from grader.backprop.cell_formula import infix
from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot, at, binary, neg, put, remade
from grader.backprop.tokens import Token


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """The other sign, a difference turned round, a minus more or less."""
    path, node = spot
    head = node.head
    if head in ("+", "-"):
        flipped = binary("-" if head == "+" else "+", *node.args)
        yield Edit(1.1, put(t, path, flipped), node, flipped)
        if head == "-":
            turned = binary("-", node.args[1], node.args[0])
            cost = 1.3 if turned.args[1].head == "num" else 1.0
            yield Edit(cost, put(t, path, turned), node, turned, "difference the wrong way round")
    if head == "neg":
        yield Edit(1.0, put(t, path, node.args[0]), node, node.args[0])
    elif head in ("*", "deriv", "sym", "/", "+", "-") and (not path or at(t, path[:-1]).head in ("+", "-")):
        yield Edit(1.1, put(t, path, neg(node)), node, neg(node))


def all_through(t: Expr) -> Iterator[Edit]:
    """Every t - a written for a - t, as 1/2 * (t - a)^2 suggests."""
    changed, count = _turned(t)
    if count > 1:
        yield Edit(1.02, changed, None, None, "every difference the wrong way round")


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


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """A minus for a plus or the other way round, or a minus sign more or less before one operand."""
    for i, token in enumerate(tokens):
        if token.kind == "op" and token.value in ("+", "-") and infix(tokens, i):
            wrote, belongs = ("minus", "plus") if token.value == "-" else ("plus", "minus")
            edited = (*tokens[:i], Token("op", "+" if token.value == "-" else "-"), *tokens[i + 1 :])
            yield Variant(edited, f"a {wrote} where a {belongs} belongs", (i,))
    for i, token in enumerate(tokens):
        if token.kind == "op" and not infix(tokens, i) and token.value == "-":
            yield Variant((*tokens[:i], *tokens[i + 1 :]), "a minus sign too many", (i,))
        after_sign = i > 0 and tokens[i - 1].kind == "op" and tokens[i - 1].value in ("+", "-")
        if token.kind in ("ref", "number", "open", "call") and not after_sign:
            yield Variant((*tokens[:i], Token("op", "-"), *tokens[i:]), "a minus sign is missing", (i,))


slip = Slip(
    code="sign",
    sentence="wrong sign",
    rank=20,
    in_text=in_text,
    all_through=all_through,
    in_cell=in_cell,
)
