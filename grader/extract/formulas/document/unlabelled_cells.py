"""Formulas in the cells of a table that says elsewhere what they are: in its heading, by a number, in words.

Such a row is no equation, and what it states is not known from the row; it could be any quantity of its kind.
"""

import re

from grader.extract.formulas.judging.network import WEIGHTS
from grader.extract.formulas.reading.expression import has_derivative, symbols
from grader.extract.formulas.reading.relations import formula
from grader.extract.formulas.reading.statements import plain_line

_CELL = re.compile(r"(?<!\\)\||</?t[dhr]\b[^<>]*>", re.IGNORECASE)
_MAY_BE_FORMULA = re.compile(r"[1-8].*[-+*/·×⋅∙(].*[1-8]")
_GRADIENTS = frozenset(f"∂E/∂{w}" for w in WEIGHTS)
_FORWARD = frozenset({"h1", "h2", "o1", "o2", "a_h1", "a_h2", "a_o1", "a_o2"})
_LOSSES = frozenset({"E", "E1", "E2"})
_TARGETS = frozenset({"t1", "t2"})


def in_unlabelled_cells(row: str) -> frozenset[str]:
    """The quantities that the formulas in the cells of a row may define; empty where no cell is a formula."""
    found: frozenset[str] = frozenset()
    for cell in _CELL.split(row):
        if len(cell) <= 1_500 and _MAY_BE_FORMULA.search(cell) and any(map(str.isalpha, cell)):
            found |= _may_define(cell)
    return found


def _may_define(cell: str) -> frozenset[str]:
    tree = formula(plain_line(cell))
    if tree is None:
        return frozenset()
    used = symbols(tree)
    if "eta" in used:
        return frozenset(WEIGHTS)
    if has_derivative(tree):
        return _GRADIENTS
    if used & _TARGETS:
        outputs_alone = used <= _TARGETS | {"a_o1", "a_o2", "o1", "o2"}
        return _GRADIENTS | _LOSSES if outputs_alone else _GRADIENTS
    return _LOSSES if used <= _LOSSES else _FORWARD
