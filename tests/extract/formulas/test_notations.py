"""Printing a random formula in any notation and reading it again gives the same value."""

import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.backprop.expression import Expr, binary, call, deriv, neg, num, show, sym, symbols
from grader.core.assigned_network import CLASS_NETWORK
from grader.extract.formulas.judging.network import NoValue, close, points
from grader.extract.formulas.reading.parser import parse_all
from grader.extract.formulas.reading.statements import statements
from grader.extract.formulas.reading.vocabulary import tokens

symbol = st.sampled_from(CLASS_NETWORK.quantities).map(sym)
number = st.sampled_from([1.0, 2.0, 3.0, 0.5, 0.25, 10.0]).map(num)


def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(lambda x: binary("^", x, num(2.0)), inner),
        st.builds(neg, inner),
        st.builds(call, st.sampled_from(["sigma", "exp"]), inner),
        st.builds(deriv, symbol, symbol),
    )


expression = st.recursive(st.one_of(symbol, symbol, number), grown, max_leaves=10).filter(
    lambda t: bool(symbols(t))
)


class Notation:
    """Prints with all brackets, so that only the notation is on trial."""

    def __init__(
        self,
        name: Callable[[str], str],
        *,
        ops: dict[str, str],
        square: str,
        sigma: str = "σ(%s)",
        exp: str = "exp(%s)",
        derivative: str = "∂%s/∂%s",
        fraction: str = "(%s)/(%s)",
        minus: str = "-",
        wrap: str = "%s",
        bracket: tuple[str, str] = ("(", ")"),
    ) -> None:
        self.__dict__.update(locals())

    def text(self, t: Expr) -> str:
        if t.head == "num":
            return f"{t.value:g}"
        if t.head == "sym":
            return self.name(t.name)
        if t.head == "deriv":
            return self.derivative % (self.text(t.args[0]), self.text(t.args[1]))
        if t.head == "call":
            return (self.sigma if t.name == "sigma" else self.exp) % self.text(t.args[0])
        if t.head == "neg":
            return f"{self.minus}{self.inner(t.args[0])}"
        if t.head == "^":
            base = self.inner(t.args[0])  # `e^{x}^{2}` is no LaTeX: a power stands in brackets under a power
            return (f"({base})" if base.startswith("e^") else base) + self.square
        if t.head == "/":
            return self.fraction % (self.text(t.args[0]), self.text(t.args[1]))
        return f"{self.inner(t.args[0])}{self.ops[t.head]}{self.inner(t.args[1])}"

    def inner(self, t: Expr) -> str:
        if t.head in ("sym", "call") or (t.head == "num" and t.value >= 0):
            return self.text(t)
        return f"{self.bracket[0]}{self.text(t)}{self.bracket[1]}"


def tex_name(name: str) -> str:
    for lead in ("a_h", "a_o"):
        if name.startswith(lead):
            return f"a_{{{lead[2]}{name[-1]}}}"
    return "E_{total}" if name == "E" else f"{name[0]}_{name[1]}"


def out_name(name: str) -> str:
    return {"E": "E_Total"}.get(name, name.replace("a_", "out_") if name.startswith("a_") else name)


PLAIN = {"+": " + ", "-": " - ", "*": " * "}
NOTATIONS = {
    "plain": Notation(lambda n: n, ops=PLAIN, square="^2"),
    "tight": Notation(lambda n: n.replace("a_", "a"), ops={"+": "+", "-": "-", "*": "*"}, square="**2", derivative="d%s/d%s"),
    "unicode": Notation(
        lambda n: n, ops={"+": " + ", "-": " − ", "*": " × "}, square="²", derivative="𝜕%s/𝜕%s", minus="−"
    ),
    "delta": Notation(lambda n: n.upper() if n[0] in "wE" else n, ops={**PLAIN, "*": "·"}, square="^(2)", derivative="δ%s/δ%s"),
    "code": Notation(
        out_name, ops=PLAIN, square="**2", sigma="sigmoid(%s)", exp="math.exp(%s)", derivative="d%s/d%s", wrap="`%s`"
    ),
    "square brackets": Notation(lambda n: n, ops=PLAIN, square="^2", bracket=("[", "]")),
    "html": Notation(lambda n: n, ops=PLAIN, square="<sup>2</sup>", wrap="%s <br>"),
    "latex": Notation(
        tex_name,
        ops={"+": " + ", "-": " - ", "*": r" \cdot "},
        square="^{2}",
        sigma=r"\sigma(%s)",
        exp="e^{%s}",
        derivative=r"\frac{\partial %s}{\partial %s}",
        fraction=r"\frac{%s}{%s}",
        wrap="$$%s$$",
        bracket=(r"\left(", r"\right)"),
    ),
}  # fmt: skip


def value(t: Expr) -> float:
    try:
        return points()[0].value(t)
    except NoValue:
        assume(False)
        raise


@pytest.mark.parametrize("name", NOTATIONS)
@settings(max_examples=120)
@given(tree=expression)
def test_printed_then_read_gives_the_same_value(name: str, tree: Expr) -> None:
    notation = NOTATIONS[name]
    wanted = value(tree)
    assume(math.isfinite(wanted) and abs(wanted) < 1e60)
    text = notation.wrap % f"{notation.name('E')} = {notation.text(tree)}"
    found = statements(text)
    assert len(found) == 1, text
    read = found[0].sides[1].tree
    assert read is not None, (text, found[0].sides[1].problem)
    assert close(points()[0].value(read), wanted), (text, show(read))


@settings(max_examples=300)
@given(expression)
def test_the_canonical_print_is_read_back(tree: Expr) -> None:
    wanted = value(tree)
    assume(math.isfinite(wanted) and abs(wanted) < 1e60)
    read = parse_all(tokens(show(tree))).tree
    assert close(points()[0].value(read), wanted), show(tree)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("a_01 = σ(o1)", "a_o1 = σ(o1)"),
        ("h1=w1.i1 + w2.i2", "h1 = w1 * i1 + w2 * i2"),
        ("ah1 = sig(h1)", "a_h1 = σ(h1)"),
        ("aH1 = sigmoid(H1)", "a_h1 = σ(h1)"),
        ("a_{h_1} = 1/(1+e^{-h_1})", "a_h1 = 1/(1 + exp(-h1))"),
        (r"$a\_{h1} = \frac{1}{1+e^{-h_{1}}}$", "a_h1 = 1/(1 + exp(-h1))"),
        ("E_T = E1 + E2", "E = E1 + E2"),
        ("E1 = ½ * (t1 - a_o1)²", "E1 = 1/2 * (t1 - a_o1)^2"),
        ("E1 = 1/2(y1 - out_o1)2", "E1 = 1/2 * (t1 - a_o1)^2"),
        ("E1 = 0.5 * (target1 - out_o1)<sup>2</sup>", "E1 = 0.5 * (t1 - a_o1)^2"),
        ("net_h1 = w1 x x1 + w2 x x2", "h1 = w1 * i1 + w2 * i2"),
        ("h1 = w1i1 + w2i2", "h1 = w1 * i1 + w2 * i2"),
        ("dw5 = (a_o1-t1)*a_o1*(1-a_o1)*a_h1", "∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"),
        ("dE_dw5 = dE_do1 * do1_dw5", "∂E/∂w5 = ∂E/∂o1 * ∂o1/∂w5"),
        ("dE_by_dw5 = dE_by_do1 * do1_by_dw5", "∂E/∂w5 = ∂E/∂o1 * ∂o1/∂w5"),
        ("delE_by_delw5 = dE_wrt_o1 * a_h1", "∂E/∂w5 = ∂E/∂o1 * a_h1"),
        ("del_E_total_del_w5 = (a_o1 - t1) * a_h1", "∂E/∂w5 = (a_o1 - t1) * a_h1"),
        ("del_E/del_w5 = del_E/del_o1 * del_o1/del_w5", "∂E/∂w5 = ∂E/∂o1 * ∂o1/∂w5"),
        ("dou E / dou w5 = dou E1 / dou w5", "∂E/∂w5 = ∂E1/∂w5"),
        ("dE by dw5 = dE1 by dw5", "∂E/∂w5 = ∂E1/∂w5"),
        ("h1_out = sigmoid(h1_net)", "a_h1 = σ(h1)"),
        ("H2_Out = sigmoid(h2)", "a_h2 = σ(h2)"),
        ("o1_in = w5*h1_output + w6*h2_activation", "o1 = w5 * a_h1 + w6 * a_h2"),
        ("E1 = 0.5 * (y1 - y1_hat)^2", "E1 = 0.5 * (t1 - a_o1)^2"),
        ("𝟃E/𝟃w5 = 𝟃E1/𝟃w5", "∂E/∂w5 = ∂E1/∂w5"),
        ("ðE/ðw5 = ðE1/ðw5", "∂E/∂w5 = ∂E1/∂w5"),
        ("(∂E1+∂E2)/∂w5 = ∂E1/∂w5", "∂(E1 + E2)/∂w5 = ∂E1/∂w5"),
        ("∂/∂w5 (E1 + E2) = ∂E1/∂w5", "∂(E1 + E2)/∂w5 = ∂E1/∂w5"),
        ("w5 = w5 - lr * dE/dw5", "w5 = w5 - η * ∂E/∂w5"),
        ("w1_new = w1_old - α*∂E_t/∂w1", "w1 = w1 - η * ∂E/∂w1"),
        ("$$w_5^{+} = w_5 - \\eta \\frac{\\partial E}{\\partial w_5}$$", "w5 = w5 - η * ∂E/∂w5"),
        ("3. **∂E/∂w5 = ∂E1/∂w5**  ---- (1)", "∂E/∂w5 = ∂E1/∂w5"),
        ("∂E/∂w5 = ∂E1/∂w5   [as E2 does not depend on w5]", "∂E/∂w5 = ∂E1/∂w5"),
        ("| h1 = w1*i1 + w2*i2 | the first sum |", "h1 = w1 * i1 + w2 * i2"),
        ("E1 = a_h1 * *2", "E1 = a_h1^2"),
        (
            "![f](https://render.githubusercontent.com/render/math?math=h_1%20%3D%20w_1%2Ai_1%20%2B%20w_2%2Ai_2)",
            "h1 = w1 * i1 + w2 * i2",
        ),
        (
            '<img src="https://latex.codecogs.com/svg.latex?x" title="E_{total}=\\frac{E_1}{1}&plus;E_2" />',
            "E = E1/1 + E2",
        ),
        ("![f](https://latex.codecogs.com/svg.latex?E_{total}=E_1&plus;E_2)", "E = E1 + E2"),
        ("E1 = (1/2) * (t1 - a_o1)^2  [Error-1]", "E1 = 1/2 * (t1 - a_o1)^2"),
        ("E = E1 + E2 (equation 7)", "E = E1 + E2"),
        (r"$a_{h1} = \frac{1}{1+exp^{-h_1}}$", "a_h1 = 1/(1 + exp(-h1))"),
        (r"$W_{i}^{k+1} = W_{i}^{k} - \eta \frac{\partial E}{\partial W_{i}^{k}}$", "w = w - η * ∂E/∂w"),
        ("w5^{(t+1)} = w5^{(t)} - η * ∂E/∂w5^{(t)}", "w5 = w5 - η * ∂E/∂w5"),
        ("new_weight = old_weight - (learning rate x weight's gradient)", "w = w - η * ∂E/∂w"),
        ("Updated weights = weights - learning rate * gradients of the weights", "w = w - η * ∂E/∂w"),
        (
            "They are adjusted by - new weight = existing weight - (learning rate) * partial derivative of the loss",
            "w = w - η * ∂E/∂w",
        ),
        ("`w3_updated` = `w3` - learning_rate * gradient for w3", "w3 = w3 - η * ∂E/∂w3"),
        ("weight_new = weight_old - (lr x ∂E/∂weight_old)", "w = w - η * ∂E/∂w"),
        ("`new_wi = old_wi - η * ∂E_total/∂wi`", "w = w - η * ∂E/∂w"),
        ("new_w3 = old_w3 - lr * ∂E_total/∂w3", "w3 = w3 - η * ∂E/∂w3"),
        ("new_w3 is the weight of the next iteration", None),
        ("the loss of output a_o2 = E2 = ½ (t2 - a_o2)²", "E2 = 1/2 * (t2 - a_o2)^2"),
        (
            "w6: **(out_o1 - t1)*out_o1*(1 - out_o1)*out_h2**",
            "∂E/∂w6 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h2",
        ),
        ("w6: the weight between h2 and o1", None),
        ("a_h1 = σ(h1) = 1/(1+e-h1)", "a_h1 = σ(h1) = 1/(1 + exp(-h1))"),
        ("∂a_o1/∂o1 = σ1(o1) * (1 - σ1(o1))", "∂a_o1/∂o1 = σ(o1) * (1 - σ(o1))"),
        (r"$\frac{\partial E~Total}{\partial w_5} = \frac{\partial E_1}{\partial w_5}$", "∂E/∂w5 = ∂E1/∂w5"),
        (r"$a~o_1 = \sigma(o_1)$", "a_o1 = σ(o1)"),
        (r"$x~=~3$", None),
        ("$$ h1 = i1 _ w1 + i2 _ w2 $$", "h1 = i1 * w1 + i2 * w2"),
        (
            r"∂w7 = (a_02 - t2) \* a_o2 \* (1 - a_o2) \*  a_h1*<br>",
            "∂E/∂w7 = (a_o2 - t2) * a_o2 * (1 - a_o2) * a_h1",
        ),
        (r"*h1 = w1\*i1 + w2\*i2*<br>", "h1 = w1 * i1 + w2 * i2"),
        ("a_h1 = s(h1) = 1/(1+exp(-h1))", "a_h1 = σ(h1) = 1/(1 + exp(-h1))"),
        ("a_o2 = S( o_2 )", "a_o2 = σ(o2)"),
        ("a_h1 = s(h1 + 1)", None),  # what s is was not said
        ("prose without any formula", None),
        ("learning rate = 0.5, epochs = 20", "η = 0.5"),
    ],
)
def test_spellings(text: str, reading: str | None) -> None:
    found = [" = ".join(show(t) for t in s.trees) for s in statements(text) if len(s.trees) > 1]
    assert found == ([reading] if reading else [])


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        (
            (
                r"$$\begin{bmatrix} \frac{\partial E}{\partial w_5} \\ \frac{\partial E}{\partial w_7} \end{bmatrix} = "
                r"\begin{bmatrix} (a_{o1}-t_1) a_{h1} \\ (a_{o2}-t_2) a_{h1} \end{bmatrix}$$"
            ),
            ["∂E/∂w5 = (a_o1 - t1) * a_h1", "∂E/∂w7 = (a_o2 - t2) * a_h1"],
        ),
        (
            r"$\left[\begin{array}{cc} h_1 & h_2 \end{array}\right] = \left[\begin{array}{cc} w_1 i_1 & w_4 i_2 \end{array}\right]$",
            ["h1 = w1 * i1", "h2 = w4 * i2"],
        ),
        (
            (
                r"$$\begin{pmatrix} h_1 \\ h_2 \end{pmatrix} = \begin{pmatrix} w_1 & w_2 \\ w_3 & w_4 \end{pmatrix} "
                r"\begin{pmatrix} i_1 \\ i_2 \end{pmatrix}$$"
            ),
            [],
        ),
        (
            (
                r"$$\begin{bmatrix} \frac{\partial E}{\partial w_5} \\ \frac{\partial E}{\partial w_6} \end{bmatrix} = "
                r"(a_{o1}-t_1) \begin{bmatrix} a_{h1} \\ a_{h2} \end{bmatrix}$$"
            ),
            [],
        ),
    ],
)
def test_matrices_are_read_by_entry_and_rows_of_a_product_state_nothing(
    text: str, readings: list[str]
) -> None:
    assert [" = ".join(show(t) for t in s.trees) for s in statements(text)] == readings


@pytest.mark.parametrize(
    "text",
    [
        r"$\frac{\partial E}{\partial w_1} = \{ (a\_o_1-t_1) * W_5 + (a\_o_2-t_2) * W_7 \} * i_1$",
        r"$$\frac{\partial E}{\partial w_1} = \lbrace (a_{o1}-t_1) w_5 + (a_{o2}-t_2) w_7 \rbrace i_1$$",
        r"$\boxed{\frac{\partial(E)}{\partial(W_1)} = \left\{(a_{o1}-t_1) w_5+(a_{o2}-t_2) w_7 \right\} i_1}$",
        r"$$\frac{\partial E}{\partial w_1} = \frac{ \{ (a_{o1}-t_1) w_5 + (a_{o2}-t_2) w_7 \} i_1}{1}$$",
    ],
)
def test_braces_that_are_shown_group_as_brackets_do(text: str) -> None:
    (found,) = [[show(t) for t in s.trees] for s in statements(text) if len(s.trees) > 1]
    assert found[0] == "∂E/∂w1"
    assert found[1].removesuffix("/1") == "((a_o1 - t1) * w5 + (a_o2 - t2) * w7) * i1"


def test_two_formulas_in_italics_are_two() -> None:
    found = [" = ".join(show(t) for t in s.trees) for s in statements("  - *a_h1 = σ(h1)* & *a_h2 = σ(h2)*")]
    assert found == ["a_h1 = σ(h1)", "a_h2 = σ(h2)"]


def test_formulas_side_by_side_are_two_and_wide_spacing_inside_one_is_not() -> None:
    two = "H1 = W1*I1 + W2*I2\t\t\t\t\t\tO1 = W5*A_H1 + W6*A_H2"
    found = [" = ".join(show(t) for t in s.trees) for s in statements(two)]
    assert found == ["h1 = w1 * i1 + w2 * i2", "o1 = w5 * a_h1 + w6 * a_h2"]
    one = "∂E/∂w5 =\t\t∂E1/∂w5     *     1\t\t\t\t=\t\t∂E1/∂w5"
    assert len(statements(one)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "stem:[(del E)/(del w_5) = (a_(o1) - t_1) a_(o1) (1 - a_(o1)) a_(h1)]",
        "stem:[(delE)/(delw_5) = (a_(o1) - t_1) a_(o1) (1 - a_(o1)) a_(h1)]",
        "asciimath:[(partial E)/(partial w_5) = (a_(o1) - t_1) * a_(o1) * (1 - a_(o1)) * a_(h1)]",
        r"latexmath:[\frac{\partial E}{\partial w_5} = (a_{o1} - t_1) a_{o1} (1 - a_{o1}) a_{h1}]",
    ],
)
def test_formulas_of_asciidoc_are_read(text: str) -> None:
    found = statements(text)
    assert [[show(t) for t in s.trees] for s in found] == [
        ["∂E/∂w5", "(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1"]
    ]
