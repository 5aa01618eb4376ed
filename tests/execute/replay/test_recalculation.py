"""Cells that are evaluated together have, to the last bit, the numbers that each has by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.core.evidence.workbook import Book, CellKind, Run, Sheet
from grader.execute.replay import recalculation
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell
from grader.execute.replay.recalculation import Patch, Recalculated

ROWS = 9
SETTINGS = 3
_CONSTANTS = st.one_of(
    st.floats(-2.0, 2.0).map(lambda x: round(x, 3)), st.sampled_from(["a text", "0,5", "2"])
)
_PLACES = st.sampled_from(["R[0]", "R[-1]", "R[-2]", "R[1]", "R1", "R2"])
_COLUMNS = st.sampled_from([f"C{column}" for column in range(1, 8)] + ["C[-1]", "C[1]"])
_CELLS = st.tuples(_PLACES, _COLUMNS).map("".join)
_FORMULAS = st.one_of(
    st.tuples(_CELLS, st.sampled_from("+-*/^"), _CELLS).map("".join),
    st.tuples(_CELLS, _CELLS, _CELLS).map(lambda c: f"{c[0]}-0.5*{c[1]}*(1-{c[2]})"),
    _CELLS,
    _CELLS.map(lambda c: f"1/(1+EXP(-{c}))"),
    st.tuples(_CELLS, _CELLS).map(lambda c: f"SUM({c[0]}:{c[1]})"),
    st.tuples(_CELLS, _CELLS).map(lambda c: f'IF({c[0]}="a",{c[1]},2)'),
    st.tuples(_CELLS, _CELLS).map(lambda c: f"{c[0]}&{c[1]}"),
    st.just("0.25"),
    st.just("NOW()"),
)
_RUNS = st.tuples(st.integers(1, ROWS), st.integers(1, ROWS), _FORMULAS)


def _book(constants: list[list[float | str | None]], formulas: list[list[tuple[int, int, str]]]) -> Book:
    """Columns of constants, then columns of filled-down formulas, each from a row on and for some rows."""
    runs, forms = [], []
    for column, values in enumerate(constants, 1):
        for row, value in enumerate(values, 1):
            if isinstance(value, str):
                runs.append(Run(column=column, row=row, count=1, kind=CellKind.TEXT, texts=(value,)))
            elif value is not None:
                runs.append(Run(column=column, row=row, count=1, numbers=(value,)))
    for column, filled in enumerate(formulas, 1 + len(constants)):
        below = 1
        for skipped, count, form in filled:
            row = below + skipped // 3
            below = row + count
            forms.append(form)
            runs.append(Run(column=column, row=row, count=count, numbers=(0.5,) * count, form=len(forms) - 1))
    sheet = Sheet(name="S", runs=tuple(runs))
    return Book(artefact="b.xlsx", sha256="", forms=tuple(forms), sheets=(sheet,))


def _recalculated(book: Book, patches: dict[int, Patch], *, alone: bool) -> Recalculated:
    model = Model(book)
    if alone:
        model.runs = [run._replace(reads=None) for run in model.runs]
        model.owner = {key: run._replace(reads=None) for key, run in model.owner.items()}
    with np.errstate(all="ignore"):
        return model.recalculate(SETTINGS, patches)


def _same(one: Recalculated, other: Recalculated) -> bool:
    numbers = [np.where(np.isnan(found), np.nan, found) for found in (one.numbers, other.numbers)]
    return one.at == other.at and one.kept == other.kept and numbers[0].tobytes() == numbers[1].tobytes()


@settings(max_examples=150)
@given(
    st.lists(st.lists(st.one_of(st.none(), _CONSTANTS), min_size=2, max_size=ROWS), min_size=2, max_size=2),
    st.lists(st.lists(_RUNS, min_size=1, max_size=2), min_size=2, max_size=5),
    st.lists(st.tuples(st.integers(1, ROWS), st.integers(1, 7)), max_size=3),
)
def test_cells_have_together_the_numbers_that_each_has_by_itself(
    constants: list[list[float | str | None]],
    formulas: list[list[tuple[int, int, str]]],
    patched: list[tuple[int, int]],
) -> None:
    book = _book(constants, formulas)
    mask, values = np.array([False, True, True]), np.array([0.0, 0.3, 0.7])
    patches = {cell(0, row, column): Patch(mask, values) for row, column in [(1, 1), (1, 2), *patched]}
    assert _same(_recalculated(book, patches, alone=False), _recalculated(book, patches, alone=True))


def _chain(*, faulty: bool) -> Book:
    """A column that is calculated from the cell above, beside one that is filled down from it; where it is
    faulty a cell reads upwards what is calculated from it.
    """
    forms = ("R[-1]C[0]-0.5*R[-1]C[1]", "R[0]C[-1]*2", "R[2]C[0]+R[0]C[-1]")
    second = [Run(column=2, row=1, count=60, numbers=(0.0,) * 60, form=1)]
    if faulty:
        second = [
            Run(column=2, row=1, count=29, numbers=(0.0,) * 29, form=1),
            Run(column=2, row=30, count=1, numbers=(0.0,), form=2),
            Run(column=2, row=31, count=30, numbers=(0.0,) * 30, form=1),
        ]
    first = [
        Run(column=1, row=1, count=1, numbers=(0.3,)),
        Run(column=1, row=2, count=59, numbers=(0.0,) * 59, form=0),
    ]
    sheet = Sheet(name="S", runs=(*first, *second))
    return Book(artefact="b.xlsx", sha256="", forms=forms, sheets=(sheet,))


@pytest.mark.parametrize("faulty", [False, True], ids=["filled down", "in a circle"])
def test_a_column_goes_on_as_it_begins_or_is_taken_cell_by_cell(
    faulty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []
    whole = recalculation._Recalculation.done

    def counted(self: recalculation._Recalculation) -> Recalculated | None:
        made.append(self.ahead)
        return whole(self)

    monkeypatch.setattr(recalculation._Recalculation, "done", counted)
    patches = {cell(0, 1, 1): Patch(np.array([False, True, True]), np.array([0.0, 0.3, 0.7]))}
    book = _chain(faulty=faulty)
    together = _recalculated(book, patches, alone=False)
    assert made == ([True, False] if faulty else [True])
    assert ("a circular reference" in together.kept.values()) is faulty
    assert _same(together, _recalculated(book, patches, alone=True))
