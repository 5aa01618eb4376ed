"""A table that trains another network than the rubric's is nobody's mistake; a slip in ours still is one."""

import io

import openpyxl
import pytest

from grader.core.assigned_network import Activation, AssignedNetwork, Bias, Loss
from grader.core.facts.replay import BookFacts, BookVerdict, Severity, State
from grader.core.rubric import Profile
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.workbook.child import read
from tests.execute.replay.sheets import AT, HEADER, replayed, workbook
from tests.generate.sheet import table

A = Activation
CLASS = AssignedNetwork()
OTHERS = {
    "3 inputs": AssignedNetwork(layers=(3, 2, 2)),
    "one input": AssignedNetwork(layers=(1, 2, 2)),
    "3 hidden neurons": AssignedNetwork(layers=(2, 3, 2)),
    "one hidden neuron": AssignedNetwork(layers=(2, 1, 2)),
    "3 outputs": AssignedNetwork(layers=(2, 2, 3)),
    "one output": AssignedNetwork(layers=(2, 2, 1)),
    "4 hidden neurons": AssignedNetwork(layers=(2, 2, 2, 2), activations=(A.SIGMOID,) * 3),
    "biases": AssignedNetwork(bias=Bias.LAYER),
    "tanh for an activation": AssignedNetwork(activations=(A.TANH, A.TANH)),
    "relu for an activation": AssignedNetwork(activations=(A.RELU, A.SIGMOID)),
    "linear for an activation": AssignedNetwork(activations=(A.SIGMOID, A.LINEAR)),
    "softmax for an activation": AssignedNetwork(activations=(A.SIGMOID, A.SOFTMAX), loss=Loss.CROSS_ENTROPY),
    "another loss": AssignedNetwork(loss=Loss.CROSS_ENTROPY),
}


def accused(book: BookFacts) -> list[str]:
    return [fault.message for fault in book.faults if fault.severity is Severity.FAIL]


@pytest.mark.parametrize("told", OTHERS)
def test_a_table_of_another_network_is_for_a_person(told: str) -> None:
    book = replayed(table(OTHERS[told], rows=12))
    assert book.verdict is BookVerdict.UNKNOWN
    assert not accused(book)
    assert "another network" in book.problem
    assert told in book.problem


@pytest.mark.parametrize(
    "changed",
    [
        {"h1": "w1*i1+w2*i2+$K$1", "h2": "w3*i1+w4*i2+$K$1"},
        {"h1": "w1*i1+w2*i2+0.35", "h2": "w3*i1+w4*i2+0.35"},
        {"a_h1": "(EXP(h1)-EXP(-h1))/(EXP(h1)+EXP(-h1))", "a_h2": "(EXP(h2)-EXP(-h2))/(EXP(h2)+EXP(-h2))"},
        {"a_h1": "IF(h1>0,h1,0)", "a_h2": "IF(h2>0,h2,0)"},
        {"a_h1": "IF(h1>0,h1,0.01*h1)", "a_h2": "IF(h2>0,h2,0.01*h2)"},
        {"a_o1": "EXP(o1)/(EXP(o1)+EXP(o2))", "a_o2": "EXP(o2)/(EXP(o1)+EXP(o2))"},
        {"E1": "ABS(t1-a_o1)", "E2": "ABS(t2-a_o2)"},
        {"E1": "-t1*LN(a_o1)", "E2": "-t2*LN(a_o2)"},
        {"E1": "(t1-a_o1)^4", "E2": "(t2-a_o2)^4"},
    ],
)
def test_however_its_forward_pass_is_written(changed: dict[str, str]) -> None:
    gradient = {"dw5": "(a_o1-t1)*a_h1", "dw1": "(a_o1-t1)*w5*i1"}
    book = replayed(table(CLASS, rows=12, changed={**changed, **gradient}))
    assert not accused(book)
    assert "another network" in book.problem


@pytest.mark.parametrize(
    "changed",
    [
        {"a_h1": "TANH(h1)"},
        {"h1": "w1*i1+w2*i2+0.35"},
        {"E1": "ABS(t1-a_o1)"},
        {"a_h1": "1/1+EXP(-h1)", "a_h2": "1/1+EXP(-h2)"},
        {"a_h1": "1/(1+EXP(h1))", "a_h2": "1/(1+EXP(h2))"},
        {"E1": "(t1-a_o1)^2", "E2": "(t2-a_o2)^2"},
        {"h1": "w1*i1+w2*i1", "h2": "w3*i1+w4*i1"},
        {"dw1": "TANH(h1)", "dw2": "TANH(h1)"},
    ],
)
def test_a_slip_in_our_network_is_a_slip(changed: dict[str, str]) -> None:
    assert accused(replayed(table(CLASS, rows=12, changed=changed)))


def test_a_helper_called_b_is_no_bias() -> None:
    """Shared factors of the gradients in columns A, B, C and D; the one of w3 and w4 has a slip."""

    def helpers(book: openpyxl.Workbook, own: str) -> None:
        sheet = book.active
        assert sheet is not None
        last = sheet.max_column
        for k, (letter, x, y, a) in enumerate((("A", 5, 7, "a_h1"), ("B", 6, 8, own)), 1):
            sheet.cell(HEADER, last + k, letter)
            for r in range(HEADER + 1, HEADER + 13):
                c = {name: f"{AT[name]}{r}" for name in AT}
                first, second = (
                    f"({c[f'a_o{n}']}-{c[f't{n}']})*{c[f'a_o{n}']}*(1-{c[f'a_o{n}']})" for n in (1, 2)
                )
                both = f"({first}*{c[f'w{x}']}+{second}*{c[f'w{y}']})"
                helper = sheet.cell(r, last + k, f"={both}*{c[a]}*(1-{c[a]})").coordinate
                for w, i in ((2 * k - 1, "i1"), (2 * k, "i2")):
                    sheet[c[f"∂E/∂w{w}"]] = f"={helper}*{c[i]}"

    assert replayed(workbook(edit=lambda book: helpers(book, "a_h2"))).verdict is BookVerdict.CORRECT
    slipped = replayed(workbook(edit=lambda book: helpers(book, "a_h1")))
    assert "another network" not in slipped.problem
    assert slipped.verdict is BookVerdict.WRONG
    assert slipped.tables[0].state("dw1") is State.RIGHT
    assert slipped.tables[0].state("dw3") is State.WRONG


@pytest.mark.parametrize("typed", ["", "="])
@pytest.mark.parametrize("letter", ["B", "b", "bias"])
def test_a_typed_column_called_b_is_a_bias(letter: str, typed: str) -> None:
    """A number that is typed as a formula, `=0.35`, is no calculation."""
    network = AssignedNetwork(bias=Bias.LAYER)
    read_back = openpyxl.load_workbook(io.BytesIO(table(network, rows=12)))
    sheet = read_back.active
    assert sheet is not None
    for head in sheet[4]:
        if head.value in ("b1", "b2"):
            head.value = letter
            first = sheet.cell(5, head.column)
            first.value = f"{typed}{first.value}" if isinstance(first.value, float) and typed else first.value
    buffer = io.BytesIO()
    read_back.save(buffer)
    book = replayed(buffer.getvalue())
    assert not accused(book)
    assert "biases" in book.problem


@pytest.mark.parametrize("trained", [True, False])
def test_a_table_that_trains_biases_where_the_rubric_does_not_is_for_a_person(*, trained: bool) -> None:
    """Two right columns of biases were called wrong, in a sheet of which all else is right."""
    network = AssignedNetwork(bias=Bias.LAYER, train_biases=not trained)
    values = Profile(network=network, biases=(0.35, 0.6))
    book = replay_book(read(table(network, rows=12, train_biases=trained), "book.xlsx"), values)
    assert not accused(book)
    assert book.verdict is BookVerdict.UNKNOWN
    assert ("trained biases" if trained else "not trained") in book.problem


@pytest.mark.parametrize("trained", [True, False])
def test_a_table_that_treats_biases_as_the_rubric_does_is_judged(*, trained: bool) -> None:
    network = AssignedNetwork(bias=Bias.LAYER, train_biases=trained)
    values = Profile(network=network, biases=(0.35, 0.6))
    right = replay_book(read(table(network, rows=12, train_biases=trained), "book.xlsx"), values)
    assert right.verdict is BookVerdict.CORRECT
    slip = table(network, rows=12, train_biases=trained, changed={"h1": "w1*i1+w2*i1+b1"})
    assert accused(replay_book(read(slip, "book.xlsx"), values))
