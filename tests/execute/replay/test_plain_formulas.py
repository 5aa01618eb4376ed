"""Formulas that random numbers decide, and those that may be another matter with the numbers of a book."""

import pytest

from grader.execute.replay.formula.evaluator import scan
from grader.execute.replay.table.layout import Symbol
from grader.execute.replay.table.plain_formulas import is_plain

SLOPE = "(R[0]C1-R[0]C2)*R[0]C1*(1-R[0]C1)"


def of(text: str, *inner: Symbol) -> Symbol:
    """A formula whose references are quantities, but for the first few."""
    form = scan(text)
    return ("formula", form, (*inner, *[("q", "w1", "same")] * (len(form.slots) - len(inner))), 1)


@pytest.mark.parametrize(
    "text",
    [
        f"({SLOPE}*R[0]C3+{SLOPE}*R[0]C4)*R[0]C5*(1-R[0]C5)*R[0]C6",
        "1/(1+EXP(-R[0]C1))",
        "0.5*(R[0]C1-R[0]C2)^2",
        "POWER(R[0]C1-R[0]C2,2)/2",
        "SUMPRODUCT(R[0]C1:R[0]C2,R[0]C3:R[0]C4)",
        "R[-1]C1-R1C2*R[-1]C3",
    ],
)
def test_formulas_of_the_assignment_are_plain(text: str) -> None:
    assert is_plain(of(text))


@pytest.mark.parametrize(
    "text",
    [
        f"IF(R[0]C1=0.15,0,{SLOPE})",
        f"(R[0]C1=R[0]C2)*{SLOPE}",
        f"ROUND({SLOPE},2)",
        f"{SLOPE}+0.000001*R[0]C1",
        f"{SLOPE}+(R[0]C1-R[0]C2)/(1+(1000000*(R[0]C3-R[0]C4))^2)",
        f"{SLOPE}+(R[0]C1-R[0]C2)/(1+(EXP(EXP(2*2))*(R[0]C3-R[0]C4)))",
        f"{SLOPE}+(R[0]C1-R[0]C2)/(1+(2^2^2^2*(R[0]C3-R[0]C4))^2)",
        f"{SLOPE}+(R[0]C1-R[0]C2)/(1+2*2*2*2*2*2*2*2*(R[0]C3-R[0]C4))",
        f"IFERROR({SLOPE},0)",
    ],
)
def test_conditions_and_what_can_count_near_one_number_alone_are_not(text: str) -> None:
    assert not is_plain(of(text))


@pytest.mark.parametrize(
    ("inner", "plain"),
    [
        (of("1-R[0]C1"), True),
        (of("IF(R[0]C1=0.15,1,0)"), False),
        (("number", 0.15, 7), False),
        (("empty", 7), False),
        (("eta",), True),
        (("range", (("q", "w1", "same"), ("number", 1e6, 3)), 2), False),
    ],
)
def test_what_a_formula_reads_counts_with_it(inner: Symbol, plain: bool) -> None:
    text = "SUM(R[0]C1:R[0]C2)" if inner[0] == "range" else "R[0]C1*R[0]C2"
    assert is_plain(of(text, inner)) is plain


def test_parts_are_counted_together() -> None:
    power = of("R[0]C1^2")
    assert is_plain(power)
    assert not is_plain(of("R[0]C1*R[0]C2", power, power))
