"""Sheets whose columns of gradients hold their negatives or the steps themselves: one fault costs once, and what a header
says is no fault.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
import pytest

from grader.core.facts.replay import BookVerdict, Severity
from grader.execute.replay.book.full_replay import replay
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import column_of, row_of
from grader.extract.workbook.child import read
from tests.execute.replay.sheets import AT, ETA, HEADER, Edit, replayed, workbook
from tests.execute.replay.test_layouts import FIRST, LAST

WEIGHTS = [f"w{k}" for k in range(1, 9)]
COLUMNS = {f"{AT['∂E/∂' + w]}{FIRST}:{AT['∂E/∂' + w]}{LAST}" for w in WEIGHTS}
UPDATES = {f"{AT[w]}{FIRST + 1}:{AT[w]}{LAST}" for w in WEIGHTS}


def sheet(
    head: str, factor: str, update: str, some: Sequence[str] = WEIGHTS, also: Edit | None = None
) -> bytes:
    """A book with `factor` before some gradients, and `update` of the weight and what is in that column."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for w in some:
            column = AT["∂E/∂" + w]
            page[f"{column}{HEADER}"] = head.format(w=w)
            for r in range(FIRST, LAST + 1):
                page[f"{column}{r}"] = f"={factor}({str(page[f'{column}{r}'].value)[1:]})"
                if r > FIRST:
                    page[f"{AT[w]}{r}"] = "=" + update.format(w=f"{AT[w]}{r - 1}", d=f"{column}{r - 1}")
        if also is not None:
            also(book)

    return workbook(edit=edit)


def fails(data: bytes) -> set[str]:
    return {fault.cells for fault in replayed(data).faults if fault.severity is Severity.FAIL}


PLUS_RATE, MINUS_RATE = "{w}+" + ETA + "*{d}", "{w}-" + ETA + "*{d}"
RIGHT = [
    ("-∂E/∂{w}", "-", PLUS_RATE),
    ("negative gradient {w}", "-", PLUS_RATE),
    ("Δ{w}", "-" + ETA + "*", "{w}+{d}"),
    ("Δ{w}", ETA + "*", "{w}-{d}"),
    ("Δ{w}", "-0.5*", "{w}+{d}"),
    ("Δ{w}", "0.5*", "{w}-{d}"),
    ("η·∂E/∂{w}", "0.5*", "{w}-{d}"),
    ("Δ{w}", "-", PLUS_RATE),
    ("∂E/∂{w}", "1*", MINUS_RATE),
]


@pytest.mark.parametrize(("head", "factor", "update"), RIGHT)
def test_what_a_header_says_is_right(head: str, factor: str, update: str) -> None:
    book = replayed(sheet(head, factor, update))
    assert [fault for fault in book.faults if fault.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == 0.5


@pytest.mark.parametrize(
    ("factor", "update"),
    [("-", PLUS_RATE), ("-", MINUS_RATE), (ETA + "*", "{w}-{d}"), ("-" + ETA + "*", "{w}+{d}")],
)
def test_columns_that_are_no_gradients_cost_once(factor: str, update: str) -> None:
    assert fails(sheet("∂E/∂{w}", factor, update)) == COLUMNS


IN_WORDS = [
    "rate of change of E w.r.t. {w}",
    "ΔE/Δ{w}",
    "Δ(E_total)/Δ({w})",
    "deltaE/delta{w}",
    "change in E wrt {w}",
]


@pytest.mark.parametrize("head", IN_WORDS)
@pytest.mark.parametrize(
    ("factor", "update"), [("-", PLUS_RATE), (ETA + "*", "{w}-{d}"), ("-" + ETA + "*", "{w}+{d}")]
)
def test_a_slope_in_words_of_change_is_no_step_and_no_negative(head: str, factor: str, update: str) -> None:
    assert fails(sheet(head, factor, update)) == COLUMNS


@pytest.mark.parametrize("head", IN_WORDS)
def test_a_slope_in_words_of_change_is_a_gradient(head: str) -> None:
    assert fails(sheet(head, "1*", MINUS_RATE)) == set()
    assert fails(sheet("-" + head, "-", PLUS_RATE)) == set()
    assert fails(sheet("η*" + head, ETA + "*", "{w}-{d}")) == set()


@pytest.mark.parametrize(
    ("head", "factor", "update"),
    [
        ("-∂E/∂{w}", "-", MINUS_RATE),
        ("Δ{w}", ETA + "*", "{w}+{d}"),
        ("Δ{w}", "-" + ETA + "*", "{w}-{d}"),
    ],
)
def test_an_update_against_what_its_column_says_is_wrong(head: str, factor: str, update: str) -> None:
    assert fails(sheet(head, factor, update)) == UPDATES


OUTER, INNER = WEIGHTS[4:], WEIGHTS[:4]
SOME = [OUTER, INNER, ["w7"], ["w1", "w2", "w3", "w5", "w6", "w7", "w8"]]


@pytest.mark.parametrize("some", SOME)
@pytest.mark.parametrize(("head", "factor", "update"), RIGHT)
def test_what_the_headers_of_some_columns_say_is_right(
    head: str, factor: str, update: str, some: list[str]
) -> None:
    book = replayed(sheet(head, factor, update, some))
    assert [fault for fault in book.faults if fault.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == 0.5


@pytest.mark.parametrize("some", SOME)
@pytest.mark.parametrize(("factor", "update"), [("-", PLUS_RATE), ("-", MINUS_RATE), (ETA + "*", "{w}-{d}")])
def test_some_columns_that_are_no_gradients_cost_once(factor: str, update: str, some: list[str]) -> None:
    columns = {f"{AT['∂E/∂' + w]}{FIRST}:{AT['∂E/∂' + w]}{LAST}" for w in some}
    assert fails(sheet("∂E/∂{w}", factor, update, some)) == columns


@pytest.mark.parametrize("some", SOME)
@pytest.mark.parametrize(
    ("head", "factor", "update"),
    [("-∂E/∂{w}", "-", MINUS_RATE), ("Δ{w}", "-" + ETA + "*", "{w}-{d}"), ("∂E/∂{w}", "", PLUS_RATE)],
)
def test_an_update_against_what_its_own_column_says_is_wrong(
    head: str, factor: str, update: str, some: list[str]
) -> None:
    updates = {f"{AT[w]}{FIRST + 1}:{AT[w]}{LAST}" for w in some}
    assert fails(sheet(head, factor, update, some)) == updates


@pytest.mark.parametrize("some", [OUTER, ["w7"], WEIGHTS])
def test_a_wrong_formula_in_a_negative_column_costs_only_there(some: list[str]) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for r in range(FIRST, LAST + 1):
            cell = page[f"{AT['∂E/∂w7']}{r}"]
            cell.value = str(cell.value).replace(f"*{AT['a_h1']}{r}", f"*{AT['a_h2']}{r}")

    data = sheet("-∂E/∂{w}", "-", PLUS_RATE, some, also=edit)
    assert fails(data) == {f"{AT['∂E/∂w7']}{FIRST}:{AT['∂E/∂w7']}{LAST}"}


def test_a_gradient_out_of_another_column_is_what_that_one_makes_it() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for r in range(FIRST, LAST + 1):
            page[f"{AT['∂E/∂w6']}{r}"] = f"={AT['∂E/∂w5']}{r}*{AT['a_h2']}{r}/{AT['a_h1']}{r}"

    assert fails(sheet("-∂E/∂{w}", "-", PLUS_RATE, OUTER, also=edit)) == set()
    assert fails(sheet("∂E/∂{w}", "-", PLUS_RATE, OUTER, also=edit)) == {
        f"{AT['∂E/∂' + w]}{FIRST}:{AT['∂E/∂' + w]}{LAST}" for w in ("w5", "w7", "w8")
    }


@pytest.mark.parametrize("rate", ["0.5", "1/2", "50%", "$H$2", "$Z$1"])
def test_a_rate_that_some_updates_take_from_elsewhere_is_a_remark(rate: str) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        page["H2"] = page["Z1"] = 0.5
        for w in OUTER[:3]:
            for r in range(FIRST + 1, LAST + 1):
                page[f"{AT[w]}{r}"] = str(page[f"{AT[w]}{r}"].value).replace(ETA, rate)

    book = replayed(workbook(edit=edit))
    assert {(f.diagnosis, f.severity) for f in book.faults} == {("hard-coded-constant", Severity.WARN)}
    assert book.verdict is BookVerdict.CORRECT


@pytest.mark.parametrize("rate", ["0.4", "$H$2", "H2"])
def test_another_rate_in_some_updates_is_wrong(rate: str) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        page["H2"] = 0.4 if rate != "H2" else 0.5
        for w in OUTER[:3]:
            for r in range(FIRST + 1, LAST + 1):
                moved = f"H{r - FIRST + 1}" if rate == "H2" else rate
                page[f"{AT[w]}{r}"] = str(page[f"{AT[w]}{r}"].value).replace(ETA, moved)

    assert replayed(workbook(edit=edit)).verdict is BookVerdict.WRONG


def pasted(data: bytes) -> bytes:
    """A book with the values of its formulas in their place."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    model = Model(read(data, "book.xlsx"))
    done = replay(model, (), ()).recalculated
    for key in model.owner:
        book.worksheets[0].cell(row_of(key), column_of(key)).value = done.first(key)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("some", [WEIGHTS, OUTER, ["w7"]])
@pytest.mark.parametrize(("head", "factor", "update"), [one for one in RIGHT if one[0][0] in "-Δ∂"])
def test_pasted_columns_are_read_by_what_their_headers_say(
    head: str, factor: str, update: str, some: list[str]
) -> None:
    book = replayed(pasted(sheet(head, factor, update, some)))
    assert [fault for fault in book.faults if fault.severity is Severity.FAIL] == []
    assert book.tables[0].eta == 0.5


@pytest.mark.parametrize("some", [OUTER, ["w7"]])
def test_pasted_negatives_under_a_plain_header_are_wrong(some: list[str]) -> None:
    found = fails(pasted(sheet("∂E/∂{w}", "-", PLUS_RATE, some)))
    assert found >= {f"{AT['∂E/∂' + w]}{FIRST}:{AT['∂E/∂' + w]}{LAST}" for w in some}


ONE = [
    ("Δ{w}", "-1*"),
    ("delta {w}", "-1.0*"),
    ("change in {w}", "(-1)*"),
    ("step {w}", "-"),
    ("-∂E/∂{w}", "-1*"),
]


def at_rate(rate: float) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["G2"] = rate

    return edit


@pytest.mark.parametrize("update", ["{w}+{d}", "{w}+1*{d}", "{d}+{w}"])
@pytest.mark.parametrize(("head", "factor"), ONE)
def test_a_factor_of_1_beside_a_rate_of_1_is_a_sign_or_the_rate(head: str, factor: str, update: str) -> None:
    book = replayed(sheet(head, factor, update, also=at_rate(1.0)))
    assert [fault for fault in book.faults if fault.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == 1.0


@pytest.mark.parametrize(("head", "factor"), ONE)
def test_a_factor_of_1_is_no_other_rate_that_the_sheet_says(head: str, factor: str) -> None:
    assert fails(sheet(head, factor, "{w}+{d}", also=at_rate(0.5))) == UPDATES


@pytest.mark.parametrize(("head", "factor"), ONE)
def test_a_sign_at_a_rate_of_1_is_wrong_still(head: str, factor: str) -> None:
    assert fails(sheet(head, factor, "{w}-{d}", also=at_rate(1.0))) == UPDATES


@pytest.mark.parametrize("head", ["Δ{w}", "delta {w}", "change in {w}", "step {w}"])
def test_steps_beside_gradients_are_columns_of_their_own(head: str) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for k, w in enumerate(WEIGHTS):
            column = openpyxl.utils.get_column_letter(len(AT) + 1 + k)
            page[f"{column}{HEADER}"] = head.format(w=w)
            for r in range(FIRST, LAST):
                page[f"{column}{r}"] = f"={AT[w]}{r + 1}-{AT[w]}{r}"

    book = replayed(workbook(edit=edit))
    assert [fault for fault in book.faults if fault.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
