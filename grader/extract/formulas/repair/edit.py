"""One possible correction of one side of a formula: what the search of `catalogue` is made of."""

from typing import NamedTuple

from grader.backprop.slips import SLIPS
from grader.extract.formulas.reading.expression import Expr


class Edit(NamedTuple):
    """A possible correction of one side. `wrote` is the guilty part, `should` what to write instead."""

    cost: float
    code: str
    phrase: str
    tree: Expr
    wrote: Expr | None
    should: Expr | None


def slip(cost: float, code: str, tree: Expr, wrote: Expr | None, should: Expr | None) -> Edit:
    """The edit of a slip, told by the catalogue's own sentence."""
    return Edit(cost, code, SLIPS[code], tree, wrote, should)
