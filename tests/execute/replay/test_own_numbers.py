"""Formulas that are right at random numbers and not at those of the book, losses without their ½, and rows
that only start a table.
"""

from __future__ import annotations

import openpyxl
import pytest

from grader.core.facts.replay import BookVerdict, Severity, State
from grader.execute.replay.formula.worksheet_functions import FUNCTIONS
from grader.extract.workbook.child import read
from tests.execute.replay.sheets import AT, ETA, HEADER, START, formula, replayed, workbook
from tests.execute.replay.test_layouts import FIRST, LAST

INNER = ("∂E/∂w3", "∂E/∂w4")
OUTER = tuple(f"∂E/∂w{k}" for k in range(1, 9))
CONDITIONS = [
    "=IF($E$5=0.15,{wrong},{right})",
    "=IF(ABS(E{r}-0.15)<0.01,{wrong},{right})",
    "=({right})+(({wrong})-({right}))/(1+(1000000*($E$5-0.15))^2)",
    "=IF(AND($E$5>0.149,$E$5<0.151),{wrong},{right})",
]


def branched(text: str) -> bytes:
    """A book whose ∂E/∂w3 and ∂E/∂w4 use the slope of h1, where the first weight is the class's."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for name in INNER:
            for r in range(FIRST, LAST + 1):
                right = formula(name, r)[1:]
                one, other = f"{AT['a_h2']}{r}", f"{AT['a_h1']}{r}"
                wrong = right.replace(f"*{one}*(1-{one})", f"*{other}*(1-{other})")
                assert wrong != right
                page[f"{AT[name]}{r}"] = text.format(right=right, wrong=wrong, r=r)

    return workbook(edit=edit)


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_formula_that_is_right_with_other_numbers_alone_is_for_a_person(text: str) -> None:
    book = replayed(branched(text))
    assert book.verdict is BookVerdict.UNKNOWN
    assert {(f.diagnosis, f.severity, f.quantity) for f in book.faults} == {
        ("right-elsewhere", Severity.WARN, "dw3"), ("right-elsewhere", Severity.WARN, "dw4"),
    }  # fmt: skip
    assert book.tables[0].state("dw3") is State.UNRESOLVED


@pytest.mark.parametrize(
    "text",
    ["=IF($E$5=0.15,{right},{right})", "=IF(E{r}>-99,{right},0)", "=IFERROR({right},0)", "=N({right})"],
)
def test_a_condition_that_changes_nothing_is_right(text: str) -> None:
    assert replayed(branched(text)).verdict is BookVerdict.CORRECT


def halved(losses: bool, slopes: str, start: float = 0.15) -> bytes:
    """A book with losses without their ½, and a factor before the gradients."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        page[f"{AT['w1']}{FIRST}"] = start
        for r in range(FIRST, LAST + 1):
            for name in ("E1", "E2") if losses else ():
                page[f"{AT[name]}{r}"] = formula(name, r).replace("0.5*", "")
            for name in OUTER:
                page[f"{AT[name]}{r}"] = f"={slopes}({formula(name, r)[1:]})"

    return workbook(edit=edit)


def failing(data: bytes) -> set[str]:
    return {f.quantity for f in replayed(data).faults if f.severity is Severity.FAIL}


def test_gradients_of_losses_without_half_are_their_derivatives() -> None:
    book = replayed(halved(losses=True, slopes="2*"))
    assert {f.quantity for f in book.faults if f.severity is Severity.FAIL} == {"E1", "E2"}
    assert [f.severity for f in book.faults if f.diagnosis == "multiple-of-the-loss"] == [Severity.NOTE]


def with_steps(factor: str, update: str, head: str) -> bytes:
    """A book of losses without their ½ whose columns hold negatives or steps."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for r in range(FIRST, LAST + 1):
            for name in ("E1", "E2"):
                page[f"{AT[name]}{r}"] = formula(name, r).replace("0.5*", "")
            for k, name in enumerate(OUTER, 1):
                page[f"{AT[name]}{HEADER}"] = head.format(w=f"w{k}")
                page[f"{AT[name]}{r}"] = f"={factor}({formula(name, r)[1:]})"
                if r > FIRST:
                    w = AT[f"w{k}"]
                    page[f"{w}{r}"] = "=" + update.format(w=f"{w}{r - 1}", d=f"{AT[name]}{r - 1}")

    return workbook(edit=edit)


@pytest.mark.parametrize(
    ("factor", "update", "head"),
    [
        ("-2*", "{w}+" + ETA + "*{d}", "-∂E/∂{w}"),
        ("-2*" + ETA + "*", "{w}+{d}", "Δ{w}"),
        (ETA + "*2*", "{w}-{d}", "η*∂E/∂{w}"),
    ],
)
def test_so_are_their_negatives_and_steps(factor: str, update: str, head: str) -> None:
    assert failing(with_steps(factor, update, head)) == {"E1", "E2"}


@pytest.mark.parametrize("total", ["=({one}+{two})/2", "=AVERAGE({one},{two})"])
def test_gradients_of_a_mean_of_the_losses_are_its_derivatives(total: str) -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for r in range(FIRST, LAST + 1):
            page[f"{AT['E_total']}{r}"] = total.format(one=f"{AT['E1']}{r}", two=f"{AT['E2']}{r}")
            for name in OUTER:
                page[f"{AT[name]}{r}"] = f"=0.5*({formula(name, r)[1:]})"

    assert failing(workbook(edit=edit)) == {"E_total"}


def test_twice_the_gradients_of_losses_with_half_are_wrong() -> None:
    assert failing(halved(losses=False, slopes="2*")) == {name.replace("∂E/∂", "d") for name in OUTER}


def test_losses_without_half_over_right_gradients_cost_alone() -> None:
    assert failing(halved(losses=True, slopes="1*")) == {"E1", "E2"}
    assert failing(halved(losses=True, slopes="3*")) >= {name.replace("∂E/∂", "d") for name in OUTER}


def started(first: dict[str, float | str]) -> bytes:
    """A book whose first row holds given values alone, from which the second starts."""

    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for name, column in AT.items():
            if name not in START:
                page[f"{column}{FIRST}"] = None
        for name in START:
            if name[0] == "w":
                page[f"{AT[name]}{FIRST + 1}"] = first.get(name, f"={AT[name]}{FIRST}")

    return workbook(edit=edit)


@pytest.mark.parametrize("typed", [False, True])
def test_a_row_of_starting_values_alone_is_no_iteration(typed: bool) -> None:
    book = replayed(started(dict(START) if typed else {}))
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].iterations == LAST - FIRST


def test_a_first_row_from_which_the_second_steps_stays_one() -> None:
    other = replayed(started({"w1": 0.16}))
    assert other.tables[0].iterations == LAST - FIRST + 1


def test_no_step_is_taken_between_two_calculated_rows() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for k in range(1, 9):
            page[f"{AT[f'w{k}']}{FIRST + 1}"] = f"={AT[f'w{k}']}{FIRST}"

    assert failing(workbook(edit=edit)) == {f"w{k}" for k in range(1, 9)}


def across(counts: list[float]) -> bytes:
    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.create_sheet("sweep")
        sheet["A1"] = "η \\ iteration"
        for at, count in enumerate(counts, 2):
            sheet.cell(1, at).value = count
            for row, rate in enumerate((0.1, 0.2, 0.5), 2):
                sheet.cell(row, 1).value = rate
                sheet.cell(row, at).value = 0.24 - rate * 0.001 * at

    return workbook(edit=edit)


def test_losses_that_run_to_the_right_under_their_count_are_no_table() -> None:
    assert read(across([float(n) for n in range(20)]), "b.xlsx").unread == ()
    assert read(across([10.0 * n for n in range(20)]), "b.xlsx").unread == ()
    assert read(across([0.1 * n * n for n in range(20)]), "b.xlsx").unread != ()


def test_losses_that_run_to_the_right_of_a_word_are_no_table() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.create_sheet("sweep")
        for row, rate in enumerate((0.1, 0.2, 0.5), 1):
            sheet.cell(row, 1).value = f"η = {rate}" if named else None
            for at in range(2, 30):
                sheet.cell(row, at).value = 0.24 - rate * 0.001 * at

    named = True
    assert read(workbook(edit=edit), "b.xlsx").unread == ()
    named = False
    assert read(workbook(edit=edit), "b.xlsx").unread != ()


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("words", [True, False])
def test_sixty_rows_of_thirty_numbers_are_a_table_without_headers(index: bool, words: bool) -> None:
    """As pandas writes a table whose columns have no names, or with `iteration 1` beside each row: it may be
    the whole training, and was taken for losses that run to the right.
    """

    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.create_sheet("values")
        if not words:
            sheet.append([*([None] if index else []), *range(30)])
        for row in range(60):
            left = [f"iteration {row}"] if words else [row] if index else []
            sheet.append([*left, *(0.2 + 0.001 * row * k for k in range(30))])

    assert read(workbook(edit=edit), "b.xlsx").unread != ()


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("AND", [1.0, 2.0], 1.0),
        ("AND", [1.0, 0.0], 0.0),
        ("OR", [0.0, 3.0], 1.0),
        ("OR", [0.0, 0.0], 0.0),
        ("N", [0.7], 0.7),
    ],
)
def test_functions_of_conditions(name: str, arguments: list[float], value: float) -> None:
    assert FUNCTIONS[name](arguments) == value


def test_an_early_stop_that_the_rows_reach_is_for_a_person() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        page = book.worksheets[0]
        for k in range(1, 9):
            w, d = AT[f"w{k}"], AT[f"∂E/∂w{k}"]
            for r in range(FIRST + 1, LAST + 1):
                step = f"{w}{r - 1}-{ETA}*{d}{r - 1}"
                page[f"{w}{r}"] = f"=IF({AT['E_total']}{r - 1}<{stop},{w}{r - 1},{step})"

    stop = "1E-9"
    assert replayed(workbook(edit=edit)).verdict is BookVerdict.CORRECT
    stop = "0.2"
    assert replayed(workbook(edit=edit)).verdict is not BookVerdict.CORRECT
