"""Names that a document makes for parts of its formulas, wherever and however it says what they are."""

import pytest

from grader.core.evidence.formulas import FormulaLine, FormulaVerdict
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document

FIRST, SECOND = "(a_o1 - t1) * a_o1 * (1 - a_o1)", "(a_o2 - t2) * a_o2 * (1 - a_o2)"
USES = """
∂E/∂w5 = P * a_h1
∂E/∂w8 = Q * a_h2
∂E/∂w1 = (P * w5 + Q * w7) * a_h1 * (1 - a_h1) * i1
∂E/∂w4 = (P * w6 + Q * w8) * a_h2 * (1 - a_h2) * i2
"""
LATEX = """
$\\frac{\\partial E}{\\partial w_5} = P a_{h1}$

$\\frac{\\partial E}{\\partial w_8} = Q a_{h2}$

$\\frac{\\partial E}{\\partial w_1} = (P w_5 + Q w_7) a_{h1} (1 - a_{h1}) i_1$

$\\frac{\\partial E}{\\partial w_4} = (P w_6 + Q w_8) a_{h2} (1 - a_{h2}) i_2$
"""
LATEX_K = "(a_{o_k} - t_k) a_{o_k} (1 - a_{o_k})"


def read(text: str) -> tuple[FormulaLine, ...]:
    return read_document(markdown_lines(text.replace("\n", "  \n"), "README.md"), "README.md").lines


def gradients(text: str) -> dict[str, FormulaVerdict]:
    found = {line.states: line.verdict for line in read(text) if line.states.startswith("∂E/∂w")}
    assert len(found) == 4
    return found


def used(first: str, second: str, lines: str = USES) -> str:
    return lines.replace("P", first).replace("Q", second)


IN_LATEX = used("\\delta_1", "\\delta_2", LATEX)


def said(how: str) -> str:
    return how.replace("FIRST", FIRST).replace("SECOND", SECOND)


@pytest.mark.parametrize(
    "text",
    [
        f"Let δ_k = (a_ok − t_k)·a_ok·(1 − a_ok), k = 1, 2\n{used('δ_1', 'δ_2')}",
        f"Let $\\delta_k = {LATEX_K}$ for $k = 1, 2$.\n{IN_LATEX}",
        f"$$\\delta_k = {LATEX_K}, \\quad k \\in \\{{1, 2\\}}$$\n{IN_LATEX}",
        said(f"We write Δ1 for FIRST and Δ2 for SECOND.\n{used('Δ1', 'Δ2')}"),
        said(f"Let δ1 denote FIRST and let δ2 denote SECOND.\n{used('δ1', 'δ2')}"),
        said(f"{used('δ1', 'δ2')}\nwhere δ1 = FIRST and δ2 = SECOND."),
        said(f"{used('d1', 'd2')}\nwith d1 = FIRST, d2 = SECOND"),
        said(f"δ₁ = FIRST\nδ₂ = SECOND\n{used('δ₁', 'δ₂')}"),
        said(f"δ1 = ∂E/∂o1 = FIRST\nδ2 = ∂E/∂o2 = SECOND\n{used('δ1', 'δ2')}"),
        said(f"Δ_1 = FIRST\nΔ_2 = SECOND\n{used('Δ_1', 'Δ_2')}"),
        said(f"- δ1: FIRST\n- δ2: SECOND\n{used('δ1', 'δ2')}"),
        said(f"```python\ndo1 = FIRST\ndo2 = SECOND\n{used('do1', 'do2')}```\n"),
        said(
            "```python\ndo1 = FIRST\ndo2 = SECOND\ndh1 = (do1 * w5 + do2 * w7) * a_h1 * (1 - a_h1)\n"
            "dh2 = (do1 * w6 + do2 * w8) * a_h2 * (1 - a_h2)\n"
            "dw5 = do1 * a_h1\ndw8 = do2 * a_h2\ndw1 = dh1 * i1\ndw4 = dh2 * i2\n```\n"
        ),
    ],
)  # fmt: skip
def test_a_name_is_what_the_document_says(text: str) -> None:
    assert set(gradients(text).values()) == {FormulaVerdict.RIGHT}


@pytest.mark.parametrize(
    "text",
    [
        said(f"δ1 = {FIRST.replace('(1 -', '(1 +')}\nδ2 = SECOND\n{used('δ1', 'δ2')}"),
        said(f"{used('δ1', 'δ2')}\nwhere δ1 = {FIRST.replace('* a_o1', '* a_o2')} and δ2 = SECOND."),
    ],
)
def test_what_is_made_of_a_wrong_part_is_wrong(text: str) -> None:
    forward = "h1 = w1*i1 + w2*i2\nh2 = w3*i1 + w4*i2\na_h1 = σ(h1)\na_h2 = σ(h2)\na_o1 = σ(o1)\n"
    found = gradients(forward + text)
    assert found["∂E/∂w5"] is found["∂E/∂w1"] is FormulaVerdict.WRONG
    assert found["∂E/∂w8"] is FormulaVerdict.RIGHT


def test_a_name_for_a_gradient_hides_nothing_of_its_equation() -> None:
    right = f"g5 = ∂E/∂w5 = {FIRST} * a_h1\n"
    wrong = right.replace("g5", "g6").replace("w5", "w6")
    found = {line.states: line.verdict for line in read(right + wrong)}
    assert found == {"∂E/∂w5": FormulaVerdict.RIGHT, "∂E/∂w6": FormulaVerdict.WRONG}


def test_the_slope_of_a_fraction_is_no_name() -> None:
    lines = read(f"do1 = {FIRST}\n∂E/∂w5 = ∂E/∂a_o1 * da_o1/do1 * do1/dw5\ndE/do1 = ∂E/∂a_o1 * da_o1/do1\n")
    assert {line.states: line.verdict for line in lines} == {
        "∂E/∂w5": FormulaVerdict.RIGHT,
        "∂E/∂o1": FormulaVerdict.RIGHT,
    }


SLOPES = {
    "w1": ("1", "a_h1", "i1"),
    "w2": ("1", "a_h1", "i2"),
    "w3": ("2", "a_h2", "i1"),
    "w4": ("2", "a_h2", "i2"),
}
"""Weights of the hidden layer: the unit, its activation and the input."""


@pytest.mark.parametrize(
    "form",
    [
        "∂E/∂{w} = Σ_k (a_ok − t_k)·a_ok(1−a_ok)·w_k{h} · {a}(1−{a})·{i}",
        "∂E/∂{w} = {a}(1−{a})·{i}·Σₖ (a_oₖ − t_k)·a_ok(1−a_ok)·w_{{k{h}}}",
        "∂E/∂{w} = (Σ_{{k∈{{1,2}}}} (a_ok − t_k) a_ok (1−a_ok) w_{{{h}k}}) {a} (1-{a}) {i}",
        "∂E/∂{w} = sum_k[(a_ok-t_k)*a_ok*(1-a_ok)*w_k{h}]*{a}*(1-{a})*{i}",
        "$\\frac{{\\partial E}}{{\\partial {w}}} = \\left[\\sum_{{k=1}}^{{2}} (a_{{o_k}} - t_k) a_{{o_k}} (1-a_{{o_k}}) w_{{k{h}}}\\right] {a}(1-{a}) {i}$",
        "∂E/∂{w} = Σ_k ∂E/∂o_k · ∂o_k/∂{a} · {a}(1−{a})·{i}",
        "∂E/∂{w} = Σ_{{k=1}}^2 δ_ok w_k{h} · {a}(1−{a})·{i}",
    ],
)  # fmt: skip
def test_a_sum_over_the_outputs_is_written_out(form: str) -> None:
    text = "".join(form.format(w=w, h=h, a=a, i=i) + "\n\n" for w, (h, a, i) in SLOPES.items())
    assert set(gradients(text).values()) == {FormulaVerdict.RIGHT}


def test_a_sum_of_mazurs_goes_over_both_outputs() -> None:
    path = "\\frac{\\partial E_{o}}{\\partial out_{o}} \\frac{\\partial out_{o}}{\\partial net_{o}} \\frac{\\partial net_{o}}{\\partial out_{h1}}"
    (line,) = read("$\\frac{\\partial E}{\\partial out_{h1}} = \\sum_{o} " + path + "$")
    assert line.verdict is FormulaVerdict.RIGHT


def test_a_false_sum_over_weights_with_two_indices_is_accused_of_nothing() -> None:
    """Which of the two is the output is the document's to say."""
    assert read("∂E/∂w1 = Σ_k (a_ok − t_k)·a_ok(1−a_ok)·w_k2 · a_h1(1−a_h1)·i1\n") == ()


def test_a_false_sum_without_such_weights_is_wrong() -> None:
    (line,) = read("∂E/∂a_h1 = Σ_k ∂E_k/∂a_ok · ∂a_ok/∂o_k · ∂o_k/∂a_h2\n")
    assert line.verdict is FormulaVerdict.WRONG


def test_a_signal_defined_for_every_output_has_the_sign_of_its_definition() -> None:
    right = "δ_ok = (t_k − a_ok) a_ok (1 − a_ok), k = 1, 2\n" + used("−δ_o1", "−δ_o2")
    assert set(gradients(right).values()) == {FormulaVerdict.RIGHT}
    wrong = gradients(right.replace("(t_k − a_ok)", "(a_ok − t_k)"))
    assert FormulaVerdict.RIGHT not in wrong.values()


def test_a_signal_that_nothing_defines_has_the_sign_of_its_uses() -> None:
    assert set(gradients(used("−δ_o1", "−δ_o2")).values()) == {FormulaVerdict.RIGHT}
    assert set(gradients(used("δ_o1", "δ_o2")).values()) == {FormulaVerdict.RIGHT}


def test_signals_may_be_counted_through_both_layers() -> None:
    text = (
        f"δ_1 = {FIRST}\nδ_2 = {SECOND}\nδ_3 = (w5 δ_1 + w7 δ_2) a_h1 (1 − a_h1)\n"
        "δ_4 = (w6 δ_1 + w8 δ_2) a_h2 (1 − a_h2)\n"
        "∂E/∂w5 = δ_1 a_h1\n∂E/∂w8 = δ_2 a_h2\n∂E/∂w1 = δ_3 i1\n∂E/∂w4 = δ_4 i2\n"
    )
    assert set(gradients(text).values()) == {FormulaVerdict.RIGHT}


@pytest.mark.parametrize("weight", ["w_k", "w_{k}", "w_(k)"])
def test_a_weight_that_leaves_the_hidden_neuron_to_the_reader_is_accused_of_nothing(weight: str) -> None:
    assert read(f"∂E/∂w1 = Σ_k (a_ok − t_k)·a_ok(1−a_ok)·{weight} · a_h1(1−a_h1)·i1\n") == ()


@pytest.mark.parametrize(
    "definition",
    [
        "Let δ_ok = (t_k − a_ok) a_ok (1 − a_ok) for k = 1, 2.",
        "We define the error of output k as δ_ok := (t_k − a_ok) a_ok (1 − a_ok)",
        "Output error: δ_ok = (t_k − a_ok) a_ok (1 − a_ok) for each output k",
        "We have δ_ok = (t_k − a_ok) a_ok (1 − a_ok), where k = 1, 2",
    ],
)
def test_a_sentence_may_define_the_signal_of_every_output(definition: str) -> None:
    found = {line.states: line.verdict for line in read(f"{definition}\n{used('−δ_o1', '−δ_o2')}")}
    assert found["-∂E/∂o1"] is found["-∂E/∂o2"] is FormulaVerdict.RIGHT
    assert set(gradients(f"{definition}\n{used('δ_o1', 'δ_o2')}").values()) == {FormulaVerdict.WRONG}


def test_a_delta_that_is_no_error_signal_stands_for_its_value() -> None:
    slopes = "δ_o1 = a_o1 (1 − a_o1)\nδ_o2 = a_o2 (1 − a_o2)\n"
    assert set(gradients(slopes + used("(a_o1 − t1) δ_o1", "(a_o2 − t2) δ_o2")).values()) == {
        FormulaVerdict.RIGHT
    }
    found = {line.states: line.verdict for line in read(slopes + used("δ_o1", "δ_o2"))}
    assert found["∂E/∂o1"] is found["∂E/∂o2"] is FormulaVerdict.WRONG


def test_rows_of_a_table_on_one_line_are_no_chain_of_equations() -> None:
    text = f"<table><tr><th>∂E/∂w5</th><td>{FIRST} * a_h1</td></tr><tr><th>∂E/∂w6</th><td>{FIRST} * a_h1</td></tr></table>\n"
    found = {line.states: line.verdict for line in read(text)}
    assert found == {"∂E/∂w5": FormulaVerdict.RIGHT, "∂E/∂w6": FormulaVerdict.WRONG}
