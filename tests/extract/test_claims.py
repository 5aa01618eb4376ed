"""Claims: what counts as a statement about the network, and which sentences only repeat the assignment."""

import json

import pytest

from grader.core.evidence.claims import Bound, ClaimEvidence, Feature, On, What
from grader.extract.claims import read_claims
from grader.extract.source import layer_calls
from grader.ingest.read import from_bytes


def claims_of(text: str) -> ClaimEvidence:
    return read_claims(from_bytes("s", {"README.md": text.encode()}))


NO_CLAIM = [
    "- 99.4% validation accuracy",
    "- Less than 20k Parameters",
    "- Less than 20 Epochs",
    "- Have used parameters exactly between 12000 to 18000",
    "- Have used exactly 19 epochs",
    "- Dropout must have 0.069 as the dropout value",
    "- Batch size must be exactly 128",
    "Aim of this assignment is to achieve 99.4% test accuracy with less than 20K Parameters.",
    "Create a network that achieves 99.4% accuracy in the validation set in <20 epochs and <20K parameters.",
    "# MNIST Architecture to achieve 99.4% Accuracy",
    "We have to acheive minimum 99.4% validation accuracy",
    "The desired accuracy of 99.4% should be reached in less than 20 epochs.",
    "Try to get >= 99.4% test accuracy.",
    "Safety margin: ~10,200 parameters below limit",
    "├── Conv2 (8→16): 1,168 parameters",
    "Parameter efficiency: 10.2% accuracy per 1k parameters",
    "I could not get it to 20,000 parameters",
    "Loss=0.7244 Batch=58 Accuracy=92.50% LR=0.005: 100%|####| 59/59 [00:10<00:00, 5it/s]",
]


@pytest.mark.parametrize("text", NO_CLAIM)
def test_requirements_and_asides_are_no_claims(text: str) -> None:
    assert [c for c in claims_of(text).claims if not c.aside] == []


def test_a_list_under_a_target_heading_claims_nothing() -> None:
    text = "## Target\n- 99.4% validation accuracy\n- Accuracy: 99.4%\n- Parameters: 20,000\n- Epochs: 20\n\n## Result\n- Parameters: 11,924\n"
    assert [(c.what, c.value) for c in claims_of(text).claims] == [(What.PARAMETERS, 11924.0)]


ACCURACY = [
    ("Final validation accuracy is 99.43% with a small network.", 99.43, (), Bound.EXACT),
    ("- **Test Accuracy at 19th Epoch - 99.48%**", 99.48, (19,), Bound.EXACT),
    ("Best Test Accuracy: 99.5 (19th Epoch)", 99.5, (19,), Bound.EXACT),
    (
        "We were able to achieve the 99.4% accuracy with ~12K parameters in epoch 12, 13 & 15.",
        99.4,
        (12, 13, 15),
        Bound.EXACT,
    ),
    ("- [x] 99.4% validation accuracy `Achieved in Epochs - 13, 16, 17`", 99.4, (13, 16, 17), Bound.AT_LEAST),
    ("1. 99.4% validation accuracy : achieved 99%", 99.0, (), Bound.EXACT),
    ("Reached >99.4% test accuracy in 11th, 17th, 18th & 20th epoch", 99.4, (11, 17, 18, 20), Bound.AT_LEAST),
    ("We got ``99.48%`` in 19th epoch", 99.48, (19,), Bound.EXACT),
    (
        "- 99.44% test accuracy achieved at EPOCH 17 with a total parameter of 16,452.",
        99.44,
        (17,),
        Bound.EXACT,
    ),
    ("acheived 99.41% accuracy in 17 Epoch", 99.41, (17,), Bound.EXACT),
    ("After 19 epochs, the test accuracy was 99.49%", 99.49, (19,), Bound.EXACT),
    (
        "It was able to achieve 99.4% test/validation accuracy consistently from 16th epoch onwards.",
        99.4,
        (),
        Bound.EXACT,
    ),
    ("The model achieved greater than 99.4 accuracy with 11 epochs of training.", 99.4, (), Bound.AT_LEAST),
    ("Accuracy on test set: 99.06 in 20 epochs", 99.06, (), Bound.EXACT),
    ("A maximum test accuracy of 99.57% was achieved.", 99.57, (), Bound.EXACT),
]


@pytest.mark.parametrize(("text", "value", "epochs", "bound"), ACCURACY)
def test_accuracies(text: str, value: float, epochs: tuple[int, ...], bound: Bound) -> None:
    (claim,) = claims_of(text).of(What.ACCURACY)
    assert (claim.value, claim.epochs, claim.bound, claim.on) == (value, epochs, bound, On.TEST)


PARAMETERS = [
    ("Total number of paramaters: **18,310**", 18310.0, 10.0, Bound.EXACT),
    ("#### Params = 11,178", 11178.0, 1.0, Bound.EXACT),
    ("Has **12,026** parameters", 12026.0, 1.0, Bound.EXACT),
    ("2. Less than 20k Parameters : 25.3K", 25300.0, 100.0, Bound.EXACT),
    ("- [x] Less than 20k Parameters `Total Parameters = 17,962`", 17962.0, 1.0, Bound.EXACT),
    ("Trained with ~12K parameters.", 12000.0, 1000.0, Bound.ABOUT),
    ("Total parameters are 19,576.", 19576.0, 1.0, Bound.EXACT),
    ("### 1. Number of parameters:- Total params: 10,066 (learnt)", 10066.0, 1.0, Bound.EXACT),
    ("Here we have used 18,738 parameters in total, less than 20k parameters", 18738.0, 1.0, Bound.EXACT),
    ("| Parameters <20k | YES | **~9,800** parameters |", 9800.0, 100.0, Bound.ABOUT),
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
        ("The model was trained for a total of 20 epochs.", 20),
        ("It took 11 epochs of training.", 11),
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
    found = claims_of("Best Train Accuracy: 99.45\n\nTarget achieved: >99.4% test accuracy with TTA\n")
    assert [c.on for c in found.of(What.ACCURACY)] == [On.TRAIN, On.OTHER]


def test_excerpt_and_place() -> None:
    (claim,) = claims_of("# A\n\nIntro. The total parameters are 19,576. More.\n").claims
    assert (str(claim.place), claim.written, claim.excerpt) == (
        "README.md:3",
        "19,576",
        "The total parameters are 19,576.",
    )


def test_logs_and_summaries_are_no_prose() -> None:
    log = "".join(
        f"Test set: Average loss: 0.05, Accuracy: {c}/10000 ({c / 100:.2f}%)\n" for c in (9712, 9896, 9941)
    )
    table = "Layer (type)  Output Shape  Param #\nConv2d-1  [-1, 8, 26, 26]  80\nTotal params: 80\nTrainable params: 80\nNon-trainable params: 0\n"
    assert claims_of(f"# Log\n{log}\n# Model\n{table}").claims == ()


def test_markdown_cells_claim_too() -> None:
    cell = {"cell_type": "markdown", "source": "Total params: 1,186", "metadata": {}}
    data = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()
    found = read_claims(from_bytes("s", {"S4.ipynb": data}))
    assert [str(c.place) for c in found.claims] == ["S4.ipynb cell 1 line 1"]
    assert found.readmes == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We added dropout after every convolution.", {(Feature.DROPOUT, True)}),
        ("Have not used dropout.", {(Feature.DROPOUT, False)}),
        ("To reduce the parameters FC layers have not been used.", {(Feature.FULLY_CONNECTED, False)}),
        ("- use of GAP : instead of FC layers", {(Feature.GAP, True), (Feature.FULLY_CONNECTED, False)}),
        ("- Have used BN, Dropout, a Fully connected layer, have used GAP.", set()),
        ("Dropout should be used when there is overfitting.", set()),
        ("Gap closed: exceeded the target with advanced techniques", set()),
    ],
)
def test_building_blocks(text: str, expected: set[tuple[Feature, bool]]) -> None:
    assert {(u.feature, u.used) for u in claims_of(text).uses} == expected


def test_code_sketch() -> None:
    text = "## Network\n    self.conv1 = nn.Conv2d(1, 4, 3, padding=1)\n    # self.conv9 = nn.Conv2d(64, 512, 3)\n    self.fc = nn.Linear(4 * 4 * 8, 10)\n"
    (sketch,) = claims_of(text).sketches
    assert (sketch.parameters, sketch.complete, str(sketch.place)) == (40 + 1290, True, "README.md:2")


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
