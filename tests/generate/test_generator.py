"""The generator's books are what their truth says: read back with openpyxl, which shares no code with it."""

from __future__ import annotations

import io
import random
import re
import zipfile

import openpyxl
import pytest

from .cells import Position, evaluate
from .formulas import GRADIENTS, RIGHT_MATHEMATICS, STYLES, WEIGHTS, Defect
from .headers import ORDERS, SPELLINGS, header
from .table import Table
from .workbook import SWEEP, BookSpec, EtaCell, Given, Layout, make, plan, random_spec

pytestmark = pytest.mark.slow

# From outside: E_total of the class weights, t = (.01, .99), after so many updates.
KNOWN_LOSSES = {
    0.1: {0: 0.242519857348377, 1: 0.2411090388, 50: 0.17974504},
    0.5: {1: 0.2354953779, 50: 0.06339246},
    1.0: {1: 0.2285477653, 50: 0.028908896, 100: 0.012395124},
    2.0: {1: 0.2149015988, 50: 0.012226108, 100: 0.0051601086},
}


def read(content: bytes, *, values: bool) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


def columns(sheet: object, row: int) -> dict[str, int]:
    return {str(cell.value): cell.column for cell in sheet[row] if cell.value is not None}  # type: ignore[index]


@pytest.mark.parametrize(
    ("eta", "style"), [*((eta, 0) for eta in KNOWN_LOSSES), *((2.0, k) for k in range(1, len(STYLES)))]
)
def test_a_right_book_shows_the_known_losses(eta: float, style: int) -> None:
    content, truth = make(BookSpec(rows=101, eta=eta, style=style))
    sheet = read(content, values=True)["Sheet1"]
    total = columns(sheet, 32)["E_tot"]
    for updates, loss in KNOWN_LOSSES[eta].items():
        assert sheet.cell(33 + updates, total).value == pytest.approx(loss, rel=1e-7)
    assert truth.mathematics_right
    assert truth.cells == ()


@pytest.mark.parametrize("style", range(len(STYLES)))
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_the_losses_slopes(style: int, seed: int) -> None:
    rng = random.Random(seed)
    spec = BookSpec(
        rows=6,
        defect_row=3,
        style=style,
        weights=tuple(rng.uniform(-1, 1) for _ in range(8)),
        inputs=(0.4, -0.7),
    )

    def first_row(weights: tuple[float, ...]) -> dict[str, float]:
        table = Table(plan(spec, 1.0, 0, "Sheet1", defect=Defect.NONE))
        table.plan = type(table.plan)(**{**vars(table.plan), "weights": weights})
        grid: dict[Position, object] = {}
        table.lay(grid)  # type: ignore[arg-type]
        values = evaluate(grid)  # type: ignore[arg-type]
        return {role: values[table.cell(role, 0)] for role in ("E_tot", *GRADIENTS)}  # type: ignore[misc]

    step = 1e-6
    for k, role in enumerate(GRADIENTS):
        up, down = (tuple(w + sign * step * (j == k) for j, w in enumerate(spec.weights)) for sign in (1, -1))
        slope = (first_row(up)["E_tot"] - first_row(down)["E_tot"]) / (2 * step)
        assert first_row(spec.weights)[role] == pytest.approx(slope, rel=1e-6, abs=1e-10)


def test_the_class_error_hides_in_the_losses_and_shows_in_the_formula() -> None:
    right, _ = make(BookSpec())
    wrong, truth = make(BookSpec(defect=Defect.CLASS_ERROR))
    assert truth.quantity == ("d3", "d4")
    assert truth.cells == ("Sheet1!Z33:Z72", "Sheet1!AA33:AA72")
    formulas = read(wrong, values=False)["Sheet1"]
    assert formulas["Z33"].value == "=((R33-A33)*R33*(1-R33)*N33+(T33-B33)*T33*(1-T33)*P33)*J33*(1-J33)*C33"
    losses = [
        [row[0].value for row in read(book, values=True)["Sheet1"]["W33:W72"]] for book in (right, wrong)
    ]
    difference = max(abs(a - b) for a, b in zip(*losses, strict=True))
    assert 0 < difference < 1e-5


@pytest.mark.parametrize("defect", sorted(set(Defect) - {Defect.NONE, Defect.LYING_SHEET_NAME}))
def test_a_defect_changes_what_it_names_and_nothing_else(defect: Defect) -> None:
    """Cells whose text differs from the right book's are the named ones (or, for lying caches, none)."""
    weights, inputs = ((0.3, 0.5, -0.2, 0.7, 0.1, -0.6, 0.3, -0.9), (0.06, 0.2))
    other = {"weights": weights, "inputs": inputs} if defect is Defect.WRONG_CLASS_VALUES else {}
    extra = {"charts": True, "pasted_sweep": defect is Defect.MISPASTED_SWEEP}
    content, truth = make(BookSpec(defect=defect, rows=15, defect_row=9, **extra, **other))  # type: ignore[arg-type]
    twin = Defect.ETA_DRIFT if defect in {Defect.ETA_DRIFT, Defect.ETA_DRIFT_ONE} else Defect.NONE
    right, _ = make(BookSpec(rows=15, defect_row=9, **extra))  # type: ignore[arg-type]
    assert truth.mathematics_right == (defect in RIGHT_MATHEMATICS)
    assert truth.cells
    assert truth.quantity
    if twin is not Defect.NONE or defect is Defect.LYING_TITLE:
        return  # the η cell stands elsewhere, or only a chart's title differs
    named = {
        (sheet, cell.coordinate)
        for sheet, area in (text.split("!") for text in truth.cells)
        for row in as_rows(read(content, values=False)[sheet][area])
        for cell in row
    }
    lying = defect in {Defect.STALE_CACHE, Defect.FORGED_CACHE}
    changed = differing(read(content, values=lying), read(right, values=lying))
    if defect is Defect.STALE_CACHE:
        assert named <= changed
    elif defect is Defect.FROZEN_GRADIENT:  # the first update's text differs too, but reads the right cell
        assert changed - named == {("Sheet1", "H34")}
    elif defect is Defect.MISPASTED_SWEEP:  # the loss before the first update is the same for every η
        assert len(named - changed) == 1
        assert changed < named
    else:
        assert changed == named


def test_a_sheet_named_after_another_learning_rate() -> None:
    spec = BookSpec(
        layout=Layout.SHEET_PER_ETA, rows=6, defect_row=3, defect=Defect.LYING_SHEET_NAME, defect_table=2
    )
    content, truth = make(spec)
    assert truth.cells == ("η=0.5!G30",)
    assert read(content, values=False)["η=0.5"]["G30"].value == 0.2


def test_the_class_error_beside_another_one() -> None:
    content, truth = make(BookSpec(rows=6, defect_row=3, defect=Defect.SIGN, inherited=True))
    assert truth.quantity == ("d3", "d4", "d5")
    assert read(content, values=False)["Sheet1"]["Z33"].value.endswith("*J33*(1-J33)*C33")


def test_a_book_of_one_row() -> None:
    content, _ = make(BookSpec(rows=1))
    assert read(content, values=True)["Sheet1"]["W33"].value == pytest.approx(0.242519857348377)
    assert read(content, values=True)["Sheet1"]["W34"].value is None


def as_rows(cells: object) -> list[tuple[object, ...]]:
    return list(cells) if isinstance(cells, tuple) else [(cells,)]


def differing(one: openpyxl.Workbook, other: openpyxl.Workbook) -> set[tuple[str, str]]:
    return {
        (sheet.title, cell.coordinate)
        for sheet in one
        for row in sheet.iter_rows()
        for cell in row
        if cell.value != other[sheet.title][cell.coordinate].value
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_headers_are_different_texts(spelling: str) -> None:
    texts = [header(role, SPELLINGS[spelling]) for role in (*ORDERS["epoch-first"], "eta", "k1", "k2")]
    assert len(set(texts)) == len(texts)


def test_orders_hold_every_role_once() -> None:
    for order in ORDERS.values():
        assert sorted(set(order) - {"epoch"}) == sorted(ORDERS["class"])


def test_shared_formulas_say_what_single_ones_say() -> None:
    plain, _ = make(BookSpec(rows=15, defect=Defect.MID_COLUMN))
    shared, _ = make(BookSpec(rows=15, defect=Defect.MID_COLUMN, shared_formulas=True))
    assert len(shared) < len(plain)
    assert differing(read(shared, values=False), read(plain, values=False)) == set()
    assert differing(read(shared, values=True), read(plain, values=True)) == set()


def test_named_chained_and_structured_references() -> None:
    named = read(make(BookSpec(rows=6, defect_row=3, eta_cell=EtaCell.NAMED))[0], values=False)
    assert named.defined_names["learning_rate"].attr_text == "'Sheet1'!$G$30"
    assert named["Sheet1"]["E34"].value == "=E33-learning_rate*X33"
    chained, truth = make(BookSpec(rows=6, defect_row=3, eta_cell=EtaCell.CHAINED))
    assert truth.tables[0].eta_cell == "Sheet1!J30"
    assert read(chained, values=False)["Sheet1"]["G30"].value == "=J30"
    structured = read(make(BookSpec(rows=6, defect_row=3, structured=True))[0], values=False)["Sheet1"]
    assert structured["W33"].value == "=Table1[[#This Row],[E1]]+Table1[[#This Row],[E2]]"
    assert structured.tables["Table1"].ref == "A32:AE38"


def test_google_exports_have_no_program_and_ten_digits() -> None:
    content, _ = make(BookSpec(rows=6, defect_row=3, google=True, charts=True))
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert not [name for name in archive.namelist() if name.startswith("docProps")]
    assert b"numCache" not in archive.read("xl/charts/chart1.xml")
    shown = read(content, values=True)["Sheet1"]["W33"].value
    assert shown == 0.2425198573


def test_charts_are_read_back_with_their_ranges() -> None:
    content, truth = make(BookSpec(rows=8, defect_row=3, charts=True, pasted_sweep=True))
    one, six = read(content, values=False)["Sheet1"]._charts
    assert one.series[0].val.numRef.f == "'Sheet1'!$W$33:$W$40"
    assert len(one.series[0].val.numRef.numCache.pt) == 8
    assert [series.val.numRef.f.replace("'", "").replace("$", "") for series in six.series] == list(
        truth.pasted.values()
    )


def test_pasted_columns_are_the_losses_of_their_learning_rates() -> None:
    content, truth = make(BookSpec(rows=52, pasted_sweep=True, defect=Defect.MISPASTED_SWEEP))
    book = read(content, values=True)
    for eta in SWEEP:
        sheet, area = truth.pasted[f"{eta:g}"].split("!")
        column = [row[0].value for row in book[sheet][area]]
        known = KNOWN_LOSSES.get(eta, {}).get(50)
        right = known is None or column[50] == pytest.approx(known, rel=1e-6)
        assert right == (eta != 0.5)


@pytest.mark.parametrize("layout", Layout)
def test_layouts_place_their_tables_where_they_say(layout: Layout) -> None:
    rng = random.Random(layout.value)
    for _ in range(3):
        spec = random_spec(rng, layout=layout, defect=Defect.NONE, rows=12)
        content, truth = make(spec)
        assert make(spec)[0] == content
        formulas, values = read(content, values=False), read(content, values=True)
        assert len(truth.tables) == (6 if layout in {Layout.SHEET_PER_ETA, Layout.STACKED} else 1)
        for table in truth.tables:
            texts = columns(formulas[table.sheet], table.header_row)
            head = header("d1", SPELLINGS[spec.spelling])
            assert head in texts
            assert formulas[table.sheet].cell(table.header_row, table.first_column).value is not None
            assert (
                values[table.sheet].cell(table.header_row + table.iterations, texts[head]).value is not None
            )
            if table.eta_cell:
                sheet, cell = table.eta_cell.split("!")
                assert formulas[sheet][cell].value == table.eta
        defined = [cell.value for sheet in values for row in sheet.iter_rows() for cell in row]
        assert not [v for v in defined if isinstance(v, str) and re.match(r"#[A-Z]", v)]


def test_every_defect_is_made_in_every_layout_that_can_hold_it() -> None:
    rng = random.Random(1)
    for layout in Layout:
        drifting = {Defect.ETA_DRIFT, Defect.ETA_DRIFT_ONE} if layout is Layout.ETA_COLUMN else set()
        several = layout in {Layout.SHEET_PER_ETA, Layout.STACKED}
        named = set() if layout is Layout.SHEET_PER_ETA else {Defect.LYING_SHEET_NAME}
        impossible = drifting | named | ({Defect.STALE_CACHE, Defect.MISPASTED_SWEEP} if several else set())
        for defect in Defect:
            if defect not in impossible:
                _, truth = make(random_spec(rng, defect=defect, layout=layout, rows=7))
                assert truth.defect is defect
                column = layout is Layout.ETA_COLUMN and defect is Defect.LYING_TITLE
                assert bool(truth.cells) == (defect is not Defect.NONE and not column)


def test_weights_and_gradients_pair() -> None:
    assert len(WEIGHTS) == len(GRADIENTS) == 8


def test_a_summary_sheet_refers_to_the_others() -> None:
    spec = BookSpec(layout=Layout.SHEET_PER_ETA, rows=6, defect_row=3, summary=True, clutter=True)
    content, _ = make(spec)
    formulas, values = read(content, values=False), read(content, values=True)
    assert formulas.sheetnames == ["Notes", *(f"η={eta:g}" for eta in SWEEP), "Summary"]
    assert formulas["Summary"]["C3"].value == "='η=0.5'!W34"
    assert values["Summary"]["C3"].value == values["η=0.5"]["W34"].value


def test_values_only_books_hold_no_formula() -> None:
    content, _ = make(BookSpec(rows=6, defect_row=3, values_only=True))
    cells = [cell for row in read(content, values=False)["Sheet1"].iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert read(content, values=False)["Sheet1"]["W33"].value == pytest.approx(0.242519857348377)


@pytest.mark.parametrize(("given", "text"), [(Given.COPIED, "=C34"), (Given.ANCHORED, "=$C$33")])
def test_inputs_carried_down_by_reference(given: Given, text: str) -> None:
    content, _ = make(BookSpec(rows=6, defect_row=3, given=given))
    assert read(content, values=False)["Sheet1"]["C35"].value == text
    assert read(content, values=True)["Sheet1"]["C35"].value == 0.05
