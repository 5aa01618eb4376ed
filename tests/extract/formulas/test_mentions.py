"""What could hold a formula though it was not read: nothing of it may be told "not given"."""

import pytest

from grader.core.assigned_network import CLASS_NETWORK
from grader.core.evidence.documents import Block
from grader.core.evidence.formulas import FormulaEvidence, Unread
from grader.extract.documents.documents import read_documents
from grader.extract.formulas.document.mentions import named_quantities
from grader.extract.formulas.document.unlabelled_cells import in_unlabelled_cells, without_a_name
from grader.extract.formulas.provider import read_formulas
from grader.ingest.read import from_bytes

WEIGHTS = CLASS_NETWORK.weights
GRADIENTS = tuple(f"∂E/∂{weight}" for weight in WEIGHTS)


@pytest.mark.parametrize(
    ("text", "block", "names"),
    [
        ("| ∂E/∂w1 | (a_o1-t1) |", Block.TABLE, ("∂E/∂w1",)),
        ("**∂E/∂w1**: as above", Block.PROSE, ("∂E/∂w1",)),
        (r"$\frac{\partial E}{\partial w_1}$ equals x", Block.PROSE, ("∂E/∂w1",)),
        ("the gradient of w1 is 3", Block.PROSE, ("∂E/∂w1",)),
        ("### ∂E_total/∂w3", Block.HEADING, ("∂E/∂w3",)),
        ("grad_w5 : see below", Block.PROSE, ("∂E/∂w5",)),
        ("dE_dw1", Block.CODE, ("∂E/∂w1",)),
        ("∂E1/∂w5 -> (a_o1 - t1)", Block.PROSE, ("∂E/∂w5",)),
        (r"$\nabla_{W^{(2)}} E = \delta^{(2)} a^T$", Block.MATH, ("E", *GRADIENTS)),
        ("∇_W E = δ aᵀ", Block.PROSE, ("E", *GRADIENTS)),
        ("h1: w1*i1", Block.PROSE, ("h1",)),
        ("a_o2 = the sigmoid of the sum", Block.PROSE, ("a_o2",)),
        ("w1_new: w1 - lr*dw1", Block.PROSE, WEIGHTS),
        ("- new weight = old weight - learning rate * gradient", Block.PROSE, WEIGHTS),
        ("h1: w1*i1 after 100%|███| 469/469 [01:25<00:00]", Block.PROSE, ("h1",)),
        ("w_neu = w_alt − η·∂E/∂w", Block.PROSE, (*WEIGHTS, *(f"∂E/∂{w}" for w in WEIGHTS))),
        ("Loss = 0.50 * (t1 - a_o1)^2 in each step", Block.PROSE, ("E",)),
        ("Error after one step: E = 0.5 times the sum of squares", Block.PROSE, ("E",)),
        ("We subtract a part of the gradient from each weight.", Block.PROSE, WEIGHTS),
        ("peso_nuevo = peso_viejo − 0,5·∂E/∂w", Block.PROSE, (*WEIGHTS, *(f"∂E/∂{w}" for w in WEIGHTS))),
        ("The gradient of w5 is the error of the output times the activation.", Block.PROSE, ("∂E/∂w5",)),
        ("We get the derivative of w5 as (a_o1 - t1) in the first of these steps.", Block.PROSE, ("∂E/∂w5",)),
    ],
)
def test_a_quantity_that_a_line_may_state_is_named(text: str, block: Block, names: tuple[str, ...]) -> None:
    found = named_quantities(text, block)
    assert set(found) - {f"∂E/∂{w}" for w in WEIGHTS} == set(names) - {f"∂E/∂{w}" for w in WEIGHTS}
    assert set(found) <= set(names)


@pytest.mark.parametrize(
    "text",
    [
        "Now we need ∂E/∂w1, ∂E/∂w2 and ∂E/∂w3",
        "h1 and h2 are the inputs of the sigmoid",
        "h1 is the first hidden neuron",
        "∂o1/∂w5",
        "w5 is bigger than w6",
        "w5 = 0.4",
        "E: the total loss",
        "Loss=0.0364 Batch_id=1874 Accuracy=92.19: 100%|██████| 1875/1875 [00:33<00:00, 56.18it/s]",
        "Training Epoch: 1 [0/59]    Loss: 5.2718    LR: 0.010000",
        "Test set: Average loss: 0.0238, Accuracy: 9921/10000 (99%)",
        "The loss is 0.2 after 10 epochs, the accuracy 99.4",
        "x = self.conv1(x)",
        "",
        "1. We start with w5 and calculate the error delta for w5, and then solve the gradients for w6, w7 and w8.",
        "i) The error gradient with respect to the weight (∂Error/∂w<sub>i</sub>) is calculated for the update.",
        "To update the weights from w1 to w8 we need to find the values of ∂E_t/∂wi where i = 1,2,3...8",
        "Adjusting learning rate of group 0 to 1.0000e-01.",
        "loss=0.2516 batch_id=468: 100%|██████████| 469/469 [01:25<00:00,  5.47it/s]",
        "- Learning Rate",
        "* the learning rate",
        "Loss:     \t MNIST: 0.2497 \t SUM: 0.1919 \t TOTAL: 0.4416",
    ],
)
def test_a_line_that_only_speaks_of_a_quantity_holds_none(text: str) -> None:
    assert named_quantities(text, Block.PROSE) == ()


@pytest.mark.parametrize("word", ["into", "times", "multiplied by", "over"])
def test_a_calculation_in_words_is_none_that_only_speaks(word: str) -> None:
    """`into` is a product where English is spoken in India."""
    text = f"The gradient of w5 is the error of the first output {word} the slope of this neuron"
    assert named_quantities(text, Block.PROSE) != ()


def evidence(files: dict[str, str]) -> FormulaEvidence:
    sources = from_bytes("x", {name: text.encode() for name, text in files.items()})
    return read_formulas(read_documents(sources), sources.submission)


def test_what_was_read_could_hold_nothing_else() -> None:
    found = evidence(
        {"README.md": "h1 = w1*i1 + w2*i2; h2 = w3*i1 + w4*i2\n∂E/∂w5 = (a_o1-t1)*\n  a_o1*(1-a_o1)*a_h1\n"}
    )
    assert found.unread == ()


def test_the_part_of_a_line_that_was_not_read_counts() -> None:
    found = evidence({"README.md": "h1 = w1*i1 + w2*i2\n\nh2 = the same for the second\n"})
    assert [u.names for u in found.could_hold("h2")] == [("h2",)]
    assert found.could_hold("o1") == ()


def test_pictures_and_files_could_hold_anything() -> None:
    files = {
        "README.md": "h1 = w1*i1 + w2*i2\n![a](img/a.png)\n![b](C:\\b.png)\n",
        "img/a.png": "x",
        "board.jpg": "x",
        "notes.md": "version https://git-lfs.github.com/spec/v1\n",
    }
    found = evidence(files).could_hold("∂E/∂w1")
    assert [(u.what, str(u.place)) for u in found] == [
        (Unread.PICTURE, "README.md:2"),
        (Unread.OWN_DISK, "README.md:3"),
        (Unread.FILE, "notes.md"),
        (Unread.PICTURE, "board.jpg"),
    ]


HEADED = "The gradients:\n\n| {} |\n|---|---|\n| 5 | (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1 |\n"


@pytest.mark.parametrize("head", ["∂E/∂w_k | value", "k | value", "Weight | slope", "No. | Wert"])
def test_a_formula_in_a_table_that_names_it_in_its_heading_could_be_any_gradient(head: str) -> None:
    found = evidence({"README.md": HEADED.format(head)})
    for weight in WEIGHTS:
        read = [line for line in found.lines if line.states == f"∂E/∂{weight}"]
        assert read or "README.md:5" in [str(u.place) for u in found.could_hold(f"∂E/∂{weight}")]
    assert found.could_hold("h1") == ()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("(a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1", {"∂E/∂w5"}),
        ("a_hl = σ(h1)", {"a_h1"}),
        ("slope5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1", {"∂E/∂w5"}),
        ("(a_o1 - t1) * a_o1 * (1 + a_o1) * a_h1", {f"∂E/∂{w}" for w in WEIGHTS}),
        ("a_o1 * (1 - a_o1)", set()),
        ("σ is the sigmoid of h1", set()),
    ],
)
def test_a_formula_without_a_known_name_could_be_what_its_value_or_its_kind_says(
    line: str, names: set[str]
) -> None:
    assert {*without_a_name(line, Block.PROSE)} == names
    assert {*without_a_name(line, Block.CODE)} == {n for n in names if n.startswith("∂")}


def test_an_update_with_a_rate_of_unknown_name_is_no_rule_that_was_not_given() -> None:
    found = evidence({"README.md": "w5 = w5 - κappa2 * ∂E/∂w5\n"})
    assert found.could_hold("w5") or [line for line in found.lines if line.states == "w5"]


def test_words_that_introduce_a_rule_hide_no_other_one() -> None:
    found = evidence({"README.md": "Every weight is updated with w5 = w5 - η*∂E/∂w5.\n"})
    assert found.could_hold("w6") == ()


@pytest.mark.parametrize(
    ("cell", "held"),
    [
        ("w1*i1 + w2*i2", "h1"),
        ("1/2*(t1 - a_o1)^2", "E1"),
        ("w5 - η*∂E/∂w5", "w5"),
        ("∂E/∂a_o1 * ∂a_o1/∂o1 * ∂o1/∂w5", "∂E/∂w5"),
        ("E1 + E2", "E"),
    ],
)
def test_what_a_cell_could_define_follows_from_what_it_uses(cell: str, held: str) -> None:
    assert held in in_unlabelled_cells(f"| first | {cell} |")
    assert not in_unlabelled_cells("| 0.1 | 0.5 | w1 | see above | 2023-01-02 |")


@pytest.mark.parametrize(
    "name", ["report.pdf", "derivation.docx", "notes.rtf", "IMG_1.HEIC", "rest.rar", "rest.7z"]
)
def test_a_form_that_is_not_read_may_hold_the_derivation(name: str) -> None:
    found = evidence({"README.md": "# Session 6\nSee the report.\n", name: "%PDF-1.4 x"})
    assert [(u.what, str(u.place)) for u in found.could_hold("∂E/∂w1")] == [(Unread.FILE, name)]
