"""Pictures: well-formed, titled, with their numbers beside them, and safe for any numbers."""

import math
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.backprop.expression import binary, call, deriv, neg, num, sym
from grader.core.facts.retrain import DigitPictures, WrongDigit, WrongDigits
from grader.core.place import letters
from grader.execute.wrong_digits import draw
from grader.render.pictures import svg
from grader.render.pictures.cells import Area, Cell, area, cell_grid
from grader.render.pictures.curves import AccuracyRun, LossSeries, accuracy_curve, loss_curves
from grader.render.pictures.digits import wrong_digits
from grader.render.pictures.formulas import FormulaLine, chunks, formulas, running, typeset
from grader.render.pictures.network import LayerBox, network_graph, shape_text
from grader.render.pictures.picture import Picture
from tests.render.samples import HOSTILE

LOSSES = (
    LossSeries(eta=0.1, student=(0.2425, 0.2424, 0.2423), reference=(0.2425, 0.2424, 0.2422)),
    LossSeries(eta=2.0, student=(0.2425, 0.1, 0.01), reference=(0.2425, 0.1, 0.01)),
)
RUNS = (
    AccuracyRun(name="saved log", percents=(98.0, 99.1, 99.43), note="claimed"),
    AccuracyRun(name="retrained", percents=(97.9, 99.2)),
)
LAYERS = (
    LayerBox(name="conv2d", shape=(16, 26, 26), parameters=160, feeds_on=(-1,), module="conv1"),
    LayerBox(name="relu", shape=(16, 26, 26), parameters=0, feeds_on=(0,)),
    LayerBox(name="add", shape=(16, 26, 26), parameters=0, feeds_on=(1, 0)),
)

WRONG = WrongDigits(
    seed=4,
    epoch=9,
    count=75,
    of=10_000,
    label_errors=15,
    listed=(
        *(WrongDigit(index=place, label=place % 10, answer=(place + 1) % 10) for place in range(57)),
        WrongDigit(index=947, label=8, answer=9, raters="9"),
        WrongDigit(index=2130, label=4, answer=9, raters="no majority"),
        WrongDigit(index=2654, label=6, answer=1, raters="neither"),
    ),
)


def faces(count: int = len(WRONG.listed)) -> DigitPictures:
    """Stripes, another number of them for each digit."""
    columns = np.arange(28)
    return draw(
        np.stack([np.tile((columns % (n % 9 + 2) == 0) * 255, (28, 1)) for n in range(count)]).astype(
            np.uint8
        )
    )


def drawn(picture: Picture | None) -> ET.Element:
    assert picture is not None
    root = ET.fromstring(picture.drawing)
    assert root.tag == "svg"
    assert root[0].tag == "title"
    assert root[0].text
    assert root[1].tag == "desc"
    assert root[1].text
    return root


def test_loss_curves_show_both_sides() -> None:
    picture = loss_curves(LOSSES, sheet=HOSTILE)
    root = drawn(picture)
    classes = [e.get("class") for e in root.iter("polyline")]
    assert classes == ["curve reference k1", "curve student k1", "curve reference k2", "curve student k2"]
    assert picture is not None
    assert picture.table is not None
    assert picture.table.rows[-1] == ("2", "0.2423", "0.2422", "0.01", "0.01")


def test_log_axis_puts_a_decade_at_equal_distance() -> None:
    series = (LossSeries(eta=1.0, student=(1.0, 0.1, 0.01), reference=()),)
    (line,) = drawn(loss_curves(series)).iter("polyline")
    heights = [float(point.split(",")[1]) for point in (line.get("points") or "").split()]
    assert math.isclose(heights[1] - heights[0], heights[2] - heights[1], abs_tol=0.02)


def test_numbers_that_cannot_be_drawn_leave_a_gap() -> None:
    series = (LossSeries(eta=1.0, student=(0.2, 0.1, math.nan, 0.0, 0.05, 0.04), reference=(math.inf,)),)
    assert len(list(drawn(loss_curves(series)).iter("polyline"))) == 2
    assert loss_curves((LossSeries(eta=1.0, student=(math.nan, math.nan)),)) is None
    assert loss_curves(()) is None


def test_accuracy_shows_the_threshold_and_its_band() -> None:
    root = drawn(accuracy_curve(RUNS, threshold=99.4))
    close = [e for e in root.iter("g") if e.get("transform")]
    assert len(close) == 1, "a second panel shows where a pass is decided"
    ticks = [e.text for e in close[0].iter("text") if e.get("class") == "tick"]
    assert {"99 %", "99.6 %"} <= set(ticks)
    for panel in close:
        root.remove(panel)
    assert [e.get("class") for e in root.iter("rect")] == ["noise"]
    assert [e for e in root.iter("line") if e.get("class") == "threshold"]
    labels = [e for e in root.iter("text") if "name" in (e.get("class") or "").split()]
    heights = [float(e.get("y") or 0) for e in labels]
    assert sorted(e.text or "" for e in labels) == ["99.4 % asked", "retrained", "saved log"]
    assert all(b - a > 14.9 for a, b in pairwise(heights))


def test_no_second_panel_where_no_run_comes_near_or_the_first_shows_it() -> None:
    for percents in ((20.0, 97.0), (99.2, 99.41)):
        root = drawn(accuracy_curve((AccuracyRun(name="r", percents=percents),), threshold=99.4))
        assert not [e for e in root.iter("g") if e.get("transform")], percents


def test_without_a_threshold_no_line_is_drawn() -> None:
    root = drawn(accuracy_curve(RUNS))
    assert not list(root.iter("rect"))
    assert not [e for e in root.iter("line") if e.get("class") == "threshold"]


@given(st.lists(st.floats(min_value=0, max_value=100), min_size=2, max_size=40))
def test_any_accuracies_can_be_drawn(percents: list[float]) -> None:
    picture = accuracy_curve((AccuracyRun(name="r", percents=tuple(percents)),))
    if picture is not None:
        drawn(picture)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30))
def test_any_losses_can_be_drawn(losses: list[float]) -> None:
    picture = loss_curves((LossSeries(eta=0.5, student=tuple(losses)),))
    if picture is not None:
        drawn(picture)


def test_network_shows_layers_jumps_budget_and_what_leads_nowhere() -> None:
    picture = network_graph(LAYERS, input_shape=(1, 28, 28), total=25_290, budget=20_000, dead=(HOSTILE,))
    root = drawn(picture)
    boxes = [e.get("class") for e in root.iter("g")]
    assert boxes[:5] == ["n-image", "n-layer", "n-plain", "n-plain", "n-dead"]
    assert boxes[5:] == ["n-layer", "n-plain", "n-dead"], "the legend names the colours that are used"
    assert len(list(root.iter("path"))) == 1, "the sum also reads the first layer"
    assert [e for e in root.iter("rect") if e.get("class") == "n-over"]
    assert "25,290" in picture.description
    assert picture.table is not None
    assert picture.table.rows[0] == ("1. conv2d", "conv1", "16 × 26 × 26", "160")


def test_what_the_assignment_asks_for_is_marked_and_explained() -> None:
    layer = LayerBox(name="batch_norm", shape=(8, 5, 5), parameters=16, feeds_on=(-1,), asked=True)
    root = drawn(network_graph((layer,), input_shape=(1, 28, 28), total=16))
    assert [e.get("class") for e in root.iter("g")].count("n-layer n-asked") == 1
    texts = [e.text or "" for e in root.iter("text")]
    assert "◆ batch_norm" in texts
    assert "◆ asked for: batch normalisation, dropout, pooling" in texts


def test_network_of_a_thousand_layers_stays_small() -> None:
    layers = tuple(LayerBox(name="relu", shape=(1,), parameters=0, feeds_on=(n - 1,)) for n in range(1_000))
    picture = network_graph(layers, input_shape=(1, 28, 28), total=0)
    assert len(picture.drawing) < 40_000
    assert "920 more" in picture.drawing


def test_every_label_lies_in_its_picture() -> None:
    """`99.4 % asked` and a limit far below the parameters used lost their ends."""
    names = ("a name that is too long", "your code, rerun", "saved log")
    pictures = (
        loss_curves((LossSeries(eta=0.1, student=tuple(0.2 / n for n in range(1, 20_001))), *LOSSES)),
        accuracy_curve(tuple(AccuracyRun(name=n, percents=(98.0, 99.1)) for n in names), threshold=99.4),
        network_graph(LAYERS, input_shape=(1, 28, 28), total=3_000_000, budget=20_000, dead=("d" * 60,)),
        cell_grid((Cell(ref="B2", shown="x" * 60, guilty=True),), sheet="S"),
    )
    for picture in pictures:
        for label in drawn(picture).iter("text"):
            bold = "name" in (label.get("class") or "").split()
            room = len(label.text or "") * (svg.BOLD if bold else svg.INK)
            before = {"end": 1.0, "middle": 0.5}.get(label.get("text-anchor") or "", 0.0)
            left = float(label.get("x") or 0) - before * room
            assert left >= 0, label.text
            assert left + room <= svg.WIDTH, label.text


def test_an_axis_has_ticks_however_long_it_is() -> None:
    for longest in (2, 7, 61, 20_000, 400_000):
        picture = loss_curves((LossSeries(eta=1.0, student=(0.2,) * (longest - 1) + (0.1,)),))
        ticks = [e for e in drawn(picture).iter("text") if e.get("text-anchor") == "middle"]
        assert 2 < len(ticks) + (longest == 2) <= 8, longest


def test_shape_is_written_with_crosses() -> None:
    assert shape_text((16, 26, 26)) == "16 × 26 × 26"


def test_guilty_cells_stand_in_their_grid() -> None:
    cells = (
        Cell(ref="$K$34", shown=HOSTILE, guilty=True, note="a_h2 belongs here"),
        Cell(ref="L34", shown="0.5"),
        Cell(ref="AA90:AB120", shown="x", guilty=True),
        Cell(ref="M35:K34", shown="", guilty=True),
        Cell(ref="nowhere", shown="x", guilty=True),
    )
    picture = cell_grid(cells, sheet="Sheet1")
    root = drawn(picture)
    assert [e.get("class") for e in root.iter("rect")].count("cell-guilty") == 6
    assert [e.text for e in root.iter("text")][:4] == ["J", "K", "L", "M"]
    assert picture is not None
    assert "One more lies outside" in picture.description
    assert cell_grid((Cell(ref="A1", shown="x"),), sheet="S") is None


@pytest.mark.parametrize(("name", "column"), [("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16_384)])
def test_letters_of_columns(name: str, column: int) -> None:
    assert letters(column) == name
    assert area(f"{name}7") == Area(7, column, 7, column)


MATHML = [
    (sym("a_h1"), "<msub><mi>a</mi><mrow><mi>h</mi><mn>1</mn></mrow></msub>"),
    (sym("w5"), "<msub><mi>w</mi><mrow><mn>5</mn></mrow></msub>"),
    (sym("eta"), "<mi>η</mi>"),
    (sym("E"), "<mi>E</mi>"),
    (num(0.5), "<mn>0.5</mn>"),
    (binary("/", num(1), num(2)), "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"),
    (
        deriv(sym("E"), sym("t")),
        "<mfrac><mrow><mo>∂</mo><mi>E</mi></mrow><mrow><mo>∂</mo><mi>t</mi></mrow></mfrac>",
    ),
    (call("sigma", sym("E")), "<mi>σ</mi><mrow><mo>(</mo><mi>E</mi><mo>)</mo></mrow>"),
]


@pytest.mark.parametrize(("tree", "markup"), MATHML)
def test_mathml(tree: object, markup: str) -> None:
    assert typeset(tree) == markup  # type: ignore[arg-type]


A, B, C = sym("A"), sym("B"), sym("C")


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (binary("-", A, binary("-", B, C)), "A−(B−C)"),
        (binary("-", binary("-", A, B), C), "A−B−C"),
        (binary("+", A, binary("-", B, C)), "A+B−C"),
        (binary("*", binary("+", A, B), C), "(A+B)·C"),
        (binary("*", A, binary("*", B, C)), "A·B·C"),
        (binary("*", A, neg(B)), "A·(−B)"),
        (binary("*", neg(A), B), "(−A)·B"),
        (neg(binary("+", A, B)), "−(A+B)"),
        (neg(binary("*", A, B)), "−A·B"),
        (binary("^", binary("*", A, B), num(2)), "(A·B)2"),
        (binary("^", neg(A), num(2)), "(−A)2"),
    ],
)
def test_brackets_keep_the_meaning(tree: object, text: str) -> None:
    for pieces in ((typeset(tree),), chunks(tree)):  # type: ignore[arg-type]
        root = ET.fromstring(running((pieces,)))
        assert "".join(root.itertext()) == text


def test_list_of_formulas_shows_source_and_reading() -> None:
    line = FormulaLine(place="README.md:41", written=HOSTILE, sides=(chunks(A), chunks(B)), standing="wrong")
    picture = formulas([line])
    assert picture is not None
    assert picture.before_results
    root = ET.fromstring(picture.drawing)
    assert "".join("".join(math.itertext()) for math in root.iter("math")) == "A=B"
    assert "✗" in "".join(root.itertext()), "whether a line is right stands beside it"
    assert picture.brief == "✗ 1 wrong"
    assert not list(root.iter("script"))
    assert formulas([]) is None


def parts(picture: Picture | None) -> ET.Element:
    assert picture is not None
    return ET.fromstring(f"<div>{picture.drawing}</div>")


def test_wrong_digits_have_their_faces_and_words_and_the_doubtful_labels_stand_first() -> None:
    picture = wrong_digits(WRONG, faces(), allowed=60)
    root = parts(picture)
    assert picture is not None
    assert picture.title == "The digits that your network got wrong: 75 of 10,000"
    assert "60 of the 75 are shown" in picture.description
    assert "room for 60 wrong answers" in picture.description
    assert "arXiv:2103.14749" in picture.description
    doubted, others = root.findall("ul")
    assert root.findtext("details/summary") == "33 more"
    assert len(others) == 24
    assert [h.text for h in root.findall("h4")] == ["Known label errors of the test set: 3", "The others: 57"]
    assert [[span.text for span in li.findall("span")] for li in doubted] == [
        ["MNIST says 8", "network: 9", "people: 9"],
        ["MNIST says 4", "network: 9", "people: not agreed"],
        ["MNIST says 6", "network: 1", "people: neither"],
    ]
    tiles = list(root.iter("svg"))[1:]
    assert len(tiles) == 60
    assert tiles[0].get("aria-label") == "an 8 that the network took for a 9"
    assert [li.find("svg").get("viewBox") for li in others][10:12] == ["0 28 28 28", "28 28 28 28"]  # type: ignore[union-attr]
    image = root.find("svg/defs/image")
    assert image is not None
    assert {use.get("href") for use in root.iter("use")} == {f"#{image.get('id')}"}
    assert (image.get("href") or "").startswith("data:image/png;base64,")
    assert len(picture.drawing) < 60_000
    assert picture.table is not None
    assert picture.table.rows[-3:] == (
        ("947", "8", "9", "9"),
        ("2130", "4", "9", "not agreed"),
        ("2654", "6", "1", "neither"),
    )


def test_wrong_digits_of_a_set_that_we_know_no_errors_of_are_not_called_mnists() -> None:
    plain = WrongDigits(seed=0, epoch=1, count=1, of=100, listed=(WrongDigit(index=3, label=1, answer=7),))
    picture = wrong_digits(plain, faces(1))
    root = parts(picture)
    assert picture is not None
    assert picture.title == "The images that your network got wrong: 1 of 100"
    assert "MNIST" not in picture.drawing + picture.description
    assert "people" not in picture.description
    assert root.findall("h4") == []
    assert root.findtext("ul/li/span") == "label says 1"


def test_a_record_without_wrong_digits_draws_none() -> None:
    assert wrong_digits(WrongDigits(), DigitPictures()) is None
