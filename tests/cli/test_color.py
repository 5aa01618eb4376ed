"""Colours on a terminal alone, and never where NO_COLOR asks for none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hand_in(tmp_path: Path) -> Path:
    """Less than was asked for, by a rubric that asks for files: quickly graded, and not green."""
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "README.md").write_text("# w1", encoding="utf-8")
    rubric = 'id = "f"\ntitle = "Files"\n[[criterion]]\nid = "files"\ncheck = "AR001"\npoints = 3\n'
    (tmp_path / "files.toml").write_text(rubric, encoding="utf-8")
    return tmp_path


def on_a_terminal(folder: Path, **variables: str) -> str:
    """Return what `grader grade --quiet` prints where stdout is a terminal."""
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | variables
    words = ["grade", "ann", "-r", "files.toml", "-o", "out", "--no-exec", "-q"]
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "grader", *words],
            stdout=theirs,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT)},
            timeout=120,
            check=False,
        )
        return os.read(ours, 100_000).decode("utf-8", "replace")
    finally:
        os.close(ours)
        os.close(theirs)


def test_colour_on_a_terminal_unless_no_color_is_set(hand_in: Path) -> None:
    coloured = on_a_terminal(hand_in, TERM="xterm")
    assert "\x1b[33m" in coloured
    assert "\x1b[0m" in coloured
    plain = on_a_terminal(hand_in, TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in plain
    assert "Partly right" in plain
