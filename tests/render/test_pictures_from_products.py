"""Records of the other rooms become pictures and the table of claims; what is missing is left out."""

import re
from pathlib import Path

import msgspec
import pytest

from grader.checks.catalogue import catalogue
from grader.core.evidence.claims import Bound, Claim, ClaimEvidence, Feature, Use, What
from grader.core.evidence.formulas import (
    DocumentFormulas,
    FormulaConvention,
    FormulaEvidence,
    FormulaKind,
    FormulaLine,
    FormulaSide,
    FormulaVerdict,
)
from grader.core.evidence.logs import Epoch, LogEvidence, Origin, Run
from grader.core.evidence.summaries import PrintedCount, SummaryEvidence
from grader.core.evidence.workbook import Book, CellKind, Sheet, WorkbookEvidence
from grader.core.evidence.workbook import Run as CellRun
from grader.core.facts.network import (
    Declared,
    Dropout,
    DropoutKind,
    GapKind,
    Layer,
    Modes,
    NetworkFacts,
    OutputKind,
)
from grader.core.facts.notebook import CellRun as NotebookCellRun
from grader.core.facts.notebook import CellStatus, Ending, Isolation, NotebookRun, SeenModel, Shim
from grader.core.facts.replay import Agreement as Replayed
from grader.core.facts.replay import (
    BookFacts,
    BookVerdict,
    CellFault,
    ReplayFacts,
    Severity,
    ShownAs,
    ShownLosses,
    Sweep,
    TableFacts,
)
from grader.core.facts.reproduced import Canary, CanaryState, ReproducedEpoch, ReproducedFacts, ScoredWith
from grader.core.place import Place
from grader.core.rubric import Criterion, Rubric
from grader.pipeline.plan.rubrics import load
from grader.render.claims_table import claims_of
from grader.render.pictures_from_products import Limits, _reference, limits_of, pictures_of
from grader.render.student_parts import Agreement
from reference.sweep import losses
from tests.facts import retrained

ROOT = Path(__file__).parents[2]
WEIGHTS = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)


def by_name(*products: object) -> dict[str, object]:
    return {type(product).__name__: product for product in products}


def network(counted: int = 7_723) -> NetworkFacts:
    layer = Layer(
        index=0,
        operator="conv2d",
        module="conv1",
        input_shape=(1, 28, 28),
        output_shape=(16, 26, 26),
        parameters=160,
        feeds_on=(-1,),
    )
    return NetworkFacts(
        name="Net", graph="ab" * 32, declared_parameters=counted, parameters=counted, constants=0, input_shape=(1, 28, 28),
        output=OutputKind.LOGITS, outputs=10, modes=Modes.SAME, gap=GapKind.FULL, layers=(layer,), dead=("max_pool2d",),
        dropout=(Dropout(layer=0, p=0.1, kind=DropoutKind.ELEMENT, active_in_training=True, active_in_eval=False, distance=1),),
        unused=(Declared(name="spare.weight", shape=(3,), dtype="float32"),),
    )  # fmt: skip


def workbook(eta: float = 1.0, factor: float = 1.0) -> ReplayFacts:
    own = tuple(factor * loss for loss in losses((0.05, 0.10), (0.01, 0.99), WEIGHTS, eta, 10))  # type: ignore[arg-type]
    table = TableFacts(
        sheet="Sheet1", header_row=33, first_column="A", iterations=10, layout="", eta_known=True, eta=eta, eta_cell="B2", inputs=(0.05, 0.10),
        targets=(0.01, 0.99), weights=WEIGHTS, quantities=(), agreement=Replayed.AGREES, deviation=0.0,
    )  # fmt: skip
    fault = CellFault(
        sheet="Sheet1", cells="K34:K44", quantity="dE/dw3", diagnosis="index-swapped", severity=Severity.FAIL, message="a_h1 "
                                        "stands here", excerpt="=A1*B1"
    )  # fmt: skip
    remark = msgspec.structs.replace(fault, cells="B4", severity=Severity.WARN)
    return ReplayFacts(
        books=(
            BookFacts(
                artefact="S4.xlsx", sha256="", verdict=BookVerdict.WRONG, tables=(table,), faults=(fault, remark),
                sweep=(Sweep(eta=eta, losses=own, max_deviation=0.0),),
                shown=(ShownLosses(eta=eta, shown_as=ShownAs.COLUMN, sheet="S", cells="A1", losses=own[:1], own_deviation=0.0, own_known=True, reference_deviation=0.0),),
            ),
        )
    )  # fmt: skip


def logs(*percents: float) -> LogEvidence:
    epochs = tuple(
        Epoch(place=Place(artefact="S4.ipynb", cell=7, line=n), percent=p)
        for n, p in enumerate(percents, start=1)
    )
    return LogEvidence(runs=(Run(origin=Origin.NOTEBOOK, artefact="S4.ipynb", main=True, epochs=epochs),))


OURS = retrained(9_890, 9_941, seed=3, planned=2)


def written(
    what: What, value: float, text: str, *, unit: float = 1.0, bound: Bound = Bound.EXACT, aside: bool = False
) -> Claim:
    return Claim(
        what=what,
        value=value,
        unit=unit,
        place=Place(artefact="README.md", line=43),
        written=text,
        excerpt=text,
        bound=bound,
        best=True,
        aside=aside,
    )


def test_nothing_known_nothing_drawn() -> None:
    assert pictures_of({}) == ()
    assert claims_of({}) == ()


def test_network_with_its_budget() -> None:
    (picture,) = pictures_of(by_name(network()), Limits(parameters=5_000))
    assert "7,723 parameters; the assignment asks for fewer than 5,000" in picture.description
    assert 'class="n-over"' in picture.drawing
    assert "max_pool2d" in picture.drawing


def test_workbook_over_the_reference_from_its_own_start() -> None:
    curve, grid = pictures_of(by_name(workbook()))
    assert curve.table is not None
    assert all(row[1] == row[2] for row in curve.table.rows), "the class sheet's losses are the reference's"
    assert curve.table.rows[0][1] == "0.24252"
    off, _ = pictures_of(by_name(workbook(factor=1.1)))
    assert off.table is not None
    assert all(row[1] != row[2] for row in off.table.rows)
    assert grid.title == "Cells to look at in Sheet1"
    assert grid.table is not None
    assert [row[0] for row in grid.table.rows] == ["K34:K44"], (
        "an inherited value is a remark and is not drawn as wrong"
    )


@pytest.mark.parametrize("length", [2, 13, 64, 65, 1_000])
def test_a_reference_that_is_shared_by_a_class_is_as_long_as_the_curve_over_it(length: int) -> None:
    (table,) = workbook().books[0].tables
    own = losses((0.05, 0.10), (0.01, 0.99), WEIGHTS, 0.5, length - 1)  # type: ignore[arg-type]
    assert _reference(table, 0.5, length) == tuple(own)


def test_neighbours_of_a_wrong_cell_show_their_values() -> None:
    runs = (
        CellRun(column=10, row=33, count=3, numbers=(0.25, 0.125, 1e-9)),
        CellRun(column=12, row=34, count=1, kind=CellKind.TEXT, texts=("next",)),
        CellRun(column=13, row=34, count=5, kind=CellKind.MISSING),
        CellRun(column=99, row=34, count=1, numbers=(7.0,)),
    )
    books = WorkbookEvidence(
        books=(Book(artefact="S4.xlsx", sha256="", sheets=(Sheet(name="Sheet1", runs=runs),)),)
    )
    grid = pictures_of(by_name(workbook(), books))[1]
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", grid.drawing)
    assert {"0.25", "0.125", "1e-09", "next", "=A1*B1"} <= set(texts)
    assert "7" not in texts


def test_accuracy_of_log_and_retraining_with_the_line() -> None:
    (picture,) = pictures_of(by_name(logs(98.0, 99.1, 99.43), OURS), Limits(accuracy=99.4))
    assert picture.table is not None
    assert picture.table.rows == (("1", "98.00", "98.90"), ("2", "99.10", "99.41"), ("3", "99.43", ""))
    assert "99.4 % asked" in picture.drawing


def reproduced(*correct: int, cut: str = "") -> ReproducedFacts:
    epochs = tuple(ReproducedEpoch(number=n, correct=c, visible=c) for n, c in enumerate(correct, start=1))
    return ReproducedFacts(
        artefact="S4.ipynb", name="Net", graph="ab" * 32, ending=Ending.OK, isolation=Isolation(backend="bwrap", isolated=True), epochs=epochs,
        scored_with=ScoredWith.STUDENT, canary=Canary(state=CanaryState.NOT_SHOWN), cut=cut,
    )  # fmt: skip


def test_three_curves_of_one_training() -> None:
    products = by_name(logs(98.0, 99.43), OURS, reproduced(9_880, 9_937, 9_931))
    (picture,) = pictures_of(products, Limits(accuracy=99.4))
    assert picture.table is not None
    assert picture.table.columns == (
        "Epoch",
        "saved log (S4.ipynb cell 7 line 1)",
        "ours, seed 3 (retrained by us)",
        "your code, rerun (run by us, trained on 50,000)",
    )
    assert picture.table.rows == (
        ("1", "98.00", "98.90", "98.80"),
        ("2", "99.43", "99.41", "99.37"),
        ("3", "", "", "99.31"),
    )
    assert picture.drawing.count('class="curve student') == 6, "three in each of two panels"
    assert "your code, rerun" in picture.drawing


def test_our_run_gave_both_trainings_by_name() -> None:
    both = {c.what: c for c in claims_of(by_name(logs(98.0, 99.43), OURS, reproduced(9_880, 9_937)))}
    assert both["Best test accuracy"].ours == (
        "your network, trained by us: 99.41 %; your code, run by us: 99.37 % in epoch 2"
    )
    assert both["Epochs"].ours == "your network, trained by us: 2; your code, run by us: 2"
    assert both["Best test accuracy"].agrees is Agreement.OPEN
    alone = {c.what: c for c in claims_of(by_name(logs(98.0, 99.43), reproduced(9_880)))}
    assert alone["Best test accuracy"].ours == "your code, run by us: 98.80 % in epoch 1"
    assert "Best test accuracy" not in {c.what for c in claims_of(by_name(reproduced()))}


def test_a_count_of_answers_is_named_so_wherever_it_is_shown() -> None:
    answered = msgspec.structs.replace(reproduced(9_880, 9_941), graph="")
    said = {c.what: c for c in claims_of(by_name(logs(98.0, 99.43), answered))}
    assert said["Best test accuracy"].ours == "your code, run by us: 99.41 % in epoch 2, by its own answers"
    (picture,) = pictures_of(by_name(answered), Limits(accuracy=99.4))
    assert picture.table is not None
    assert picture.table.columns[1] == "your code, rerun (run by us, trained on 50,000, its own answers)"
    assert "its own answers to the true 10,000 were counted by us" in answered.reading()[0][1]


def test_what_ran_stands_in_what_we_read() -> None:
    assert reproduced(9_880, cut="the time was used up").reading() == (
        (
            "S4.ipynb",
            (
                "run whole on 50,000 digits, with 10,000 others as its test set; its "
                "weights were scored by us "
                "on the true 10,000 after each epoch, 1 in all"
            ),
        ),
        ("S4.ipynb", "stopped before its end: the time was used up"),
    )
    assert OURS.reading() == (("S4.ipynb", "trained again by us with your recipe: SGD"),)
    assert workbook().reading() == (
        ("S4.xlsx", "training table of 10 iterations at Sheet1!A33, learning rate 1 in B2"),
    )
    assert document(line("w5")).reading() == (("README.md", "1 formula, in utf-8; as in the class sheet"),)


def test_what_was_changed_to_run_a_notebook_is_said() -> None:
    run = NotebookRun(
        artefact="S4.ipynb", ending=Ending.OK, isolation=Isolation(backend="bwrap", isolated=True), data="synthetic",
        cells=(NotebookCellRun(cell=2, status=CellStatus.OK), NotebookCellRun(cell=3, status=CellStatus.FAILED, error="NameError")),
        models=(SeenModel(name="Net", declared=9, chosen=True),), shims=(Shim(name="pip", what="was not run", uses=1),),
    )  # fmt: skip
    assert run.reading() == (
        (
            "S4.ipynb",
            (
                "2 of 2 code cells were run on a few digits, to find the network; the submitted one is "
                "Net; cell 3: NameError"
            ),
        ),
        ("S4.ipynb, changed for this run", "pip: was not run"),
    )


def line(reading: str) -> FormulaLine:
    return FormulaLine(
        place=Place(artefact="README.md", line=41), text="∂E/∂w5 = …", reading=reading, kind=FormulaKind.FINAL, verdict=FormulaVerdict.WRONG,
        states="∂E/∂w5", sides=(FormulaSide(reading="∂E/∂w5"), FormulaSide(reading=reading)),
    )  # fmt: skip


def document(*lines: FormulaLine) -> FormulaEvidence:
    return FormulaEvidence(
        documents=(
            DocumentFormulas(
                artefact="README.md", main=True, encoding="utf-8", convention=FormulaConvention(), lines=lines
            ),
        )
    )


def test_formulas_are_typeset_from_their_readings() -> None:
    (picture,) = pictures_of(by_name(document(line("(a_o1 - t1) * a_h1"))))
    assert picture.before_results
    assert "<mfrac><mrow><mo>∂</mo><mi>E</mi></mrow>" in picture.drawing
    assert "<msub><mi>a</mi><mrow><mi>h</mi><mn>1</mn></mrow></msub>" in picture.drawing


@pytest.mark.parametrize("reading", ["no formula at all (", "", "w5a_h1", "<script>"])
def test_what_cannot_be_typeset_faithfully_stays_text(reading: str) -> None:
    (picture,) = pictures_of(by_name(document(line(reading))))
    assert "<mtext>" in picture.drawing or "<mtext/>" in picture.drawing
    assert "<script" not in picture.drawing


def test_claims_in_four_voices() -> None:
    said = ClaimEvidence(
        claims=(
            written(What.PARAMETERS, 25_300, "25.3K", unit=100),
            written(What.ACCURACY, 99.43, "99.43 %", unit=0.01),
            written(What.EPOCHS, 3, "3"),
            written(What.EPOCHS, 40, "40", aside=True),
        ),
        uses=(
            Use(
                feature=Feature.DROPOUT,
                used=True,
                said=True,
                place=Place(artefact="README.md", line=9),
                excerpt="",
            ),
        ),
    )
    printed = SummaryEvidence(
        counts=(PrintedCount(place=Place(artefact="S4.ipynb", cell=3), value=7_723, excerpt=""),)
    )
    lines = {c.what: c for c in claims_of(by_name(said, printed, network(), logs(98.0, 99.1, 99.43), OURS))}
    assert list(lines) == ["Number of parameters", "Best test accuracy", "Epochs", "Dropout"]
    parameters = lines["Number of parameters"]
    assert (parameters.readme, parameters.code, parameters.log, parameters.ours) == (
        "25.3K (README.md:43)",
        "7,723",
        "7,723",
        "7,723",
    )
    assert parameters.agrees is Agreement.NO
    assert lines["Best test accuracy"].agrees is Agreement.YES
    assert lines["Best test accuracy"].ours == "99.41 %"
    assert lines["Epochs"].readme == "3 (README.md:43)"
    assert (lines["Dropout"].code, lines["Dropout"].agrees) == ("yes, p = 0.1", Agreement.YES)


@pytest.mark.parametrize(
    ("claim", "agrees"),
    [
        (written(What.PARAMETERS, 7_700, "7.7K", unit=100), Agreement.YES),
        (written(What.PARAMETERS, 7_000, "about 7K", unit=100, bound=Bound.ABOUT), Agreement.OPEN),
        (written(What.PARAMETERS, 7_000, "7K", unit=100), Agreement.NO),
    ],
)
def test_rounding_is_no_contradiction(claim: Claim, agrees: Agreement) -> None:
    (found,) = claims_of(by_name(ClaimEvidence(claims=(claim,)), network()))
    assert found.agrees is agrees


def test_our_own_run_never_contradicts_a_claim() -> None:
    said = ClaimEvidence(claims=(written(What.ACCURACY, 99.6, "99.6 %", unit=0.1),))
    (found,) = claims_of(by_name(said, OURS))
    assert found.agrees is Agreement.OPEN


def test_thresholds_come_from_the_rubric() -> None:
    rules = catalogue()
    assert limits_of(load("default", rules).rubric, rules) == Limits(parameters=20_000, accuracy=99.4)
    strict = Rubric(
        id="x", title="", criterion=(Criterion(id="a", check="NN401", points=1, params={"below": 8_000}),)
    )
    assert limits_of(strict, rules) == Limits(parameters=8_000)
