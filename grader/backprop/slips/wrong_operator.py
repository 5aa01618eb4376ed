"""Another operator, in a cell.

One of + - * / ^ for another, where no slip of its own name explains it.

    =A2^B2     wrong
    =A2*B2     right
"""

from collections.abc import Iterator

from grader.backprop.cell_formula import OPERATORS, operator
from grader.backprop.edits import Slip, Tokens, Variant

_NAMED = {("+", "*"), ("*", "+"), ("*", "-"), ("*", "/"), ("/", "*")}
"""Those that are slips of their own."""


def in_cell(tokens: Tokens) -> Iterator[Variant]:
    """Any other operator for one."""
    for wrote in OPERATORS:
        for meant in OPERATORS:
            if wrote != meant and (wrote, meant) not in _NAMED:
                yield from operator(tokens, wrote, meant)


slip = Slip(
    code="wrong-operator",
    sentence="another operator",
    rank=26,
    in_cell=in_cell,
)
