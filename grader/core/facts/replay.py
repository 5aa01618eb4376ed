"""What the replay of workbooks showed: per book its tables, faults, shown losses and charts."""

from enum import Enum

import msgspec

from grader.core.facts.base import Fact
from grader.core.outcome import Finding, Weight
from grader.core.place import Place


class Severity(Enum):
    """How a finding weighs in the mathematics of the cells; what a rubric makes of it is the rubric's
    matter.
    """

    FAIL = "fail"
    WARN = "warn"
    NOTE = "note"


class BookVerdict(Enum):
    """The mathematics of a book's cells."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class State(Enum):
    """What is known of one quantity's column."""

    RIGHT = "right"
    WRONG = "wrong"
    VALUES = "values"
    """Typed or pasted numbers, which agree; no formula shows how they came about."""
    UNRESOLVED = "unresolved"
    MISSING = "missing"


class Agreement(Enum):
    """The result of the whole replay from random settings."""

    AGREES = "agrees"
    DEVIATES = "deviates"
    NOT_RUN = "not-run"


class ShownAs(Enum):
    """How the losses of a learning rate are shown."""

    TABLE = "table"
    COLUMN = "column"
    CHART = "chart"


class CellFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One finding about cells; `cells` is in A1 notation (`Z33:Z100`), `quantity` a canonical name or empty.

    `excerpt` is the student's formula in the first of the cells and `marked` its guilty part.
    """

    sheet: str
    cells: str
    quantity: str
    diagnosis: str
    severity: Severity
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""
    excerpt: str = ""
    marked: str = ""
    count: int = 1
    """How many cells."""

    def finding(self, artefact: str, weight: Weight = Weight.FAULT) -> Finding:
        """The finding that a check returns for this fault of a book."""
        subject, colon, slip = self.message.partition(": ")
        about = subject if colon and self.quantity and " " not in subject else ""
        return Finding(
            message=self.message,
            place=Place(artefact=artefact, sheet=self.sheet or None, ref=self.cells or None),
            expected=self.expected,
            found=self.found,
            hint=self.hint,
            excerpt=self.excerpt,
            marked=self.marked if self.marked and self.marked in self.excerpt else "",
            diagnosis=self.diagnosis,
            weight=weight,
            subject=about,
            slip=slip if about else "",
        )


class QuantityFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of a table; `column` is its letter, empty where the table has none."""

    quantity: str
    column: str
    state: State
    reason: str = ""


class TableFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One iteration table. `eta_known` says whether a learning rate was found; `eta_cell` is empty where it
    is typed into the formulas. `deviation` is the largest difference of the whole replay from the reference,
    relative to the largest value of the quantity. `weights` stand in the order of the class sheet;
    `numbering` names the pairs that this table counts the other way round (`w2/w3`).
    """

    sheet: str
    header_row: int
    first_column: str
    iterations: int
    layout: str
    eta_known: bool
    eta: float
    eta_cell: str
    inputs: tuple[float, ...]
    targets: tuple[float, ...]
    weights: tuple[float, ...]
    biases: tuple[float, ...] = ()
    quantities: tuple[QuantityFacts, ...]
    agreement: Agreement
    deviation: float
    deviates_at: str = ""
    numbering: tuple[str, ...] = ()

    @property
    def own_weights(self) -> tuple[float, ...]:
        """The starting weights in the order of the table's own names."""
        found = list(self.weights)
        for pair in self.numbering:
            one, other = (int(name[1:]) - 1 for name in pair.split("/"))
            found[one], found[other] = found[other], found[one]
        return tuple(found)

    @property
    def place(self) -> str:
        """Where the table stands and what it starts from, in a sentence."""
        where = f"in {self.eta_cell}" if self.eta_cell else "typed into the formulas"
        rate = f"learning rate {self.eta:g} {where}" if self.eta_known else "no learning rate found"
        return (
            f"training table of {self.iterations} iterations at "
            f"{self.sheet}!{self.first_column}{self.header_row}, {rate}"
        )

    def state(self, quantity: str) -> State:
        """The state of a quantity's column."""
        return next((q.state for q in self.quantities if q.quantity == quantity), State.MISSING)


class ShownLosses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The losses that the book shows for one learning rate, and how far they are from both recomputations
    (relative to the first loss): `own` from the student's formulas, `reference` from ours, both from the
    student's initial values.
    """

    eta: float
    shown_as: ShownAs
    sheet: str
    cells: str
    losses: tuple[float, ...]
    own_deviation: float
    own_known: bool
    reference_deviation: float
    claimed: str = ""
    """The text that names the learning rate: header, sheet name or title."""
    fits: float = 0.0
    """The learning rate whose recomputed losses these are; 0 where they are those of none."""


class SingleLosses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Losses of some iterations that stand beside a learning rate, too few for a curve."""

    eta: float
    sheet: str
    cells: str


class Sweep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The losses of one learning rate of the profile, recomputed from the student's own formulas."""

    eta: float
    losses: tuple[float, ...]
    max_deviation: float
    """Largest difference from the reference, relative to the first loss."""
    sources: tuple[str, ...] = ()
    """Where the book shows this rate; empty where it does not."""


class ChartFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chart. `eta` is 0 where the chart names or plots no learning rate; `problems` are contradictions
    found.
    """

    title: str
    sheet: str
    ranges: tuple[str, ...]
    eta: float
    consistent: bool
    problems: tuple[str, ...] = ()


class BookFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workbook. `signature` is equal for books with the same formulas in the same places, whatever their
    values.
    """

    artefact: str
    sha256: str
    verdict: BookVerdict
    signature: str = ""
    problem: str = ""
    tables: tuple[TableFacts, ...] = ()
    faults: tuple[CellFault, ...] = ()
    sweep: tuple[Sweep, ...] = ()
    shown: tuple[ShownLosses, ...] = ()
    charts: tuple[ChartFacts, ...] = ()
    single: tuple[SingleLosses, ...] = ()
    """Rates beside which one or a few losses stand: what of a sweep is no curve."""
    images: int = 0
    pictures: tuple[str, ...] = ()
    """The sheet of every picture that lies on one."""
    unread: tuple[str, ...] = ()
    """What of the file could not be read, one sentence each; all of it where the book has no tables and a
    problem.
    """
    cache_checked: int = 0
    """Formula cells whose cached value was compared with the recomputed one."""
    cache_off: int = 0
    cache_unclear: int = 0
    """Formula cells with a stored number whose recomputation gives none: what this evaluator cannot say."""
    notes: tuple[str, ...] = ()


class ReplayFacts(Fact, frozen=True, kw_only=True):
    """All workbooks of a submission, replayed; the main one first."""

    books: tuple[BookFacts, ...]

    def computes(self, artefact: str, quantity: str) -> bool:
        """Whether every filled table of a workbook computes a quantity right (`h1`, `dw1`, `E_total`)."""
        filled = [t for book in self.judged if book.artefact == artefact for t in book.tables if t.iterations]
        return bool(filled) and all(table.state(quantity) is State.RIGHT for table in filled)

    @property
    def judged(self) -> tuple[BookFacts, ...]:
        """The books in which a filled table was found."""
        return tuple(book for book in self.books if any(table.iterations for table in book.tables))

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read"."""
        return tuple(
            (book.artefact, text)
            for book in self.books
            for text in ([table.place for table in book.tables] or [book.problem or "no training table"])
        )

    @property
    def doubt(self) -> str:
        """Why no book could be judged; empty where one could."""
        if self.judged:
            return ""
        reasons = [f"{book.artefact}: {book.problem or 'its table has no rows'}" for book in self.books]
        return " ".join(reasons) or "no workbook was replayed"
