"""Claims: what counts as a statement about the network, and which sentences only repeat the assignment."""

import json

import pytest

from grader.core.assigned_data import described
from grader.core.evidence.claims import Bound, ClaimEvidence, Feature, On, What
from grader.extract.claims.read_claims import read_claims
from grader.extract.documents.documents import read_documents
from grader.extract.documents.layer_calls import layer_calls
from grader.ingest.read import from_bytes


def claims_of(text: str) -> ClaimEvidence:
    return read_claims(read_documents(from_bytes("s", {"README.md": text.encode()})))


NO_CLAIM = [
    "- 99.4% validation accuracy",
    "- Less than 20k Parameters",
    "- Less than 20 Epochs",
    "- Have used parameters exactly between 12000 to 18000",
    "- Have used exactly 19 epochs",
    "- Dropout must have 0.069 as the dropout value",
    "- Batch size must be exactly 128",
    "The aim here is to achieve 99.4% on the test set with less than 20K Parameters.",
    "Build a net which achieves 99.4% validation accuracy in <20 epochs and <20K parameters.",
    "# A small CNN to reach 99.4% Accuracy",
    "One has to acheive minimum 99.4% validation accuracy",
    "The desired accuracy of 99.4% should be reached in less than 20 epochs.",
    "Try to get >= 99.4% test accuracy.",
    "Safety margin: ~10,300 parameters below limit",
    "├── Conv2 (8→16): 1,168 parameters",
    "Parameter efficiency: 9.1% accuracy per 1k parameters",
    "I could not get it to 20,000 parameters",
    "The total number of parameters is 412,330, which needs to be reduced.",
    "It has 58,074 parameters, which is too many.",
    "The number of parameters was 412,330 which is a lot for digits.",
    "Loss=0.6811 Batch=77 Accuracy=93.20% LR=0.004: 100%|####| 78/78 [00:10<00:00, 7it/s]",
    "accuracy 93.20%: 100%|████| 78/78",
    "| Requirement | Value |\n|---|---|\n| Validation accuracy | 99.4% |\n| Parameters | 20,000 |",
    "| Model | Parameters | Accuracy |\n|---|---|---|\n| first | 7,464 | 99.1 |\n| second | 7,354 | 99.4 |",
    "| Metric | Value |\n|---|---|\n| Kernel | 3 |",
    "| | SGD | Adam |\n|---|---|---|\n| Test accuracy | 99.31% | 99.44% |",
]


@pytest.mark.parametrize(
    "text",
    [
        "A net with 20,000 parameters and 99.4% accuracy.",
        "Build a net with 12,306 parameters and 99.4% accuracy.",
        "## Target\n- a net with 12,306 parameters and 99.4% accuracy",
    ],
)
def test_an_accuracy_beside_a_count_that_is_asked_for_is_not_claimed(text: str) -> None:
    assert [c for c in claims_of(text).claims if c.what is What.ACCURACY] == []


@pytest.mark.parametrize("text", NO_CLAIM)
def test_requirements_and_asides_are_no_claims(text: str) -> None:
    assert [c for c in claims_of(text).claims if not c.aside] == []


def test_a_list_under_a_target_heading_claims_nothing() -> None:
    text = (
        "## Target\n- 99.4% validation accuracy\n- Accuracy: 99.4%\n- Parameters: 20,000\n- Epochs: "
        "20\n\n## Result\n- Parameters: 12,306\n"
    )
    assert [(c.what, c.value) for c in claims_of(text).claims] == [(What.PARAMETERS, 12306.0)]


ACCURACY = [
    ("| Test accuracy | 99.42% |", 99.42, (), Bound.EXACT),
    ("| 1 | 99.4% validation accuracy | Yes - 99.31% |", 99.31, (), Bound.EXACT),
    ("| Test accuracy | 99.42% | epoch 14 |", 99.42, (14,), Bound.EXACT),
    ("The final validation accuracy is 99.42% for our tiny model.", 99.42, (), Bound.EXACT),
    ("- **Test Accuracy in the 18th Epoch - 99.46%**", 99.46, (18,), Bound.EXACT),
    ("Highest Test Accuracy: 99.5 (16th Epoch)", 99.5, (16,), Bound.EXACT),
    (
        "Our net managed to reach 99.4% accuracy with ~13K parameters in epoch 11, 14 & 16.",
        99.4,
        (11, 14, 16),
        Bound.EXACT,
    ),
    ("- [x] 99.4% test accuracy `Reached in Epochs - 9, 12, 14`", 99.4, (9, 12, 14), Bound.AT_LEAST),
    ("a) 99.4% validation accuracy : got 98%", 98.0, (), Bound.EXACT),
    ("Got >99.4% test accuracy in 10th, 12th, 13th & 15th epoch", 99.4, (10, 12, 13, 15), Bound.AT_LEAST),
    ("It reached ``99.47%`` in 14th epoch", 99.47, (14,), Bound.EXACT),
    ("A net was trained with **12,306** parameters and **99.47**% test accuracy.", 99.47, (), Bound.EXACT),
    (
        "- 99.45% test accuracy obtained at EPOCH 12 from a total parameter of 15,310.",
        99.45,
        (12,),
        Bound.EXACT,
    ),
    ("The run acheived 99.42% accuracy in 15 Epoch", 99.42, (15,), Bound.EXACT),
    ("After 16 epochs, the test accuracy was 99.44%", 99.44, (16,), Bound.EXACT),
    (
        "The net was able to hold 99.4% test/validation accuracy from 12th epoch onwards.",
        99.4,
        (),
        Bound.EXACT,
    ),
    ("This design reached greater than 99.4 accuracy with 12 epochs of training.", 99.4, (), Bound.AT_LEAST),
    ("Accuracy on test set: 99.12 in 15 epochs", 99.12, (), Bound.EXACT),
    ("A peak test accuracy of 99.51% was obtained.", 99.51, (), Bound.EXACT),
]


@pytest.mark.parametrize(("text", "value", "epochs", "bound"), ACCURACY)
def test_accuracies(text: str, value: float, epochs: tuple[int, ...], bound: Bound) -> None:
    (claim,) = claims_of(text).of(What.ACCURACY)
    assert (claim.value, claim.epochs, claim.bound, claim.on) == (value, epochs, bound, On.TEST)


PARAMETERS = [
    ("Model params 7,464", 7464.0, 1.0, Bound.EXACT),
    ("Total number of trainable parameters in the network → 7,464", 7464.0, 1.0, Bound.EXACT),
    ("Total number of paramaters: **17,230**", 17230.0, 10.0, Bound.EXACT),
    ("#### Params = 11,396", 11396.0, 1.0, Bound.EXACT),
    ("Has **12,346** parameters", 12346.0, 1.0, Bound.EXACT),
    ("b) Less than 20k Parameters : 23.7K", 23700.0, 100.0, Bound.EXACT),
    ("- [x] Less than 20k Parameters `Total Parameters = 16,894`", 16894.0, 1.0, Bound.EXACT),
    ("Trained with ~12K parameters.", 12000.0, 1000.0, Bound.ABOUT),
    ("Total parameters are 18,622.", 18622.0, 1.0, Bound.EXACT),
    ("### a. Number of parameters:- Total params: 10,482 (trained)", 10482.0, 1.0, Bound.EXACT),
    ("Our net uses 18,426 parameters in total, less than 20k parameters", 18426.0, 1.0, Bound.EXACT),
    ("| 2 | Less than 20k Parameters | Yes - 12,345 |", 12345.0, 1.0, Bound.EXACT),
    ("| Parameters <20k | YES | **~9,700** parameters |", 9700.0, 100.0, Bound.ABOUT),
]


@pytest.mark.parametrize(("text", "value", "unit", "bound"), PARAMETERS)
def test_parameters(text: str, value: float, unit: float, bound: Bound) -> None:
    (claim,) = claims_of(text).of(What.PARAMETERS)
    assert (claim.value, claim.unit, claim.bound) == (value, unit, bound)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Epochs: 19", 19),
        ("Total Epochs : 20", 20),
        ("* **Epochs - 19**", 19),
        ("3. Less than 20 Epochs `19 Epochs`", 19),
        ("Our network was trained for a total of 18 epochs.", 18),
        ("It needed 12 epochs of training.", 12),
    ],
)
def test_epochs(text: str, value: int) -> None:
    assert [c.value for c in claims_of(text).of(What.EPOCHS)] == [value]


@pytest.mark.parametrize(
    "text",
    ["Epoch : 18", "3. Less than 20 Epochs : OK", "reached in <20 epochs with early stopping", "Epoch 5"],
)
def test_no_number_of_epochs(text: str) -> None:
    assert claims_of(text).of(What.EPOCHS) == ()


def test_settings() -> None:
    found = claims_of("* Dropout: 15%\n* Batch size: 128\n")
    assert [(c.what, c.value) for c in found.claims] == [(What.DROPOUT, 0.15), (What.BATCH_SIZE, 128.0)]


def test_train_and_augmented_accuracies_are_told_apart() -> None:
    found = claims_of("Top Train Accuracy: 99.31\n\nGoal reached: >99.4% test accuracy with TTA\n")
    assert [c.on for c in found.of(What.ACCURACY)] == [On.TRAIN, On.OTHER]


def test_epochs_of_the_scheduler_are_no_training() -> None:
    text = "## Training\n- Scheduler: OneCycleLR\n  - max_lr: 0.1\n  - epochs: 20\n- Batch size: 128\n"
    assert [c for c in claims_of(text).claims if c.what is What.EPOCHS] == []
    (claim,) = [c for c in claims_of(text + "- Epochs: 19\n").claims if c.what is What.EPOCHS]
    assert claim.value == 19


def test_excerpt_and_place() -> None:
    (claim,) = claims_of("# A\n\nIntro. The total parameters are 18,622. More.\n").claims
    assert (str(claim.place), claim.written, claim.excerpt) == (
        "README.md:3",
        "18,622",
        "The total parameters are 18,622.",
    )


ROW = "<tr>\n<td>Total parameters</td>\n<td>18,622</td>\n</tr>\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"<table>\n{ROW}{ROW.replace('Total parameters', 'Epochs').replace('18,622', '18')}</table>\n", 4),
        ("**Total parameters**\n\n18,622\n", 3),
        ("Total parameters:\n`18,622`\n", 2),
    ],
)
def test_a_label_and_its_value_on_two_lines_are_one_claim(text: str, line: int) -> None:
    claim = next(c for c in claims_of(text).claims if c.what is What.PARAMETERS)
    assert (str(claim.place), claim.written) == (f"README.md:{line}", "18,622")


def test_a_row_of_several_values_on_lines_of_their_own_is_of_several_networks() -> None:
    row = ROW.replace("</tr>", "<td>7,840</td>\n</tr>")
    assert claims_of(f"<table>\n{row}</table>\n").claims == ()


@pytest.mark.parametrize(
    "text",
    [
        "Worst digit accuracy: 98.81 %",
        "Accuracy on the hardest class: 98.81 %",
        "Accuracy per digit: 98.81 %",
    ],
)
def test_the_accuracy_of_one_digit_is_none_of_the_network(text: str) -> None:
    assert {c.on for c in claims_of(text + "\n").of(What.ACCURACY)} <= {On.OTHER}


@pytest.mark.parametrize(
    "text",
    ["### Target parameters\n\n18,622\n", "Goal: accuracy\n\n99.4\n", "```\nparameters\n18,622\n```\n"],
)
def test_a_number_below_what_is_asked_for_is_no_claim(text: str) -> None:
    assert claims_of(text).claims == ()


def test_logs_and_summaries_are_no_prose() -> None:
    log = "".join(
        f"Test set: Average loss: 0.05, Accuracy: {c}/10000 ({c / 100:.2f}%)\n" for c in (9712, 9896, 9941)
    )
    table = (
        "Layer (type)  Output Shape  Param #\nConv2d-1  [-1, 8, 26, 26]  80\nTotal params: "
        "80\nTrainable params: 80\nNon-trainable params: 0\n"
    )
    assert claims_of(f"# Log\n{log}\n# Model\n{table}").claims == ()


def test_markdown_cells_claim_too() -> None:
    cell = {"cell_type": "markdown", "source": "Total params: 1,186", "metadata": {}}
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()
    found = read_claims(read_documents(from_bytes("s", {"S4.ipynb": data})))
    assert [str(c.place) for c in found.claims] == ["S4.ipynb cell 1 line 1"]
    assert found.readmes == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We added dropout after every convolution.", {(Feature.DROPOUT, True)}),
        ("Have not used dropout.", {(Feature.DROPOUT, False)}),
        ("- **Dropout layers used:** 0", {(Feature.DROPOUT, False)}),
        ("| Dropout | ❌ |", {(Feature.DROPOUT, False)}),
        ("- Dropout used: 0.05", {(Feature.DROPOUT, True)}),
        ("FC layers used: 1", {(Feature.FULLY_CONNECTED, True)}),
        ("FC layers have not been used, to save parameters.", {(Feature.FULLY_CONNECTED, False)}),
        ("- GAP used : instead of FC layers", {(Feature.GAP, True), (Feature.FULLY_CONNECTED, False)}),
        (
            "Global average pooling has been used over fully connected layers.FCs are not used at all",
            {(Feature.GAP, True), (Feature.FULLY_CONNECTED, False)},
        ),
        (
            "We used GAP as an alternative to an FC layer",
            {(Feature.GAP, True), (Feature.FULLY_CONNECTED, False)},
        ),
        ("- Have used BN, Dropout, a Fully connected layer, have used GAP.", set()),
        ("Dropout should be used when there is overfitting.", set()),
        ("It is a fully connected layer with 2 inputs and 8 weights.", set()),
        ("A fully connected layer with 10 outputs is used.", {(Feature.FULLY_CONNECTED, True)}),
        ("Gap closed: we beat the target with new tricks", set()),
    ],
)
def test_building_blocks(text: str, expected: set[tuple[Feature, bool]]) -> None:
    assert {(u.feature, u.used) for u in claims_of(text).uses} == expected


def test_code_sketch() -> None:
    text = (
        "## Network\n    self.conv1 = nn.Conv2d(1, 6, 3, padding=1)\n    # self.conv9 = nn.Conv2d(64, "
        "512, 3)\n    self.fc = nn.Linear(4 * 4 * 8, 10)\n"
    )
    (sketch,) = claims_of(text).sketches
    assert (sketch.parameters, sketch.complete, str(sketch.place)) == (60 + 1290, True, "README.md:2")


@pytest.mark.parametrize(
    ("call", "parameters"),
    [
        ("nn.Conv2d(8, 16, 3, bias=False)", 1152),
        ("nn.Conv2d(in_channels=8, out_channels=16, kernel_size=(3, 1))", 400),
        ("nn.Conv2d(8, 8, 3, groups=8)", 80),
        ("nn.Linear(32, 10, bias=False)", 320),
        ("nn.BatchNorm2d(16)", 32),
        ("nn.Conv2d(n, 16, 3)", None),
        ("nn.Linear(__import__('os').system('x'), 1)", None),
        ("nn.Linear(10**99999, 1)", None),
    ],
)
def test_layer_calls(call: str, parameters: int | None) -> None:
    assert [c.parameters for c in layer_calls(call)] == [parameters]


def _of(name: str, text: str) -> list[float]:
    documents = read_documents(from_bytes("s", {"README.md": text.encode()}))
    found = read_claims(documents, data=described({"name": name})[0])
    return [claim.value for claim in found.of(What.ACCURACY)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The best test accuracy is 71.18%.", [71.18]),
        ("We achieved 85.2% test accuracy in epoch 12.", [85.2]),
        ("Test accuracy: 74.05", [74.05]),
        ("With 50% dropout we reached 85.20% accuracy.", [85.2]),
        ("We reached an accuracy of 85.20% with 50% dropout.", [85.2]),
        ("We achieved it with 60% fewer parameters and good accuracy.", []),
        ("| accuracy | 71.2% | 74.1% |", []),
        ("The goal is an accuracy of 70%.", []),
    ],
)
def test_accuracies_below_ninety_are_read_where_the_data_is_harder(text: str, values: list[float]) -> None:
    assert _of("cifar10", f"# Results\n\n{text}\n") == values
    assert _of("mnist", f"# Results\n\n{text}\n") == []
