"""What the slips of a cell's formula have in common: operators, operands and brackets among its tokens."""

from collections.abc import Iterator

from grader.backprop.edits import Tokens, Variant
from grader.backprop.tokens import Token

OPERATORS = ("+", "-", "*", "/", "^")
OPEN, CLOSE = Token("open", "("), Token("close", ")")


def operator(tokens: Tokens, wrote: str, meant: str) -> Iterator[Variant]:
    """One operator for another, in one place."""
    new = Token("op", meant)
    for i, token in enumerate(tokens):
        if token.value == wrote and token.kind == "op" and infix(tokens, i):
            yield Variant((*tokens[:i], new, *tokens[i + 1 :]), f"`{wrote}` for `{meant}`", (i,))


def infix(tokens: Tokens, i: int) -> bool:
    """Whether an operator stands between two operands."""
    return i > 0 and (
        tokens[i - 1].kind in ("ref", "number", "close", "text") or tokens[i - 1] == Token("op", "%")
    )


def pairs(tokens: Tokens) -> list[tuple[int, int]]:
    """Brackets, inner ones first, as indices of their two ends."""
    stack: list[int] = []
    found = []
    for i, token in enumerate(tokens):
        if token.kind in ("open", "call"):
            stack.append(i)
        elif token.kind == "close" and stack:
            found.append((stack.pop(), i))
    return found


def operands(tokens: Tokens) -> list[list[tuple[int, int]]]:
    """For every bracket level the spans of its operands, left to right, with their signs; arguments apart."""
    close_of = dict(pairs(tokens))
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
            signed = i - 1 if i > start and tokens[i - 1].kind == "op" and not infix(tokens, i - 1) else i
            group.append((signed, end))
            if i in close_of:
                walk(i + 1, close_of[i])
            i = end
        groups.append(group)

    walk(0, len(tokens))
    return groups
