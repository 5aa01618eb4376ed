"""`grader rubric new` takes network, data and limits by option or by question, and keeps what it was not told;
`grader rubric test` shows what each check asks for.
"""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.checks.catalogue import catalogue
from grader.cli.commands import rubric_new
from grader.core.rubric import AccuracyOf, Which
from grader.pipeline.plan.rubric_text import with_values
from grader.pipeline.plan.rubrics import find, load


def made(folder: Path, *options: str, typed: str | None = None) -> Path:
    file = folder / "mine.toml"
    done = CliRunner().invoke(rubric_new.new, [str(file), *options], input=typed, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return file


def test_without_options_the_text_is_copied_as_it_is(tmp_path: Path) -> None:
    text = made(tmp_path, "--from", "tsai-s7").read_text("utf-8")
    assert text == find("tsai-s7").read_text("utf-8").replace('id = "tsai-s7"', 'id = "mine"', 1)


def test_options_say_what_is_the_courses_own(tmp_path: Path) -> None:
    file = made(
        tmp_path, "--layers", "3-2-1", "--activations", "tanh, sigmoid", "--bias", "layer",
        "--data-set", "kmnist", "--accuracy", "95.5", "--last", "3", "--epochs", "12", "--parameters", "9000",
    )  # fmt: skip
    rubric = load(str(file), catalogue()).rubric
    assert (rubric.network.layers, rubric.data.title) == ((3, 2, 1), "KMNIST")
    assert len(rubric.profile.weights) == 8
    assert len(rubric.profile.biases) == 2
    asked = rubric.assignment
    assert (asked.accuracy, asked.which, asked.last_epochs) == (95.5, Which.LAST, 3)
    assert (asked.epochs, asked.parameters) == (12, 9000)
    assert asked.accuracy_of is AccuracyOf.TEST
    assert "# The assignment as most courses give it." in file.read_text("utf-8"), "comments are kept"


def test_questions_are_answered_or_left_with_enter(tmp_path: Path) -> None:
    typed = "fashion-mnist\n88\n\n0\n\n\n"  # data, accuracy, of what, last epochs, epochs, parameters
    file = made(tmp_path, "--from", "tsai-s7", "--ask", typed=typed)
    rubric = load(str(file), catalogue()).rubric
    assert rubric.data.name == "fashion-mnist"
    assert (rubric.assignment.accuracy, rubric.assignment.which) == (88.0, Which.BEST)
    assert (rubric.assignment.epochs, rubric.assignment.parameters) == (15, 8000)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--layers", "two"], "--layers: 'two'"),
        (["--data-set", "imagenet"], "one of mnist, fashion-mnist"),
        (["--loss", "hinge"], "one of half-squared"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_nothing_written(
    tmp_path: Path, options: list[str], said: str
) -> None:
    done = CliRunner().invoke(rubric_new.new, [str(tmp_path / "mine.toml"), *options])
    assert done.exit_code == 2
    assert said in done.output
    assert not list(tmp_path.iterdir())


def test_a_table_that_is_there_is_changed_in_its_place() -> None:
    text = 'id = "x"\n[assignment]\n# why\nepochs = 3  # few\nexact_epochs = 3\n\n[[criterion]]\nid = "a"\n'
    found = with_values(
        with_values(text, "assignment", {"epochs": 5, "accuracy": 90.0}), "data", {"name": "kmnist"}
    )
    assert tomllib.loads(found)["assignment"] == {"accuracy": 90.0, "epochs": 5, "exact_epochs": 3}
    assert tomllib.loads(found)["data"] == {"name": "kmnist"}
    assert "# why" in found


def test_what_each_check_asks_for_is_shown() -> None:
    done = CliRunner().invoke(rubric_new.test, ["tsai-s7"], catch_exceptions=False)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert all(line.startswith("# ") for line in lines), "a table of verdicts may follow"
    assert "# [data] MNIST: 1 x 28 x 28, 10 classes, 60,000 and 10,000 images" in lines
    log = next(line for line in lines if line.startswith("# training-log (TR501, 25 points)"))
    assert "best_or_last = last, last_epochs = 3" in log
    assert next(line for line in lines if "(NN401" in line).endswith("needs: execute")
    assert "needs: retrain" in next(line for line in lines if "(RT601" in line)
