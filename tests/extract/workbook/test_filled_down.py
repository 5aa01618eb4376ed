"""A formula that is recognised as the one above it has the form that it has when it is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.extract.workbook.forms import At, Book, FilledDown, relative_form, table_columns

_BOOK = Book(
    names={"rate": "$G$1", "above": "A1", "twice": "LAMBDA(x,2*x)"},
    tables={"t": table_columns("S", 2, 40, 1, ["w1", "h1"])},
)
_PARTS = [
    "A{0}", "$B{0}", "C${0}", "$D$3", "AA{1}", "A{0}:B{1}", "Sheet2!A{1}", "'a%d b'!C{0}", "[1]S!A{0}", "5", "1.5e3", "%",
    "+", "-", "*", "(", ")", ",", " ", "@", "SUM(", "LOG10(", "EXP(", "rate", "above", "twice(", "T[[#This Row],[w1]]",
    "T[h1]", '"A{0}"', '"%d"', 'INDIRECT("C"&ROW())', "OFFSET(A{0},1,0)", "A0{0}", "x{0}y", "TRUE", "#REF!", "!", "%d", "\0", "\x000;",
]  # fmt: skip
_FORMULAS = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=6).map("".join)
_ROWS = st.one_of(st.integers(1, 14), st.sampled_from([99, 100, 9_999_999, 1_048_576, 3_000_000]))


@settings(max_examples=100)
@given(_FORMULAS, st.integers(-3, 3), st.lists(st.tuples(_ROWS, st.booleans()), min_size=2, max_size=5))
def test_a_formula_that_goes_on_has_the_form_that_reading_gives(
    formula: str, off: int, cells: list[tuple[int, bool]]
) -> None:
    column = FilledDown(_BOOK)
    for row, moved in cells:
        # Rows that run on with the cell, and rows that stand still or run back, as a hostile file may have them.
        target = row + off if moved else 7
        text = formula.replace("{0}", str(target)).replace("{1}", str(target + 1))
        at = At("S", row, 3)
        assert column.form(text, at) == relative_form(text, at, _BOOK)


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (("A1*2", 6), ("A-2*2", 3)),  # above it, the row of `A1` would be -2
        (("above+1", 5), ("above+1", 6)),  # a name that moves with the cell
        (("T[[#This Row],[w1]]", 40), ("T[[#This Row],[w1]]", 41)),
        (('INDIRECT("C"&ROW())', 5), ('INDIRECT("C"&ROW())', 6)),
        (("A9999999", 9), ("A10000000", 10)),  # eight digits are no reference
    ],
)
def test_what_only_looks_filled_down_is_read(above: tuple[str, int], below: tuple[str, int]) -> None:
    column = FilledDown(_BOOK)
    for text, row in (above, below):
        assert column.form(text, At("S", row, 1)) == relative_form(text, At("S", row, 1), _BOOK)


def test_a_column_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from grader.extract.workbook import forms

    read: list[str] = []
    whole = forms._read
    monkeypatch.setattr(forms, "_read", lambda text, *rest: read.append(text) or whole(text, *rest))
    column = FilledDown(_BOOK)
    found = {column.form(f"$B$3*F{row}-(1-G{row - 1})*10%", At("S", row, 8)) for row in range(5, 105)}
    assert found == {"R3C2*R[0]C[-2]-(1-R[-1]C[-1])*10%"}
    assert read == ["$B$3*F5-(1-G4)*10%"]
