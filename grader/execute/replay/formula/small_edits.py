"""Edits of a formula in a cell: the small ones of the catalogue, and references that are put in."""

from collections.abc import Iterator

from grader.backprop.cell_formula import OPEN, operands, pairs
from grader.backprop.edits import Tokens, Variant
from grader.backprop.slip_catalogue import SLIPS, cell_edits
from grader.backprop.tokens import Token

MAX_TOKENS = 160
"""Longer formulas are not searched for brackets, lost factors and double substitutions."""


BUT_BRACKETS = frozenset(SLIPS) - {"brackets"}


def small_edits(tokens: Tokens) -> Iterator[tuple[str, Variant]]:
    """Return every small edit of a formula with the code of the slip; no brackets where it is too long."""
    return cell_edits(tokens, SLIPS if len(tokens) <= MAX_TOKENS else BUT_BRACKETS)


def unrounded(tokens: Tokens) -> Tokens:
    """The formula without its calls of ROUND, ROUNDDOWN and TRUNC; the same where it has none."""
    for opened, closed in pairs(tokens):
        if tokens[opened].kind == "call" and tokens[opened].value in ("ROUND", "ROUNDDOWN", "TRUNC"):
            depth, stop = 0, closed
            for i in range(opened + 1, closed):
                depth += tokens[i].kind in ("open", "call")
                depth -= tokens[i].kind == "close"
                if tokens[i].kind == "sep" and depth == 0:
                    stop = i
                    break
            return unrounded((*tokens[:opened], OPEN, *tokens[opened + 1 : stop], *tokens[closed:]))
    return tokens


def folded(tokens: Tokens) -> Tokens:
    """A formula with each typed fraction and percentage as one number: `1/2` and `50%` are 0.5."""
    found: list[Token] = []
    for at, token in enumerate(tokens):
        if token == Token("op", "%") and found and found[-1].kind == "number":
            found[-1] = Token("number", float(found[-1].value) / 100.0)
            continue
        fraction = [one.kind for one in found[-2:]] == ["number", "op"] and found[-1].value == "/"
        before = found[-3].value if len(found) > 2 and found[-3].kind == "op" else ""
        after = tokens[at + 1].value if at + 1 < len(tokens) and tokens[at + 1].kind == "op" else ""
        plain = before not in ("/", "^") and after not in ("^", "%")
        if fraction and plain and token.kind == "number" and token.value:
            found[-2:] = [Token("number", float(found[-2].value) / float(token.value))]
            continue
        found.append(token)
    return tuple(found)


def with_factor(tokens: Tokens, slot: int) -> Iterator[tuple[Tokens, int]]:
    """The formula with a new reference multiplied to one operand, and the slot of the operand (-1 for a
    bracket).
    """
    for stop in _ends(tokens):
        last = tokens[stop - 1]
        grown = (*tokens[:stop], Token("op", "*"), Token("ref", slot), *tokens[stop:])
        yield grown, int(last.value) if last.kind == "ref" else -1


def with_term(tokens: Tokens, slot: int) -> Iterator[Tokens]:
    """The formula with a new reference added at the end of one bracket's sum."""
    for stop in _ends(tokens):
        if stop < len(tokens) and tokens[stop].kind in ("close", "sep"):
            yield (*tokens[:stop], Token("op", "+"), Token("ref", slot), *tokens[stop:])


def _ends(tokens: Tokens) -> list[int]:
    """Where operands end, each place once, brackets before what stands in them."""
    spans = dict.fromkeys(span for group in operands(tokens) for span in group)
    return list(dict.fromkeys(stop for _, stop in spans))
