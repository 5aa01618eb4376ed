"""`pytest --grader DIR`: a test a criterion, and nothing at all until it is asked for."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.command_line import ROOT

PLUGIN = "grader.cli.pytest_plugin"
ASKED = () if entry_points(group="pytest11", name="grader") else ("-p", PLUGIN)
"""An environment that was made before the entry point was declared names the module itself."""


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder that has no configuration of ours, with the plugin as its entry point loads it."""
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *ASKED, *map(str, arguments)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def junit(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], ET.Element]:
    folder = tmp_path_factory.mktemp("here")
    sample = ROOT / "submissions" / "wrong-gradient"
    done = run(folder, "--grader", sample, "--grader-rubric", "default", "--junit-xml", "out.xml", "-q")
    return done, ET.parse(folder / "out.xml").getroot()[0]


@pytest.mark.slow
def test_fail_and_partial_fail_with_the_finding_and_the_rest_skips_with_its_reason(
    junit: tuple[subprocess.CompletedProcess[str], ET.Element],
) -> None:
    done, suite = junit
    assert done.returncode == 1, done.stderr
    cases = {case.get("name", "").partition(" ")[0]: case for case in suite}
    (failure,) = cases["BP101"].findall("failure")
    assert "README.md:" in (failure.text or "")
    assert "expected:" in (failure.text or "")
    assert "Traceback" not in (failure.text or "")
    (skip,) = cases["NN401"].findall("skipped")
    assert "no code was run" in (skip.get("message") or "") + (skip.text or "")
    assert not list(cases["RD701"].findall("failure"))
    assert int(suite.get("failures", "0")) >= 2
    assert int(suite.get("skipped", "0")) >= 5
    assert suite.get("errors") == "0"


@pytest.mark.slow
def test_points_are_properties_and_the_last_line_adds_them_up(
    junit: tuple[subprocess.CompletedProcess[str], ET.Element],
) -> None:
    done, suite = junit
    told = [{p.get("name"): p.get("value") for p in case.iter("property")} for case in suite]
    assert sum(float(p["max_points"] or 0) for p in told) == 100
    score = sum(float(p["points"] or 0) for p in told)
    pending = sum(float(p["pending_points"] or 0) for p in told)
    assert f"grader: {score:g} of 100 points, {pending:g} open" in done.stdout
    assert {p["verdict"] for p in told} >= {"pass", "fail", "skipped"}


@pytest.mark.slow
def test_an_assignments_own_tests_run_beside_it_and_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n", "utf-8")
    sample = ROOT / "submissions" / "perfect"
    both = run(tmp_path, "--grader", sample, "--co", "-q")
    assert "test_own.py::test_own" in both.stdout
    assert "grader::BP101 " in both.stdout
    alone = run(tmp_path, "--grader", sample, "-m", "grader", "-k", "BP101", "-v")
    assert alone.returncode == 0, alone.stdout
    assert "1 passed" in alone.stdout


def test_wrong_input_is_a_usage_error(tmp_path: Path) -> None:
    for arguments in (
        ("--grader", tmp_path / "nothing"),
        ("--grader", tmp_path, "--grader-rubric", "nosuch"),
    ):
        done = run(tmp_path, *arguments)
        assert done.returncode == 4, done.stdout
        assert "Traceback" not in done.stderr


def test_nothing_is_imported_until_it_is_asked_for(tmp_path: Path) -> None:
    """The entry point loads the module into every pytest of the environment."""
    (tmp_path / "test_own.py").write_text(
        "import sys\n\n\ndef test_light():\n"
        "    heavy = {'click', 'msgspec', 'jinja2', 'numpy', 'torch', 'grader.core', 'grader.checks'}\n"
        "    assert not heavy & set(sys.modules)\n",
        "utf-8",
    )
    done = run(tmp_path, "-q")
    assert done.returncode == 0, done.stdout
    assert "grader" not in done.stdout


def test_the_entry_point_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"grader": PLUGIN}
