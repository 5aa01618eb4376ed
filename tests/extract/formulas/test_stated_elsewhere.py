"""Formulas whose quantity stands elsewhere: in a heading, at the head of a column, in the text of a picture; and what of
such lines is told as unread.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.evidence.documents import Block
from grader.core.evidence.formulas import FormulaLine, FormulaVerdict
from grader.core.submission import Artefact, Kind
from grader.extract.documents.documents import read_document as read_document_of
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.document.mentions import named_quantities, unread_places

O1 = "(a_o1 - t1) * a_o1 * (1 - a_o1)"
O2 = "(a_o2 - t2) * a_o2 * (1 - a_o2)"
GRADIENTS = {5: f"{O1} * a_h1", 6: f"{O1} * a_h2", 7: f"{O2} * a_h1", 8: f"{O2} * a_h2"}


def read(text: str) -> tuple[FormulaLine, ...]:
    return read_document(markdown_lines(text, "README.md"), "README.md").lines


def all_right(text: str) -> None:
    assert {line.states: line.verdict for line in read(text)} == {
        f"∂E/∂w{k}": FormulaVerdict.RIGHT for k in GRADIENTS
    }


@pytest.mark.parametrize(
    "heading",
    [
        "### Gradient for $w_{k}$",
        "**Gradient of $w_{k}$**",
        "### Derivative with respect to $w_{k}$:",
        "- gradient of `w{k}`:",
    ],
)
def test_a_heading_names_its_weight_in_mathematics(heading: str) -> None:
    all_right("".join(f"{heading.format(k=k)}\n\n$$ {f} $$\n\n" for k, f in GRADIENTS.items()))


def test_a_row_of_gradients_below_the_weights() -> None:
    head = "".join(f" w{k} |" for k in GRADIENTS)
    row = "".join(f" {f} |" for f in GRADIENTS.values())
    all_right(f"| |{head}\n|{'---|' * 5}\n| ∂E/∂w |{row}\n")


@pytest.mark.parametrize("times", [" * ", "\\cdot "])
def test_an_address_in_quotes_may_hold_blanks(times: str) -> None:
    line = (
        '<img src="https://latex.codecogs.com/svg.latex?\\frac{{\\partial E}}{{\\partial w_{k}}} = {f}">\n\n'
    )
    all_right("".join(line.format(k=k, f=f.replace(" * ", times)) for k, f in GRADIENTS.items()))


def test_the_text_of_a_picture_is_read_and_never_accused() -> None:
    all_right("".join(f"![∂E/∂w{k} = {f}](img/w{k}.png)\n\n" for k, f in GRADIENTS.items()))
    assert read(f"![∂E/∂w5 = {O1} * a_h2](img/w5.png)\n") == ()
    assert read("![∂E/∂w5](img/w5.png)\n") == ()


def test_what_is_said_to_be_the_same_is_no_part_of_the_formula_before_it() -> None:
    (line,) = read(f"∂E/∂w7 = {O2} * a_h1 and ∂E/∂w8 is the same with a_h2.\n")
    assert (line.verdict, line.text) == (FormulaVerdict.RIGHT, f"∂E/∂w7 = {O2} * a_h1")


@pytest.mark.parametrize(
    "line",
    [
        "∂E/∂W2 = δ_o a_h^T",
        "dW1 = np.outer(delta_h, i)",
        "dW2 = delta @ a_h.T",
        "$\\frac{\\partial E}{\\partial W_2} = \\delta \\odot a^\\top$",
        "∂E/∂W = δ ⊙ aᵀ",
    ],
)
def test_the_gradient_of_a_layer_may_hold_every_weight(line: str) -> None:
    assert set(named_quantities(line, Block.FENCE)) >= {f"∂E/∂w{k}" for k in range(1, 9)}


def test_mathml_is_told_as_unread() -> None:
    text = b"<math><mfrac><mi>dE</mi><mi>dw</mi></mfrac><mo>=</mo><mi>x</mi></math>\n"
    artefact = Artefact(path="README.md", kind=Kind.README, sha256="", size=len(text))
    assert len(unread_places(read_document_of(text, artefact), ())) == 1


SENTENCES = [
    "The gradient of the total error with respect to $w_{k}$ is",
    "For $w_{k}$ we get:",
    "Derivative of E w.r.t. w{k}, written out, is then:",
    "Die Ableitung nach $w_{k}$ lautet",
]


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("formula", ["$$ {f} $$", "$$ = {f} $$"])
def test_a_sentence_leads_to_the_formula_below_it(sentence: str, formula: str) -> None:
    lines = (f"{sentence.format(k=k)}\n\n{formula.format(f=f)}\n\n" for k, f in GRADIENTS.items())
    all_right("".join(lines))


@pytest.mark.parametrize("formula", ["$$ {f} $$", "$$ = {f} $$"])
def test_what_a_sentence_leads_to_is_never_accused(formula: str) -> None:
    text = "".join(f"∂E/∂w{k} = {f}\n\n" for k, f in GRADIENTS.items())
    *right, led = read(f"{text}{SENTENCES[0].format(k=5)}\n\n{formula.format(f=GRADIENTS[6])}\n")
    assert {line.verdict for line in right} == {FormulaVerdict.RIGHT}
    assert led.verdict is FormulaVerdict.UNSURE


@pytest.mark.parametrize(
    "sentence",
    [
        "The derivative of the net input o1 with respect to $w_5$ is",
        "For w5 and w6 we get:",
        "The chain rule for $w_5$ gives",
        "We update $w_5$ as",
    ],
)
def test_a_sentence_about_a_part_leads_to_no_gradient(sentence: str) -> None:
    assert read(f"{sentence}\n\n$$ {GRADIENTS[5]} $$\n") == ()


def test_what_other_text_separates_is_told_of_no_quantity() -> None:
    (total, led) = read(f"E = E1 + E2\n\nThen comes a sentence.\n\n$$ = {GRADIENTS[5]} $$\n")
    assert (total.states, led.states, led.verdict) == ("E", "", FormulaVerdict.UNSURE)


@pytest.mark.parametrize(
    "form",
    [
        '"dE_dw{k}": "{f}",',
        "w{k}: =({f})",
        "$$\\frac{{\\partial \\mathcal{{L}}}}{{\\partial w_{k}}} = {f}$$",
        "$$\\frac{{\\partial \\mathrm{{E_{{total}}}}}}{{\\partial \\mathrm{{w_{{{k}}}}}}} = {f}$$",
        "∂Е/∂w{k} = {f}",
    ],
)
def test_forms_of_programs_and_other_keyboards(form: str) -> None:
    lines = (form.format(k=k, f=f.replace("a_o1", "а_o1")) for k, f in GRADIENTS.items())
    all_right("```\n" + "\n".join(lines) + "\n```\n")


def test_the_label_of_a_cell_is_no_assignment() -> None:
    (line,) = read("```\nw5: = w5 - η * ∂E/∂w5\n```\n")
    assert (line.states, line.verdict) == ("w5", FormulaVerdict.RIGHT)


def of_github(formula: str) -> str:
    return f"![f](https://render.githubusercontent.com/render/math?math={quote(formula)})"


def of_codecogs(formula: str) -> str:
    return f'<img src="https://latex.codecogs.com/svg.latex?{quote(formula)}">'


def in_markdown(formula: str) -> str:
    return f"![eq](https://latex.codecogs.com/gif.latex?{quote(formula)})"


@pytest.mark.parametrize("picture", [of_github, of_codecogs, in_markdown])
@pytest.mark.parametrize(
    "parts",
    [
        ("L", "= A * B"),
        ("L =", "A * B"),
        ("L", " = ", "A * B"),
        ("L", ": ", "A * B"),
        ("L", " is ", "A * B"),
        ("L = A", "\\cdot B"),
        ("L = A", " * ", "B"),
        ("", "**w_K**: ", "A * B"),
        ("", "| ", "L", " | ", "A * B", " |"),
    ],
)
def test_one_formula_over_several_pictures(picture: Callable[[str], str], parts: tuple[str, ...]) -> None:
    def line(k: int, formula: str) -> str:
        first, last = formula.rsplit(" * ", 1)
        words = {"L": f"\\frac{{\\partial E}}{{\\partial w_{k}}}", "A": first, "B": last, "K": str(k)}
        filled = [re.sub("[LABK]", lambda m: words[m[0]], part) for part in parts]
        texts = (": ", " = ", " is ", " * ", "| ", " | ", " |", "")
        return "".join(
            text if part in texts or "**w" in part else picture(text)
            for part, text in zip(parts, filled, strict=True)
        )

    all_right("".join(f"{line(k, f)}\n\n" for k, f in GRADIENTS.items()))


def test_two_formulas_in_two_pictures_stay_two() -> None:
    one, other = (of_github(f"\\frac{{\\partial E}}{{\\partial w_{k}}} = {GRADIENTS[k]}") for k in (5, 6))
    assert {(line.states, line.verdict) for line in read(f"{one} {other}\n\n")} <= {
        ("∂E/∂w5", FormulaVerdict.RIGHT),
        ("∂E/∂w6", FormulaVerdict.RIGHT),
    }


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("With this, w5 becomes\n\n= w5 - η (a_o1 - t1) a_o1 (1 - a_o1) a_h1\n", "w5"),
        ("The gradient with respect to w5 is\n\n= -η a_h1\n", "w5"),
        ("The gradient with respect to w5 is: = Δw5 = -η ∂E/∂w5\n", "∂E/∂w5"),
        ("δ_o1\n\n= -η * a_h1\n", "∂E/∂o1"),
    ],
)
def test_a_step_below_a_sentence_that_names_its_weight_is_read_and_crashes_nothing(
    text: str, states: str
) -> None:
    found = read_document(markdown_lines(text, "README.md"), "README.md").lines
    assert [line.states for line in found] == [states]
    assert FormulaVerdict.WRONG not in {line.verdict for line in found}


LEFTS = (
    "### w5",
    "### ∂E/∂w5",
    "The gradient of E with respect to w5 is:",
    "So w_5 becomes $",
    "δ_o1",
    "Δw5",
    "w5:",
    "| | w5 | w6 |",
    "Let δ_k",
    "dh1",
    "g1 = ∂E/∂w5",
)
RIGHTS = (
    "= w5 - η * (a_o1 - t1)",
    "-η ∂E/∂w5",
    "= δ_o1 a_h1 = (a_o1 - t1)",
    "Σ_k (a_ok - t_k) w_1k i1",
    "|---|---|---|\n| ∂E/∂w | -η*a_h1 | η*a_h2 |",
    "Δw5 = -η ∂E/∂w5 = -η δ_o1 a_h1",
    "= (a_ok - t_k), k = 1, 2",
    "w_{5,6} = η a_{h1,h2}",
    "<table><tr><td>w5</td><td>-η a_h1</td></tr></table>",
)


@given(
    st.sampled_from(LEFTS),
    st.sampled_from(["\n", " ", "\n\n", " = "]),
    st.lists(st.sampled_from(RIGHTS), max_size=3),
)
def test_whatever_stands_above_whatever_is_told_in_full(left: str, between: str, below: list[str]) -> None:
    text = left + between + "\n\n".join(below)
    assert all(line.reading for line in read(text))
