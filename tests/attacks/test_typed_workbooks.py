"""A workbook of numbers earned what formulas earn.

A book without any formula is for a person; one whose formulas were `=0.00019*1`, or whose gradients alone were pasted as
numbers, was told as eight right derivatives, though any classmate's table holds the same numbers.
"""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl.formula.translate import Translator

from grader.checks.catalogue import catalogue
from grader.core.outcome import Outcome, Verdict
from grader.core.rubric import Criterion, Profile, Rubric
from grader.core.settings import Settings
from grader.ingest.read import from_bytes
from grader.pipeline.grade.judge import judge
from grader.pipeline.grade.products import Known
from grader.pipeline.plan.plan import make_plan

BOOK = Path(__file__).resolve().parents[2] / "submissions/perfect/Backpropagation.xlsx"
CODES = ("WB201", "WB202")
CELL = re.compile(r'<c r="([A-Z]+)(\d+)"><f[^>]*?(?:/>|>([^<]*)</f>)<v>([^<]*)</v></c>')
GRADIENTS = ("X", "Y", "Z", "AA", "AB", "AC", "AD", "AE")
FIRST = 13
Edit = Callable[[str, int, str, str, int], str]
"""Column, row, formula, value and sheet to a formula; empty: the value is typed."""


def edited(edit: Edit) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(BOOK) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in book.namelist():
            text, sheet = book.read(name), re.fullmatch(r"xl/worksheets/sheet(\d)\.xml", name)
            if sheet:
                text = _sheet(text.decode(), edit, int(sheet[1])).encode()
            made.writestr(name, text)
    return out.getvalue()


def _sheet(text: str, edit: Edit, number: int) -> str:
    base: dict[str, tuple[str, str]] = {}

    def cell(found: re.Match[str]) -> str:
        column, row, formula, value = found.groups()
        if formula:
            base.setdefault(column, (f"={formula}", column + row))
        formula, origin = base[column]
        moved = Translator(formula, origin=origin).translate_formula(column + row)[1:]
        new = edit(column, int(row), moved, value, number)
        return f'<c r="{column}{row}">{f"<f>{new}</f>" if new else ""}<v>{value}</v></c>'

    return CELL.sub(cell, text)


def judged(book: bytes) -> dict[str, Outcome]:
    criteria = tuple(Criterion(id=code, check=code, points=1.0) for code in CODES)
    rubric, rules = Rubric(id="a", title="a", criterion=criteria), catalogue()
    known = Known(from_bytes("attack", {"b.xlsx": book}), Settings(execute=False, retrain=False), Profile())
    for step in make_plan(rubric, rules).steps:
        known.provide(step)
    return dict(zip(CODES, judge(rubric, rules, known), strict=True))


TYPED: dict[str, tuple[Edit, tuple[Verdict, Verdict]]] = {
    "every formula is a number times 1": (
        lambda c, r, f, v, s: f"{v}*1",
        (Verdict.UNKNOWN, Verdict.UNKNOWN),
    ),
    "the gradients are numbers": (
        lambda c, r, f, v, s: "" if c in GRADIENTS else f,
        (Verdict.UNKNOWN, Verdict.PASS),
    ),
    "one gradient is": (lambda c, r, f, v, s: "" if c == "X" else f, (Verdict.UNKNOWN, Verdict.PASS)),
}
HONEST: dict[str, Edit] = {
    "as it is": lambda c, r, f, v, s: f,
    "five tables are records of the first": lambda c, r, f, v, s: f if s == 1 else "",
    "the rows after the first were pasted": lambda c, r, f, v, s: "" if c in GRADIENTS and r > FIRST else f,
    "the last rows were pasted": lambda c, r, f, v, s: "" if c in GRADIENTS and r > FIRST + 8 else f,
}


@pytest.mark.parametrize("kind", TYPED)
def test_numbers_that_agree_are_no_derivatives(kind: str) -> None:
    edit, verdicts = TYPED[kind]
    found = judged(edited(edit))
    assert tuple(found[code].verdict for code in CODES) == verdicts
    assert "numbers in every row" in found["WB201"].summary


@pytest.mark.parametrize("kind", HONEST)
def test_one_formula_of_a_column_is_enough(kind: str) -> None:
    found = judged(edited(HONEST[kind]))
    assert [found[code].verdict for code in CODES] == [Verdict.PASS, Verdict.PASS]
