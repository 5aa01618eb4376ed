"""What the checks of this family share: which book speaks for a submission."""

from collections.abc import Callable
from typing import NamedTuple

from grader.core.facts.replay import BookFacts, CellFault, ReplayFacts, Severity, State, TableFacts
from grader.core.outcome import Outcome, Verdict


class Columns(NamedTuple):
    """The columns that a table of the assignment's network has, by kind."""

    inputs: tuple[str, ...]
    weights: tuple[str, ...]
    forward: tuple[str, ...]
    gradients: tuple[str, ...]


def columns(book: BookFacts) -> Columns:
    """The columns of a judged book's tables; every table is looked through for the same."""
    found = tuple(q.quantity for q in book.tables[0].quantities)
    gradients = tuple(name for name in found if name.startswith("d"))
    weights = tuple(name[1:] for name in gradients)
    rest = [name for name in found if name not in (*gradients, *weights)]
    inputs = tuple(name for name in rest if name[0] in "tib")
    return Columns(inputs, weights, tuple(name for name in rest if name not in inputs), gradients)


def best(replay: ReplayFacts, judge: Callable[[BookFacts], Outcome]) -> Outcome:
    """Judge every book and return the best outcome, the main book's where they are equal (DESIGN, part 4)."""
    outcomes = [judge(book) for book in replay.judged]
    decided = [outcome for outcome in outcomes if not outcome.verdict.pending]
    if not decided:
        return next((o for o in outcomes if o.verdict is Verdict.UNKNOWN), outcomes[0])
    return max(decided, key=lambda outcome: outcome.credit)


def filled(book: BookFacts) -> tuple[TableFacts, ...]:
    """The tables of a book that have rows; one or two rows without gradients beside a whole table are a side
    calculation.
    """
    tables = tuple(table for table in book.tables if table.iterations)
    whole = tuple(table for table in tables if table.iterations > 2 or _has_gradients(table))
    return whole if any(_has_gradients(table) for table in whole) else tables


def _has_gradients(table: TableFacts) -> bool:
    return any(q.state is not State.MISSING for q in table.quantities if q.quantity.startswith("d"))


def faults_of(book: BookFacts, quantity: str) -> tuple[CellFault, ...]:
    """The faults of severity fail in a quantity's columns, on the sheets of the tables that count."""
    counted = {table.sheet for table in filled(book)}
    return tuple(
        fault
        for fault in book.faults
        if fault.quantity == quantity and fault.severity is Severity.FAIL and fault.sheet in counted
    )


_NUMBERS = ("hard-coded-cell", "rounded-value")


def only_typed(book: BookFacts, quantity: str) -> bool:
    """Whether the tables hold numbers in the column of a quantity, right ones, and no formula in any.

    Numbers that agree with their rows are as right in a copied table as in one that was calculated. One
    formula in one table shows how they came, and the others are its records.
    """
    rows: dict[str, int] = {}
    for table in filled(book):
        if table.state(quantity) is not State.MISSING:
            rows[table.sheet] = rows.get(table.sheet, 0) + table.iterations
    typed = dict.fromkeys(rows, 0)
    for fault in book.faults:
        if fault.quantity == quantity and fault.diagnosis in _NUMBERS and fault.sheet in typed:
            typed[fault.sheet] += fault.count
    return sum(rows.values()) > 0 and all(typed[sheet] >= count for sheet, count in rows.items())


def shown_name(quantity: str) -> str:
    """`∂E/∂w3` for `dw3`."""
    return f"∂E/∂{quantity[1:]}" if quantity.startswith("d") else quantity
