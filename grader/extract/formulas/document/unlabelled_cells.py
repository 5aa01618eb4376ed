"""Formulas that stand without a name that is known: in the cells of a table that says elsewhere what they are, alone
on a line, behind a name of the student's own.

Such a line is no equation, and what it states is not known from it; it could be any quantity of its kind.
"""

import re

from grader.backprop.assigned import network, remembered
from grader.backprop.expression import Expr, has_derivative, symbols
from grader.core.evidence.documents import Block
from grader.extract.formulas.judging.network import NoValue, close, points
from grader.extract.formulas.reading.relations import formula
from grader.extract.formulas.reading.statements import plain_line

_CELL = re.compile(r"(?<!\\)\||</?t[dhr]\b[^<>]*>", re.IGNORECASE)
MAY_BE_FORMULA = re.compile(r"[1-9].*[-+*/·×⋅∙(].*[1-9]")


@remembered(most=2_048)
def in_unlabelled_cells(row: str) -> frozenset[str]:
    """The quantities that the formulas in the cells of a row may define; empty where no cell is a formula."""
    found: frozenset[str] = frozenset()
    for cell in _CELL.split(row):
        if len(cell) <= 1_500 and MAY_BE_FORMULA.search(cell) and any(map(str.isalpha, cell)):
            tree = formula(plain_line(cell))
            found |= _by_kind(tree) if tree is not None else frozenset()
    return found


_SIGNS = re.compile(r":=|=>|->|[=:→⇒←≔]")
_ONE_NUMBER = re.compile(r"[1-9].*[-+*/·×⋅∙(]|[-+*/·×⋅∙(].*[1-9]")


@remembered(most=4_096)
def without_a_name(line: str, block: Block) -> frozenset[str]:
    """The quantities that a formula may define that stands alone on its line, or behind a name that is none of the
    network's. In code cells any name may mean anything, so only gradients count there.
    """
    if len(line) > 1_500 or not _ONE_NUMBER.search(line) or "http" in line:
        return frozenset()
    tree = formula(plain_line(_SIGNS.split(line)[-1]))
    if tree is None:
        return frozenset()
    by_value = _by_value(tree)  # no formula of a step, such as a_o1 * (1 - a_o1), could be any gradient
    found = _by_kind(tree) if by_value is None else by_value
    return frozenset(name for name in found if name.startswith("∂")) if block is Block.CODE else found


def _by_value(tree: Expr) -> frozenset[str] | None:
    at, assigned = points()[:2], network()
    try:
        values = [p.value(tree) for p in at]
    except NoValue:
        return None
    names = assigned.quantities
    whole = [name for name in names if all(close(p.values[name], v) for p, v in zip(at, values, strict=True))]
    if whole:
        return frozenset(whole)
    for by in names:
        slopes = [p.slopes(by) for p in at]
        for name in reversed(names):
            if name != by and all(close(s[name], v) for s, v in zip(slopes, values, strict=True)):
                gradient = by in assigned.weights and name.startswith("E")
                return frozenset({f"∂E/∂{by}"}) if gradient else frozenset()
    return None


def _by_kind(tree: Expr) -> frozenset[str]:
    used, assigned = symbols(tree), network()
    gradients = frozenset(f"∂E/∂{w}" for w in assigned.weights)
    losses = frozenset({"E", *assigned.losses})
    if "eta" in used:
        return frozenset(assigned.weights)
    if has_derivative(tree):
        return gradients
    if used & set(assigned.targets):
        outputs = {name for unit in assigned.outputs for name in (unit.sum, unit.output)}
        return gradients | losses if used <= {*assigned.targets, *outputs} else gradients
    if used <= losses:
        return losses
    return frozenset(name for unit in assigned.units for name in (unit.sum, unit.output))
