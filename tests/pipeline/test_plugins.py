"""Another package brings a check and evidence of its own; one that is broken is named and costs nobody
anything."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from grader.core import plugins

pytestmark = pytest.mark.slow  # each test starts grader in a process of its own

EVIDENCE = '''
from grader.core.evidence.base import Evidence
from grader.core.evidence.documents import Block, Documents
from grader.core.submission import Kind
from grader.pipeline.plan.providers import Phase, Provider


class HeadingEvidence(Evidence, frozen=True, kw_only=True):
    """Headings of all READMEs."""

    headings: tuple[str, ...]


def read_headings(documents: Documents) -> HeadingEvidence:
    """Read them."""
    lines = [line for d in documents.of(Kind.README) for line in d.lines]
    return HeadingEvidence(headings=tuple(line.text for line in lines if line.block is Block.HEADING))


PROVIDERS = (
    Provider(name="headings", target="mine._evidence:read_headings", product="HeadingEvidence", phase=Phase.READ),
)
'''
CHECK = '''
"""The README has headings."""

from grader.core.outcome import Outcome, passed, unknown
from grader.core.rule import Rule
from mine._evidence import HeadingEvidence


def check(found: HeadingEvidence) -> Outcome:
    """Count them."""
    return passed(f"{len(found.headings)} headings") if found.headings else unknown("none")


rule = Rule(code="MY001", name="headings", check=check)
'''
RUBRIC = """
id = "mine"
title = "mine"
[[criterion]]
id = "headings"
check = "MY001"
points = 1
"""


def install(folder: Path, files: dict[str, str], points: str, name: str = "mine") -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(textwrap.dedent(text).lstrip(), "utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(textwrap.dedent(points), "utf-8")


def grader(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from grader.cli.app import main; sys.argv[0] = 'grader'; main()"
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(folder)!r}); {code}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        timeout=300,
    )


def test_a_package_brings_a_check_and_its_own_evidence(tmp_path: Path) -> None:
    installed, work = tmp_path / "installed", tmp_path / "work"
    points = "[grader.checks]\nmine = mine\n[grader.providers]\nmine = mine._evidence:PROVIDERS\n"
    files = {"mine/__init__.py": "", "mine/_evidence.py": EVIDENCE, "mine/headings.py": CHECK}
    install(installed, files, points)
    work.mkdir()
    (work / "README.md").write_text("# Part 1\ntext\n## Loss\n", "utf-8")
    (tmp_path / "mine.toml").write_text(RUBRIC, "utf-8")
    out = tmp_path / "out"
    done = grader(installed, "grade", str(work), "-r", str(tmp_path / "mine.toml"), "-o", str(out))
    assert done.returncode == 0, done.stderr
    (result,) = out.glob("*/result.json")
    (outcome,) = json.loads(result.read_text("utf-8"))["outcomes"]
    assert (outcome["code"], outcome["verdict"], outcome["summary"]) == ("MY001", "pass", "2 headings")


@pytest.mark.parametrize(
    ("files", "points", "words"),
    [
        (
            {"mine/__init__.py": "", "mine/bad.py": "import nothing_of_this_name\n"},
            "[grader.checks]\nmine = mine\n",
            ("mine 1.0", "bad.py:1", "nothing_of_this_name"),
        ),
        ({"mine/__init__.py": "raise SystemExit(7)\n"}, "[grader.checks]\nmine = mine\n", ("mine 1.0", "SystemExit")),
        ({}, "[grader.checks]\nmine = gone\n", ("mine 1.0", "gone")),
        (
            {"mine/__init__.py": "", "mine/same.py": CHECK.replace("MY001", "BP101").replace("HeadingEvidence", "Documents").replace("mine._evidence", "grader.core.evidence.documents")},
            "[grader.checks]\nmine = mine\n",
            ("mine 1.0", "BP101 is already taken"),
        ),
    ],
    ids=["import", "exit", "gone", "code"],
)  # fmt: skip
def test_a_plug_in_that_cannot_be_loaded_is_named_and_left_out(
    tmp_path: Path, files: dict[str, str], points: str, words: tuple[str, ...]
) -> None:
    install(tmp_path, files, points)
    done = grader(tmp_path, "rules")
    assert done.returncode == 0, done.stderr
    assert "BP101" in done.stdout
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_provider_that_cannot_be_used_is_named_and_left_out(tmp_path: Path) -> None:
    broken = EVIDENCE.replace("Phase.READ,\n", "Phase.READ,\n").replace(
        "phase=Phase.READ", "phase=Phase.RETRAIN"
    )
    files = {"mine/__init__.py": "", "mine/_evidence.py": broken}
    install(tmp_path, files, "[grader.providers]\nmine = mine._evidence:PROVIDERS\n")
    work = tmp_path / "work"
    work.mkdir()
    (work / "README.md").write_text("# Part 1\n", "utf-8")
    done = grader(tmp_path, "plan", str(work))
    assert done.returncode == 0, done.stderr
    assert "mine 1.0 is left out" in done.stderr
    assert "phase retrain" in done.stderr


def test_nothing_is_refused_where_nothing_is_installed() -> None:
    assert plugins.load("grader.no-such-group", lambda found: found) == []
