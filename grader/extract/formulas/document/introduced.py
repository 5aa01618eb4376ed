"""Sentences that lead to a formula below them: `The gradient of the loss with respect to w5 is`."""

import re

from grader.backprop.assigned import remembered
from grader.backprop.expression import Expr, sym
from grader.backprop.name_patterns import Named
from grader.backprop.own_names import in_canonical
from grader.extract.formulas.reading.prose_rules import in_symbols
from grader.extract.formulas.reading.statements import plain_line

MOST = 240
"""Characters of such a sentence."""
_LEADS = re.compile(
    r"(?:[:=]|\b(?:is|are|as|by|get|obtain|have|gives?|becomes?|follows|ist|wir|erhalten|lautet|es|est|vaut|è))[\s*_`:=$]*$",
    re.IGNORECASE,
)
_WEIGHT = Named(r"(?<![A-Za-z])[wW]_?\(?(@weights@)(?!\d)")
_STEP = Named(
    r"(?<![A-Za-z])(?:(?:a|out|net|act|z)_?)?[hHoO]_?@units@|activation|chain|updat|learning|step|[∂d]\w+\s*/\s*[∂d](?![wW])|net\s+input"
)
"""What tells that a part of the gradient follows, or an update."""


@remembered(most=2_048)
def introduced(raw: str) -> Expr | None:
    """The one weight that a sentence names whose end leads to a formula; None where it names more or other
    things.
    """
    if len(raw) > MOST or "w" not in raw.lower() or "|" in raw or _LEADS.search(raw) is None:
        return None
    plain = in_symbols(plain_line(in_canonical(raw))).text
    weights = {m[1] for m in _WEIGHT().finditer(plain)}
    if len(weights) != 1 or _STEP().search(plain) is not None:
        return None
    return sym(f"w{weights.pop()}")
