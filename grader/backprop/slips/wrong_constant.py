"""Another number.

A factor of 2 or 1/2 that was lost or written twice.

    E1 = 2 * (t1 - a_o1)^2       wrong
    E1 = 1/2 * (t1 - a_o1)^2     right
"""

from collections.abc import Iterator

from grader.backprop.edits import Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, Spot
from grader.backprop.slips._numbers import numbers
from grader.backprop.tokens import Token


def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
    """Another number of those that the network's formulas hold."""
    return numbers(t, spot, exponent=False)


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """Another of the numbers that the network's formulas hold."""
    for i, token in enumerate(tokens):
        if token.kind != "number":
            continue
        for other in (0.5, 1.0, 2.0, -1.0):
            if other != token.value:
                edited = (*tokens[:i], Token("number", other), *tokens[i + 1 :])
                yield Variant(edited, f"the number {token.value:.10g} for {other:g}", (i,))


slip = Slip(
    code="wrong-constant",
    sentence="wrong constant",
    rank=31,
    in_text=in_text,
    in_cell=in_cell,
)
