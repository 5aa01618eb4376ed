"""Tokens -> tree: a Pratt parser in which ∂X/∂Y is one atom that binds tighter than `*` and `/`.

(Left-associative division would read `∂E/∂a * ∂a/∂o` as (((∂E/∂a)·∂a)/∂o).)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from grader.backprop.expression import Expr, binary, call, deriv, neg, nodes, num, remade, sym
from grader.extract.formulas.reading.vocabulary import Token

MAX_TOKENS = 300
MAX_DEPTH = 60


class Unparsed(Exception):
    """The tokens are no formula; the message says at what."""


class Note(NamedTuple):
    """Something that had to be overlooked or added to read a formula."""

    code: str
    message: str


_END = Token("end", "", 0.0, 0, 0)


class _Parser:
    def __init__(self, found: Sequence[Token]) -> None:
        self.tokens = found
        self.at = 0
        self.depth = 0
        self.notes: list[Note] = []

    def note(self, code: str, message: str) -> None:
        self.notes.append(Note(code, message))

    def peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def op(self, char: str) -> bool:
        token = self.peek()
        return token.kind == "op" and token.name == char

    def sum(self) -> Expr:
        start = self.peek().start
        if self.op("-"):
            self.at += 1
            left = neg(self.product(), start)
        else:
            self.at += self.op("+")
            left = self.product()
        while self.op("+") or self.op("-"):
            op = self.peek().name
            self.at += 1
            left = binary(op, left, self.product())
        return left

    def product(self) -> Expr:
        left = self.signed()
        while True:
            if self.op("*"):
                self.at += 1
                if self.op("*"):
                    self.at += 1
                    token = self.peek()
                    if token.kind == "num" and token.value in (2.0, 3.0):
                        self.note("spaced-power", "`* *` read as `**`")
                        left = _power_of_last(left, self.bare())
                        continue
                    self.note("doubled-star", "`* *` read as one `*`")
                left = binary("*", left, self.signed())
            elif self.op("/"):
                self.at += 1
                left = _quotient(left, self.signed())
            elif self.starts_factor():
                self.note("implicit-product", "factors side by side read as a product")
                left = binary("*", left, self.signed())
            else:
                return left

    def starts_factor(self) -> bool:
        token = self.peek()
        return token.kind in ("sym", "fn", "d", "pair", "delta") or (token.kind == "op" and token.name == "(")

    def signed(self) -> Expr:
        minus = 0
        start = self.peek().start
        while self.op("-") or self.op("+"):
            minus += self.op("-")
            self.at += 1
        x = self.power()
        return neg(x, start) if minus % 2 else x

    def power(self) -> Expr:
        base = self.atom()
        token = self.peek()
        before = self.tokens[self.at - 1] if self.at else _END
        if (
            token.kind == "num"
            and before.kind == "op"
            and before.name == ")"
            and token.start == before.end
            and token.value in (2.0, 3.0)
        ):
            self.at += 1
            self.note("power-sign-lost", f"`){token.value:g}` read as `)^{token.value:g}`")
            return binary("^", base, num(token.value, token.start, token.end))
        if self.op("^"):
            self.at += 1
            self.deeper()
            exponent = self.signed()
            self.depth -= 1
            if base.head == "euler":
                return call("exp", exponent, base.start)
            return binary("^", base, exponent)
        if base.head == "euler":
            raise Unparsed("e without an exponent")
        return base

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unparsed("nested too deeply")

    def atom(self) -> Expr:
        """A bare atom, or a fraction of which at least one side carries a ∂."""
        top = self.bare()
        if not self.op("/"):
            return top
        saved, known = self.at, len(self.notes)
        inner = _undiff(top)
        self.at += 1
        if inner is None and not (self.peek().kind == "d" and top.head in ("sym", "+")):
            self.at = saved
            return top
        try:
            bottom = self.bare()
        except Unparsed:
            self.at = saved
            del self.notes[known:]
            return top
        under = _undiff(bottom)
        if inner is not None and under is None and bottom.head == "sym":
            self.note("no-d-below", f"no ∂ before {bottom.name} in the denominator")
            under = bottom
        if under is not None and under.head == "sym":
            if inner is None:
                self.note("no-d-above", "no ∂ in the numerator")
            return deriv(top if inner is None else inner, under, top.start, bottom.end)
        self.at = saved
        del self.notes[known:]
        return top

    def bare(self) -> Expr:
        token = self.peek()
        kind = token.kind
        self.at += 1
        if kind == "num":
            return num(token.value, token.start, token.end)
        if kind == "sym":
            self.at += self.peek().kind == "prime"
            return sym(token.name, token.start, token.end)
        if kind == "pair":
            return deriv(sym(token.name), sym(token.second), token.start, token.end)
        if kind == "delta":
            slope = deriv(sym(token.name), sym(token.second), token.start, token.end)
            return Expr("deriv", "delta", 0.0, slope.args, slope.start, slope.end)
        if kind == "d":
            return self.differential(token)
        if kind == "fn":
            return self.function(token)
        if kind == "op" and token.name == "(":
            return self.bracket(token)
        self.at -= 1
        raise Unparsed(f"unexpected {token.name or token.kind!r}")

    def differential(self, token: Token) -> Expr:
        self.at += self.peek().kind == "d"
        self.deeper()
        if self.op("/"):  # ∂/∂w (X)
            self.at += 1
            under = _undiff(self.bare())
            if under is None or under.head != "sym":
                raise Unparsed("∂/ without a variable")
            x = self.atom()
            self.depth -= 1
            if self.starts_factor() or self.op("^"):
                self.note("operator-scope", "how far ∂/∂ reaches is not clear")
            return deriv(x, under, token.start, x.end)
        x = self.bare()
        self.depth -= 1
        return Expr("diff", args=(x,), start=token.start, end=x.end)

    def function(self, token: Token) -> Expr:
        if token.name == "e":
            return Expr("euler", start=token.start, end=token.end)
        self.deeper()
        exponent = None
        if self.op("^"):
            self.at += 1
            exponent = self.signed()
            if token.name == "exp" and not self.op("("):  # exp^(-h1) is written for e^(-h1)
                self.depth -= 1
                return call("exp", exponent, token.start)
        argument = self.signed() if self.op("-") else self.bare()
        self.depth -= 1
        result = call(token.name, argument, token.start)
        return binary("^", result, exponent) if exponent is not None else result

    def bracket(self, token: Token) -> Expr:
        self.deeper()
        inner = self.sum()
        self.depth -= 1
        if not self.op(")"):
            if self.peek().kind != "end":
                raise Unparsed("expected )")
            self.note("bracket-not-closed", "a closing bracket is missing")
            return inner
        end = self.peek().end
        self.at += 1
        if inner.head == "/":  # ((∂E)/(∂w)) from \frac
            inner = _quotient(*inner.args)
        if inner.start >= 0:
            inner = Expr(inner.head, inner.name, inner.value, inner.args, token.start, end, inner.text)
        return inner


def _power_of_last(left: Expr, exponent: Expr) -> Expr:
    if left.head == "*":
        return binary("*", left.args[0], binary("^", left.args[1], exponent))
    return binary("^", left, exponent)


def _undiff(x: Expr) -> Expr | None:
    """∂E -> E, ∂E1 + ∂E2 -> E1 + E2; None where no ∂ is."""
    if x.head == "diff":
        return x.args[0]
    if x.head in ("+", "-"):
        left, right = _undiff(x.args[0]), _undiff(x.args[1])
        if left is not None and right is not None:
            return binary(x.head, left, right)
    return None


def _quotient(top: Expr, bottom: Expr) -> Expr:
    above, below = _undiff(top), _undiff(bottom)
    if above is not None and below is not None and below.head == "sym":
        return deriv(above, below, top.start, bottom.end)
    return binary("/", top, bottom)


def _settled(tree: Expr, notes: list[Note]) -> Expr:
    """Read what is left of lone ∂s: `dw1` alone is the coders' ∂E/∂w1, `∂(a_h1*dw5)/∂w5` means w5 inside."""
    settled = _settle(tree, notes, inside=False)
    if any(n.head in ("diff", "euler") for n in nodes(settled)):
        raise Unparsed("a ∂ without its fraction")
    return settled


def _settle(t: Expr, notes: list[Note], *, inside: bool) -> Expr:
    if t.head == "diff" and t.args[0].head == "sym":
        if inside:
            notes.append(Note("d-inside", f"∂{t.args[0].name} inside a derivative read as {t.args[0].name}"))
            return t.args[0]
        if t.args[0].name.startswith("w"):
            notes.append(Note("shorthand", f"d{t.args[0].name} read as ∂E/∂{t.args[0].name}"))
            return deriv(sym("E"), t.args[0], t.start, t.end)
    if not t.args:
        return t
    if t.head == "deriv":
        return remade(t, (_settle(t.args[0], notes, inside=True), t.args[1]))
    args = tuple(_settle(a, notes, inside=inside) for a in t.args)
    return t if all(a is b for a, b in zip(args, t.args, strict=True)) else remade(t, args)


class Parsed(NamedTuple):
    """A tree whose spans are offsets in the tokens' text, what was overlooked, and the tokens that were left."""

    tree: Expr
    notes: list[Note]
    rest: Sequence[Token]


def parse_all(found: Sequence[Token]) -> Parsed:
    """Parse every token.

    Raises:
        Unparsed: the tokens are not exactly one expression.

    """
    if len(found) > MAX_TOKENS:
        raise Unparsed("too long")
    parser = _Parser(found)
    tree = parser.sum()
    if parser.at < len(found):
        raise Unparsed(f"unexpected {found[parser.at].name!r}")
    return Parsed(_settled(tree, parser.notes), parser.notes, ())


def parse_prefix(found: Sequence[Token]) -> Parsed:
    """Parse the longest expression at the start; what follows must look like a remark, never like an operator.

    Raises:
        Unparsed: no expression stands at the start, or an operator follows it.

    """
    if len(found) > MAX_TOKENS:
        raise Unparsed("too long")
    parser = _Parser(found)
    try:
        tree = _settled(parser.sum(), parser.notes)
    except Unparsed:
        cuts = [
            k for k, t in enumerate(found) if k and (t.kind == "word" or (t.kind == "op" and t.name == "("))
        ]
        for k in list(reversed(cuts))[:40]:
            try:
                whole = parse_all(found[:k])
            except Unparsed:
                continue
            return Parsed(whole.tree, whole.notes, found[k:])
        raise
    rest = found[parser.at :]
    if rest and rest[0].kind == "op":
        if rest[0].name == ")":
            parser.note("bracket-not-opened", "a closing bracket has no opening one")
            if all(t.kind == "op" and t.name == ")" for t in rest):
                return Parsed(tree, parser.notes, rest)
        raise Unparsed(f"an operator after the formula: {rest[0].name}")
    return Parsed(tree, parser.notes, rest)


def located(tree: Expr, spans: Callable[[int, int], tuple[int, int]]) -> Expr:
    """The tree with its offsets in the token text replaced by offsets in the student's line."""
    args = tuple(located(a, spans) for a in tree.args)
    if tree.start < 0:
        return remade(tree, args) if args else tree
    start, end = spans(tree.start, tree.end)
    return Expr(tree.head, tree.name, tree.value, args, start, end, tree.text)
