"""Numbers typed as text, LET and LAMBDA, and values that are no numbers."""

from __future__ import annotations

import math

import openpyxl
import pytest

from grader.backprop.tokens import Unsupported
from grader.checks.workbook import stored_values
from grader.core.evidence.workbook import CellKind, written_number
from grader.core.facts.replay import BookVerdict, ReplayFacts, Severity
from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.execute.replay.book.replay_book import replay_book
from grader.execute.replay.formula.evaluator import compile_tokens, evaluate, scan
from grader.extract.workbook.child import read
from tests.execute.replay.sheets import AT, START, replayed, workbook


@pytest.mark.parametrize(
    ("text", "number"),
    [("0,15", 0.15), ("'0.15", 0.15), (" −0,3 ", -0.3), ("5%", 0.05), ("1e-3", 0.001), ("0,15,2", None), ("w1", None), ("", None)],
)  # fmt: skip
def test_a_text_that_spells_a_number_is_one(text: str, number: float | None) -> None:
    assert written_number(text) == number


def test_start_weights_typed_as_text_are_read_and_remarked_on() -> None:
    def as_text(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        for name, value in START.items():
            sheet[f"{AT[name]}5"] = str(value).replace(".", ",")
        sheet["G2"] = "0,5"

    book = replayed(workbook(edit=as_text))
    assert book.verdict is BookVerdict.CORRECT
    told = [f for f in book.faults if f.diagnosis == "number-as-text"]
    assert len(told) == 1
    assert told[0].severity is Severity.NOTE
    assert (told[0].expected, told[0].count) == ("0.5", 13)
    assert book.tables[0].eta == 0.5
    assert "nan" not in str(book.faults).lower()


def test_stored_errors_are_told_with_the_text_that_causes_them() -> None:
    def as_text(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["E5"] = "0,15"

    data = read(workbook(edit=as_text), "book.xlsx")
    sheet = data.sheets[0]
    runs = tuple(
        type(run)(column=run.column, row=run.row, count=run.count, form=run.form, kind=CellKind.FAULT, texts=("#VALUE!",) * run.count)
        if run.form >= 0
        else run
        for run in sheet.runs
    )  # fmt: skip
    book = replay_book(
        type(data)(
            artefact="book.xlsx", sha256="", forms=data.forms, tables=data.tables, sheets=(type(sheet)(name=sheet.name, runs=runs),)
        ),
        Profile(),
    )  # fmt: skip
    outcome = stored_values.check(ReplayFacts(books=(book,)), stored_values.Policy())
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings[0].found == "#VALUE!"
    assert "E5 ('0,15')" in outcome.findings[0].message


def value(form: str, *values: float) -> float:
    return float(evaluate(compile_tokens(scan(form).tokens), list(values)))


def test_let_and_lambda_are_written_out() -> None:
    assert value("_xlfn.LET(_xlpm.d,R[0]C[1]-R[0]C[2],0.5*_xlpm.d^2)", 3.0, 1.0) == 2.0
    assert value("LET(a,R[0]C[1],b,a+a,a*b)", 3.0) == 18.0
    assert math.isclose(value("_xlfn.LAMBDA(_xlpm.z,1/(1+EXP(-_xlpm.z)))(R[0]C[-1])", 0.0), 0.5)
    assert value("LET(f,LAMBDA(x,y,x-2*y),f(R[0]C[1],f(3,1)))", 7.0) == 5.0
    assert value("LET(x,-R[0]C[1],x^2)", 3.0) == 9.0


@pytest.mark.parametrize(
    "form",
    [
        "LET(a,1)",
        "LAMBDA(x,x)",
        "LET(a,b,a)",
        "LAMBDA(x,y,x)(1)",
        "LET(a,1+a,a)",
        "LET(1,2,3)",
        "LET(f,LAMBDA(x,f(x)),f(1))",
    ],
)
def test_what_cannot_be_written_out_is_refused(form: str) -> None:
    with pytest.raises(Unsupported):
        compile_tokens(scan(form).tokens)


def test_names_that_double_end() -> None:
    names = "".join(f"a{'b' * i},x{'b' * i}+x{'b' * i},".replace("a", "x" + "b") for i in range(30))
    with pytest.raises(Unsupported):
        scan(f"LET(x,R[0]C[1],{names}x{'b' * 30})")


def test_the_student_sees_the_formula_as_it_was_written() -> None:
    def with_let(book: openpyxl.Workbook) -> None:
        for r in range(5, 17):
            book.worksheets[0][f"U{r}"] = f"=_xlfn.LET(_xlpm.d,A{r}+R{r},0.5*_xlpm.d^2)"

    book = replayed(workbook(edit=with_let))
    fault = next(f for f in book.faults if f.quantity == "E1")
    assert fault.excerpt == "=LET(d,A5+R5,0.5*d^2)"
    assert fault.message == "E1: a plus where a minus belongs"


def test_a_range_larger_than_what_is_read_costs_its_own_cell() -> None:
    """The whole replay ended with it, and every criterion of the workbook was an error of ours."""

    def wide(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["AH4"] = "=SUM(A5:C30004)"
        book.worksheets[0]["AH5"] = "=AH4*2"

    book = replayed(workbook(edit=wide))
    assert book.verdict is BookVerdict.CORRECT
