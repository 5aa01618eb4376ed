"""One code and one sentence for a slip, wherever it is made, and old results are read by their codes."""

import ast
import re
from pathlib import Path

import pytest

from grader.backprop.confusions import confusion
from grader.backprop.edits import Slip
from grader.backprop.slip_catalogue import CATALOGUE, FORMERLY, SLIPS, cell_edits, current
from grader.core.assigned_network import CLASS_NETWORK
from grader.core.facts.replay import Severity
from grader.execute.replay.formula.evaluator import scan
from tests.execute.replay.sheets import replayed
from tests.extract.formulas.test_judging import FORWARD, only
from tests.generate.sheet import table

ROOT = Path(__file__).parents[2]
D1, D2 = "(a_o1 - t1) * a_o1 * (1 - a_o1)", "(a_o2 - t2) * a_o2 * (1 - a_o2)"


def test_codes_of_earlier_versions_are_read_as_todays() -> None:
    assert all(old not in SLIPS and new in SLIPS for old, new in FORMERLY.items())
    assert current("missing-factor") == current("factor-missing") == "factor-missing"


@pytest.mark.parametrize("slip", CATALOGUE, ids=lambda slip: slip.code)
def test_a_slip_is_one_file_with_its_text(slip: Slip) -> None:
    path = ROOT / "grader" / "backprop" / "slips" / f"{slip.code.replace('-', '_')}.py"
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    title, _, rest = text.partition("\n\n")
    assert slip.sentence
    assert title.endswith(".")
    assert "wrong" in rest
    assert "right" in rest


def test_no_code_of_a_diagnosis_is_made_up_elsewhere() -> None:
    """What the replay says of a formula beside the small edits has a file too."""
    folder = ROOT / "grader" / "execute" / "replay" / "faults"
    said = {
        code
        for path in folder.glob("*.py")
        for code in re.findall(r'"((?:[a-z]+-)+[a-z]+)"', path.read_text("utf-8"))
    }
    assert said - SLIPS.keys() <= {"hard-coded-constant", "rounded-formula"}
    assert len(said & SLIPS.keys()) > 10


@pytest.mark.parametrize("form", ["R[0]C[-1]*2-(R[0]C[-2]+R[0]C[-3])/R[0]C[-4]^2", "1/(1+EXP(-R[0]C[-1]))"])
def test_what_is_done_to_a_cell_belongs_to_one_slip(form: str) -> None:
    """The search for one edit in two places tries those of the same slip alone."""
    tokens = scan(form).tokens
    codes: dict[str, set[str]] = {}
    for code, variant in cell_edits(tokens):
        codes.setdefault(variant.what, set()).add(code)
    assert len(codes) > 10
    assert all(len(found) == 1 for found in codes.values())
    some = {"sign", "brackets"}
    assert {code for code, _ in cell_edits(tokens, some)} == some


@pytest.mark.parametrize(
    ("gradient", "code"),
    [
        ("(a_o1 - t1) * a_o1 * (1 - a_o2) * a_h1", "index-swapped"),
        (f"{D1} * h1", "activation-confused"),
        ("(t1 - a_o1) * a_o1 * (1 - a_o1) * a_h1", "sign"),
        ("(a_o1 * t1) * a_o1 * (1 - a_o1) * a_h1", "times-for-minus"),
        (f"{D1} * i1", "wrong-quantity"),
        ("a_o1 * (1 - a_o1) * a_h1", "factor-missing"),
        ("a_o1 - t1 * a_o1 * (1 - a_o1) * a_h1", "brackets"),
    ],
)
def test_the_same_slip_has_one_code_in_a_line_and_in_a_cell(gradient: str, code: str) -> None:
    line = only(f"∂E/∂w5 = {gradient}", FORWARD)
    book = replayed(table(CLASS_NETWORK, rows=12, changed={"dw5": gradient.replace(" ", "")}))
    cells = [fault.diagnosis for fault in book.faults if fault.severity is Severity.FAIL]
    assert line.repairs[0].diagnosis == code
    assert cells == [code]


def test_what_was_written_for_what() -> None:
    assert confusion("w3", "w8") == "wrong-weight"
    assert confusion("a_h1", "a_h2") == "index-swapped"
    assert confusion("o1", "a_o1") == "activation-confused"
    assert confusion("t1", "a_o1") == "wrong-quantity"
    assert confusion("h1", "a_h2") == "wrong-quantity-and-index"


def test_the_error_of_the_class_sheet_has_its_code_in_a_readme_too() -> None:
    """A class counts the copied slope once, whether a student copied it into the README or into the sheet."""
    gradient = f"({D1} * w6 + {D2} * w8) * a_h1 * (1 - a_h1) * i1"
    line = only(f"∂E/∂w3 = {gradient}", FORWARD)
    book = replayed(table(CLASS_NETWORK, rows=12, changed={"dw3": gradient.replace(" ", "")}))
    cells = [fault.diagnosis for fault in book.faults if fault.severity is Severity.FAIL]
    assert line.repairs[0].diagnosis == "inherited-class-error"
    assert "a_h2 * (1 - a_h2)" in line.expected
    assert cells == ["inherited-class-error"]
    other = only(f"∂E/∂w3 = ({D1} * w6 + {D2} * w8) * a_h1 * (1 - a_h2) * i1", FORWARD)
    assert other.repairs[0].diagnosis == "index-swapped"
