"""Training logs as they were saved or quoted: test accuracy per epoch, with places. All of it is a claim."""

from enum import Enum

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.place import Place


class Origin(Enum):
    """Where a log stands, which decides what it is worth."""

    NOTEBOOK = "notebook"
    """Saved output of a code cell."""
    README = "readme"
    """Quoted in a README or in a Markdown cell: anybody can type it."""
    PASTED = "pasted"
    """Output of a code cell whose source holds the same lines as text: printed, not measured."""


class SequenceKind(Enum):
    """What a sequence of test accuracies is. Only a log can say that a run reached a threshold."""

    LOG = "log"
    """The epochs of one run from its start."""
    EXCERPT = "excerpt"
    """Epochs of one run whose start is not shown: nobody can tell from it how long was trained before."""
    TABLE_OF_RUNS = "table-of-runs"
    """One accuracy of each of several runs, folds or networks."""
    ECHO = "echo"
    """Lines that a cell's source spells out as text."""
    SINGLE = "single"
    """One accuracy outside any loop."""


class Answer(Enum):
    """Whether a printed accuracy reaches a threshold; MAYBE where it was rounded too much to tell."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


class Epoch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One test-accuracy line. `percent` is computed from `correct`/`total` wherever the line prints the
    fraction.
    """

    place: Place
    percent: float
    half_unit: float = 0.0
    """Half a unit of the last printed digit, in points: how far the true value may lie from `percent`; 0 for
    a fraction.
    """
    printed: int | None = None
    """The number that the log gives this epoch; None where it gives none."""
    correct: int | None = None
    total: int | None = None
    shown: str = ""
    """The percent that the log prints beside the fraction, digit for digit; empty where it prints none."""
    train_percent: float | None = None
    """Training accuracy of the same epoch, where the log prints one."""
    excerpt: str = ""

    @property
    def contradicts_itself(self) -> bool:
        """Whether the percent beside the fraction is another number, rounded or cut off as it may be."""
        if not self.shown or self.total is None:
            return False
        unit = 10.0 ** -len(self.shown.partition(".")[2])
        return abs(float(self.shown) - self.percent) > unit + 1e-9

    def as_accurate_as(self, other: "Epoch") -> bool:
        """Whether both may have the same accuracy, each as it was rounded."""
        return abs(self.percent - other.percent) <= self.half_unit + other.half_unit + 1e-9

    def at_least(self, threshold: float) -> Answer:
        """Compare with a threshold in percent, honest about rounding.

        Two printed decimals decide for 10,000 images; `99.4` alone may have been 99.35.
        """
        return _compared(self.percent, self.half_unit, threshold)

    def trained_to(self, threshold: float) -> Answer:
        """Compare the training accuracy of the same epoch with a threshold in percent; MAYBE where none is
        printed.

        How many digits were printed shows in the number alone, so a last zero counts as not printed.
        """
        if self.train_percent is None:
            return Answer.MAYBE
        decimals = len(f"{self.train_percent:.6f}".rstrip("0").partition(".")[2])
        return _compared(self.train_percent, 0.5 * 10.0**-decimals, threshold)


def _compared(percent: float, half_unit: float, threshold: float) -> Answer:
    if half_unit <= 0.0051:
        return Answer.YES if percent >= threshold - 1e-9 else Answer.NO
    if percent - half_unit >= threshold:
        return Answer.YES
    return Answer.NO if percent + half_unit < threshold else Answer.MAYBE


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One training run, epochs in log order. `gaps` says in sentences why it may not be all of it."""

    origin: Origin
    artefact: str
    main: bool
    epochs: tuple[Epoch, ...]
    kind: SequenceKind = SequenceKind.LOG
    """LOG or EXCERPT."""
    start_cut: bool = False
    """Whether the notebook itself says that it dropped the first lines of a long output."""
    cells: tuple[int, ...] = ()
    """Cells of the notebook that hold it, from 1."""
    planned: int | None = None
    """Number of epochs that the log or the loop announces."""
    starts_at: int | None = None
    """The number that the training loop gives its first epoch; None where no loop was found."""
    rounded_percent: bool = False
    """Whether the log prints whole percents beside the fractions, which would make everything 99."""
    gaps: tuple[str, ...] = ()
    silent: int = 0
    """Epochs that the notebook's source trains the same network for before it, without a test."""
    heading: str = ""
    """The heading of the README section that it stands in."""
    unprinted: str = ""
    """Why the cells cannot have printed what was saved under them, for a person; empty where they can."""
    leaked: str = ""
    """Why its accuracy is of digits that were trained on, for a person; empty where it is not, or nobody can
    tell.
    """

    tested: int = 0
    """Images that the loop above it tests on, as its source shows; 0 where nobody can tell."""
    measured: str = ""
    """What its accuracy is by its source where that is no plain one on the test digits; empty otherwise."""
    passes: int = 1
    """How many times each of its epochs goes over the training digits, as its source shows."""
    loaded: str = ""
    """The file whose weights its network starts from, as its source names it; empty where none shows."""
    miscounted: str = ""
    """Why its accuracy may count something else than digits, for a person; empty where nothing says so."""

    @property
    def complete(self) -> bool:
        """Whether every epoch of the run was found."""
        return not self.gaps

    @property
    def place(self) -> Place:
        """Where it starts."""
        return self.epochs[0].place

    @property
    def best(self) -> float:
        """Highest test accuracy in percent."""
        return max(e.percent for e in self.epochs)

    @property
    def best_epoch(self) -> int:
        """The first epoch with the best accuracy, counted from 1 in log order."""
        return 1 + max(range(len(self.epochs)), key=lambda i: (self.epochs[i].percent, -i))

    @property
    def best_epoch_printed(self) -> int | None:
        """What the log itself calls that epoch."""
        return self.epochs[self.best_epoch - 1].printed

    @property
    def last(self) -> float:
        """Test accuracy of the last epoch, in percent."""
        return self.epochs[-1].percent

    @property
    def before(self) -> int:
        """Epochs that must have been trained before the first one shown; 0 for a log, which starts with the
        first.
        """
        if self.kind is SequenceKind.LOG:
            return 0
        first = self.epochs[0].printed or 0
        return max(first - (0 if self.starts_at == 0 else 1), 0)

    def counting(self, limit: int, *, last: int = 0) -> tuple[Epoch, ...]:
        """The epochs that have to reach a threshold within `limit`: any of all up to it, or each of the
        `last` ones.

        A run that is longer than the limit has no last epoch that counts.
        """
        left = max(limit - self.before, 0)
        if not last:
            return self.epochs[:left]
        return self.epochs[-last:] if len(self.epochs) <= left else ()

    @property
    def edited(self) -> tuple[Epoch, ...]:
        """Epochs whose fraction and percent contradict each other, where those of most others agree: the same
        print statement made all of them. Where most differ, the percent may be a mean over batches.
        """
        found = tuple(e for e in self.epochs if e.contradicts_itself)
        return found if len(found) * 3 < len(self.epochs) else ()

    @property
    def denominators(self) -> tuple[int, ...]:
        """The different numbers of test images that the fractions show; empty without fractions."""
        return tuple(sorted({e.total for e in self.epochs if e.total is not None}))


class Evaluation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A single test accuracy outside any run: a final evaluation, a best-of line, a row of a table of
    runs.
    """

    origin: Origin
    epoch: Epoch
    what: str = ""
    kind: SequenceKind = SequenceKind.SINGLE
    """SINGLE, TABLE_OF_RUNS or ECHO."""


class PastedLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log lines that stand as text in the source of a code cell."""

    place: Place
    lines: int
    excerpt: str


class LogEvidence(Evidence, frozen=True, kw_only=True):
    """Every run found in notebook outputs and READMEs: main notebook first, then by artefact and place."""

    runs: tuple[Run, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    pasted: tuple[PastedLog, ...] = ()
    outside: tuple[Epoch, ...] = ()
    """Test accuracies in the outputs of notebooks that are no epoch of a run: what a line sums up ("best",
    with augmentation), and what is printed beside each epoch of a run and is not the same (averaged weights,
    a validation part).
    """
    notebooks: int = 0
    """Readable notebooks that were searched."""
    notebooks_with_outputs: int = 0
    framework_keras: bool = False

    def of(self, origin: Origin) -> tuple[Run, ...]:
        """Runs of one origin."""
        return tuple(r for r in self.runs if r.origin is origin)

    def beside(self, run: Run, threshold: float, total: int) -> Epoch | None:
        """Return a test accuracy that the notebook of a run prints outside its logs and that reaches a
        threshold in percent, over `total` images or over nobody says how many; None where there is none.
        """
        single = (
            e.epoch for e in self.evaluations if e.origin is Origin.NOTEBOOK and e.kind is SequenceKind.SINGLE
        )
        return next(
            (
                epoch
                for epoch in (*self.outside, *single)
                if epoch.place.artefact == run.artefact
                and run.origin is Origin.NOTEBOOK
                and epoch.total in (None, total)
                and epoch.at_least(threshold) is Answer.YES
            ),
            None,
        )

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read"."""
        return tuple(
            (
                f"log at {r.place}",
                f"{len(r.epochs)} epochs, best {r.best:.2f} % in epoch {r.best_epoch}, last {r.last:.2f} %"
                + ("" if r.complete else f" (not complete: {'; '.join(r.gaps)})"),
            )
            for r in self.runs
        )
