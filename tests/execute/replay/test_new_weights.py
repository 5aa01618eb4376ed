"""Sheets that calculate the new weights in columns of their own, from which the next row takes its weights."""

from __future__ import annotations

import io

import openpyxl
import pytest

from grader.core.facts.replay import BookVerdict, Severity
from tests.execute.replay.sheets import AT, ETA, HEADER, replayed, workbook
from tests.execute.replay.test_layouts import FIRST, LAST

WEIGHTS = [f"w{k}" for k in range(1, 9)]
NEW = {w: openpyxl.utils.get_column_letter(33 + k) for k, w in enumerate(WEIGHTS)}


def new_weights(rate: str = ETA, head: str = "new {w}", first: int = FIRST) -> bytes:
    """A book whose update formulas stand beside the table; from row `first` on they read `rate`."""

    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for w in WEIGHTS:
            sheet[f"{NEW[w]}{HEADER}"] = head.format(w=w)
            for r in range(FIRST, LAST + 1):
                read = rate.format(r=r) if r >= first else ETA
                sheet[f"{NEW[w]}{r}"] = f"={AT[w]}{r}-{read}*{AT['∂E/∂' + w]}{r}"
                if r > FIRST:
                    sheet[f"{AT[w]}{r}"] = f"={NEW[w]}{r - 1}"

    return workbook(edit=edit)


@pytest.mark.parametrize(
    "head", ["new {w}", "{w}+", "{w}_new", "{w} updated", "{w}'", "{w} (t+1)", "{w}", ""]
)
def test_the_rate_is_found_in_the_columns_of_new_weights(head: str) -> None:
    book = replayed(new_weights(head=head))
    assert [f for f in book.faults if f.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert (book.tables[0].eta, book.tables[0].eta_cell) == (0.5, "G2")


def test_a_rate_of_its_own_in_every_row_is_found_too() -> None:
    book = openpyxl.load_workbook(io.BytesIO(new_weights("AF{r}")))
    for r in range(FIRST, LAST + 1):
        book.worksheets[0][f"AF{r}"] = 0.5
    buffer = io.BytesIO()
    book.save(buffer)
    assert replayed(buffer.getvalue()).verdict is BookVerdict.CORRECT


def test_a_rate_that_moves_along_is_drift() -> None:
    faults = {f.diagnosis for f in replayed(new_weights("$G$3", first=FIRST + 3)).faults}
    assert "eta-drift" in faults


@pytest.mark.parametrize("rate", ["0.5", "1", "2"])
def test_a_rate_that_is_typed_into_the_columns_of_new_weights_is_one(rate: str) -> None:
    book = replayed(new_weights(rate))
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == float(rate)


def steps(rate: str, head: str) -> bytes:
    """A book with columns of steps beside the table, which the updates subtract."""

    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for w in WEIGHTS:
            sheet[f"{NEW[w]}{HEADER}"] = head.format(w=w)
            for r in range(FIRST, LAST + 1):
                sheet[f"{NEW[w]}{r}"] = f"={rate}*{AT['∂E/∂' + w]}{r}"
                if r > FIRST:
                    sheet[f"{AT[w]}{r}"] = f"={AT[w]}{r - 1}-{NEW[w]}{r - 1}"

    return workbook(edit=edit)


@pytest.mark.parametrize("rate", ["0.5", "1"])
@pytest.mark.parametrize("head", ["step {w}", "η·∂E/∂{w}", ""])
def test_a_rate_that_is_typed_into_columns_of_steps_is_one(rate: str, head: str) -> None:
    book = replayed(steps(rate, head))
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == float(rate)


def test_of_typed_rates_the_one_that_differs_is_wrong() -> None:
    book = openpyxl.load_workbook(io.BytesIO(new_weights("0.5")))
    for r in range(FIRST, LAST + 1):
        page = book.worksheets[0]
        page[f"{NEW['w8']}{r}"] = str(page[f"{NEW['w8']}{r}"].value).replace("0.5", "0.6")
    buffer = io.BytesIO()
    book.save(buffer)
    failed = {f.quantity for f in replayed(buffer.getvalue()).faults if f.severity is Severity.FAIL}
    assert failed == {"w8"}


def one_left_out(said: str, update: str = "{w}-{d}", value: float | None = None) -> bytes:
    """A book of which no update writes a learning rate, with a text above it and a number beside that."""

    def edit(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        sheet["F2"], sheet["G2"] = said, value
        for w in WEIGHTS:
            for r in range(FIRST + 1, LAST + 1):
                before = update.format(w=f"{AT[w]}{r - 1}", d=f"{AT['∂E/∂' + w]}{r - 1}")
                sheet[f"{AT[w]}{r}"] = f"={before}"

    return workbook(edit=edit)


@pytest.mark.parametrize(
    ("said", "value"),
    [("η = 1", None), ("Learning rate (η)", 1.0), ("LR: 1.0", None), ("learning rate =", 1.0)],
)
@pytest.mark.parametrize("update", ["{w}-{d}", "{w}-1*{d}", "-{d}+{w}", "SUM({w},-{d})"])
def test_a_rate_of_1_that_the_sheet_says_may_be_left_out(said: str, value: float | None, update: str) -> None:
    book = replayed(one_left_out(said, update, value))
    assert [f.message for f in book.faults if f.severity is Severity.FAIL] == []
    assert book.verdict is BookVerdict.CORRECT
    assert book.tables[0].eta == 1.0


def test_a_number_below_the_name_of_a_rate_that_stands_beside_it_is_no_rate() -> None:
    book = openpyxl.load_workbook(io.BytesIO(one_left_out("η", value=1.0)))
    book.worksheets[0]["F3"] = 0.05
    buffer = io.BytesIO()
    book.save(buffer)
    assert replayed(buffer.getvalue()).verdict is BookVerdict.CORRECT


@pytest.mark.parametrize(
    ("said", "value"), [("η = 0.5", None), ("η =", 0.5), ("", None), ("η = 1 and 2", None)]
)
def test_a_rate_that_is_none_or_another_may_not(said: str, value: float | None) -> None:
    book = replayed(one_left_out(said, value=value))
    assert {f.diagnosis for f in book.faults if f.severity is Severity.FAIL} == {"factor-missing"}


@pytest.mark.parametrize("update", ["{w}+{d}", "{w}-{d}-{d}", "{d}-{w}"])
def test_of_a_rate_of_1_a_wrong_update_is_wrong(update: str) -> None:
    book = replayed(one_left_out("η = 1", update))
    assert {f.quantity for f in book.faults if f.severity is Severity.FAIL} == set(WEIGHTS)


def titled(data: bytes, *titles: str) -> bytes:
    """A book with its sheet named by the first title, and empty sheets of the other names beside it."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    book.worksheets[0].title = titles[0]
    for title in titles[1:]:
        book.create_sheet(title)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("titles", "right"),
    [
        (("1",), False),
        (("1", "2", "3"), False),
        (("1", "0.5", "2"), True),
        (("1", "5", "10"), True),
        (("η = 1",), True),
    ],
)
def test_a_name_that_counts_the_sheets_is_no_rate(titles: tuple[str, ...], right: bool) -> None:
    book = replayed(titled(one_left_out(""), *titles))
    assert (book.verdict is BookVerdict.CORRECT) is right


@pytest.mark.parametrize(("titles", "told"), [(("2", "1", "3"), False), (("2", "0.1"), True)])
def test_a_name_that_counts_the_sheets_contradicts_no_rate(titles: tuple[str, ...], told: bool) -> None:
    book = replayed(titled(workbook(), *titles))
    assert any(f.diagnosis == "eta-contradiction" for f in book.faults) is told
