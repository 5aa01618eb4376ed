"""Formulas in R1C1 notation: tokens, Excel's precedence, closures over NumPy values.

Student text is never executed: a formula becomes tokens, tokens become closures over a fixed table of
functions. Precedence is Excel's (measured: `=-2^2` is 4, `=2^3^2` is 64): prefix signs bind tighter than `^`,
every infix operator associates to the left.
"""

import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from grader.backprop.tokens import Token, Unsupported
from grader.execute.replay.formula.let_lambda import written_out
from grader.execute.replay.formula.worksheet_functions import (
    FUNCTIONS,
    Value,
    add,
    as_number,
    compare,
    concatenate,
    divide,
    each,
    power,
)

Slot = Value | list[Value]
Compiled = Callable[[Sequence[Slot]], Value]
"""From the values of the slots to the value; inside a formula with ranges, parts may be arrays."""
_Infix = Callable[[str, Compiled, Compiled], Compiled]
"""How an operator joins its operands."""
_OPENING = ("open", "call")

MAX_DEPTH = 60
"""Nested brackets and calls of one formula; Excel allows 64 levels."""
_PRECEDENCE = {
    "=": 1,
    "<>": 1,
    "<": 1,
    ">": 1,
    "<=": 1,
    ">=": 1,
    "&": 2,
    "+": 3,
    "-": 3,
    "*": 4,
    "/": 4,
    "^": 5,
}


class Reference(NamedTuple):
    """Where a slot points: offsets where not fixed. `sheet` is empty for the formula's own sheet."""

    sheet: str
    row: int
    row_fixed: bool
    column: int
    column_fixed: bool


class Range(NamedTuple):
    """Two corners."""

    first: Reference
    last: Reference


class Form(NamedTuple):
    """A parsed form: its tokens with numbered slots and what each slot refers to.

    LET and LAMBDA are written out in `tokens`; `written` holds the student's own tokens where they differ.
    """

    tokens: tuple[Token, ...]
    slots: tuple[Reference | Range, ...]
    skeleton: str
    written: tuple[Token, ...] = ()


_CELL = r"R(?:\[(-?\d+)\]|(\d+))C(?:\[(-?\d+)\]|(\d+))"
_TOKEN = re.compile(
    rf"""(?P<text>"(?:[^"]|"")*")
      | (?P<sheet>'(?:[^']|'')*'!)?(?P<ref>{_CELL})(?P<to>:(?:'(?:[^']|'')*'!)?{_CELL})?
      | (?P<call>[^\W\d][\w.]*)\(
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<op><>|<=|>=|[-+*/^&=<>%])
      | (?P<open>\() | (?P<close>\)) | (?P<sep>[,;])
      | (?P<name>[^\W\d][\w.]*)
      | (?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)


_PREFIX = re.compile(r"^(?:_xlfn\.|_xlws\.|_xlpm\.)+", re.IGNORECASE)
"""What Excel writes before functions and names that older versions do not know."""


def scan(form: str) -> Form:
    """Split a form into tokens and slots; raise `Unsupported` for what no formula of a network needs."""
    tokens: list[Token] = []
    slots: list[Reference | Range] = []
    if form.startswith("#"):
        raise Unsupported("a data table or array formula")
    for match in _TOKEN.finditer(form):
        if match["ref"]:
            slots.append(_slot(match))
            tokens.append(Token("range" if match["to"] else "ref", len(slots) - 1))
        elif match["call"]:
            tokens.append(Token("call", _PREFIX.sub("", match["call"].upper())))
        elif match["number"]:
            tokens.append(Token("number", float(match["number"])))
        elif match["op"]:
            tokens.append(Token("op", match["op"]))
        elif match["open"]:
            tokens.append(Token("open", "("))
        elif match["close"]:
            tokens.append(Token("close", ")"))
        elif match["sep"]:
            tokens.append(Token("sep", ","))
        elif match["text"]:
            tokens.append(Token("text", match["text"][1:-1].replace('""', '"')))
        elif match["name"] and match["name"].upper() in ("TRUE", "FALSE"):
            tokens.append(Token("number", float(match["name"].upper() == "TRUE")))
        elif match["name"]:
            tokens.append(Token("name", _PREFIX.sub("", match["name"])))
        else:
            raise Unsupported(f"the notation {match[0]!r}")
    plain = written_out(tokens)
    skeleton = " ".join(t.kind if t.kind in ("ref", "range") else f"{t.kind}{t.value}" for t in plain)
    return Form(plain, tuple(slots), skeleton, () if plain == tuple(tokens) else tuple(tokens))


def _slot(match: re.Match[str]) -> Reference | Range:
    sheet = match["sheet"][1:-2].replace("''", "'") if match["sheet"] else ""
    if "[" in sheet:
        raise Unsupported("a link to another workbook")
    first = _reference(sheet, match["ref"])
    if not match["to"]:
        return first
    return Range(first, _reference(sheet, match["to"].rpartition("!")[2].lstrip(":")))


def _reference(sheet: str, text: str) -> Reference:
    found = re.fullmatch(_CELL, text)
    if found is None:
        raise Unsupported(f"the reference {text}")
    row, row_fixed, column, column_fixed = found.groups()
    return Reference(
        sheet,
        int(row_fixed or row),
        row_fixed is not None,
        int(column_fixed or column),
        column_fixed is not None,
    )


class _Parser:
    """Precedence climbing over tokens; every method returns a closure."""

    def __init__(self, tokens: tuple[Token, ...], depth: int, arrays: bool, infix: _Infix) -> None:
        self.tokens, self.depth, self.arrays, self.infix = tokens, depth, arrays, infix
        self.at = 0

    def whole(self) -> Compiled:
        """All of the tokens as one expression."""
        compiled = self.expression(1)
        if self.at != len(self.tokens):
            raise Unsupported("text after the end of the formula")
        return compiled

    def closing(self) -> int:
        """Where the bracket closes that was opened before this token."""
        depth = 1
        for at in range(self.at, len(self.tokens)):
            kind = self.tokens[at].kind
            depth += (kind in _OPENING) - (kind == "close")
            if not depth:
                return at
        raise Unsupported("unbalanced brackets")

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def expression(self, lowest: int) -> Compiled:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unsupported(f"more than {MAX_DEPTH} nested brackets")
        left = self.unary()
        while (token := self.peek()) is not None and token.kind == "op":
            operator = str(token.value)
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence < lowest or precedence == 0:
                break
            self.at += 1
            left = self.infix(operator, left, self.expression(precedence + 1))
        self.depth -= 1
        return left

    def unary(self) -> Compiled:
        token = self.peek()
        if token is not None and token.kind == "op" and token.value in ("+", "-"):
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise Unsupported(f"more than {MAX_DEPTH} nested signs")
            operand = self.unary()
            self.depth -= 1
            if token.value == "+":
                return operand
            if self.arrays:
                return _array("-", lambda _: 0.0, operand)
            return lambda values: -as_number(operand(values))
        operand = self.primary()
        while (token := self.peek()) is not None and token == Token("op", "%"):
            self.at += 1
            operand = _array("/", operand, lambda _: 100.0) if self.arrays else _percent(operand)
        return operand

    def primary(self) -> Compiled:
        token = self.peek()
        if token is None:
            raise Unsupported("an unfinished formula")
        self.at += 1
        if token.kind in ("ref", "range"):
            slot = int(token.value)
            return itemgetter(slot)
        if token.kind in ("number", "text"):
            constant: Value = token.value
            return lambda _: constant
        if token.kind == "open":
            close = self.closing()
            inner = _bracketed(self.tokens[self.at : close], self.depth, self.arrays, self.infix)
            self.at = close + 1
            return inner
        if token.kind == "call":
            return self.call(str(token.value))
        if token.kind == "name":
            raise Unsupported(f"the name {token.value}")
        raise Unsupported(f"the notation {token.value!r}")

    def call(self, name: str) -> Compiled:
        function = FUNCTIONS.get(name)
        if function is None:
            raise Unsupported(f"the function {name}")
        arguments: list[Compiled | int] = []
        while (token := self.peek()) is not None and token.kind != "close":
            if token.kind == "sep":
                self.at += 1
                continue
            following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
            if token.kind == "range" and following is not None and following.kind in ("sep", "close"):
                self.at += 1
                arguments.append(int(token.value))
            else:
                arguments.append(self.expression(1))
        self.expect("close")

        def run(values: Sequence[Slot]) -> Value:
            given = [values[a] if isinstance(a, int) else a(values) for a in arguments]
            return function(given)  # type: ignore[return-value]

        return run

    def expect(self, kind: str) -> None:
        token = self.peek()
        if token is None or token.kind != kind:
            raise Unsupported("unbalanced brackets")
        self.at += 1


def _percent(operand: Compiled) -> Compiled:
    return lambda values: as_number(operand(values)) / 100.0


def _binary(operator: str, left: Compiled, right: Compiled) -> Compiled:
    if operator == "+":
        return lambda values: add(left(values), right(values))
    if operator == "-":
        return lambda values: as_number(left(values)) - as_number(right(values))
    if operator == "*":
        return lambda values: as_number(left(values)) * as_number(right(values))
    if operator == "/":
        return lambda values: divide(left(values), right(values))
    if operator == "^":
        return lambda values: power(left(values), right(values))
    if operator == "&":
        return lambda values: concatenate(left(values), right(values))
    return lambda values: compare(operator, left(values), right(values))


_ARITHMETIC: dict[str, Callable[[Any, Any], Value]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": divide, "^": power,
}  # fmt: skip


def _of_numbers(sign: str, left: Compiled, right: Compiled) -> Compiled:
    """An operator of a formula in which nothing is a text: its operands need no coercion."""
    apply = _ARITHMETIC.get(sign)
    if apply is None:
        return _binary(sign, left, right)
    return lambda values: apply(left(values), right(values))


def _array(operator: str, left: Compiled, right: Compiled) -> Compiled:
    """An operator in a formula with ranges: of arrays it is taken element by element."""
    plain = _binary(operator, lambda pair: pair[0], lambda pair: pair[1])  # type: ignore[arg-type, return-value]

    def run(values: Sequence[Slot]) -> Value:
        one, other = left(values), right(values)
        if isinstance(one, list) or isinstance(other, list):
            return each(lambda a, b: plain([a, b]), one, other)
        return plain([one, other])

    return run


def _single(compiled: Compiled) -> Compiled:
    """The one value of a formula with ranges; raises `Unsupported` where it gives several."""

    def run(values: Sequence[Slot]) -> Value:
        value = compiled(values)
        if not isinstance(value, list):
            return value
        if len(value) != 1:
            raise Unsupported("a formula that gives several values")
        return value[0]

    return run


def compile_tokens(tokens: Sequence[Token]) -> Compiled:
    """Turn tokens into a closure over the values of their slots; raise `Unsupported`.

    Closures are kept: classmates fill the same sheet, and one mistake is searched with the same edits.
    """
    return _compiled(tuple(tokens))


def compile_for_numbers(tokens: Sequence[Token]) -> Compiled | None:
    """Turn tokens into a closure that gives what that of `compile_tokens` does, faster, where no slot holds a
    text; None for a formula with ranges or texts of its own.
    """
    if any(t.kind in ("range", "text") or t == Token("op", "&") for t in tokens):
        return None
    return _compiled(tuple(tokens), numbers=True)


@lru_cache(maxsize=4_096)
def _compiled(tokens: tuple[Token, ...], *, numbers: bool = False) -> Compiled:
    arrays = any(token.kind == "range" for token in tokens)
    infix = _array if arrays else _of_numbers if numbers else _binary
    compiled = _Parser(tokens, 0, arrays, infix).whole()
    return _single(compiled) if arrays else compiled


@lru_cache(maxsize=4_096)
def _bracketed(tokens: tuple[Token, ...], depth: int, arrays: bool, infix: _Infix) -> Compiled:
    """What stands in brackets, kept: an edit of a long formula leaves most of its brackets as they are."""
    return _Parser(tokens, depth, arrays, infix).whole()


def evaluate(compiled: Compiled, values: Sequence[Slot]) -> npt.NDArray[np.float64] | float:
    """Run a closure and return numbers; text and failed arithmetic are NaN, as Excel's `#VALUE!` would be.

    Floating-point warnings are the caller's to silence (`replay_book` does, once): a context manager per cell
    would cost more than the cell.
    """
    return as_number(compiled(values))
