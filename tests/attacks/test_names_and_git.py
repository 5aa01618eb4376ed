"""Names that collide, and folders that would make git run a program: what becomes of each file.

46: `README.md` and `readme.md`, or one name composed and decomposed, are two files here and one on other systems. Both are
read, neither is written over the other. 49: no command of ours runs git, so nothing in `.git` is followed.
"""

import os
import stat
import unicodedata
import zipfile
from pathlib import Path

import pytest

from grader.core.submission import Kind
from grader.ingest.read import read_submission
from tests.command_line import grader

FIRST, SECOND = "# Part 1\n\nh1 = w1*i1 + w2*i2\n", "# Part 2\n\nh2 = w3*i1 + w4*i2\n"
COMPOSED = unicodedata.normalize("NFC", "Résumé.md")
DECOMPOSED = unicodedata.normalize("NFD", "Résumé.md")
PAIRS = {
    "case": ("README.md", "readme.md"),
    "composed and decomposed": (COMPOSED, DECOMPOSED),
    "case of a folder": ("Part/README.md", "part/README.md"),
    "a dot at the end": ("notes.md", "notes.md."),
    "a device of Windows": ("CON.md", "con.md"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_46_both_of_two_names_that_collide_elsewhere_are_read(pair: str, tmp_path: Path) -> None:
    one, other = PAIRS[pair]
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(one, FIRST)
        archive.writestr(other, SECOND)
    sources = read_submission(path)
    assert {s.artefact.path: s.data.decode() for s in sources} == {one: FIRST, other: SECOND}
    done = grader("grade", path, "--no-exec", "-o", tmp_path / "out", "-q")
    assert done.returncode in (0, 1, 4), done.stderr
    pages = sorted(p.name.lower() for p in (tmp_path / "out" / "s").iterdir())
    assert len(set(pages)) == len(pages), "no page of ours has the name of another, on any system"


ODD = [
    "a" * 250 + ".md",
    "x\ny.md",
    "x\x1b]0;t\x07.md",
    "\u202egnp.md",
    "NUL.txt",
    "-rf.md",
    "'\"$(id).md",
    "a\\b.md",
]


@pytest.mark.skipif(os.name != "posix", reason="no other system takes these names")
@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_47_an_odd_name_costs_nobody_a_page(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "ann"
    folder.mkdir()
    (folder / name).write_text(FIRST, encoding="utf-8")
    done = grader("grade", folder, "--no-exec", "-o", tmp_path / "out")
    assert done.returncode in (0, 1, 4), done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["ann"]
    page = (tmp_path / "out" / "ann" / "index.html").read_text("utf-8")
    assert "\x1b" not in page
    assert "\u202e" not in page


def trap(folder: Path) -> Path:
    """A repository whose settings, hooks and attributes start a program for nearly every command of git."""
    canary = folder.parent / "ran"
    program = folder.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    hooks = folder / ".git" / "hooks"
    hooks.mkdir(parents=True)
    for hook in ("post-checkout", "pre-commit", "post-merge", "reference-transaction"):
        (hooks / hook).write_bytes(program.read_bytes())
        (hooks / hook).chmod(0o755)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (folder / ".git" / "config").write_text(
        f"[core]\n\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\teditor = {program}\n"
        f'[filter "x"]\n\tsmudge = {program}\n\tclean = {program}\n[diff]\n\texternal = {program}\n',
        encoding="utf-8",
    )
    (folder / ".gitattributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    (folder / ".gitmodules").write_text(
        f'[submodule "x"]\n\tpath = x\n\turl = "ext::{program} %S"\n', encoding="utf-8"
    )
    (folder / "README.md").write_text(FIRST, encoding="utf-8")
    return canary


def test_49_nothing_of_a_repository_is_run(tmp_path: Path) -> None:
    folder = tmp_path / "class" / "ann"
    folder.mkdir(parents=True)
    canary = trap(folder)
    for words in (
        ("grade", folder, "--no-exec", "-o", tmp_path / "out"),
        ("check", folder, "--static"),
        ("batch", tmp_path / "class", "--no-exec", "-j", "1", "-o", tmp_path / "class-out"),
        ("plan", folder),
    ):
        assert grader(*words).returncode in (0, 1, 4)
    assert not canary.exists()
    sources = read_submission(folder)
    assert not [a for a in sources.submission.artefacts if a.path.startswith(".git/")]
    assert [a.path for a in sources.submission.artefacts if a.kind is Kind.README] == ["README.md"]


def test_49_no_module_of_ours_starts_git() -> None:
    root = Path(__file__).parents[2] / "grader"
    told = [
        p for p in root.rglob("*.py") if '"git"' in p.read_text("utf-8") or "'git'" in p.read_text("utf-8")
    ]
    assert told == []
