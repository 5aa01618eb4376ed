"""What is evaluated at once gives what the cell-by-cell evaluation gives, to the last bit."""

from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from grader.backprop.tokens import Unsupported
from grader.core.evidence.workbook import Book
from grader.core.rubric import CLASS_PROFILE
from grader.execute.replay import cell_graph
from grader.execute.replay.book.full_replay import _gaps
from grader.execute.replay.book.replay_book import replay_book
from grader.execute.replay.faults.edit_search import first_fitting_pair, substitutions
from grader.execute.replay.formula.evaluator import compile_for_numbers, compile_tokens, scan
from grader.execute.replay.table import cell_identity
from grader.execute.replay.table.cell_identity import IdentityTest
from grader.extract.workbook.child import read
from tests.generate.formulas import STYLES, Defect
from tests.generate.workbook import BookSpec, EtaCell, Layout, make, random_spec

_NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)
_VALUES = st.one_of(
    _NUMBERS,
    st.lists(_NUMBERS, min_size=3, max_size=3).map(np.array),
    _NUMBERS.map(np.asarray),
)
_FORMULAS = st.recursive(
    st.sampled_from(["R[0]C[-1]", "R[0]C[-2]", "R1C1", "0.5", "1", "2"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(list("+-*/^<=")), inner).map("".join),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"-{one}"),
        inner.map(lambda one: f"{one}%"),
        st.tuples(st.sampled_from(["EXP", "SUM", "SQRT", "ABS", "LN"]), inner).map(
            lambda p: f"{p[0]}({p[1]})"
        ),
        st.tuples(inner, inner).map(lambda p: f"POWER({p[0]},{p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"IF({p[0]},{p[1]},{p[2]})"),
    ),
    max_leaves=8,
)


def _bits(value: object) -> tuple[object, ...]:
    """Type, shape and bits of a value; a NaN is itself."""
    number = np.asarray(value, dtype=np.float64)
    plain = np.where(np.isnan(number), np.nan, number)
    return (isinstance(value, np.ndarray), number.shape, plain.tobytes())


@settings(max_examples=100)
@given(_FORMULAS, st.lists(_VALUES, min_size=8, max_size=8))
def test_a_formula_of_numbers_gives_the_bits_of_the_one_that_looks_for_texts(
    formula: str, values: list[float | np.ndarray]
) -> None:
    form = scan(formula)
    slots = [values[slot % len(values)] for slot in range(len(form.slots))]
    fast = compile_for_numbers(form.tokens)
    assert fast is not None
    with np.errstate(all="ignore"):
        try:
            want = compile_tokens(form.tokens)(slots)
        except (Unsupported, ArithmeticError) as refused:
            with pytest.raises(type(refused)):
                fast(slots)
            return
        assert _bits(fast(slots)) == _bits(want)


@pytest.mark.parametrize(
    "formula", ['R[0]C[-1]&"a"', 'IF(R[0]C[-1]="x",1,2)', "SUM(R[0]C[-2]:R[0]C[-1])", "R[0]C[-1]&R[0]C[-2]"]
)
def test_a_formula_with_texts_or_ranges_has_no_shorter_form(formula: str) -> None:
    assert compile_for_numbers(scan(formula).tokens) is None


def test_a_text_in_a_cell_is_still_a_number_or_an_error() -> None:
    sheet = _model({1: 2.0, 2: "0,5", 3: "no number"}, ["R[0]C[-1]*R[0]C[-2]", "R[0]C[-3]*R[0]C[-4]"])
    done = sheet.recalculate(1, {})
    assert [math.isnan(done.first(key)) for key in sheet.order()] == [True, False]


def _model(constants: dict[int, float | str], forms: list[str]) -> cell_graph.Model:
    """One row: constants by column, then formulas."""
    from grader.core.evidence.workbook import CellKind, Run, Sheet

    runs = [
        Run(column=c, row=1, kind=CellKind.TEXT, texts=(v,), count=1)
        if isinstance(v, str)
        else Run(column=c, row=1, kind=CellKind.NUMBER, numbers=(v,), count=1)
        for c, v in constants.items()
    ]
    runs += [
        Run(column=len(constants) + 1 + i, row=1, kind=CellKind.NUMBER, numbers=(0.0,), count=1, form=i)
        for i in range(len(forms))
    ]
    book = Book(artefact="b.xlsx", sha256="", forms=tuple(forms), sheets=(Sheet(name="S", runs=tuple(runs)),))
    return cell_graph.Model(book)


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.integers(0, 12), st.integers(1, 7))
def test_pairs_of_edits_are_found_in_the_order_of_their_combinations(
    chance: random.Random, count: int, chunk: int
) -> None:
    numbers = np.random.default_rng(chance.randrange(2**32))
    tokens = scan("R[0]C[-1]*R[0]C[-2]+R[0]C[-3]*R[0]C[-1]").tokens
    values = [numbers.integers(1, 4, 4).astype(float) for _ in range(4)]
    spots = [(0, 3), (1,), (2,)]
    singles = [(chance.choice(spots), numbers.integers(1, 4, 4).astype(float)) for _ in range(count)]
    pairs = [p for p in combinations(range(count), 2) if singles[p[0]][0] != singles[p[1]][0]]
    edits = [{slot: singles[one][1] for one in pair for slot in singles[one][0]} for pair in pairs]
    # What some pair gives, so that there is something to find.
    aim = dict(enumerate(values)) | (chance.choice(edits) if edits else {})
    want = aim[0] * aim[1] + aim[2] * aim[3]
    found = substitutions(values, edits, want, chunk).first(tokens)
    assert first_fitting_pair(tokens, values, singles, want, chunk) == (None if found < 0 else pairs[found])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5))
def test_gaps_of_all_columns_are_those_of_each(seed: int, columns: int, rows: int) -> None:
    numbers = np.random.default_rng(seed)
    shape = (columns, rows, 6)
    got = numbers.choice([0.0, 1.0, -2.5, np.nan, np.inf, 1e-30], shape)
    reference = {str(n): numbers.choice([0.0, 1.0, -3.0, np.nan], (rows + 2, 6)) for n in range(columns)}
    filled = [numbers.random(rows) < 0.7 for _ in range(columns)]
    random_ones = np.array([False, True, True, False, True, True])
    with np.errstate(all="ignore"):
        found = _gaps(got, reference, tuple(reference), filled, random_ones)
        for number, there in enumerate(filled):
            assert (found[number][~there] == 0).all()
            if there.any():
                want = reference[str(number)][:rows][there][:, random_ones]
                gap = np.abs(got[number][there][:, random_ones] - want) / (np.max(np.abs(want)) or 1.0)
                gap = np.where(np.isfinite(gap), gap, np.inf).max(axis=1)
                assert found[number][there].tobytes() == gap.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_a_book_has_the_facts_that_it_has_cell_by_cell(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    defect = Defect.NONE if seed == 0 else None
    book = read(make(random_spec(chance, defect=defect, rows=16))[0], "book.xlsx")
    at_once = replay_book(book, CLASS_PROFILE)
    monkeypatch.setattr(IdentityTest, "known_right", lambda *_: 0)
    whole = cell_graph.FormulaRun
    monkeypatch.setattr(cell_graph, "FormulaRun", lambda *parts: whole(*parts)._replace(reads=None))
    assert replay_book(book, CLASS_PROFILE) == at_once


_HELPERS = next(index for index, style in enumerate(STYLES) if style.helpers)
_BESIDE = (
    BookSpec(style=_HELPERS, rows=24),
    BookSpec(style=_HELPERS, rows=24, defect=Defect.WEIGHT_INDEX),
    BookSpec(layout=Layout.ETA_COLUMN, eta_cell=EtaCell.COLUMN, rows=24),
)


@pytest.mark.parametrize("spec", _BESIDE)
@pytest.mark.parametrize("broken", [False, True])
def test_columns_beside_a_table_are_followed_once_for_all_cells_that_read_them(
    spec: BookSpec, broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = read(make(spec)[0], "book.xlsx")
    book = _with_another_cell(book) if broken else book
    tested: list[int] = []
    one_by_one = IdentityTest._test

    def counted(self: IdentityTest, quantity: str, index: int, key: int) -> cell_identity.Tested:
        tested.append(key)
        return one_by_one(self, quantity, index, key)

    monkeypatch.setattr(IdentityTest, "_test", counted)
    at_once = replay_book(book, CLASS_PROFILE)
    looked_at = len(tested)
    monkeypatch.setattr(IdentityTest, "_alike", lambda *_: 1 << 30)
    assert replay_book(book, CLASS_PROFILE) == at_once
    assert broken or len(tested) - looked_at > 2 * looked_at


def _with_another_cell(book: Book) -> Book:
    """The book with one cell in the middle of a column beside the table that holds something else."""
    sheet, own = book.sheets[0], {column.column for column in book.tables[0].columns}
    run = next(run for run in sheet.runs if run.count > 20 and run.column not in own)
    form = len(book.forms) if run.form >= 0 else -1
    forms = (*book.forms, f"2*({book.forms[run.form]})") if run.form >= 0 else book.forms
    parts = [
        replace(run, row=run.row + start, count=end - start, numbers=run.numbers[start:end], form=one)
        for start, end, one in ((0, 10, run.form), (10, 11, form), (11, run.count, run.form))
    ]
    parts[1] = replace(parts[1], numbers=(7.0,))
    runs = tuple(part for one in sheet.runs for part in (parts if one is run else [one]))
    return replace(book, forms=forms, sheets=(replace(sheet, runs=runs), *book.sheets[1:]))
