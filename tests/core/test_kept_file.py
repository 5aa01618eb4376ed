"""What is kept for the next command is unmarshalled and runs as our own code, so it must be our own.

A job of a CI may set its cache folder within its checkout, and whoever hands in a repository commits what it likes: a file
of compiled patterns or templates ran its code in the process that grades.
"""

import os
from pathlib import Path

import pytest

from grader.core import kept_file, machine


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was kept, in a folder that is neither a checkout nor the current one."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    path = tmp_path / "cache" / "grader" / "kept.bin"
    kept_file.write(path, {"kept": 1})
    return path


def test_what_was_kept_is_read(kept: Path) -> None:
    assert kept_file.read(kept) == {"kept": 1}


def test_a_file_in_the_current_folder_is_not(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(kept.parents[2])
    assert kept_file.read(kept) is None


def test_nor_one_in_a_checkout(kept: Path) -> None:
    (kept.parents[2] / ".git").mkdir()
    assert kept_file.read(kept) is None


def test_nor_one_that_a_link_leads_to(kept: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    kept.rename(checkout / "kept.bin")
    kept.symlink_to(checkout / "kept.bin")
    assert kept_file.read(kept) is None


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_nor_one_that_everybody_may_write(kept: Path) -> None:
    kept.chmod(0o666)
    assert kept_file.read(kept) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_nor_one_of_another_user(kept: Path) -> None:
    os.chown(kept, 12_345, -1)
    assert kept_file.read(kept) is None


def test_a_relative_cache_folder_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, "cache")
    assert machine.user_cache() == Path.home() / ".cache" / "grader"
