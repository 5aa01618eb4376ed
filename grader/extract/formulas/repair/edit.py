"""One possible correction of one side of a formula: what the catalogue in `edits` is made of."""

from typing import NamedTuple

from grader.extract.formulas.reading.expression import Expr


class Edit(NamedTuple):
    """A possible correction of one side. `wrote` is the guilty part, `should` what to write instead."""

    cost: float
    code: str
    phrase: str
    tree: Expr
    wrote: Expr | None
    should: Expr | None
