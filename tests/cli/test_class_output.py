"""What a batch says while it runs and at its end: progress, what was left and why, and the command that goes
on.
"""

import sys
from pathlib import Path

import click
import pytest

from grader.cli.class_output import class_progress, command_again, echo_class
from grader.pipeline.classroom.grade_class import Graded
from grader.pipeline.stages.request import Progress
from tests.render.samples import good

STEP = Progress(
    phase="read", done=3, total=9, id="bo\x1bb", seconds_left=61.0, not_counted=("execute", "retrain")
)


@click.command()
@click.argument("class_path", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("reports"))
@click.option("--only", multiple=True)
@click.option("--no-exec", is_flag=True)
@click.option("--budget", default="")
def batch(**_options: object) -> None:
    """The options that a command may have."""


def context(*words: str) -> click.Context:
    return batch.make_context("batch", list(words))


def graded(**fields: object) -> Graded:
    plain: dict = {
        "run": 1,
        "resumed": False,
        "reports": (good(),),
        "refused": {},
        "page": Path("r/index.html"),
    }
    return Graded(**(plain | fields))


def test_a_line_a_submission_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with class_progress() as show:
        show(STEP)
    assert capsys.readouterr().err == "read 3/9 'bo\\x1bb' (about 1 min and execute and retrain left)\n"


def test_a_bar_on_a_terminal_that_no_name_can_steer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with class_progress() as show:
        show(STEP)
    drawn = capsys.readouterr().err
    assert "3/9" in drawn
    assert "about 1 min and execute and retrain left, bo\N{REPLACEMENT CHARACTER}b" in drawn
    assert "bo\x1bb" not in drawn


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    with class_progress() as show:
        show(STEP)
    assert capsys.readouterr().err == "read 3/9 'bo\\x1bb' (about 1 min and execute and retrain left)\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with class_progress(enabled=False) as show:
        show(STEP)
    assert capsys.readouterr().err == ""


def test_the_end_names_what_is_left_what_failed_and_who_is_not_on_the_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = graded(left=4, failed=("ann", "bob b"), absent=7, refused={"bob b": "no zip"})
    echo_class(found, context("my class", "--budget", "2h", "--only", "eve"))
    told = capsys.readouterr()
    assert told.err == "not graded: 'bob b': no zip\n"
    assert told.out.splitlines()[1:] == [
        "the budget is spent, 4 were not retrained; to go on: grader batch 'my class' --only eve --budget 2h",
        (
            "2 could not be graded in full; to try them again: grader batch 'my class' --only ann "
            "--only 'bob b' --budget 2h"
        ),
        "7 of the class are not on the page: they were never graded with this rubric and these options",
        "class page  r/index.html",
    ]


def test_nothing_is_said_of_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    echo_class(graded(), context("c"))
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_command_leaves_out_what_nobody_asked_for() -> None:
    assert command_again(context("c", "--no-exec", "-o", "reports")) == "grader batch c --no-exec"
