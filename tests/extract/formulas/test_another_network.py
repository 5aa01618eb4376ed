"""A document that derives another network than the rubric's is never accused; one that errs in ours still is."""

import re

import msgspec
import pytest

from grader.backprop.assigned import reading_for
from grader.core.assigned_network import Activation, AssignedNetwork, Bias, Loss
from grader.core.evidence.formulas import DocumentFormulas, FormulaVerdict
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document
from tests.generate.derivation import chains, deltas, document, forward, gradients

A = Activation
CLASS = AssignedNetwork()
OTHERS = {
    "3 inputs": AssignedNetwork(layers=(3, 2, 2)),
    "1 input": AssignedNetwork(layers=(1, 2, 2)),
    "3 hidden": AssignedNetwork(layers=(2, 3, 2)),
    "4 hidden": AssignedNetwork(layers=(2, 4, 2)),
    "1 hidden": AssignedNetwork(layers=(2, 1, 2)),
    "3 outputs": AssignedNetwork(layers=(2, 2, 3)),
    "1 output": AssignedNetwork(layers=(2, 2, 1)),
    "1-1-1": AssignedNetwork(layers=(1, 1, 1)),
    "a layer more": AssignedNetwork(layers=(2, 2, 2, 2), activations=(A.SIGMOID,) * 3),
    "a bias a layer": AssignedNetwork(bias=Bias.LAYER),
    "a bias a unit": AssignedNetwork(bias=Bias.UNIT),
    "tanh": AssignedNetwork(activations=(A.TANH, A.TANH)),
    "tanh, then sigmoid": AssignedNetwork(activations=(A.TANH, A.SIGMOID)),
    "relu": AssignedNetwork(activations=(A.RELU, A.SIGMOID)),
    "relu, then linear": AssignedNetwork(activations=(A.RELU, A.LINEAR)),
    "linear outputs": AssignedNetwork(activations=(A.SIGMOID, A.LINEAR)),
    "softmax": AssignedNetwork(activations=(A.SIGMOID, A.SOFTMAX), loss=Loss.CROSS_ENTROPY),
    "binary cross-entropy": AssignedNetwork(loss=Loss.CROSS_ENTROPY),
}
STYLES = ("plain", *(pytest.param(style, marks=pytest.mark.slow) for style in ("latex", "fenced", "table")))


def read(lines: list[str], style: str = "plain") -> DocumentFormulas:
    if style == "fenced":
        text = "\n".join(["```", *lines, "```"])
    elif style == "table":
        rows = ["| " + line.replace("|", r"\|").replace(" = ", " | ", 1) + " |" for line in lines]
        text = "\n".join(["| what | value |", "|---|---|", *rows])
    else:
        text = "\n\n".join(map(_latex, lines) if style == "latex" else lines)
    return read_document(markdown_lines(text, "x.md"), "x.md")


def _latex(line: str) -> str:
    line = re.sub(r"∂(\w+)/∂(\w+)", r"\\frac{\\partial \1}{\\partial \2}", line)
    line = re.sub(r"a_([ho])(\d)", r"a_{\1\2}", line)
    line = re.sub(r"\b([wihotEb])(\d+)\b", r"\1_{\2}", line)
    for plain, command in (("*", r"\cdot "), ("δ_", r"\delta_"), ("σ", r"\sigma"), ("η", r"\eta")):
        line = line.replace(plain, command)
    return f"$${line}$$"


def accused(found: DocumentFormulas) -> list[str]:
    return [x.text for x in found.lines if x.verdict in (FormulaVerdict.WRONG, FormulaVerdict.TYPO)]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("network", OTHERS.values(), ids=OTHERS)
def test_another_network_is_not_accused(network: AssignedNetwork, style: str) -> None:
    steps = [] if network.softmax else chains(network)
    for lines in (document(network), forward(network) + deltas(network), steps + gradients(network)):
        assert not accused(read(lines, style))


@pytest.mark.parametrize(
    ("name", "told"),
    [("3 inputs", "3 inputs"), ("a bias a layer", "biases"), ("tanh", "tanh for an activation")],
)
def test_what_differs_is_told_with_every_line(name: str, told: str) -> None:
    found = read(document(OTHERS[name]))
    assert told in found.other_network
    assert all(
        "another network" in line.reason for line in found.lines if not line.reason.startswith("could")
    )


@pytest.mark.parametrize("style", STYLES)
def test_what_is_right_of_the_rubrics_network_stays_right(style: str) -> None:
    found = read(document(CLASS), style)
    assert not found.other_network
    assert not accused(found)


WRONG_GRADIENT = "∂E/∂w5 = (a_o1 - t1) * a_o1 * a_h1"


@pytest.mark.parametrize(
    "define",
    [
        "{sum} + b1*1", "b1 + {sum}", "{sum} + bias", "{sum} - θ_h1", "{sum} + b^(1)", "b_1*1 + {sum}", "{sum} + w0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("style", STYLES)
def test_biases_in_any_notation(define: str, style: str) -> None:
    lines = []
    for line in forward(CLASS):
        left, _, right = line.partition(" = ")
        lines.append(f"{left} = {define.format(sum=right)}" if left[0] in "ho" else line)
    assert not accused(read([*lines, WRONG_GRADIENT], style))


@pytest.mark.parametrize(
    "define",
    [
        "(e^{0} - e^-{0})/(e^{0} + e^-{0})", "2*σ(2*{0}) - 1", "(exp(2*{0}) - 1)/(exp(2*{0}) + 1)", "np.tanh({0})",
        "max({0}, 0)", "{0} if {0} > 0 else 0", "LeakyReLU({0})", "[{0}]_+",
    ],
)  # fmt: skip
def test_another_activation_in_any_notation(define: str) -> None:
    network = OTHERS["tanh"] if "max" not in define and "{0}" in define else OTHERS["relu"]
    own = {unit.output: define.format(unit.sum) for unit in network.units}
    lines = [f"{x} = {own[x]}" if (x := line.partition(" = ")[0]) in own else line for line in forward(CLASS)]
    assert not accused(read([*lines, *chains(network), *gradients(network)]))


@pytest.mark.parametrize(
    "loss", ["|t1 - a_o1| + |t2 - a_o2|", "sqrt((t1 - a_o1)^2)", "1/4*(t1 - a_o1)^4", "huber(t1 - a_o1)"]
)
def test_another_loss(loss: str) -> None:
    lines = [line for line in forward(CLASS) if line[0] != "E"]
    assert not accused(read([*lines, f"E = {loss}", "∂E/∂a_o1 = -1", WRONG_GRADIENT]))


@pytest.mark.parametrize(
    "slips",
    [
        [("* (1 - a_o1)", "")],
        [("* (1 - a_o1)", ""), ("* (1 - a_o2)", "")],
        [("a_h1 * (1 - a_h1)", "(1 - a_h1^2)"), ("a_h2 * (1 - a_h2)", "(1 - a_h2^2)")],
        [("* a_o1 * (1 - a_o1)", ""), ("* a_o2 * (1 - a_o2)", "")],
    ],
)
def test_the_same_slip_in_every_line_is_a_slip_where_the_forward_pass_is_ours(
    slips: list[tuple[str, str]],
) -> None:
    lines = gradients(CLASS)
    for old, new in slips:
        lines = [line.replace(old, new) for line in lines]
    found = read(forward(CLASS) + lines)
    assert not found.other_network
    assert len(accused(found)) >= 2


def test_one_name_too_high_is_a_slip() -> None:
    found = read([*forward(CLASS), *gradients(CLASS)[:7], "∂E/∂w8 = (a_o2 - t2) * a_o2 * (1 - a_o2) * a_h3"])
    assert not found.other_network


RUBRICS = {
    "class": CLASS,
    "biases": AssignedNetwork(bias=Bias.LAYER),
    "tanh": AssignedNetwork(layers=(2, 3, 1), activations=(A.TANH, A.TANH)),
    "softmax": OTHERS["softmax"],
    "relu": OTHERS["relu, then linear"],
    "binary cross-entropy": OTHERS["binary cross-entropy"],
    "mean squared": AssignedNetwork(layers=(2, 2, 3), loss=Loss.MEAN_SQUARED),
}


def of_other_outputs(rubric: AssignedNetwork) -> list[AssignedNetwork]:
    """The rubric's network with every other pair of an output activation and a loss."""
    found = []
    for output in (A.SIGMOID, A.TANH, A.LINEAR, A.SOFTMAX):
        for loss in Loss:
            activations = (*rubric.activations[:-1], output)
            other = msgspec.structs.replace(rubric, activations=activations, loss=loss)
            if not other.faults() and not (output is A.SOFTMAX and loss is not Loss.CROSS_ENTROPY):
                found.append(other)
    return found


@pytest.mark.parametrize("rubric", RUBRICS.values(), ids=RUBRICS)
def test_a_loss_that_no_line_says_is_not_accused(rubric: AssignedNetwork) -> None:
    """`δ_o1 = a_o1 - t1` is right of a cross-entropy, and what follows from it too."""
    for other in of_other_outputs(rubric):
        outputs = len(other.outputs) * (1 + len(other.outputs[0].terms))
        for steps in (gradients(other), deltas(other), deltas(other)[:outputs]):
            with reading_for(rubric):
                assert not accused(read(steps)), other
                if other.activations == rubric.activations:
                    sums = [line for line in forward(other) if line[0] != "E"]
                    assert not accused(read([*sums, *steps])), other


@pytest.mark.parametrize("factor", ["1/2", "2", "1/4"])
def test_a_constant_factor_of_the_loss_that_no_line_says_is_not_accused(factor: str) -> None:
    lines = [line.replace("(a_o", f"{factor} * (a_o", 1) for line in deltas(CLASS)]
    assert len(read(lines).lines) > 8
    assert not accused(read(lines))
    assert not accused(read([*[x for x in forward(CLASS) if x[0] != "E"], *lines]))


@pytest.mark.parametrize(
    "lines",
    [
        [*forward(CLASS), "δ_o1 = a_o1 - t1", "∂E/∂w5 = δ_o1 * a_h1", "∂E/∂w6 = δ_o1 * a_h2"],
        [*forward(CLASS), "∂E/∂w5 = (a_o1 - t1) * a_h1", "∂E/∂w6 = (a_o1 - t1) * a_h2"],
        [*gradients(CLASS)[:4], "δ_o1 = a_o1 - t1", "∂E/∂w5 = δ_o1 * a_h1", "∂E/∂w6 = δ_o1 * a_h2"],
        ["E1 = 1/2*(t1 - a_o1)^2", "∂E/∂w5 = 1/2 * (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"],
    ],
)
def test_a_slip_that_another_line_contradicts_is_a_slip(lines: list[str]) -> None:
    found = read(lines)
    assert not found.other_network
    assert accused(found)


def test_misspelt_lines_that_are_true_of_ours_make_no_other_network() -> None:
    """Two lines without `=` are true once it is put in, of many networks; the document is about ours."""
    found = read(
        ["h1 (w1*i1 + w2*i2)", "h2 (w3*i1 + w4*i2)", "o1 = w5*a_h1 + w6*a_h2", "o2 = w7*a_h1 + w8*a_h2"]
    )
    assert not found.other_network
    assert len(accused(found)) == 2


def test_the_value_of_one_input_is_no_network_with_one_input() -> None:
    """Chains of derivatives name no input; `i1 = 0.05` beside them made the network one with a single input."""
    found = read([*chains(CLASS), "Some fixed inputs are passed, i1 = 0.05"])
    assert found.other_network == ""
    assert not accused(found)
