"""A crash of ours is one sentence for the instructor, and a traceback in a file for us."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.core import crash_log


@pytest.fixture(autouse=True)
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(crash_log, "_kept", {})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = logging.getLogger("grader").handlers[:]
    crash_log.listen()
    yield
    logging.getLogger("grader").handlers[:] = before


def _crash(log: logging.Logger, student: str) -> None:
    try:
        raise KeyError("w\x1b[2J9")
    except KeyError:
        log.exception("the pictures of %s cannot be shown", student)


def test_forty_crashes_are_forty_lines_and_one_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("grader.pipeline.grade.publish")
    for number in range(40):
        _crash(log, f"s{number:02}")
    said = capsys.readouterr().err.splitlines()
    (file,) = tmp_path.iterdir()
    assert len(said) == 40
    assert said[7].startswith("grader: the pictures of s07 cannot be shown (KeyError: ")
    assert said[7].endswith(f"; the traceback is in {file}")
    assert "\x1b" not in "".join(said)
    text = file.read_text(encoding="utf-8")
    assert text.count("Traceback (most recent call last):") == 40
    assert text.count("Python 3.") == 1
    assert "the pictures of s39 cannot be shown" in text


def test_what_is_no_crash_has_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("grader.ingest").warning("%s is no picture", "a.png")
    assert capsys.readouterr().err == "grader: a.png is no picture\n"
    assert not list(tmp_path.iterdir())


def test_it_is_said_once_however_often_it_is_listened(capsys: pytest.CaptureFixture[str]) -> None:
    crash_log.listen()
    logging.getLogger("grader.x").warning("once")
    assert capsys.readouterr().err.count("once") == 1
