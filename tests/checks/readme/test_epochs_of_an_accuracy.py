"""In how many epochs an accuracy was reached, how many there were, and whose network a sentence is of."""

import pytest

from grader.core.outcome import Verdict
from tests.checks.readme.test_numbers_in_any_words import RIGHT, judged


@pytest.mark.parametrize(
    "text",
    [
        "It took 10 epochs to reach 99.46 %.",
        "The network needed only 9 epochs to get to 99.46 % test accuracy.",
        "Just 12 epochs were enough to reach 99.46% accuracy on the test set",
        "It took us 8 epochs to cross 99.4 %.",
        "It took 10 epochs to reach 99.46 % with 1,466 parameters.",
    ],
)
def test_fewer_epochs_than_an_accuracy_took_are_no_pass(text: str) -> None:
    assert judged(text).verdict in (Verdict.FAIL, Verdict.UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "It took 14 epochs to reach 99.46 %.",
        "It took 14 epochs to reach 99.46 % with only 1,466 parameters.",
        "It takes 3 epochs to reach 98.7 %, and many more for 99.4 %.",
        "It took 6 epochs to reach 99.15 %.",
        "Only 4 epochs were needed to reach 99 %.",
        "The network needed 12 epochs to cross 99.4% test accuracy.",
    ],
)
def test_the_epochs_that_an_accuracy_took_are_right(text: str) -> None:
    """An accuracy that was crossed need not have been printed: 99.15 % between 99.11 % and 99.18 %."""
    assert judged(text).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "text",
    [
        "Accuracy 99.46 ✅ Parameters 1,466 ✅ Epochs 15 ✅",
        "Epochs 15 | Accuracy 99.46 | Params 1,466",
        "No. of epochs - 15, accuracy - 99.46",
        "#epochs 15, #params 1466, acc 99.46",
        "Accuracy 99.46 in epochs 14",
    ],
)
def test_how_many_epochs_there_were_is_not_when_an_accuracy_was_reached(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS


def test_the_epochs_of_an_accuracy_are_compared() -> None:
    assert judged("Accuracy 99.46 in epochs 11").verdict is Verdict.FAIL
    assert judged("Accuracy 99.46 | Epoch 11").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "My teammate reached 99.51 % with a ResNet.",
        "Last time I had 25,000 parameters and 99.5 %, too many.",
        "Our partner group had 12k parameters and 99.48 %.",
        "The instructor's network has 99.4% with 13.8K parameters.",
        "Other groups got 99.6 % with 18k parameters.",
    ],
)
def test_the_network_of_somebody_else_is_no_claim(text: str) -> None:
    assert judged(text).verdict is Verdict.PASS
    assert judged(f"{text} Our network has 1,566 parameters.").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "The original network of the class has 6,379,786 parameters.",
        "The code from class reached 98.6 % in one epoch.",
        "Group 3 presented 99.55 % with 8k parameters.",
        "A model with 50k parameters reaches 99.6 % easily.",
        "Model 2 has 2,866 parameters.",
        "It is smaller than all others: Anna's network has 19,800 parameters.",
    ],
)
def test_a_network_that_may_be_another_is_asked_about(text: str) -> None:
    assert judged(text).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "My teammate and I reached 99.56 %.",
        "My friend & I got 99.56 % test accuracy.",
        "A small network with 1,566 parameters was trained.",
        "The class Net has 1,566 parameters.",
        "It is a network with 1,566 parameters.",
    ],
)
def test_who_speaks_of_the_own_network_is_compared(text: str) -> None:
    assert judged(text).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "Best test accuracy 99.46 % in epoch 14, 1,466 parameters, 15 epochs.",
        "99.46 % test accuracy (epoch 14, 15 epochs in all)",
        "Best accuracy: 99.46 % at epoch 14, 54 wrong digits",
        "The best accuracy is 99.46 % in epoch 14 and 15 epochs were trained.",
        "Best accuracy of 99.46 at epoch 14, 1.5k params",
    ],
)
def test_what_is_counted_behind_an_epoch_is_no_second_epoch(text: str) -> None:
    """`epoch 14, 20,402 parameters` was read as epochs 14 and 20."""
    assert judged(text).verdict is Verdict.PASS


def test_several_epochs_of_an_accuracy_are_all_compared() -> None:
    assert judged("The test accuracy was above 99.3 % in epochs 12, 13 and 14.").verdict is Verdict.PASS
    assert judged("The test accuracy is 99.46 % in epochs 13 and 14.").verdict is Verdict.FAIL


def test_a_bar_of_epochs_shows_the_last_one_alone() -> None:
    """What the bar drew before is gone, so an accuracy above its last is for a person: it failed."""
    loop = "bar = tqdm(range(15))\nfor epoch in bar:\n    bar.set_postfix(test_acc=test(model))"
    log = "\r100%|████| 15/15 [03:12<00:00, 12.8s/it, test_acc=99.4]\n"
    assert judged("The best test accuracy is 99.46 % in epoch 13.", log, loop).verdict is Verdict.UNKNOWN


def test_between_new_bests_there_were_lower_accuracies() -> None:
    loop = "for epoch in range(1, 16):\n    acc = test(model)\n    if acc > best:\n        best = acc"
    bests = [(1, 97.8), (5, 99.11), (9, 99.31), (14, 99.46)]
    log = "".join(f"epoch {e}: new best test accuracy {a:.2f}%\n" for e, a in bests)
    assert judged("The best test accuracy is 99.46 % in epoch 14.", log, loop).verdict is Verdict.PASS
    assert judged("The test accuracy of the last epoch is 99.38 %.", log, loop).verdict is Verdict.UNKNOWN
    assert judged("The best test accuracy is 99.40 % in epoch 14.", log, loop).verdict is Verdict.PASS
    assert judged("The best test accuracy is 99.42 %.", log, loop).verdict is Verdict.FAIL


def test_what_was_asked_for_stands_in_a_column_of_a_table() -> None:
    table = "| Criterion | Asked | Got |\n|---|---|---|\n| parameters | 20000 | 1466 |\n| epochs | 20 | 15 |"
    assert judged(table).verdict is Verdict.PASS


def table(rights: list[int]) -> str:
    rows = "".join(f"| {n} | {right / 100:.2f} |\n" for n, right in enumerate(rights, 1))
    return f"Best test accuracy: 99.46 %\n\n| Epoch | Test accuracy |\n|---|---|\n{rows}"


def test_a_changed_row_of_a_table_of_epochs_is_asked_about() -> None:
    """It passed beside a right best accuracy."""
    rights = list(RIGHT)
    assert judged(table(rights)).verdict is Verdict.PASS
    rights[8] = 9_942
    asked = judged(table(rights))
    assert asked.verdict is Verdict.UNKNOWN
    assert "1 of 15 epochs in the README are not in the notebook's log (README.md:" in asked.summary


@pytest.mark.parametrize(
    "rights",
    [
        [right - 3 for right in RIGHT],  # another run
        list(RIGHT[:9]),  # the first epochs alone
        [9_700, *RIGHT[1:4]],  # too few to say which run it is
    ],
)
def test_a_table_of_another_run_or_of_some_epochs_is_left_alone(rights: list[int]) -> None:
    assert judged(table(rights)).verdict is Verdict.PASS
