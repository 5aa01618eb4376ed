"""What a submission says is printed, and steers no terminal: no escape sequence, no reversed text, no line of
its own.
"""

import json
import os
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from grader.cli.output import echo_line
from grader.cli.reproduce_output import echo_facts as echo_reproduced
from grader.cli.retrain_output import echo_facts as echo_retrained
from grader.cli.root import app
from grader.core.retrain_rule import RuleParams
from tests.cli.test_reproduce_command import FACTS
from tests.facts import retrained

EVIL = "\x1b]0;pwn\x07\x1b[2J\u202e"
LIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """Control characters in every name and text that a command may quote."""
    folder = tmp_path / "sub"
    folder.mkdir()
    log = f"EPOCH: 1\nAccuracy: 9900/10000 (99.00%) {EVIL}\n"
    cells = [
        {
            "cell_type": "markdown",
            "source": f"7,723 {EVIL} parameters, accuracy 99.4% {EVIL}",
            "metadata": {},
        },
        {
            "cell_type": "code",
            "source": f"import torch # {EVIL}\nloss.backward()",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": log}],
            "metadata": {},
        },
    ]
    book = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    for name in ("a", "b"):
        (folder / f"{name}{EVIL}.ipynb").write_text(book, "utf-8")
    (folder / "w.xlsx").write_bytes(b"PK" + EVIL.encode())
    (folder / "README.md").write_text(
        f"# x\n\n∂E/∂w5 = (a_o1 - t1) * {EVIL} a_o2\n\n∂E/∂w6 = a_o1 * q{EVIL}\n", "utf-8"
    )
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "."],
        ["grade", ".", "--no-exec", "-o", "out"],
        ["check", ".", "--static"],
        ["inspect", "formulas", "README.md"],
        ["inspect", "notebook", "--no-exec", f"a{EVIL}.ipynb"],
        ["inspect", "workbook", f"{EVIL}.xlsx"],
    ],
    ids=lambda words: " ".join(w for w in words[:2] if w.isalpha()),
)
@pytest.mark.skipif(os.name == "nt", reason="names that Windows refuses")
def test_no_command_lets_a_submission_steer_the_terminal(
    command: list[str], submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (submission / "w.xlsx").rename(submission / f"{EVIL}.xlsx")
    monkeypatch.chdir(submission)
    result = CliRunner().invoke(app, command)
    assert result.exit_code in (0, 1, 4), result.output
    assert len(result.output) > 40
    assert not LIVE.search(result.output)


def test_facts_of_a_run_forge_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    cell = msgspec.structs.replace(FACTS.failed[0], error=f"E{EVIL}", message=f"{EVIL}\nleak: pass: 100 %")
    echo_reproduced(msgspec.structs.replace(FACTS, name=f"Net{EVIL}", failed=(cell,), notes=(EVIL,)))
    missing = (f"{EVIL}\nNet: pass: 100 %",)
    echo_retrained(
        msgspec.structs.replace(retrained(9_890, 9_941), name=f"N{EVIL}", recipe_missing=missing),
        RuleParams(),
    )
    printed = capsys.readouterr().out
    assert not LIVE.search(printed)
    assert [line for line in printed.splitlines() if line.startswith(("leak:", "Net: pass"))] == [
        "leak: pass: the square turned 3 of 1,800 digits into a 7 (0.2%)"
    ]


def test_a_long_line_loses_its_middle(capsys: pytest.CaptureFixture[str]) -> None:
    echo_line("x" * 100_000)
    assert "92,000 characters" in capsys.readouterr().out
