"""`grader reproduce`: the words on the screen; the run itself is tested with the executor."""

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from grader.checks.catalogue import catalogue
from grader.cli.commands import reproduce as module
from grader.cli.reproduce_output import echo_facts
from grader.core.assigned_data import DataSet
from grader.core.facts.notebook import CellRun, CellStatus, Ending, Isolation
from grader.core.facts.reproduced import (
    Canary,
    CanaryState,
    How,
    ReproducedEpoch,
    ReproducedFacts,
    ScoredWith,
)
from grader.core.faults import Unavailable, UsageFault
from grader.core.settings import Settings
from grader.execute import notebook, reproduce
from grader.execute.reproduce import Progress
from grader.pipeline.plan.rubric_request import load_asked
from grader.pipeline.plan.rubrics import load

FACTS = ReproducedFacts(
    artefact="S4.ipynb",
    name="Net",
    graph="0" * 64,
    ending=Ending.OK,
    isolation=Isolation(backend="none", isolated=False),
    epochs=(
        ReproducedEpoch(number=1, correct=9_903, visible=9_890),
        ReproducedEpoch(number=2, correct=9_942, visible=9_931),
    ),
    scored_with=ScoredWith.STUDENT,
    cut="the time for its cells was used up",
    canary=Canary(state=CanaryState.SHOWN, shown=500, asked=1_800, answered=3, without=2),
    failed=(CellRun(cell=9, status=CellStatus.TIMEOUT, error="CellTimeout", message="more than 60 seconds", line=4),),
    notes=("500 digits of its test split were marked",),
)  # fmt: skip


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings that reached the executor, which is replaced by ready facts."""
    heard: list[Settings] = []
    (tmp_path / "README.md").write_text("# Session 4")
    monkeypatch.chdir(tmp_path)

    def run(
        _sources: object, _run: object, settings: Settings, progress: Progress, _data: DataSet
    ) -> ReproducedFacts:
        heard.append(settings)
        progress(1)
        return FACTS

    monkeypatch.setattr(notebook, "run_notebook", lambda *_given: None)
    monkeypatch.setattr(reproduce, "reproduce_as", run)
    return heard


def test_a_line_an_epoch_and_what_the_checks_say(asked: list[Settings]) -> None:
    result = CliRunner().invoke(module.command, [".", "--budget", "30", "--no-canary"])
    assert result.exit_code == 0, result.output
    assert re.fullmatch(r"epoch 1 done \(\d+ s; at most 30 min left\)\n", result.stderr)
    assert result.stdout.splitlines() == [
        f"Net: trained on 50,000 digits by its own notebook ({FACTS.isolation})",
        "  epoch 1: 99.03 % of the true test digits, 98.90 % of its own split",
        "  epoch 2: 99.42 % of the true test digits, 99.31 % of its own split",
        "accuracy: pass: best 99.42 % in epoch 2 of 2 on the true test digits",
        "leak: pass: the square turned 3 of 1,800 digits into a 7 (0.2%)",
        "cut short: the time for its cells was used up",
        "cell 9 line 4 failed: CellTimeout: more than 60 seconds",
        "note: 500 digits of its test split were marked",
    ]
    assert (asked[0].reproduce, asked[0].reproduce_minutes, asked[0].canary) == (True, 30.0, False)


def test_answers_are_called_so_and_prove_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    epochs = tuple(msgspec.structs.replace(e, visible=0, how=How.ANSWERS) for e in FACTS.epochs)
    trap = Canary(state=CanaryState.NOT_SHOWN, reason="the network cannot leave as data")
    echo_facts(msgspec.structs.replace(FACTS, graph="", epochs=epochs, canary=trap))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:5] == [
        "  epoch 1: 99.03 % of the true test digits, by its own answers",
        "  epoch 2: 99.42 % of the true test digits, by its own answers",
        (
            "accuracy: unknown: best 99.42 % in epoch 2 of 2 on the true test digits, by "
            "its own answers only: "
            "no proof, a person should look"
        ),
        "leak: skipped: not tested: the network cannot leave as data",
    ]


def test_the_facts_as_json(asked: list[Settings]) -> None:
    result = CliRunner().invoke(module.command, [".", "--json"])
    assert msgspec.json.decode(result.stdout, type=ReproducedFacts) == FACTS
    assert asked[0].canary


def test_what_cannot_be_run_is_a_usage_fault_with_the_reason(
    asked: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise Unavailable("no MNIST: get it")

    monkeypatch.setattr(reproduce, "reproduce_as", refuse)
    result = CliRunner().invoke(module.command, ["."])
    assert isinstance(result.exception, UsageFault)
    assert "no MNIST" in str(result.exception)
    assert asked == []


def test_reproduce_adds_its_checks_to_a_rubric_that_lacks_them() -> None:
    rules = catalogue()
    plain, data = load_asked("default", rules, Settings())
    assert plain == load("default", rules)
    wanted, longer = load_asked("default", rules, Settings(reproduce=True))
    added = wanted.rubric.criterion[len(plain.rubric.criterion) :]
    assert [(c.check, c.points) for c in added] == [("RT603", 0.0), ("RT604", 0.0)]
    assert longer.startswith(data)
    assert wanted.sha256 != plain.sha256


def test_a_rubric_brings_its_limits_and_its_data(
    asked: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def run(*given: object) -> ReproducedFacts:
        heard.extend(part.name for part in given if isinstance(part, DataSet))
        return FACTS

    monkeypatch.setattr(reproduce, "reproduce_as", run)
    invoke = CliRunner().invoke
    stricter = invoke(module.command, [".", "-r", "tsai-s7"]).stdout
    assert "the last 3 of at most 15 epochs were not seen" in stricter
    assert "accuracy: pass" in invoke(module.command, [".", "-r", "fashion-small"]).stdout
    assert (
        "skipped: a whole run is scored on the test images"
        in invoke(module.command, [".", "-r", "era-v3-s5"]).stdout
    )
    assert heard == ["mnist", "fashion-mnist", "mnist"]
