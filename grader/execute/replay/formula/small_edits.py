"""Small edits of a formula, the mistakes that people make in cells: brackets, operators, signs, numbers.

Every edit works on tokens and yields the whole edited formula, so that precedence is applied again.
"""

from collections.abc import Iterator
from typing import NamedTuple

from grader.backprop.slips import OPERATORS
from grader.execute.replay.formula.tokens import Token

_OPERATORS = ("+", "-", "*", "/", "^")
MAX_TOKENS = 160
"""Longer formulas are not searched for brackets, lost factors and double substitutions."""
_OPEN, _CLOSE = Token("open", "("), Token("close", ")")


class Variant(NamedTuple):
    """An edited formula, what was done, and the token indices of the original that were touched."""

    tokens: tuple[Token, ...]
    what: str
    touched: tuple[int, ...]


def operators(tokens: tuple[Token, ...]) -> Iterator[Variant]:
    """Another operator in one place."""
    for i, token in enumerate(tokens):
        if token.kind != "op" or not _infix(tokens, i):
            continue
        for other in _OPERATORS:
            if other != token.value:
                edited = (*tokens[:i], Token("op", other), *tokens[i + 1 :])
                yield Variant(edited, f"`{token.value}` for `{other}`", (i,))


def brackets(tokens: tuple[Token, ...]) -> Iterator[Variant]:
    """One pair of brackets more, one pair less, or one pair moved."""
    yield from _more(tokens, "a pair of brackets is missing")
    for opened, closed in _pairs(tokens):
        if tokens[opened].kind != "open":
            continue
        inside = tokens[opened + 1 : closed]
        fewer = (*tokens[:opened], *inside, *tokens[closed + 1 :])
        yield Variant(fewer, "a pair of brackets is too many", (opened, closed))
        for moved in _more(fewer, "a pair of brackets is misplaced"):
            yield Variant(moved.tokens, moved.what, (opened, closed))


def _more(tokens: tuple[Token, ...], what: str) -> Iterator[Variant]:
    spans = _operands(tokens)
    for group in spans:
        for first in range(len(group)):
            for last in range(first + 1, len(group)):
                if first == 0 and last == len(group) - 1:
                    continue
                start, stop = group[first][0], group[last][1]
                edited = (*tokens[:start], _OPEN, *tokens[start:stop], _CLOSE, *tokens[stop:])
                yield Variant(edited, what, (start, stop - 1))


def signs(tokens: tuple[Token, ...]) -> Iterator[Variant]:
    """A minus for a plus or the other way round, or a minus sign more or less before one operand."""
    for i, token in enumerate(tokens):
        if token.kind == "op" and token.value in ("+", "-") and _infix(tokens, i):
            wrote, belongs = ("minus", "plus") if token.value == "-" else ("plus", "minus")
            edited = (*tokens[:i], Token("op", "+" if token.value == "-" else "-"), *tokens[i + 1 :])
            yield Variant(edited, f"a {wrote} where a {belongs} belongs", (i,))
    for i, token in enumerate(tokens):
        if token.kind == "op" and not _infix(tokens, i) and token.value == "-":
            yield Variant((*tokens[:i], *tokens[i + 1 :]), "a minus sign too many", (i,))
        after_sign = i > 0 and tokens[i - 1].kind == "op" and tokens[i - 1].value in ("+", "-")
        if token.kind in ("ref", "number", "open", "call") and not after_sign:
            yield Variant((*tokens[:i], Token("op", "-"), *tokens[i:]), "a minus sign is missing", (i,))


def numbers(tokens: tuple[Token, ...]) -> Iterator[Variant]:
    """Another of the numbers that the network's formulas hold."""
    for i, token in enumerate(tokens):
        if token.kind != "number":
            continue
        for other in (0.5, 1.0, 2.0, -1.0):
            if other != token.value:
                edited = (*tokens[:i], Token("number", other), *tokens[i + 1 :])
                yield Variant(edited, f"the number {token.value:g} for {other:g}", (i,))


def small_edits(tokens: tuple[Token, ...], *, brackets_too: bool = True) -> Iterator[tuple[str, Variant]]:
    """Every small edit of a formula with the code of the mistake, likely ones first."""
    yield from (("sign", variant) for variant in signs(tokens))
    for variant in operators(tokens):
        wrote, belongs = variant.what.strip("`").split("` for `")
        yield OPERATORS.get((wrote, belongs), "wrong-operator"), variant
    yield from (("wrong-constant", variant) for variant in numbers(tokens))
    if brackets_too and len(tokens) <= MAX_TOKENS:
        yield from (("brackets", variant) for variant in brackets(tokens))


def unrounded(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The formula without its calls of ROUND, ROUNDDOWN and TRUNC; the same where it has none."""
    for opened, closed in _pairs(tokens):
        if tokens[opened].kind == "call" and tokens[opened].value in ("ROUND", "ROUNDDOWN", "TRUNC"):
            depth, stop = 0, closed
            for i in range(opened + 1, closed):
                depth += tokens[i].kind in ("open", "call")
                depth -= tokens[i].kind == "close"
                if tokens[i].kind == "sep" and depth == 0:
                    stop = i
                    break
            return unrounded((*tokens[:opened], _OPEN, *tokens[opened + 1 : stop], *tokens[closed:]))
    return tokens


def with_factor(tokens: tuple[Token, ...], slot: int) -> Iterator[tuple[tuple[Token, ...], int]]:
    """The formula with a new reference multiplied to one operand, and the slot of the operand (-1 for a
    bracket).
    """
    for stop in _ends(tokens):
        last = tokens[stop - 1]
        grown = (*tokens[:stop], Token("op", "*"), Token("ref", slot), *tokens[stop:])
        yield grown, int(last.value) if last.kind == "ref" else -1


def with_term(tokens: tuple[Token, ...], slot: int) -> Iterator[tuple[Token, ...]]:
    """The formula with a new reference added at the end of one bracket's sum."""
    for stop in _ends(tokens):
        if stop < len(tokens) and tokens[stop].kind in ("close", "sep"):
            yield (*tokens[:stop], Token("op", "+"), Token("ref", slot), *tokens[stop:])


def _ends(tokens: tuple[Token, ...]) -> list[int]:
    """Where operands end, each place once, brackets before what stands in them."""
    spans = dict.fromkeys(span for group in _operands(tokens) for span in group)
    return list(dict.fromkeys(stop for _, stop in spans))


def _infix(tokens: tuple[Token, ...], i: int) -> bool:
    return i > 0 and (
        tokens[i - 1].kind in ("ref", "number", "close", "text") or tokens[i - 1] == Token("op", "%")
    )


def _pairs(tokens: tuple[Token, ...]) -> list[tuple[int, int]]:
    stack: list[int] = []
    pairs = []
    for i, token in enumerate(tokens):
        if token.kind in ("open", "call"):
            stack.append(i)
        elif token.kind == "close" and stack:
            pairs.append((stack.pop(), i))
    return pairs


def _operands(tokens: tuple[Token, ...]) -> list[list[tuple[int, int]]]:
    """For every bracket level the spans of its operands, left to right, with their signs; arguments apart."""
    close_of = dict(_pairs(tokens))
    groups: list[list[tuple[int, int]]] = []

    def walk(start: int, stop: int) -> None:
        group: list[tuple[int, int]] = []
        i = start
        while i < stop:
            token = tokens[i]
            if token.kind == "sep":
                groups.append(group)
                group = []
                i += 1
                continue
            if token.kind == "op":
                i += 1
                continue
            end = close_of.get(i, i) + 1
            signed = i - 1 if i > start and tokens[i - 1].kind == "op" and not _infix(tokens, i - 1) else i
            group.append((signed, end))
            if i in close_of:
                walk(i + 1, close_of[i])
            i = end
        groups.append(group)

    walk(0, len(tokens))
    return groups
