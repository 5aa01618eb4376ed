"""Every command that the docs show runs, in the order in which they show it; the reference is what the code
says.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import ROOT, grader

pytestmark = pytest.mark.slow

PAGES = sorted(
    page
    for folder in ("tutorials", "how-to")
    for page in (ROOT / "docs" / folder).glob("*.md")
    if "```console" in page.read_text("utf-8")
)
ALLOWED = {
    "init": {0},
    "check": {0, 1, 4},
    "grade": {0, 1, 4},
    "batch": {0, 1, 4},
    "queue": {0, 4},
    "report": {0, 1, 4},
    "doctor": {0, 1, 3},
}


def _commands(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    samples = ROOT / "submissions"
    shutil.copytree(samples / "no-notebook", tmp_path / "my-submission")
    for name, sample in (("ann", "wrong-gradient"), ("bob", "no-notebook")):
        shutil.copytree(samples / sample, tmp_path / "class" / name)
        shutil.copytree(samples / sample, tmp_path / "samples" / name)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_commands_of_a_page(page: Path, desk: Path) -> None:
    here = desk
    ran = 0
    for command in _commands(page):
        shown, _, into = command.partition(" > ")
        words = shlex.split(shown)
        if words[0] == "cd":
            here = here / words[1]
            continue
        if words[0] == "pip":
            continue  # installing is tested by the wheel test
        assert words[0] == "grader", command
        done = grader(*words[1:], cwd=here)
        assert done.returncode in ALLOWED.get(words[1], {0}), f"{command}\n{done.stdout}\n{done.stderr}"
        if into:
            (here / into).write_text(done.stdout, "utf-8")
        ran += 1
    assert ran >= 3


def test_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, f"run `python scripts/make_docs.py`\n{done.stdout}{done.stderr}"


def test_commands_in_text_blocks_exist() -> None:
    """Blocks that are too long to run are at least spelled right."""
    from grader.cli.root import app

    shown = [
        (page.name, shlex.split(line.removeprefix("$ "), comments=True)[1:])
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for block in re.findall(
            r"```text\n(.*?)```|((?:^    .+\n)+)", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
        for line in "".join(block).splitlines()
        if re.match(r"(?:\$ )? *grader [a-z]", line)
    ]
    assert shown
    for name, (command, *rest) in shown:
        found = app.get_command(app.make_context("grader", ["rules"]), command)
        assert found is not None, f"{name}: grader {command}"
        options = {o for p in found.params for o in p.opts}
        inner = getattr(found, "commands", {}).get(rest[0]) if rest else None
        options |= {o for p in inner.params for o in p.opts} if inner else set()
        assert {w for w in rest if w.startswith("-")} <= options, f"{name}: grader {command} {rest}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
