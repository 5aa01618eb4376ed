"""`grader watch`: a save is checked, and a file that is broken for a moment ends nothing."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from grader.cli.commands import watch

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("# w1", encoding="utf-8")
    return tmp_path


@pytest.fixture
def lines(folder: Path) -> Iterator["Queue[str]"]:
    """What a watching process says on stderr, a line an item."""
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "watch", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said: Queue[str] = Queue()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.put(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    yield said
    process.kill()
    process.wait()
    reader.join()
    assert process.stderr is not None
    process.stderr.close()


def until(said: "Queue[str]", words: str) -> str:
    while words not in (line := said.get(timeout=100)):
        pass
    return line


@pytest.mark.slow
def test_a_broken_file_is_said_and_the_next_save_is_checked(folder: Path, lines: "Queue[str]") -> None:
    """It once ended at the first fault in .grader.toml."""
    until(lines, "Watching")
    (folder / ".grader.toml").write_text('rubrik = "x"\n', encoding="utf-8")
    assert "rubrik" in until(lines, "grader:")
    until(lines, "Watching")
    (folder / ".grader.toml").write_text('rubric = "eva4-s4"\n', encoding="utf-8")
    until(lines, "Watching")


def test_what_a_student_does_not_save_is_not_watched(folder: Path) -> None:
    before = watch._state(folder)
    for name in (".git", ".ipynb_checkpoints", "env"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("x", encoding="utf-8")
    (folder / "env" / "pyvenv.cfg").write_text("", encoding="utf-8")
    assert watch._state(folder) == before
    (folder / "README.md").write_text("# w1 and w2", encoding="utf-8")
    assert watch._state(folder) != before
