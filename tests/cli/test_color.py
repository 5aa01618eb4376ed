"""Colours on a terminal alone, and never where NO_COLOR asks for none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
ROOT = Path(__file__).parents[2]


def on_a_terminal(out: Path, **variables: str) -> str:
    """Return what `grader grade --quiet` prints where stdout is a terminal."""
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | variables
    command = [
        sys.executable,
        "-m",
        "grader",
        "grade",
        str(ROOT / "submissions" / "no-notebook"),
        "-o",
        str(out),
        "--no-exec",
        "-q",
    ]
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment, timeout=120, check=False
        )
        return os.read(ours, 100_000).decode("utf-8", "replace")
    finally:
        os.close(ours)
        os.close(theirs)


def test_colour_on_a_terminal_unless_no_color_is_set(tmp_path: Path) -> None:
    coloured = on_a_terminal(tmp_path, TERM="xterm")
    assert "\x1b[33m" in coloured
    assert "\x1b[0m" in coloured
    assert "\x1b" not in on_a_terminal(tmp_path, TERM="xterm", NO_COLOR="1")
