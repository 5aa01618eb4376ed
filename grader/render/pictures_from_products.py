"""From records to pictures: with `voices`, the only part of render that knows what evidence and facts look
like.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from grader.core.assigned_data import MNIST
from grader.core.evidence.base import Evidence
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.workbook import CellKind, Sheet, WorkbookEvidence
from grader.core.facts.base import Fact
from grader.core.facts.network import NetworkFacts
from grader.core.facts.replay import BookFacts, CellFault, ReplayFacts, Severity, TableFacts
from grader.core.facts.reproduced import ReproducedFacts
from grader.core.facts.retrain import RetrainFacts
from grader.core.place import letters
from grader.core.rubric import AccuracyOf, Rubric
from grader.core.rule import Rule
from grader.render.difference import typeset_side
from grader.render.pictures.cells import Area, Cell, area, cell_grid, window
from grader.render.pictures.curves import AccuracyRun, LossSeries, accuracy_curve, loss_curves
from grader.render.pictures.digits import wrong_digits
from grader.render.pictures.formulas import FormulaLine, formulas
from grader.render.pictures.network import LayerBox, network_graph
from grader.render.pictures.picture import Picture
from reference.backprop import Weights
from reference.sweep import losses

Products = Mapping[str, Evidence | Fact]
"""What grading one submission made, by type name."""

FORMULAS_SHOWN: Final = 60
GRIDS_SHOWN: Final = 3
LOGS_SHOWN: Final = 3
_ASKED: Final = ("batch_norm", "dropout", "avg_pool", "mean")
"""Parts of the names of operators that are, or may be, what the assignment asks for."""
_ITERATIONS: Final = 1_000
"""Longest reference curve that is computed for a picture: 0.02 s."""
_AT_ONCE: Final = 64
"""Iterations that are computed together: the curve of a classmate is as a rule longer or shorter, and was
computed 546 times for 100 pages, where 30 differ in more.
"""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of the rubric that pictures draw as a line; None draws none."""

    parameters: int | None = None
    """What the number of parameters must stay below."""
    accuracy: float | None = None
    """Percent that must be reached."""
    digits: int = MNIST.test_images
    """Test images, over which it is counted."""

    def drawn_with(self, products: Collection[str]) -> "Limits":
        """Return those that pictures of some products, by their names, can show: the others change none."""
        network = NetworkFacts.__name__ in products
        accuracy = any(p.__name__ in products for p in (LogEvidence, ReproducedFacts, RetrainFacts))
        return Limits(
            parameters=self.parameters if network else None,
            accuracy=self.accuracy if accuracy else None,
            digits=self.digits if accuracy else MNIST.test_images,
        )


def limits_of(rubric: Rubric, rules: Mapping[str, Rule]) -> Limits:
    """Return the thresholds that a rubric sets, or leaves to the checks that it names; the codes are for
    ever.
    """
    below, threshold = _limit(rubric, rules, "NN401", "below"), _limit(rubric, rules, "TR501", "threshold")
    of_test = rubric.assignment.accuracy_of is AccuracyOf.TEST
    return Limits(
        digits=rubric.data.test_images,
        parameters=below if isinstance(below, int) else None,
        accuracy=float(threshold) if of_test and isinstance(threshold, int | float) else None,
    )


def _limit(rubric: Rubric, rules: Mapping[str, Rule], code: str, field: str) -> object:
    named = [c for c in rubric.criterion if c.check == code and not c.model]
    return named[-1].params.get(field, getattr(rules[code].params(), field)) if named else None


def pictures_of(products: Products, limits: Limits | None = None) -> tuple[Picture, ...]:
    """Return the pictures that the products allow, in the order of the page; none for what is missing."""
    limits = (limits or Limits()).drawn_with(products)
    found: list[Picture | None] = []
    for product in (
        products.get(name) for name in (FormulaEvidence.__name__, ReplayFacts.__name__, NetworkFacts.__name__)
    ):
        if isinstance(product, FormulaEvidence):
            found.append(_formulas(product))
        elif isinstance(product, ReplayFacts):
            found.extend(_workbook(product, products.get(WorkbookEvidence.__name__)))
        elif isinstance(product, NetworkFacts):
            found.append(_network(product, limits))
    found.append(_accuracy(products, limits))
    found.append(_wrong_digits(products.get(RetrainFacts.__name__), limits))
    return tuple(picture for picture in found if picture is not None)


def _formulas(evidence: FormulaEvidence) -> Picture | None:
    lines = [line for line in evidence.lines if len(line.sides) > 1][:FORMULAS_SHOWN]
    return formulas(
        [
            FormulaLine(
                place=str(line.place),
                written=line.text,
                sides=tuple(typeset_side(side.reading) for side in line.sides),
                standing=line.verdict.value,
            )
            for line in lines
        ]
    )


def _workbook(facts: ReplayFacts, evidence: object) -> Iterator[Picture | None]:
    for book in facts.books[:1]:
        yield _losses(book)
        sheets = {}
        if isinstance(evidence, WorkbookEvidence):
            sheets = {s.name: s for b in evidence.books if b.artefact == book.artefact for s in b.sheets}
        wrong = [fault for fault in book.faults if fault.severity is Severity.FAIL and area(fault.cells)]
        for sheet in list(dict.fromkeys(fault.sheet for fault in wrong))[:GRIDS_SHOWN]:
            faults = [fault for fault in wrong if fault.sheet == sheet]
            yield cell_grid(_cells(faults, sheets.get(sheet)), sheet=sheet)


def _losses(book: BookFacts) -> Picture | None:
    """What the book shows for each learning rate, else what its own formulas give, over the reference from
    the same start.
    """
    start = next(
        (t for t in book.tables if (len(t.inputs), len(t.targets), len(t.weights)) == (2, 2, 8)), None
    )
    shown = {own.eta: own.losses for own in book.sweep} | {
        s.eta: s.losses for s in book.shown if len(s.losses) > 1
    }
    return loss_curves(
        tuple(
            LossSeries(eta=eta, student=shown[eta], reference=_reference(start, eta, len(shown[eta])))
            for eta in sorted(shown)
        ),
        sheet=book.artefact,
    )


def _reference(start: TableFacts | None, eta: float, length: int) -> tuple[float, ...]:
    if start is None or not 2 <= length <= _ITERATIONS:
        return ()
    most = math.ceil(length / _AT_ONCE) * _AT_ONCE
    return _reference_losses(start.inputs, start.targets, start.weights, eta, most)[:length]


@lru_cache(maxsize=64)  # a class starts from the same values and goes on as long as each likes
def _reference_losses(
    inputs: tuple[float, ...], targets: tuple[float, ...], weights: tuple[float, ...], eta: float, length: int
) -> tuple[float, ...]:
    (i1, i2), (t1, t2) = inputs, targets
    return tuple(losses((i1, i2), (t1, t2), Weights(*weights), eta, length - 1))


def _cells(faults: list[CellFault], sheet: Sheet | None) -> tuple[Cell, ...]:
    guilty = [Cell(ref=f.cells, shown=f.excerpt, guilty=True, note=f.message) for f in faults]
    first = min(where for f in faults if (where := area(f.cells)))
    around = [] if sheet is None else _values(sheet, window(first))
    return (*around, *guilty)  # later ones win: a guilty cell shows its formula, its neighbours their values


def _values(sheet: Sheet, piece: Area) -> list[Cell]:
    found = []
    for run in sheet.runs:
        if run.kind is CellKind.MISSING or not piece.column <= run.column <= piece.last_column:
            continue
        for row in range(max(piece.row, run.row), min(piece.last_row, run.row + run.count - 1) + 1):
            value = f"{run.numbers[row - run.row]:.6g}" if run.numbers else run.texts[row - run.row]
            found.append(Cell(ref=f"{letters(run.column)}{row}", shown=value))
    return found


def _network(facts: NetworkFacts, limits: Limits) -> Picture | None:
    boxes = tuple(
        LayerBox(
            name=layer.operator,
            module=layer.module,
            shape=layer.output_shape,
            parameters=layer.parameters,
            feeds_on=layer.feeds_on,
            asked=any(word in layer.operator for word in _ASKED),
        )
        for layer in facts.layers
    )
    if not boxes:
        return None
    return network_graph(
        boxes,
        input_shape=facts.input_shape,
        total=facts.parameters,
        budget=limits.parameters,
        dead=facts.dead,
    )


def _accuracy(products: Products, limits: Limits) -> Picture | None:
    """Accuracy for each epoch: what the log says, what our training gave, and what the student's own code
    gave when we ran it.
    """
    logs = products.get(LogEvidence.__name__)
    retrained = products.get(RetrainFacts.__name__)
    reproduced = products.get(ReproducedFacts.__name__)
    runs: list[AccuracyRun] = []
    if isinstance(logs, LogEvidence):
        saved = [run for run in logs.runs if run.origin is Origin.NOTEBOOK and len(run.epochs) > 1]
        best_first = sorted(saved, key=lambda run: (not run.main, -run.best))[:LOGS_SHOWN]
        for i, run in enumerate(best_first, start=1):
            name = "saved log" if len(best_first) == 1 else f"saved log {i}"
            runs.append(
                AccuracyRun(name=name, percents=tuple(e.percent for e in run.epochs), note=str(run.place))
            )
    if isinstance(retrained, RetrainFacts):
        for training in retrained.runs:
            percents = tuple(100 * right / retrained.test_size for right in training.correct)
            runs.append(
                AccuracyRun(name=f"ours, seed {training.seed}", percents=percents, note="retrained by us")
            )
    if isinstance(reproduced, ReproducedFacts) and reproduced.epochs:
        percents = tuple(100 * epoch.correct / reproduced.test_size for epoch in reproduced.epochs)
        runs.append(
            AccuracyRun(
                name="your code, rerun",
                percents=percents,
                note=f"run by us, trained on {reproduced.training_size:,}"
                + (", its own answers" if reproduced.answered else ""),
            )
        )
    return accuracy_curve(tuple(runs), threshold=limits.accuracy, digits=limits.digits)


def _wrong_digits(facts: object, limits: Limits) -> Picture | None:
    if not isinstance(facts, RetrainFacts):
        return None
    wrong = facts.wrong
    allowed = None if limits.accuracy is None else math.floor(wrong.of * (100 - limits.accuracy) / 100 + 1e-9)
    return wrong_digits(wrong, facts.wrong_pictures, allowed=allowed)
