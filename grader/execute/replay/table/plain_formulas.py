"""Formulas so plain that random numbers decide them: right there, they are right with any book's numbers.

A formula that is right at random numbers and wrong in a book has a condition, or a term that counts only
near one number. Such a term is a factor of a billion or more (the tolerance of a comparison is 1e-9) on a
difference that is nothing in the book: with a few numbers from ½ to 2, one EXP and one power none can be
made.
"""

from grader.execute.replay.formula.evaluator import Form
from grader.execute.replay.table.layout import Symbol

_FUNCTIONS = frozenset(("EXP", "SUM", "SUMPRODUCT", "PRODUCT", "POWER"))
_OPERATORS = frozenset("+-*/^")
MOST_NUMBERS = 6
"""The longest gradient of the assignment, by columns of its activations, has four."""
SMALLEST, LARGEST = 0.5, 2.0
"""Numbers that are not 0: a smaller one is a large one in a denominator."""


def is_plain(symbol: Symbol) -> bool:
    """Whether a formula over symbols is so plain that no book is another matter than random numbers."""
    counted = _counted(symbol)
    if counted is None:
        return False
    numbers, growing, powers = counted
    return numbers <= MOST_NUMBERS and growing <= 1 and powers <= 1


def _counted(symbol: Symbol) -> tuple[int, int, int] | None:
    """How many numbers, EXP and powers a formula has with those it reads; None where it holds anything else
    than quantities of the network, the learning rate and plain arithmetic.
    """
    if symbol[0] in ("q", "eta"):
        return 0, 0, 0
    if symbol[0] not in ("formula", "range"):
        return None
    found = _of_tokens(symbol[1]) if symbol[0] == "formula" else (0, 0, 0)  # type: ignore[arg-type]
    for inner in symbol[2] if symbol[0] == "formula" else symbol[1]:  # type: ignore[attr-defined]
        more = _counted(inner)
        if found is None or more is None:
            return None
        found = (found[0] + more[0], found[1] + more[1], found[2] + more[2])
    return found


def _of_tokens(form: Form) -> tuple[int, int, int] | None:
    numbers = growing = powers = 0
    for kind, value in form.tokens:
        if kind == "number":
            numbers += 1
            if value and not SMALLEST <= float(value) <= LARGEST:
                return None
        elif kind == "call":
            if value not in _FUNCTIONS:
                return None
            growing += value == "EXP"
            powers += value == "POWER"
        elif kind == "op":
            if value not in _OPERATORS:
                return None
            powers += value == "^"
        elif kind not in ("ref", "range", "open", "close", "sep"):
            return None
    return numbers, growing, powers
