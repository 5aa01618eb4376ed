"""Spellings and layouts that nobody tuned for: right ones are never accused, wrong ones never passed."""

from __future__ import annotations

from collections.abc import Callable

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table

from grader.core.facts.replay import BookVerdict, Severity
from tests.execute.replay.sheets import AT, NAMES, START, Edit, formula, replayed, workbook

FIRST, LAST = 5, 16


def column(name: str, text: str, first: int = FIRST) -> Edit:
    """A column filled with one formula; `{h1}` is the column's cell of the row, `{r}` the row."""

    def edit(book: openpyxl.Workbook) -> None:
        for r in range(first, LAST + 1):
            cells = {n.replace("∂E/∂", "d"): f"{AT[n]}{r}" for n in NAMES}
            book.worksheets[0][f"{AT[name]}{r}"] = text.format(r=r, p=r - 1, **cells)

    return edit


def array(name: str, text: str) -> Edit:
    """A column filled by one array formula over whole columns."""

    def edit(book: openpyxl.Workbook) -> None:
        areas = {n: f"{AT[n]}{FIRST}:{AT[n]}{LAST}" for n in NAMES}
        for r in range(FIRST, LAST + 1):
            book.worksheets[0][f"{AT[name]}{r}"] = None
        book.worksheets[0][f"{AT[name]}{FIRST}"] = ArrayFormula(areas[name], text.format(**areas))

    return edit


def google(text: str) -> Edit:
    """E_total as Google Sheets exports a formula of its own: the first cell has it, the others a computed
    value.
    """

    def edit(book: openpyxl.Workbook) -> None:
        for r in range(FIRST, LAST + 1):
            inside = text if r == FIRST else '""COMPUTED_VALUE""'
            book.worksheets[0][f"W{r}"] = f'=IFERROR(__xludf.DUMMYFUNCTION("{inside}"),0.25)'

    return edit


def structured(sign: str) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        book.worksheets[0].add_table(Table(displayName="Steps", ref=f"A4:AE{LAST}"))
        column("E_total", f"=Steps[[#This Row],[E1]]{sign}[@E2]")(book)

    return edit


def average_below(book: openpyxl.Workbook) -> None:
    for name in NAMES:
        book.worksheets[0][f"{AT[name]}{LAST + 1}"] = f"=AVERAGE({AT[name]}{FIRST}:{AT[name]}{LAST})"


def rate_in_the_formulas_and_gradients_far_away(book: openpyxl.Workbook) -> None:
    """Nine helper columns stand between the losses and the gradients, and the rate is typed into the
    updates.
    """
    sheet = book.worksheets[0]
    for k in range(1, 9):
        old, new = AT[f"∂E/∂w{k}"], openpyxl.utils.get_column_letter(32 + k)
        sheet[f"{new}4"], sheet[f"{old}4"] = f"∂E/∂w{k}", f"factor {k}"
        for r in range(FIRST, LAST + 1):
            sheet[f"{new}{r}"], sheet[f"{old}{r}"] = formula(f"∂E/∂w{k}", r), f"=A{r}*{k}"
            if r > FIRST:
                at = AT[f"w{k}"]
                sheet[f"{at}{r}"] = f"={at}{r - 1}-0.5*{new}{r - 1}"
    sheet["AF4"] = "and one more"


def given(text: Callable[[float], object]) -> Edit:
    def edit(book: openpyxl.Workbook) -> None:
        for name in ("t1", "t2", "i1", "i2"):
            for r in range(FIRST, LAST + 1):
                book.worksheets[0][f"{AT[name]}{r}"] = text(START[name])

    return edit


SIGMOIDS = [
    "(1+EXP(-{h1}))^-1", "EXP({h1})/(1+EXP({h1}))", "0.5*(1+TANH({h1}/2))", "1/(1+1/EXP({h1}))", "1/(1+EXP(1)^-{h1})",
    "IF({h1}>=0,1/(1+EXP(-{h1})),EXP({h1})/(1+EXP({h1})))", "_xlfn.IFS(TRUE,1/(1+EXP(-{h1})))", "_xlfn.LAMBDA(_xlpm.z,1/(1+EXP(-_xlpm.z)))({h1})",
]  # fmt: skip
RIGHT: dict[str, Edit] = {
    **{f"sigmoid {text}": column("a_h1", "=" + text) for text in SIGMOIDS},
    "SUMPRODUCT": column("h1", "=SUMPRODUCT({i1}:{i2},{w1}:{w2})"),
    "SUMPRODUCT of a product": column("h1", "=SUMPRODUCT({i1}:{i2}*{w1}:{w2})"),
    "MMULT": column("h1", "=MMULT({i1}:{i2},TRANSPOSE({w1}:{w2}))"),
    "SUM of a product": column("h1", "=SUM({i1}:{i2}*{w1}:{w2})"),
    "INDEX": column("E_total", "=INDEX({E1}:{E2},1)+INDEX({E1}:{E2},2)"),
    "at sign": column("E_total", "=@{E1}+{E2}"),
    "array column": array("E_total", "={E1}+{E2}"),
    "array sigmoid": array("a_h1", "=1/(1+EXP(-{h1}))"),
    "ARRAYFORMULA": google(f"ARRAYFORMULA(U5:U{LAST}+V5:V{LAST})"),
    "open ARRAYFORMULA": google("ARRAYFORMULA(U5:U+V5:V)"),
    "structured references": structured("+"),
    "averages below": average_below,
    "typed rate, far gradients": rate_in_the_formulas_and_gradients_far_away,
    "text with a comma": given(lambda value: str(value).replace(".", ",")),
}
WRONG: dict[str, Edit] = {
    "SUMPRODUCT": column("h2", "=SUMPRODUCT({i1}:{i2},{w1}:{w2})"),
    "MMULT": column("h2", "=MMULT({i1}:{i2},TRANSPOSE({w2}:{w3}))"),
    "array column": array("E_total", "={E1}-{E2}"),
    "ARRAYFORMULA": google(f"ARRAYFORMULA(U5:U{LAST}-V5:V{LAST})"),
    "structured references": structured("-"),
    "one path": column(
        "∂E/∂w1", "=(({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{w5})*{a_h1}*(1-{a_h1})*{i1}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_spellings_are_right(name: str) -> None:
    book = replayed(workbook(edit=RIGHT[name]))
    assert book.verdict is BookVerdict.CORRECT, book.faults


@pytest.mark.parametrize("name", WRONG)
def test_wrong_spellings_are_wrong(name: str) -> None:
    book = replayed(workbook(edit=WRONG[name]))
    assert book.verdict is BookVerdict.WRONG
    named = {fault.quantity for fault in book.faults if fault.severity is Severity.FAIL}
    assert len(named) == 1


def test_a_formula_that_gives_several_values_is_not_evaluated() -> None:
    book = replayed(workbook(edit=column("E_total", "={E1}:{E2}*1")))
    assert book.verdict is BookVerdict.UNKNOWN
    assert any("several values" in fault.message for fault in book.faults)


def test_the_path_that_is_missing_in_a_sum_is_named() -> None:
    book = replayed(workbook(edit=WRONG["one path"]))
    assert [f.diagnosis for f in book.faults if f.severity is Severity.FAIL] == ["term-missing"]
