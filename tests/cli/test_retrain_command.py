"""`grader retrain`: the words on the screen; the training itself is tested with the engine."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from grader.cli.commands import retrain as module
from grader.core.assigned_data import DataSet
from grader.core.evidence.logs import LogEvidence
from grader.core.facts.retrain import RetrainFacts
from grader.core.faults import Unavailable, UsageFault
from grader.core.retrain_rule import Retraining
from grader.core.settings import Settings
from grader.core.submission import Kind, Sources
from grader.execute import notebook, retrain
from grader.execute.engine.runs.retraining import retrain_network
from grader.execute.engine.runs.wish import Wish
from tests.execute.engine.small import digits, network, recipe
from tests.generate import training_notebook
from tests.generate.training_notebook import Epoch


@pytest.fixture
def submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, with the sandbox and MNIST replaced by a ready network and made-up digits."""
    (tmp_path / "README.md").write_text("# Session 4")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def train(
        _run: object, settings: Settings, wish: Wish, _logs: object = None, _data: object = None
    ) -> RetrainFacts:
        return retrain_network(network(), recipe(), digits(), settings, wish)

    monkeypatch.setattr(notebook, "run_notebook", lambda *_given: None)
    monkeypatch.setattr(retrain, "retrain_as", train)
    return tmp_path


def test_a_line_an_epoch_and_the_verdict(submission: Path) -> None:
    result = CliRunner().invoke(module.command, [str(submission), "--epochs", "2", "--seeds", "1"])
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert re.match(
        r"run 1 seed 5 epoch 1/3: \d+ right, loss \d\.\d{4} \(\d+ s, at most \d+ min left", lines[0]
    )
    # A hundred digits are not the 10,000: the curves prove nothing, and the command says so.
    assert "unknown: the network was scored on 100 digits, the rubric counts 10,000" in result.stdout
    assert "recipe: SGD(lr=0.05, momentum=0.9)" in result.stdout


def test_quiet_says_no_epoch_and_the_next_call_trains_nothing(submission: Path) -> None:
    arguments = [str(submission), "--epochs", "2", "--seeds", "1"]
    assert CliRunner().invoke(module.command, [*arguments, "--quiet"]).stderr == ""
    again = CliRunner().invoke(module.command, arguments).stderr.splitlines()
    assert [line.endswith("(kept from an earlier run)") for line in again] == [True, True]


def test_a_terminal_gets_one_live_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    from grader.cli.output import progress_line
    from grader.core.progress import tell

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_line(enabled=True):
        tell("epoch 1")
        tell("epoch 2")
    assert capsys.readouterr().err == "\r\x1b[2Kepoch 1\r\x1b[2Kepoch 2\r\x1b[2K"


def test_grading_says_a_line_an_epoch_too(submission: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from grader.cli.output import progress_line

    for enabled in (True, False):
        with progress_line(enabled=enabled):
            retrain.retrain(None, Settings(), Retraining(), None)  # type: ignore[arg-type]  # the fixture trains without a run
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"run 1 seed 5 epoch {n}/3" for n in (1, 2, 3)]


def test_the_facts_as_json(submission: Path) -> None:
    import msgspec

    arguments = [str(submission), "--epochs", "1", "--seeds", "1", "--json", "--mode", "exact"]
    result = CliRunner().invoke(module.command, arguments)
    facts = msgspec.json.decode(result.stdout, type=RetrainFacts)
    assert len(facts.runs[0].correct) == 1


def test_who_asks_for_the_mode_that_is_gone_is_told_so(submission: Path) -> None:
    result = CliRunner().invoke(module.command, [str(submission), "--mode", "fast"])
    assert result.exit_code == 2
    assert "there is no mode fast any more" in result.output
    assert "Leave --mode out" in result.output
    assert "--mode " not in CliRunner().invoke(module.command, ["--help"]).output


def test_what_cannot_be_trained_is_a_usage_fault_with_the_reason(
    submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise Unavailable("no MNIST: get it")

    monkeypatch.setattr(retrain, "retrain_as", refuse)
    result = CliRunner().invoke(module.command, [str(submission)])
    assert isinstance(result.exception, UsageFault)
    assert "no MNIST" in str(result.exception)


def test_the_saved_log_reaches_the_training(submission: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that may stop early is as long as the log shows, here as in `grade`."""
    line = "Test set: Average loss: 0.0300, Accuracy: 98{}/10000 (98%)\n"
    cell = {
        "cell_type": "code",
        "source": "for epoch in range(20):\n    test(model)",
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": "".join(map(line.format, (10, 20, 30)))}
        ],
        "metadata": {},
        "execution_count": 1,
    }
    notebook_ = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (submission / "S4.ipynb").write_text(json.dumps(notebook_))
    seen: list[LogEvidence | None] = []

    def train(
        _run: object, settings: Settings, wish: Wish, logs: LogEvidence | None, _data: object
    ) -> RetrainFacts:
        seen.append(logs)
        return retrain_network(network(), recipe(), digits(), settings, wish)

    monkeypatch.setattr(retrain, "retrain_as", train)
    result = CliRunner().invoke(module.command, [str(submission), "--epochs", "1", "--seeds", "1", "-q"])
    assert result.exit_code == 0, result.output
    (logs,) = seen
    assert logs is not None
    assert [len(run.epochs) for run in logs.runs] == [3]


@pytest.mark.parametrize(
    ("rubric", "more", "expected"),
    [
        ("default", [], (9_940, 20, 3, "mnist")),
        ("tsai-s7", [], (9_940, 15, 3, "mnist")),
        ("tsai-s7", ["--epochs", "4", "--seeds", "1"], (9_940, 4, 1, "mnist")),
        ("fashion-small", [], (9_000, 20, 3, "fashion-mnist")),
        ("era-v3-s5", [], (57_000, 1, 3, "mnist")),
        ("era-v1-s8", [], (7_000, 20, 3, "cifar10")),
    ],
)
def test_a_rubric_brings_its_rule_and_its_data(
    submission: Path, monkeypatch: pytest.MonkeyPatch, rubric: str, more: list[str], expected: tuple[Any, ...]
) -> None:
    seen: list[tuple[Any, ...]] = []

    def train(_run: object, _settings: Settings, wish: Wish, _logs: object, data: DataSet) -> RetrainFacts:
        seen.append((wish.rule.right, wish.rule.epochs, wish.rule.seeds, data.name))
        raise Unavailable("nothing is trained here")

    monkeypatch.setattr(retrain, "retrain_as", train)
    CliRunner().invoke(module.command, [str(submission), "-r", rubric, *more])
    assert seen == [expected]


RUBRIC = """
id = "steps"
title = "Two networks"
[assignment]
accuracy = 99.0
epochs = 3
[[model]]
id = "first"
names = ["step 1"]
[model.assignment]
epochs = 2
[[model]]
id = "last"
names = ["step 2"]
[[criterion]]
id = "last-trained"
check = "RT601"
model = "last"
points = 1
params = { seeds = 2 }
"""


def steps(folder: Path, files: dict[str, list[int]], rubric: Path) -> None:
    """A hand-in of two networks and its rubric."""
    for name, right in files.items():
        (folder / name).write_bytes(training_notebook.notebook([Epoch(97.0, r) for r in right]))
    rubric.write_text(RUBRIC, "utf-8")


def test_one_of_several_networks_is_trained_by_its_own_files_and_rule(
    submission: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    rubric = tmp_path_factory.mktemp("rubric") / "steps.toml"
    steps(submission, {"S7_Step1.ipynb": [9_800], "S7_Step2.ipynb": [9_800, 9_900]}, rubric)
    seen: list[tuple[list[str], int, int, int]] = []

    def train(_run: object, _settings: object, wish: Wish, logs: LogEvidence, _data: object) -> None:
        seen.append((ran[-1], wish.rule.epochs, wish.rule.seeds, len(logs.runs[0].epochs)))
        raise Unavailable("nothing is trained here")

    ran: list[list[str]] = []

    def run(sources: Sources, *_given: object) -> None:
        ran.append([source.artefact.path for source in sources.of(Kind.NOTEBOOK)])

    monkeypatch.setattr(notebook, "run_notebook", run)
    monkeypatch.setattr(retrain, "retrain_as", train)
    for model in ("first", "last"):
        CliRunner().invoke(module.command, [str(submission), "-r", str(rubric), "--model", model])
    assert seen == [(["S7_Step1.ipynb"], 2, 3, 1), (["S7_Step2.ipynb"], 3, 2, 2)]


def test_a_network_that_is_not_told_apart_or_not_asked_for_is_not_trained(
    submission: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rubric = tmp_path_factory.mktemp("rubric") / "steps.toml"
    steps(submission, {"S7_Step1.ipynb": [9_800], "S7.ipynb": [9_900]}, rubric)
    told = []
    for model in ("last", "third"):
        result = CliRunner().invoke(module.command, [str(submission), "-r", str(rubric), "--model", model])
        assert isinstance(result.exception, UsageFault)
        told.append(str(result.exception))
    assert "nothing that was handed in is called `step 2`; it could be in S7.ipynb" in told[0]
    assert told[1].endswith(
        "--model third: no [[model]] of the rubric steps has this id; there are: first, last"
    )
