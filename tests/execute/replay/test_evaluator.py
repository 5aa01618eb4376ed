"""Excel's arithmetic, the recalculation of a graph of cells, and the vectorised network against the
oracle.
"""

from __future__ import annotations

import io
import math

import numpy as np
import openpyxl
import pytest

from grader.backprop.tokens import Unsupported
from grader.core.evidence.workbook import Book, CellKind, Run, Sheet
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell
from grader.execute.replay.formula.evaluator import compile_tokens, evaluate, scan
from grader.execute.replay.reference_network import inherited_gradients, step, train
from grader.extract.workbook.child import read
from reference.backprop import Weights, forward, gradients
from reference.sweep import losses


def value(formula: str, *slots: object) -> float:
    form = scan(formula)
    return float(np.asarray(evaluate(compile_tokens(form.tokens), list(slots))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("-2^2", 4.0),
        ("2^3^2", 64.0),
        ("-(2^2)", -4.0),
        ("2--3", 5.0),
        ("2*-3", -6.0),
        ("10%", 0.1),
        ("50%^2", 0.25),
        ("1/1+EXP(0)", 2.0),
        ("1/(1+EXP(0))", 0.5),
        ("1-2-3", -4.0),
        ("8/4/2", 1.0),
        ("2+3*4^2", 50.0),
        ("POWER(2,3)", 8.0),
        ("POW(2,3)", 8.0),
        ("_xlfn.SUM(1,2,3)", 6.0),
        ("SUM(1;2;3)", 6.0),
        ("AVERAGE(1,2,6)", 3.0),
        ("PRODUCT(2,3,4)", 24.0),
        ("ROUND(2.5,0)", 3.0),
        ("ROUND(-1.25,1)", -1.3),
        ("IF(1>2,3,4)", 4.0),
        ("MAX(1,3,2)-MIN(1,3,2)", 2.0),
        ("LN(EXP(1.5))", 1.5),
        ("LOG(8,2)", 3.0),
        ("1E-2*100", 1.0),
        (".5+1.", 1.5),
        ('"0.5"*2', 1.0),
        ("SUMSQ(3,4)", 25.0),
        ("TRUE+1", 2.0),
        ("2<>3", 1.0),
    ],
)
def test_excels_precedence_and_functions(formula: str, expected: float) -> None:
    assert value(formula) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("formula", ["1/0", '"abc"+1', "0/0", "EXP(1,2)"])
def test_errors_are_never_a_number(formula: str) -> None:
    with np.errstate(all="ignore"):
        assert not math.isfinite(value(formula))


@pytest.mark.parametrize(
    ("formula", "named"),
    [
        ("WEBSERVICE(1)", "WEBSERVICE"),
        ("RAND()", "RAND"),
        ("nowhere*2", "nowhere"),
        ("'[1]Other'!R1C1", "another workbook"),
        ("(1+2", "unbalanced"),
        ("1+", "unfinished"),
        ("{1,2}", "notation"),
        ("(" * 100 + "1" + ")" * 100, "nested"),
        ("-" * 100 + "1", "nested"),
    ],
)
def test_what_is_not_evaluated_is_named(formula: str, named: str) -> None:
    with pytest.raises(Unsupported, match=named):
        value(formula)


def model(edit: dict[str, object]) -> Model:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for address, content in edit.items():
        sheet[address] = content
    buffer = io.BytesIO()
    book.save(buffer)
    return Model(read(buffer.getvalue(), "book.xlsx"))


def test_ranges_empty_cells_and_other_sheets() -> None:
    sheet = model({"A1": 2, "A3": 4, "B1": "=SUM(A1:A9)", "B2": "=A2+1", "B3": "=Sheet!A3*$A$1"})
    found = sheet.recalculate(1, {})
    assert [found.first(cell(0, r, 2)) for r in (1, 2, 3)] == [6.0, 1.0, 8.0]


def test_a_circle_keeps_its_values_and_is_named() -> None:
    done = model({"A1": "=B1+1", "B1": "=A1+1", "C1": "=2*3"}).recalculate(1, {})
    assert set(done.kept.values()) == {"a circular reference"}
    assert done.first(cell(0, 1, 3)) == 6.0


def test_a_chain_of_100_000_cells_is_no_danger() -> None:
    chain = Run(column=1, row=1, count=99_999, form=0, kind=CellKind.MISSING)
    end = Run(column=1, row=100_000, count=1, numbers=(0.0,))
    book = Book(artefact="b", sha256="", forms=("R[1]C[0]+1",), sheets=(Sheet(name="S", runs=(chain, end)),))
    done = Model(book).recalculate(1, {})
    assert done.first(cell(0, 1, 1)) == 99_999.0


def test_the_network_is_the_oracles() -> None:
    chance = np.random.default_rng(3)
    for _ in range(20):
        i1, i2, t1, t2, *w = (float(x) for x in chance.uniform(-1.5, 1.5, 12))
        names = ("i1", "i2", "t1", "t2", *(f"w{k}" for k in range(1, 9)))
        ours = step({n: np.asarray(x) for n, x in zip(names, (i1, i2, t1, t2, *w), strict=True)})
        net, slopes = forward((i1, i2), (t1, t2), Weights(*w)), gradients((i1, i2), (t1, t2), Weights(*w))
        for name in ("h1", "h2", "a_h1", "a_h2", "o1", "o2", "a_o1", "a_o2", "E1", "E2"):
            assert float(ours[name]) == pytest.approx(getattr(net, name), rel=1e-13)
        assert float(ours["E_total"]) == pytest.approx(net.E, rel=1e-13)
        for k in range(1, 9):
            assert float(ours[f"dw{k}"]) == pytest.approx(getattr(slopes, f"w{k}"), rel=1e-12, abs=1e-16)
        assert float(inherited_gradients(ours)["dw3"]) != pytest.approx(slopes.w3, rel=1e-6)


def test_training_is_the_oracles() -> None:
    weights = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
    start = {"t1": 0.01, "t2": 0.99, "i1": 0.05, "i2": 0.1} | {f"w{k}": w for k, w in enumerate(weights, 1)}
    states = train({n: np.asarray(x) for n, x in start.items()}, np.asarray(2.0), 101)
    expected = losses((0.05, 0.1), (0.01, 0.99), Weights(*weights), 2.0, 100)
    assert [float(s["E_total"]) for s in states] == pytest.approx(expected, rel=1e-13)
