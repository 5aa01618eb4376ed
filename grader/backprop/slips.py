"""The catalogue of slips: one code and one sentence each, for a line of text and for a cell.

The repairs of a README's lines (`extract/formulas/repair`) and the diagnosis of a sheet's formulas
(`execute/replay/faults`) name what they find by these codes; a class counts them together. A code that was
called otherwise in results of earlier versions is read by its old name.
"""

from collections.abc import Mapping
from typing import Final

SLIPS: Final[Mapping[str, str]] = {
    "index-swapped": "index swapped",
    "wrong-weight": "wrong weight",
    "activation-confused": "value before and after the activation confused",
    "wrong-quantity": "wrong quantity",
    "wrong-quantity-and-index": "wrong quantity and index",
    "part-for-total": "loss of one output for the total loss",
    "total-for-part": "total loss for the loss of one output",
    "both-derivative-sides": "both sides of the derivative wrong",
    "copied-line": "line copied and not changed all through",
    "sign": "wrong sign",
    "exponent-sign": "wrong sign in the exponent",
    "wrong-exponent": "wrong exponent",
    "wrong-constant": "wrong constant",
    "extra-exponent": "an exponent too many",
    "exponent-missing": "the square is missing",
    "plus-for-times": "a sum where a product belongs",
    "times-for-plus": "a product where a sum belongs",
    "times-for-minus": "a product where a difference belongs",
    "times-for-over": "a product where a quotient belongs",
    "over-for-times": "a quotient where a product belongs",
    "wrong-operator": "another operator",
    "brackets": "missing brackets",
    "factor-missing": "a factor is missing",
    "extra-factor": "a factor too many",
    "term-missing": "a term is missing",
    "extra-term": "a term too many",
    "extra-difference": "a difference too many",
    "one-minus-missing": "1 - is missing",
    "function-extra": "a function too many",
    "path-missing": "the path through another output is missing",
    "step-off-path": "a step that is not on the path",
    "other-quantity": "the formula of another quantity",
    "swapped-gradients": "the formula of another gradient",
    "wrong-reference": "another cell",
    "wrong-references": "two other cells",
    "eta-drift": "another cell for the learning rate",
    "frozen-gradient": "the first row's gradient in every row",
    "wrong-gradient-in-update": "another weight's gradient in the update",
    "overwritten-by-update": "another column's formula filled over it",
    "inherited-class-error": "the error of a widespread class sheet",
}
FORMERLY: Final[Mapping[str, str]] = {
    "brackets-missing": "brackets",
    "missing-factor": "factor-missing",
    "missing-term": "term-missing",
    "preactivation-for-activation": "activation-confused",
    "wrong-factor": "wrong-constant",
}
"""Codes of earlier versions with today's."""
OPERATORS: Final[Mapping[tuple[str, str], str]] = {
    ("+", "*"): "plus-for-times",
    ("*", "+"): "times-for-plus",
    ("*", "-"): "times-for-minus",
    ("*", "/"): "times-for-over",
    ("/", "*"): "over-for-times",
}
"""The slip of one operator, as it stands, for another; others are `wrong-operator`."""


def current(code: str) -> str:
    """Return today's code of a slip that may carry an earlier one."""
    return FORMERLY.get(code, code)


def confusion(wrote: str, meant: str) -> str:
    """Return the slip of one quantity written for another; `wrong-quantity` where they have nothing in
    common.
    """
    if {wrote[:1], meant[:1]} <= {"w"}:
        return "wrong-weight"
    one, other = wrote.rstrip("0123456789"), meant.rstrip("0123456789")
    if one == other:
        return "index-swapped"
    same_index = wrote[len(one) :] == meant[len(other) :] or wrote == one or meant == other
    if {one, other} in ({"h", "a_h"}, {"o", "a_o"}) and same_index:
        return "activation-confused"
    return "wrong-quantity" if same_index else "wrong-quantity-and-index"
