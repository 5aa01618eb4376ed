"""Numbers that a README states in a sentence that nobody foresaw: never passed as "states no number", and never
called wrong.
"""

import json

import pytest

from grader.checks.readme import readme_numbers
from grader.core.outcome import Outcome, Verdict
from grader.extract.claims.read_claims import read_claims
from grader.extract.documents.documents import read_documents
from grader.extract.documents.notebook import read_notebooks
from grader.extract.logs.model_summary import read_summaries
from grader.extract.logs.training_log import read_logs
from grader.ingest.read import from_bytes

RIGHT = (
    9_780,
    9_850,
    9_890,
    9_902,
    9_911,
    9_918,
    9_925,
    9_929,
    9_931,
    9_934,
    9_936,
    9_940,
    9_938,
    9_946,
    9_941,
)
LOG = "".join(
    f"Epoch: {n}\nTest set: Average loss: 0.02, Accuracy: {right}/10000 ({right / 100:.2f}%)\n\n"
    for n, right in enumerate(RIGHT, 1)
)
RULE = "=" * 64
SUMMARY = (
    f"{'-' * 64}\n        Layer (type)               Output Shape         Param #\n{RULE}\n"
    "            Conv2d-1            [-1, 8, 26, 26]              80\n"
    "       BatchNorm2d-2            [-1, 8, 26, 26]              16\n"
    "           Dropout-3            [-1, 8, 26, 26]               0\n"
    "            Conv2d-4           [-1, 10, 1, 1]           1,370\n"
    f"{RULE}\nTotal params: 1,466\nTrainable params: 1,466\nNon-trainable params: 0\n{'-' * 64}\n"
)


LOOP = "for epoch in range(1, 16):\n    test(model)"


def judged(text: str, log: str = LOG, loop: str = LOOP) -> Outcome:
    cells = [
        {
            "cell_type": "code",
            "source": source,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": out}],
            "metadata": {},
            "execution_count": 1,
        }
        for source, out in (
            ("summary(model, input_size=(1, 28, 28))", SUMMARY),
            (loop, log),
        )
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    files = {"README.md": f"# MNIST\n\n{text}\n".encode(), "S4.ipynb": json.dumps(notebook).encode()}
    documents = read_documents(from_bytes("s", files))
    logs, summaries = read_logs(documents), read_summaries(documents)
    return readme_numbers.check(
        read_claims(documents, logs, summaries),
        logs=logs,
        summaries=summaries,
        network=None,
        notebooks=read_notebooks(documents),
        documents=documents,
        policy=readme_numbers.Policy(),
    )


@pytest.mark.parametrize(
    "text",
    [
        "- ✅ 99.56% accuracy in 15 epochs",
        "Das Netz hat 7.466 Parameter.",
        "Das Netz erreicht 99,56 % Genauigkeit.",
        "La précision maximale est de 99,56 %.",
        "99.56 % @ epoch 14",
        "9956/10000 correct in epoch 14",
        "Best: 99.46 in epoch 13",
        "99.38 at the 14th epoch",
        "99.46% (epoch 9)",
        "| Parameters | Accuracy |\n|---|---|\n| 7,464 | 99.46 |",
        "Test Acc = 0.9956",
        "Error rate 0.44 %",
        "![acc](https://img.shields.io/badge/accuracy-99.56%25-green)",
        "* No. of params: 2.47k",
        "Trained in 19 epochs to 99.46 %",
        "With a learning rate of 0.01 and a loss of 0.02 the accuracy was 99.46 % after 19 epochs",
        "The model has 12 thousand parameters",
        "We got 99.55 on MNIST test",
        "Result\n------\n99.55 %",
        "## Accuracy\n99.55%",
        "Write a network such that it has\n\n99.4% validation accuracy\n\nWe got 99.56 % in the end",
        "Improved the accuracy on the MNIST data to 99.56%",
        "## Number of parameters\n8,442",
        "## Epochs\n19",
    ],
)
def test_a_number_that_nothing_shows_is_asked_about(text: str) -> None:
    outcome = judged(text)
    assert outcome.verdict in (Verdict.UNKNOWN, Verdict.FAIL), outcome.summary
    assert "README.md:" in outcome.summary


@pytest.mark.parametrize(
    "text",
    [
        "99.46 % @ epoch 14",
        "Best: 99.46 in epoch 14",
        "99.46% (14th epoch)",
        "| Parameters | Accuracy | Epochs |\n|---|---|---|\n| 1,466 | 99.46 | 15 |",
        "Test Acc = 0.9946",
        "Error rate 0.54 %",
        "![acc](https://img.shields.io/badge/accuracy-99.46%25-green)",
        "Das Netz hat 1.466 Parameter und erreicht 99,46 % Genauigkeit.",
        "The network has about 1.5k parameters",
        "1.47k parameters",
        "* No. of params: 1.47k",
        "| Version | Params | Acc |\n|---|---|---|\n| v1 | 12,000 | 99.10 |\n| v3 (final) | 1,466 | 99.46 |",
        "[Assignment] reach 99.4 % validation accuracy, at most 20 epochs and 20k parameters\n\nResult: 99.46 %",
        "Aufgabe: 99,4 % Genauigkeit mit weniger als 20.000 Parametern in höchstens 20 Epochen.\n\n99,46 % nach 14 Epochen.",
        "In the lecture a model with 593,200 parameters reached 99.2 %.",
        "Other people report 99.6 % with 10k parameters (see paper).",
        "Train acc 99.12, test acc 99.46",
        "This model is able to achieve 99.40% with less than 20K parameters.",
        "Final test accuracy: 99.40 %",
        "State of the art on MNIST is 99.87 %; human performance is about 99.8 %.",
        "The receptive field is 28x28; 95 % of the digits are easy.",
        "With learning rate 0.1, the loss decreased from 0.014 to 0.01 after 66 epochs",
        "Write a network such that it has\n\n99.5% validation accuracy\nLess than 20k Parameters\nLess than 20 Epochs",
        "2. Improve the accuracy on the MNIST data to 99.4%",
        "Loss=0.0816 Batch_id=468 Accuracy=97.08: 100%|█████| 469/469 [01:11<00:0",
        "The data are 60,000 training and 10,000 test images.",
    ],
)
def test_a_number_that_stands_there_or_speaks_of_others_is_no_fault(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS


def test_the_sentence_says_what_was_found() -> None:
    assert judged("Error rate 0.54 %").summary == "1 number of the README stands in what the notebook prints"
    asked = judged("99.56 % @ epoch 14")
    assert asked.summary.startswith("what 99.56 % (README.md:3) says of the network could not be told")
    assert [f.marked for f in asked.findings] == ["99.56 %"]


@pytest.mark.parametrize(
    "text",
    [
        "| Model | Parameters | Accuracy |\n|---|---|---|\n| Baseline | 101,514 | 99.2 |",
        "| Paper | Params | Accuracy |\n|---|---|---|\n| LeNet-5 | 60,000 | 99.05 |",
        "| Layer | Params |\n|---|---|\n| conv1 | 80 |",
        "| Max params | Accuracy | Epochs |\n|---|---|---|\n| 20,000 | 99.4 | 20 |",
        "| Allowed parameters | Needed accuracy |\n|---|---|\n| 20,000 | 99.4 |",
        "| Name | Limit |\n|---|---|\n| Parameters | 20,000 |\n| Epochs | 20 |",
        "| | Required | Mine |\n|---|---|---|\n| Parameters | 20,000 | 1,466 |",
        "Max params: 20,000",
    ],
)
def test_of_whom_a_table_speaks_is_not_guessed(text: str) -> None:
    """A paper's network, a baseline, a layer and a limit stand in tables under the same heads as one's own."""
    assert judged(text).verdict in (Verdict.PASS, Verdict.UNKNOWN)


VALIDATED = LOG.replace("Test set", "Validation set")
BOTH = "- Validation accuracy: 99.46%\n- Test accuracy: 99.27%"


def test_a_test_accuracy_beside_a_log_of_validation_accuracies_is_not_compared_with_it() -> None:
    """The log is of other digits than the evaluation behind the training, and that one was not kept."""
    assert judged(BOTH, VALIDATED).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("text", "log"),
    [
        (BOTH, LOG),  # the log is of the test digits
        ("- Validation accuracy: 99.49%\n- Test accuracy: 99.27%", VALIDATED),  # neither is in the log
        ("- Test accuracy: 99.27%", VALIDATED),  # who speaks of one split calls it what he likes
        ("- Validation accuracy: 99.27%\n- Best accuracy: 99.46%", VALIDATED),
    ],
)
def test_an_accuracy_of_the_digits_of_the_log_is_compared(text: str, log: str) -> None:
    assert judged(text, log).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "1. I got an accuracy of 98.62%.\n2. Finally, I got an accuracy of 99.46%.",
        "Accuracy: 98.62%\n\nAccuracy: 99.17%\n\nAccuracy: 99.46%",
    ],
)
def test_accuracies_of_the_steps_to_the_submitted_network_are_no_fault(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "text",
    [
        "1. Finally, I got an accuracy of 98.62%.\n2. I got an accuracy of 99.46%.",
        "Accuracy: 99.62%\n\nAccuracy: 99.17%\n\nAccuracy: 99.46%",
        "Accuracy: 99.17%\n\nAccuracy: 99.46%",
        "Accuracy: 98.62%\n\nAccuracy: 99.17%\n\nFinal accuracy: 99.49%",
    ],
)
def test_accuracies_that_lead_to_nothing_that_was_printed_are_compared(text: str) -> None:
    assert judged(text).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "V2: test accuracy 99.35 %",
        "On the second run it reached 99.50 %",
        "Iteration 2 achieved 99.50 % test accuracy",
        "A larger network reached 99.60 % test accuracy.",
        "## Version 2\n\nTest accuracy: 99.35 %",
        "Run 1 was trained for 10 epochs.",
        "Network B achieved a test accuracy of 99.60 %.",
    ],
)
def test_of_which_of_several_runs_a_log_is_nobody_can_tell(text: str) -> None:
    assert judged(text).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "V2: test accuracy 99.35 %. The final network reached 99.46 %.",
        "Run 1 reached 99.3 % in 10 epochs. The submitted run reached 99.46 %.",
        "A larger network reached 99.60 % test accuracy; our network reached 99.46 %.",
        "Training for 20 epochs was allowed, we needed 14.",
        "20 epochs were allowed, the network took only 14.",
        "Out of 10,000 test images 54 are misclassified",
        "Of the 10,000 test images, 54 were misclassified.",
        "Out of 10,000 test images, 9,946 are classified correctly.",
        "The accuracy on the training set is 98.73 % and on the test set 99.46 %.",
        "The paper of LeCun reports 99.05 %.",
        "Humans reach about 99.8 %.",
        "Of the 10,000 labels 55 are wrong.",
        "Out of 10,000 test images, humans get 20 wrong.",
        "Out of 10,000 test images 60 are misclassified by the first model.",
        "Out of 10,000 test images, 12 nines are misclassified.",
    ],
)
def test_what_is_told_of_another_run_or_of_a_limit_is_no_fault(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "text",
    [
        "The final run reached 99.60 %.",
        "Final version achieved a test accuracy of 99.60 %.",
        "Model: 99.60 % test accuracy achieved",
        "Out of 10,000 test images 55 are misclassified",
        "Of the 10000 test digits the network gets 37 wrong.",
        "Out of 10,000 test images, 9,945 are classified correctly.",
    ],
)
def test_what_is_told_of_the_submitted_network_is_compared(text: str) -> None:
    assert judged(text).verdict is Verdict.FAIL


def test_more_than_was_printed_is_asked_about() -> None:
    text = "The accuracy on the training set was 98.73 % and on the test set 99.56 %."
    assert judged(text).verdict is Verdict.UNKNOWN
    assert judged("20 epochs were allowed, the network took 24.").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "On my laptop (CPU) the same notebook gave 99.43 %.",
        "Batch size 64 reached 99.35 % test accuracy.",
        "Learning rate 0.1 achieved a test accuracy of 99.35 %.",
        "Dropping the augmentation gives 99.33 %.",
        "With batch size 64 the network reached 99.52 % test accuracy.",
        "Trained for 15 epochs; training for 20 epochs reached 99.51 %.",
        "We got 99.55 % with Adam.",
    ],
)
def test_of_which_of_several_settings_a_log_is_nobody_can_tell(text: str) -> None:
    assert judged(text).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "Using Adam gave 99.35 % accuracy. SGD gave 99.46 % accuracy.",
        "In run 3 of 5 the network reached 99.52 % test accuracy. The submitted run reached 99.46 %.",
        "With 25,000 parameters I reached 99.55 %; the submitted network has 1,466 and reaches 99.46 %.",
        "A wider network has 25,000 parameters, the submitted one 1,466. It reaches 99.46 %.",
        "Dropping the augmentation gives 99.33 %. With it the network reached 99.46 % in epoch 14.",
        "I ran it again and got 99.43 %. The saved run reached 99.46 %.",
    ],
)
def test_another_setting_beside_a_right_number_is_no_fault(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "text",
    [
        "We trained with SGD and batch size 128 and reached 99.56 % in epoch 14.",
        "Our final network, with batch size 128, achieved a test accuracy of 99.56 %.",
        "After 15 epochs of training the network reached 99.56 %.",
        "The network has 1,566 parameters and a dropout of 0.05.",
        "Best: with batch size 64 the network reached 99.56 %.",
        "# ERA V1 Session 4\n\nTest accuracy: 99.56 %",
        "## Part 2: Assignment 4\n\nThe network achieved 99.56 %.",
        "## Step 3\n\nTest accuracy: 99.56 %",
        "ERA V1 assignment: achieved a test accuracy of 99.56 %",
        "After training for 15 epochs the network reached 99.56 %.",
        "With 1466 parameters the network reached 99.56 %.",
        "The submitted network reached 99.46 %, in epoch 12 already 99.56 %.",
        "The submitted network reached 99.56 %, above the 99.4 % that were asked for.",
    ],
)
def test_settings_of_the_submitted_network_excuse_no_wrong_number(text: str) -> None:
    assert judged(text).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "The network reaches 99.46 %. On Fashion-MNIST it reaches 91.2 % test accuracy.",
        "On KMNIST we got 96.1% accuracy.",
        "FashionMNIST test accuracy: 91.2%",
        "On EMNIST the test accuracy is 91.2%.",
    ],
)
def test_an_accuracy_on_other_images_is_not_contradicted_by_the_log(text: str) -> None:
    assert judged(text).verdict is not Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "On MNIST it reaches 99.9 % test accuracy.",
        "# Session 4\n\nOur network reaches 99.9 %.",
        "# Code 2\n\nOur network reaches 99.9 %.",
    ],
)
def test_the_title_of_the_course_names_no_other_run(text: str) -> None:
    assert judged(text).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "An epoch took 30 s on a T4.",
        "The epochs used 64 images a batch.",
        "For the epochs we used 128 as batch size.",
        "20 epochs were allowed, we needed 14 to get there.",
    ],
)
def test_what_an_epoch_needs_is_no_count_of_epochs(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS
