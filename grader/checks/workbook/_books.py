"""What the checks of this family share: which book speaks for a submission."""

from collections.abc import Callable

from grader.core.facts.replay import BookFacts, CellFault, ReplayFacts, Severity, State, TableFacts
from grader.core.outcome import Outcome, Verdict

GRADIENTS = tuple(f"dw{k}" for k in range(1, 9))
WEIGHTS = tuple(f"w{k}" for k in range(1, 9))
FORWARD = ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2", "E1", "E2", "E_total")


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
    return any(table.state(quantity) is not State.MISSING for quantity in GRADIENTS)


def faults_of(book: BookFacts, quantity: str) -> tuple[CellFault, ...]:
    """The faults of severity fail in a quantity's columns, on the sheets of the tables that count."""
    counted = {table.sheet for table in filled(book)}
    return tuple(
        fault
        for fault in book.faults
        if fault.quantity == quantity and fault.severity is Severity.FAIL and fault.sheet in counted
    )


def shown_name(quantity: str) -> str:
    """`∂E/∂w3` for `dw3`."""
    return f"∂E/∂{quantity[1:]}" if quantity in GRADIENTS else quantity
