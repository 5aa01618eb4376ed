"""A failing formula on its way to a diagnosis."""

from typing import NamedTuple

from grader.backprop.edits import Variant
from grader.core.facts.replay import Severity
from grader.execute.replay.faults.edit_search import Flat
from grader.execute.replay.formula.evaluator import Slot
from grader.execute.replay.formula.worksheet_functions import Value
from grader.execute.replay.reference_network import Array


class Diagnosis(NamedTuple):
    """What is wrong, in words and as a stable code. `expected` and `found` are short; `marked` is the guilty
    reference.

    `touched` are the tokens of the flat formula that are wrong, `helper` the helper cell that holds all of
    them (0 where the judged cell does), and `also` a second fault of the same formula.
    """

    code: str
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""
    marked: str = ""
    severity: Severity = Severity.FAIL
    touched: tuple[int, ...] = ()
    helper: int = 0
    also: "Diagnosis | None" = None


class Case(NamedTuple):
    """A failing formula: what it should be, where it stands, and its values at the points."""

    quantity: str
    row: int
    """Index of the table's row."""
    flat: Flat
    values: list[Slot]
    got: Value
    want: Array


MAX_LONG_SEARCHES = 24
"""Distinct formulas of one book that are searched for more than one wrong reference (0.1 CPU seconds where a
formula has 25 tokens, 1.7 where it has 150 and nothing explains it); a book that is wrong everywhere gets the
short search for the others.
"""


class Memory:
    """What was found for formulas of one book: six sheets with one mistake are searched once."""

    def __init__(self) -> None:
        self.attempts: dict[object, int] = {}
        self.edits: dict[object, tuple[str, Variant]] = {}
        self.long_searches = 0
