"""What a terminal gets and a pipe does not: tables, rendered pages, links; and nothing that a student can steer."""

import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import class_output, screen
from grader.cli.class_output import echo_reports
from grader.cli.output import color_wanted
from tests.command_line import grader
from tests.render.samples import everyone, hostile


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wide terminal that understands escape sequences."""
    for module in (screen, class_output):
        monkeypatch.setattr(module, "watched", lambda _: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("terminal")
def test_a_table_holds_every_cell_and_no_markup_of_a_student(capsys: pytest.CaptureFixture[str]) -> None:
    screen.print_table(
        ("name", "points"), [("[bold red]ann[/]", "3"), ("b\x1b[2Jo", "10")], numbers=frozenset({1})
    )
    shown = capsys.readouterr().out
    assert "[bold red]ann[/]" in shown, "square brackets are text"
    assert "\x1b[2J" not in shown
    assert [line.split()[-1] for line in shown.splitlines() if line.strip().endswith(("3", "10"))] == [
        "3",
        "10",
    ]


@pytest.mark.usefixtures("terminal")
def test_a_class_is_a_table_where_somebody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    echo_reports((*everyone(), hostile()))
    shown = capsys.readouterr().out
    assert "most costly" in shown
    assert "mixed-work" in shown
    assert "9 / 23" in shown


def test_a_class_is_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    echo_reports(everyone())
    shown = capsys.readouterr().out
    assert "most costly" not in shown
    assert "mixed-work" in shown


@pytest.mark.usefixtures("terminal")
def test_a_page_of_the_docs_is_rendered(capsys: pytest.CaptureFixture[str]) -> None:
    screen.print_markdown("# BP101\n\n## What it checks\nThat `∂E/∂w` is right.\n\n    code\n")
    shown = capsys.readouterr().out
    assert "##" not in shown
    assert "What it checks" in shown


def test_explain_stays_markdown_in_a_pipe() -> None:
    done = grader("explain", "BP101")
    assert "## What it checks" in done.stdout


@pytest.mark.usefixtures("terminal")
def test_pages_are_links_on_a_terminal(tmp_path: Path) -> None:
    page = tmp_path / "a b" / "index.html"
    assert screen.linked(page) == f"\x1b]8;;{page.as_uri()}\x1b\\{page}\x1b]8;;\x1b\\"


def test_no_escape_for_a_pipe_nor_for_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert screen.linked(Path("r/index.html")) == "r/index.html"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert screen.linked(Path("r/index.html")) == "r/index.html"
    assert not color_wanted()


def test_check_ends_with_where_the_page_is_and_how_to_read_about_the_first_fault(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("∂E/∂w5 = (a_o1 - t1)*a_o1*(1 - a_o1)*a_h2\n", encoding="utf-8")
    done = grader("check", "--static", tmp_path)
    *_, page, why = done.stdout.splitlines()
    assert page == f"page  grader check {tmp_path} -o FOLDER"
    assert why.startswith("why   grader explain ")
    assert grader("explain", why.split()[-1]).returncode == 0


@pytest.mark.slow
def test_two_faults_fit_on_one_screen() -> None:
    """One bracket slip took 110 lines: eight findings, each with the formula three times."""
    done = grader("check", "--static", "submissions/wrong-gradient")
    assert len(done.stdout.splitlines()) <= 45


@pytest.mark.slow
def test_no_command_pays_for_rich_in_a_pipe() -> None:
    script = (
        "import sys; from grader.cli.root import app\n"
        "for words in (['rules'], ['explain', 'BP101'], ['check', '--static', 'README.md']):\n"
        "    try: app.main(words, standalone_mode=False)\n"
        "    except SystemExit: pass\n"
        "assert 'rich' not in sys.modules, 'imported for a pipe'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
