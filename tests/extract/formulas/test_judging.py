"""Right, wrong, typo or unsure; the repair that is named; conventions; never an accusation of what was not read."""

import msgspec
import pytest

from grader.core.evidence.formulas import DocumentFormulas, FormulaKind, FormulaLine, FormulaVerdict
from grader.extract.documents.markdown import markdown_lines
from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.judging import judge
from grader.extract.formulas.repair.diagnose import explain

O1 = "(a_o1 - t1) * a_o1 * (1 - a_o1)"
O2 = "(a_o2 - t2) * a_o2 * (1 - a_o2)"
FORWARD = """E1 = 1/2 * (t1 - a_o1)^2
h1 = w1*i1 + w2*i2
h2 = w3*i1 + w4*i2
a_h1 = σ(h1)
a_h2 = σ(h2)
o1 = w5*a_h1 + w6*a_h2
o2 = w7*a_h1 + w8*a_h2
"""


def read(text: str) -> DocumentFormulas:
    return read_document(markdown_lines(text, "x.md"), "x.md")


def only(text: str, context: str = "") -> FormulaLine:
    return read(context + text).lines[-1]


@pytest.mark.parametrize(
    ("line", "diagnosis", "marked", "should_be"),
    [
        ("∂E/∂w7 = ∂E2/∂a_o2 * ∂a_o2/∂o2 * ∂o1/∂w7", "index-swapped", "∂o1/∂w7", "∂o2/∂w7"),
        ("dE_total/dw5 = d(E1 + E1)/dw5", "index-swapped", "d(E1 + E1)/dw5", "∂(E1 + E2)/∂w5"),
        (f"∂E/∂w6 = {O1} * a_h1", "index-swapped", "a_h1", "a_h2"),
        (f"∂E/∂w5 = {O1} * h1", "activation-confused", "h1", "a_h1"),
        ("h2 = w3*i1 + w2*i2", "wrong-weight", "w2", "w4"),
        ("∂E/∂a_o1 = t1 - a_o1", "sign", "t1 - a_o1", "a_o1 - t1"),
        (f"∂E/∂w5 = {O1[:-len(' * (1 - a_o1)')]} * a_h1", "factor-missing", "", ""),
        (f"∂E/∂w5 = 2 * {O1} * a_h1", "extra-factor", "", ""),
        ("∂E/∂w5 = a_o1 - t1 * a_o1 * (1 - a_o1) * a_h1", "brackets", "", ""),
        (f"∂E/∂w1 = {O1} * w5 + {O2} * w7 * a_h1 * (1 - a_h1) * i1", "brackets", "", ""),
        ("a_h1 = 1/1 + exp(-h1)", "brackets", "", "1/(1 + exp(-h1))"),
        ("a_h1 = 1/(1 + exp(h1))", "exponent-sign", "exp(h1)", "exp(-h1)"),
        ("h1 = w1*i1 + w2 + i2", "plus-for-times", "", ""),
        ("E2 = 1/2 * (t2 - a_o2)^3", "wrong-exponent", "3", "2"),
        ("E1 = 1/2 * (t1 - a_o2)^2", "index-swapped", "a_o2", "a_o1"),
        ("E2 = 1/2 * (t1 - a_o1)^2", "copied-line", "", ""),
        ("w8 = w6 - η * ∂E/∂w6", "copied-line", "", ""),
        ("∂E/∂w1 = ∂E/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂a_h1 * ∂a_h1/∂h1 * ∂h1/∂w1", "path-missing", "", ""),
        ("∂E1/∂a_h1 = ∂E1/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂w5 * ∂w5/∂a_h1", "step-off-path", "", ""),
    ],
)  # fmt: skip
def test_wrong_lines_are_explained(line: str, diagnosis: str, marked: str, should_be: str) -> None:
    found = only(line, FORWARD)
    assert found.verdict is FormulaVerdict.WRONG
    assert found.repairs[0].diagnosis == diagnosis, found.repairs
    assert found.expected == found.repairs[0].line
    assert found.marked in line
    if marked:
        assert found.marked.strip("()") == marked.strip("()")
    if should_be:
        assert found.repairs[0].should_be == should_be


def test_a_mistake_that_a_classmate_made_before_is_explained_as_the_first_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = f"∂E/∂w6 = {O1} * 1 * a_h1"  # one that no other test has
    asked: list[object] = []
    monkeypatch.setattr(judge, "explain", lambda *given: asked.append(given) or explain(*given))
    first, again = read(FORWARD + line).lines[-1], read(f"# Mine\n\n{FORWARD}{line}").lines[-1]
    assert len(asked) == 1
    assert again.repairs
    assert msgspec.structs.replace(again, place=first.place) == first
    beside = only(line, f"{FORWARD}∂E/∂w5 = {O1} * a_h1\n")  # what else is stated says which side is believed
    assert len(asked) == 2
    assert beside.marked == first.marked


@pytest.mark.parametrize("repair", range(3))
def test_every_repair_makes_the_line_true(repair: int) -> None:
    found = only(f"∂E/∂w6 = {O1} * a_h1")
    if repair < len(found.repairs):
        assert only(found.repairs[repair].line).verdict is FormulaVerdict.RIGHT


@pytest.mark.parametrize(
    ("line", "diagnosis", "should_be"),
    [
        ("∂E/∂a_h1 = ∂E1/∂a_ah1 + ∂E2/∂a_h1", "unknown-name", "a_h1"),
        (f"∂E/∂w5 = {O1.replace('a_o1 *', 'ao_o1 *')} * a_h1", "unknown-name", "a_o1"),
        (f"∂E/∂w1 = {O1} * w5 + {O2} * w7) * a_h1 * (1 - a_h1) * i1", "bracket-missing", "("),
        ("E_total E1 + E2", "equals-missing", ""),
        (f"∂E/∂w5({O1[1:10]}) * a_o1 * (1 - a_o1) * a_h1", "equals-missing", ""),
        ("do1/dw5 = d(a_h1*dw5)/dw5 + d(a_h2*w6)/dw5", "d-inside", ""),
    ],
)
def test_slips_of_typing_are_typos(line: str, diagnosis: str, should_be: str) -> None:
    found = only(line)
    assert found.verdict is FormulaVerdict.TYPO
    assert found.repairs[0].diagnosis == diagnosis
    assert found.repairs[0].should_be == should_be


def test_a_misspelt_name_and_a_wrong_index_are_both_told() -> None:
    found = only(f"∂E/∂w6 = {O1.replace('a_o1 *', 'ao_o1 *')} * a_h1")
    assert found.verdict is FormulaVerdict.WRONG
    assert "unknown name ao_o1" in found.repair_sentence


def test_a_slip_all_over_a_line_names_the_symbol_and_not_the_whole_side() -> None:
    for name in ("a_o1", "ao_o1"):
        text = f"∂E/∂w3 = ((a_o1-t1) * {name}*(1-a_o1) * w6 + (a_o2-t2) * a_o2*(1-a_o2) * w8) * a_h1*(1-a_h1) * i1"
        found = only(text)
        assert found.marked == "a_h1"
        assert found.repair_sentence.endswith("you wrote a_h1, it should be a_h2")


@pytest.mark.parametrize(
    "line",
    [
        "net_h1 = w1*i1 + w2*i2 + b1",
        "∂E/∂w1 = ((a_o1 - t1) * a_o1",
        "∂E/∂w5 = (a_o1 - t1) * a_o1 * whatever(a_h1)",
        "E = sum over k of 1/2 (t_k - a_ok)^2 + E1*E2",
        "∂E/∂w1 = ∂E/∂w2, ∂E/∂w3",
        "∂E/∂w1 = 2 * w1, see w2 above",
        "w5: (a_o1 - t1) * a_o1 * a_h1",
    ],
)
def test_what_was_not_read_to_its_end_is_never_wrong(line: str) -> None:
    assert {x.verdict for x in read(FORWARD + line).lines[7:]} <= {FormulaVerdict.UNSURE}


@pytest.mark.parametrize(
    "line",
    [
        "w1 = 0.15, w2 = 0.20",
        "w1 = w2 = w_tied",
        "the network should answer `a_o1` = `t1`",
        "E = 0.2425",
        "∂E/∂w1 = ?",
        "h1 = 0.15 * 0.05 + 0.2 * 0.1 = 0.0275",
        "Epoch 3: loss = 0.25, accuracy = 99.4",
        "the total loss E = how far we are from the target",
        "nn.Conv2d(1, 8, kernel_size=3, padding=1)",
    ],
)
def test_values_goals_and_prose_are_not_judged(line: str) -> None:
    assert read(line).lines == ()


def test_the_class_sheet_line_that_is_true_with_a_wrong_link() -> None:
    found = only("∂E/∂w7 = ∂E2/∂a_o2 * ∂a_o2/∂o2 * ∂o1/∂w5")
    assert found.verdict is FormulaVerdict.RIGHT
    assert found.mislinked
    bridged = only("∂E/∂w1 = ∂E/∂a_h1 * a_h1*(1 - a_h1) * ∂h1/∂w1")
    assert not bridged.mislinked


def test_left_side_is_doubted_when_it_was_derived_before() -> None:
    chain = "∂E/∂w{} = ∂E/∂a_h2 * ∂a_h2/∂h2 * ∂h2/∂w{}\n"
    found = only(chain.format(3, 4), chain.format(3, 3))
    assert found.repairs[0].should_be == "∂E/∂w4"
    fresh = only(chain.format(3, 4))
    assert fresh.repairs[0].should_be == "∂h2/∂w3"


def test_continuation_and_wrapped_lines() -> None:
    text = f"∂E/∂w5 = ∂E1/∂w5\n       = ∂E1/∂a_o1 * ∂a_o1/∂w5\n       = {O1} * a_h2\n∂E/∂w1 = ({O1} * w5 +\n  {O2} * w7) * a_h1 * (1 - a_h1) * i1"
    lines = read(text).lines
    assert [x.verdict.value for x in lines] == ["right", "right", "wrong", "right"]
    assert lines[2].states == "∂E/∂w5"
    assert lines[3].kind is FormulaKind.FINAL


def test_a_continuation_of_an_unbalanced_left_side_is_not_accused() -> None:
    text = "∂( 1 / (1 + exp(-o1) ) / ∂o1  = ∂ ( (1 + exp(-o1))^ -1) / ∂o1\n\n= 1/(1+exp(-o1)) * exp(-o1) / (1+exp(-o1))"
    assert "wrong" not in {x.verdict.value for x in read(FORWARD + text).lines}


def test_a_term_that_is_too_many_is_struck_out_and_not_turned_into_nothing() -> None:
    for line in (f"∂E1/∂a_h1 = {O1} * w5 + {O2} * w7", f"∂E/∂o1 = {O1} + {O2}"):
        found = only(line, FORWARD)
        assert found.repairs[0].diagnosis == "extra-term"
        assert "t2 - t2" not in found.expected
        assert "a_o2 - a_o2" not in found.expected


def test_a_continuation_after_prose_is_not_accused() -> None:
    text = f"∂E/∂w5 = ∂E1/∂w5\nNow to something else entirely:\n = {O1} * a_h2"
    assert [x.verdict.value for x in read(text).lines] == ["right", "unsure"]


def test_conventions_are_voted_and_shown() -> None:
    other = "h1 = w1*i1 + w3*i2\nh2 = w2*i1 + w4*i2\no1 = w5*a_h1 + w7*a_h2\no2 = w6*a_h1 + w8*a_h2\n"
    found = read(other + f"∂E/∂w7 = {O1} * a_h2")
    assert {x.verdict.value for x in found.lines} == {"right"}
    assert (
        str(found.convention)
        == "hidden weights numbered the other way round, output weights numbered the other way round"
    )
    no_half = read("E1 = (t1 - a_o1)^2\nE2 = (t2 - a_o2)^2\n∂E1/∂a_o1 = 2 * (a_o1 - t1)")
    assert not no_half.convention.half
    assert {x.verdict.value for x in no_half.lines} == {"right"}


def test_one_slip_does_not_change_the_convention() -> None:
    found = read(FORWARD.replace("w2*i2", "w3*i2"))
    assert found.convention.standard
    assert [x.verdict.value for x in found.lines].count("wrong") == 1


def test_networks_whose_h1_is_the_activation() -> None:
    text = "h1 = σ(w1*i1 + w2*i2)\nh2 = σ(w3*i1 + w4*i2)\no1 = σ(w5*h1 + w6*h2)\n∂E/∂w5 = (o1 - t1)*o1*(1 - o1)*h1\n"
    found = read(text)
    assert found.convention.plain_is_activated
    assert {x.verdict.value for x in found.lines} == {"right"}
    named = read("net_h1 = w1*i1 + w2*i2\nh1 = σ(net_h1)")
    assert {x.verdict.value for x in named.lines} == {"right"}


def test_kinds_gradients_and_updates() -> None:
    lines = read(f"E = E1 + E2\n∂E1/∂w5 = {O1} * a_h1\nwi = wi - η * ∂E/∂wi\nΔw3 = -η * ∂E/∂w3").lines
    assert [x.kind.value for x in lines] == ["loss", "chain", "update", "update"]
    assert lines[1].gradients == ("w5",)
    assert len(lines[2].updates) == 8
    assert lines[3].updates == ("w3",)
    assert {x.verdict.value for x in lines} == {"right"}


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("w1 = w1 - 0.5 * ∂E/∂w1", "right"),
        ("w1 = w1 - ∂E/∂w1", "wrong"),
        ("w1 = w1 - 0.5 * ∂E/∂w2", "wrong"),
        ("w1 = w1 + 0.5 * ∂E/∂w1", "wrong"),
        ("w = w - lr * dw", "right"),
    ],
)
def test_update_rules_with_a_number_for_the_rate(line: str, verdict: str) -> None:
    assert only(line).verdict.value == verdict


def test_a_part_of_the_loss_does_not_give_a_gradient_of_the_first_layer() -> None:
    assert only("∂E1/∂w1 = ∂E1/∂a_h1 * ∂a_h1/∂h1 * i1").gradients == ()


def test_a_wrong_step_before_a_right_result() -> None:
    found = only(f"∂E/∂w5 = ∂E1/∂a_o1 * ∂a_o2/∂o2 * ∂o1/∂w5 = {O1} * a_h1")
    assert found.verdict is FormulaVerdict.WRONG
    assert found.result_right


@pytest.mark.parametrize(
    ("text", "eaten"),
    [
        ("h1 = w1*i1 + w2*i2", True),
        ("`h1 = w1*i1 + w2*i2`", False),
        ("```\nh1 = w1*i1 + w2*i2\n```", False),
        ("h1 = w1 * i1 + w2 * i2", False),
        (r"h1 = w1\*i1 + w2\*i2", False),
        ("**h1 = w1 * i1 + w2 * i2**", False),
    ],
)
def test_stars_that_markdown_eats(text: str, eaten: bool) -> None:
    line = read(text).lines[0]
    assert line.verdict is FormulaVerdict.RIGHT
    assert any(r.code == "renders-wrongly" for r in line.remarks) is eaten


def test_reading_is_deterministic() -> None:
    text = FORWARD + f"∂E/∂w6 = {O1} * a_h1\n∂E/∂w3 = {O2} * w8 * i1"
    assert read(text) == read(text)


@pytest.mark.parametrize("line", ["w5 = w5 - Δw5", "w = w - ∆w", r"$$w_{ji} := w_{ji} - \Delta w_{ji}$$"])
def test_a_step_may_hold_the_learning_rate(line: str) -> None:
    """`w - Δw` was called wrong for want of η, which Δw has in it."""
    assert only(line, FORWARD).verdict is FormulaVerdict.UNSURE


@pytest.mark.parametrize("line", ["w5 = w5 - dw5", "w5 = w5 - ∂E/∂w5", "w5 = w5 - ΔE/Δw5"])
def test_an_update_by_the_gradient_alone_lacks_its_rate(line: str) -> None:
    assert only(line, FORWARD).verdict is FormulaVerdict.WRONG


@pytest.mark.parametrize(
    "line",
    [
        r"$$E_{o1} = \frac{1}{2}\|target_{o1}-out_{o1}\|^2$$",
        r"$$E_1 = \frac{1}{2}\lVert t_1 - a_{o1}\rVert^{2}$$",
    ],
)
def test_the_squared_norm_of_one_number_is_its_square(line: str) -> None:
    """It was taken for another loss, and with it the whole document."""
    found = read(FORWARD.split("\n", 1)[1] + line)
    assert found.lines[-1].verdict is FormulaVerdict.RIGHT
    assert found.lines[0].verdict is FormulaVerdict.RIGHT


def test_an_absolute_error_is_another_loss() -> None:
    found = read(FORWARD.split("\n", 1)[1] + "E1 = |t1 - a_o1|")
    assert {line.verdict for line in found.lines} == {FormulaVerdict.UNSURE}


def test_alpha_above_and_below_a_line_is_no_learning_rate() -> None:
    """`\\frac{\\alpha E}{\\alpha w_5}` was read as η·E/(η·w5), and the update with it was called wrong."""
    lines = (
        r"$$\frac{\alpha{E_{total}}}{\alpha{w_5}} = (out_{o1} - t_1) \cdot out_{o1}(1 - out_{o1}) \cdot out_{h1}$$",
        r"$w_5 = w_5 - \eta*\frac{\alpha{E_{total}}}{\alpha{w_5}}$",
        r"$$w_6 = w_6 - \alpha \frac{\partial E}{\partial w_6}$$",
    )
    found = read(FORWARD + "\n\n".join(lines)).lines[-3:]
    assert [line.verdict for line in found] == [FormulaVerdict.RIGHT] * 3
