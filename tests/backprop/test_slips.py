"""One code and one sentence for a slip, wherever it is made, and old results are read by their codes."""

import re
from pathlib import Path

import pytest

from grader.backprop.slips import FORMERLY, OPERATORS, SLIPS, confusion, current
from grader.core.assigned_network import CLASS_NETWORK
from grader.core.facts.replay import Severity
from tests.execute.replay.sheets import replayed
from tests.extract.formulas.test_judging import FORWARD, only
from tests.generate.sheet import table

ROOT = Path(__file__).parents[2]
D1, D2 = "(a_o1 - t1) * a_o1 * (1 - a_o1)", "(a_o2 - t2) * a_o2 * (1 - a_o2)"


def test_codes_of_earlier_versions_are_read_as_todays() -> None:
    assert all(old not in SLIPS and new in SLIPS for old, new in FORMERLY.items())
    assert current("missing-factor") == current("factor-missing") == "factor-missing"


def test_every_code_of_the_repairs_is_in_the_catalogue() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "grader/extract/formulas/repair").glob("*_edits.py")]
    found = {code for text in texts for code in re.findall(r'"((?:[a-z]+-)+[a-z]+|sign)"', text)}
    assert len(found) > 10
    assert found <= SLIPS.keys()
    assert set(OPERATORS.values()) <= SLIPS.keys()


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
