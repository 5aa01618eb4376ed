"""Tokens of a formula, and why one is not evaluated."""

from typing import NamedTuple


class Unsupported(Exception):
    """A formula that the evaluator does not evaluate; the text names what and the cached value is kept."""


class Token(NamedTuple):
    """One token; `value` is a number, text, operator, function name, or the slot of a reference."""

    kind: str
    value: float | str | int
