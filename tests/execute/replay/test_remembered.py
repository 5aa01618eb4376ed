"""What was found for a formula is remembered for the books of a class, and believed of no other formula."""

from __future__ import annotations

import random
from collections.abc import Callable

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.core.facts.replay import BookFacts, BookVerdict, Severity
from grader.core.rubric import CLASS_PROFILE
from grader.execute.replay.book.replay_book import replay_book
from grader.execute.replay.table import random_settings
from grader.execute.replay.table.random_settings import Points, points_for
from grader.extract.workbook.child import read
from tests.execute.replay.sheets import AT, HEADER, formula, replayed, workbook
from tests.generate.workbook import make, random_spec

FIRST = HEADER + 1


def _typed_over(address: str, value: object) -> Callable[[openpyxl.Workbook], None]:
    def edit(book: openpyxl.Workbook) -> None:
        book.worksheets[0][address] = value

    return edit


def _fails(book: BookFacts) -> list[str]:
    return [fault.cells for fault in book.faults if fault.severity is Severity.FAIL]


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The quantities whose formulas were evaluated, and not remembered."""
    asked: list[str] = []
    plain = Points._decided

    def decided(
        self: Points, quantity: str, symbol: random_settings.Symbol
    ) -> tuple[random_settings.Match, str]:
        asked.append(quantity)
        return plain(self, quantity, symbol)

    monkeypatch.setattr(Points, "_decided", decided)
    points_for(())._known.clear()
    return asked


def test_a_classmates_book_evaluates_what_is_new_in_it_alone(evaluated: list[str]) -> None:
    assert replayed(workbook()).verdict is BookVerdict.CORRECT
    assert evaluated
    evaluated.clear()
    assert replayed(workbook(rows=9, eta=0.25)).verdict is BookVerdict.CORRECT
    assert evaluated == []
    wrong = formula("E1", FIRST + 3).replace("0.5*", "0.6*")
    assert _fails(replayed(workbook(edit=_typed_over(f"{AT['E1']}{FIRST + 3}", wrong)))) == [
        f"{AT['E1']}{FIRST + 3}"
    ]
    assert "E1" in evaluated


@pytest.mark.parametrize(
    ("quantity", "change"),
    [
        ("E1", ("0.5*", "0.25*")),
        ("E2", ("^2", "^3")),
        ("h1", (f"{AT['w1']}{FIRST + 3}", f"{AT['w2']}{FIRST + 3}")),
        ("w5", (f"{AT['∂E/∂w5']}{FIRST + 2}", f"{AT['∂E/∂w5']}{FIRST + 1}")),
        ("o1", ("+", "-")),
    ],
)
def test_a_cell_that_differs_is_judged_by_itself(quantity: str, change: tuple[str, str]) -> None:
    assert replayed(workbook()).verdict is BookVerdict.CORRECT
    row = FIRST + 3
    told = formula(quantity, row).replace(*change)
    assert told != formula(quantity, row)
    cell = f"{AT[quantity]}{row}"
    assert cell in _fails(replayed(workbook(edit=_typed_over(cell, told))))


def test_a_number_typed_over_a_formula_is_judged_by_its_own_value() -> None:
    assert replayed(workbook()).verdict is BookVerdict.CORRECT
    cell = f"{AT['∂E/∂w3']}{FIRST + 3}"
    assert cell in _fails(replayed(workbook(edit=_typed_over(cell, 0.25))))
    assert cell in _fails(replayed(workbook(edit=_typed_over(cell, 0.125))))


def test_a_helper_cell_that_holds_another_number_is_another_formula() -> None:
    def halved_by(number: float) -> Callable[[openpyxl.Workbook], None]:
        def edit(book: openpyxl.Workbook) -> None:
            sheet = book.worksheets[0]
            sheet["J2"] = number
            for row in range(FIRST, FIRST + 12):
                sheet[f"{AT['E1']}{row}"] = formula("E1", row).replace("0.5*", "$J$2*")

        return edit

    assert replayed(workbook(edit=halved_by(0.5))).verdict is BookVerdict.CORRECT
    assert replayed(workbook(edit=halved_by(0.51))).verdict is BookVerdict.WRONG


def test_names_of_a_let_that_are_used_otherwise_make_another_formula() -> None:
    def loss(last: str) -> Callable[[openpyxl.Workbook], None]:
        def edit(book: openpyxl.Workbook) -> None:
            for row in range(FIRST, FIRST + 12):
                one, other = f"{AT['E1']}{row}", f"{AT['E2']}{row}"
                last_row = "y" if row < FIRST + 11 else last
                book.worksheets[0][f"{AT['E_total']}{row}"] = f"=LET(x,{one},y,{other},x+{last_row})"

        return edit

    assert replayed(workbook(edit=loss("y"))).verdict is BookVerdict.CORRECT
    assert _fails(replayed(workbook(edit=loss("x")))) == [f"{AT['E_total']}{FIRST + 11}"]


def test_no_more_is_remembered_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_settings, "MOST_KNOWN", 10)
    points_for(())._known.clear()
    assert replayed(workbook()).verdict is BookVerdict.CORRECT
    assert 0 < len(points_for(())._known) <= 10


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(seeds=st.lists(st.integers(0, 10_000), min_size=2, max_size=3))
def test_books_after_one_another_have_the_facts_that_each_has_alone(seeds: list[int]) -> None:
    books = [read(make(random_spec(random.Random(s), rows=10))[0], "book.xlsx") for s in seeds]
    alone = []
    for book in books:
        points_for(())._known.clear()
        alone.append(replay_book(book, CLASS_PROFILE))
    for book, facts in zip(books, alone, strict=True):  # now each knows what the last ones taught
        assert replay_book(book, CLASS_PROFILE) == facts
