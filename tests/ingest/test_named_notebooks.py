"""Which notebook is the submission: the README's word before any guess from content."""

import json

import pytest

from grader.core.submission import Kind
from grader.ingest.read import from_bytes


def _notebook(extra: str = "") -> bytes:
    source = "class Net(nn.Module): pass\noptimizer.step(); loss.backward()  # MNIST Dropout " + extra
    cell = {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "execution_count": 1}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


BEST = "BatchNorm2d AvgPool torchsummary Test set Accuracy"
"""Words that make a notebook the best by content."""


def _choice(readme: str, **more: str) -> tuple[str, bool]:
    files = {name: _notebook(extra) for name, extra in more.items()}
    sources = from_bytes("s", {**files, "README.md": readme.encode()})
    main = sources.main(Kind.NOTEBOOK)
    assert main is not None
    return main.artefact.path, bool(sources.submission.doubts)


TWO = {"train.ipynb": BEST, "train_adam.ipynb": "", "train_sgd.ipynb": "# sgd"}


@pytest.mark.parametrize(
    "readme",
    [
        (
            "| **Adam, the submission** | [`train_adam.ipynb`](train_adam.ipynb) | 99.44 |\n| SGD | "
            "train_sgd.ipynb | 99.41 |"
        ),
        "The final notebook is TRAIN_ADAM.IPYNB.",
        "Submitted: train_adam.ipynb (not the older train_sgd.ipynb)",
        "train_sgd.ipynb was my first attempt; train_adam.ipynb is the one to be graded",
        "see ./train_adam.ipynb",
        "<a href='https://example.org/u/r/blob/main/train_adam.ipynb'>open</a>",
        "train_adam.ipynb is the solution, train_sgd.ipynb an old experiment",
        "Die Abgabe ist `train_adam.ipynb`, `train_sgd.ipynb` war ein Versuch.",
        "Le notebook à évaluer est train_adam.ipynb (train_sgd.ipynb : essai).",
        "El cuaderno final es train_adam.ipynb, no train_sgd.ipynb.",
        "The submission is train_adam (not train_sgd).",
        "See notebook **train_adam** for the final model.",
        "The notebooks train_sgd.ipynb and train.ipynb are drafts.",
    ],
)
def test_the_readme_says_which_notebook_is_the_submission(readme: str) -> None:
    assert _choice(readme, **TWO) == ("train_adam.ipynb", False)


@pytest.mark.parametrize(
    "readme", ["Runs: train_adam.ipynb and train_sgd.ipynb", "submission: train_adam.ipynb, train_sgd.ipynb"]
)
def test_of_several_named_notebooks_one_that_is_not_named_is_never_taken(readme: str) -> None:
    main, doubt = _choice(readme, **TWO)
    assert main in ("train_adam.ipynb", "train_sgd.ipynb")
    assert doubt


def test_letter_case_decides_where_nothing_else_does() -> None:
    two = {"S4.ipynb": BEST, "s4.ipynb": ""}
    assert _choice("the submission is s4.ipynb", **two) == ("s4.ipynb", False)
    assert _choice("the submission is S4.ipynb", **two) == ("S4.ipynb", False)


def test_a_path_decides_between_notebooks_of_one_name() -> None:
    two = {"part1/S4.ipynb": BEST, "part2/S4.ipynb": ""}
    assert _choice("final: [S4](part2/S4.ipynb)", **two) == ("part2/S4.ipynb", False)
    assert _choice("final: https://example.org/u/r/blob/main/w4/part2/S4.ipynb", **two) == (
        "part2/S4.ipynb",
        False,
    )


def test_a_name_that_ends_another_name_is_not_named_by_it() -> None:
    two = {"train.ipynb": BEST, "pre train.ipynb": ""}
    assert _choice("final: pre train.ipynb", **two) == ("pre train.ipynb", False)


def test_a_submission_that_is_named_and_not_there_leaves_the_choice_to_a_person() -> None:
    two = {"a.ipynb": BEST, "b.ipynb": ""}
    assert _choice("The submission is final_version.ipynb", **two)[1]
    assert _choice("Made after course_template.ipynb", **two) == ("a.ipynb", False)


def test_a_notebook_that_trains_far_less_than_another_is_named_and_asked_about() -> None:
    two = {"a.ipynb": BEST, "b.ipynb": ""}
    toy = json.dumps(
        {"nbformat": 4, "cells": [{"cell_type": "code", "source": "optimizer = 1"}], "metadata": {}}
    ).encode()
    files = {"a.ipynb": _notebook(BEST), "b.ipynb": toy, "README.md": b"open b.ipynb"}
    sources = from_bytes("s", files)
    assert sources.main(Kind.NOTEBOOK).artefact.path == "b.ipynb"  # type: ignore[union-attr]
    assert sources.submission.doubts
    assert _choice("nothing is named", **two) == ("a.ipynb", False)


def test_the_python_file_that_builds_the_network_is_the_main_one() -> None:
    network = (
        b"import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self): self.c = nn.Conv2d(1, 8, 3)\n"
    )
    sources = from_bytes("s", {"setup.py": b"x = 1", "utils.py": b"def f(): pass", "model.py": network})
    assert [a.path for a in sources.submission.artefacts if a.main] == ["model.py"]
    none = from_bytes("s", {"setup.py": b"x = 1", "utils.py": b"def f(): pass"})
    assert not [a for a in none.submission.artefacts if a.main]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("S7_Step1.ipynb", "S7_Step2.ipynb", "S7_Step3.ipynb"), "S7_Step3.ipynb"),
        (("Code 1.ipynb", "Code 10.ipynb", "Code 9.ipynb"), "Code 10.ipynb"),
        (("1_Skeleton.ipynb", "2_Regularisation.ipynb"), "2_Regularisation.ipynb"),
        (("001_minus_08.ipynb", "002_08.ipynb", "004_14.ipynb"), "004_14.ipynb"),
        (("Classifier_Final.ipynb", "Classifier_v1.ipynb"), "Classifier_Final.ipynb"),
        (("ERA_S7_C5.ipynb", "ERA_S7_C6.ipynb"), "ERA_S7_C6.ipynb"),
        (
            ("Code_1_Final.ipynb", "Code_2_Final.ipynb", "Code_3_Final_99_45.ipynb"),
            "Code_3_Final_99_45.ipynb",
        ),
        (("S7_11.ipynb", "S7_9.ipynb", "S7_14.ipynb"), "S7_14.ipynb"),
    ],
)
def test_the_last_step_of_a_series_is_the_submission(names: tuple[str, ...], chosen: str) -> None:
    assert _choice("# MNIST", **{n: f"# {n}" for n in names}) == (chosen, False)


@pytest.mark.parametrize(
    "names",
    [
        ("S4.ipynb", "S5.ipynb"),
        ("Part 1.ipynb", "Part 2.ipynb"),
        ("a.ipynb", "b2.ipynb"),
        ("Task_1_mnist.ipynb", "Task_2_mnist.ipynb"),
        ("Step3.ipynb", "Step3_V2.ipynb"),
        ("1.ipynb", "2.ipynb"),
        ("mnist_lr_0.1.ipynb", "mnist_lr_0.01.ipynb"),
        ("mnist_epochs_15.ipynb", "mnist_epochs_20.ipynb"),
        ("net bs 16.ipynb", "net bs 32.ipynb"),
        ("net_filters_8.ipynb", "net_filters_16.ipynb"),
        ("mnist_99.41.ipynb", "mnist_99.52.ipynb"),
        ("S4_batch_64.ipynb", "S4_batch_128.ipynb"),
    ],
)
def test_sessions_and_parts_are_no_versions_of_one_another(names: tuple[str, ...]) -> None:
    assert _choice("# MNIST", **{n: f"# {n}" for n in names})[1]


def _printed(total: str) -> str:
    return f"{BEST} # Total params: {total}"


@pytest.mark.parametrize(
    "readme",
    [
        "We have `7,412` params and 99.46 % in the best epoch.",
        "Number of parameters: 7412 (at most 20,000 parameters are allowed)",
        "    Total params: 7,412\n    Trainable params: 7,412",
    ],
)
def test_the_number_of_parameters_says_whose_work_a_readme_describes(readme: str) -> None:
    both = {"add.ipynb": _printed("81,220"), "digits.ipynb": _printed("7,412")}
    assert _choice(readme, **both) == ("digits.ipynb", False)


@pytest.mark.parametrize(
    ("readme", "totals"),
    [
        ("7,412 parameters in both", ("7,412", "7,412")),
        ("from 81,220 parameters down to 7,412 parameters", ("81,220", "7,412")),
        ("7,412 digits are wrong", ("81,220", "7,412")),
        ("less than 20,000 parameters", ("20,106", "7,412")),
        ("17,412 parameters", ("81,220", "7,412")),
    ],
)
def test_a_number_that_fits_none_or_both_settles_nothing(readme: str, totals: tuple[str, str]) -> None:
    both = {"a.ipynb": _printed(totals[0]), "b.ipynb": _printed(totals[1]) + " # other"}
    assert _choice(readme, **both)[1]
