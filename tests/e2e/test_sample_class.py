"""The sample class is graded as `submissions/_expected.toml` says, from the command line to result.json."""

import json
import tomllib
from pathlib import Path

import pytest

from grader.checks.catalogue import catalogue
from grader.pipeline.plan.rubrics import load
from grader.sandbox.choose import try_bubblewrap
from tests.command_line import ROOT, grader
from tests.e2e.test_provisional import lenient_rubric

pytestmark = pytest.mark.slow

TABLE = tomllib.loads((ROOT / "submissions" / "_expected.toml").read_text("utf-8"))
NAMES = sorted(p.name for p in (ROOT / "submissions").iterdir() if p.is_dir() and not p.name.startswith("_"))


def _verdicts(out: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in out.glob("*/result.json"):
        result = json.loads(path.read_text("utf-8"))
        found[result["submission"]["id"]] = {o["code"]: o["verdict"] for o in result["outcomes"]}
    return found


def _grade(out: Path, *options: str) -> tuple[dict[str, dict[str, str]], str]:
    done = grader("batch", "submissions", "-o", out, *options)
    assert done.returncode == 4, done.stderr
    return _verdicts(out), done.stdout


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, str]], Path, str]:
    out = tmp_path_factory.mktemp("static")
    verdicts, printed = _grade(out, "--no-exec")
    return verdicts, out, printed


def _wanted(name: str, *layers: str) -> dict[str, str]:
    table = TABLE[name]
    wanted = {k: v for k, v in table.items() if isinstance(v, str)}
    for layer in layers:
        wanted |= table.get(layer, {})
    return wanted


def _compare(found: dict[str, str], wanted: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {c: (w, found.get(c, "nothing")) for c, w in wanted.items() if found.get(c) not in w.split("|")}


def test_every_sample_and_every_judged_check_has_an_expectation() -> None:
    codes = {c.check for c in load("default", catalogue()).rubric.criterion}
    assert {n for n, t in TABLE.items() if isinstance(t, dict)} == set(NAMES)
    for name in NAMES:
        # What training again gives takes minutes and MNIST: it stands in the table where it was run, and is
        # skipped here.
        assert codes <= set(_wanted(name, "executed", "retrained")) | {"RT601", "RT602"}, name


@pytest.mark.parametrize("name", NAMES)
def test_read_only(name: str, static: tuple[dict[str, dict[str, str]], Path, str]) -> None:
    wanted = _wanted(name)
    everything = {*_wanted(name, "executed", "retrained"), "RT601", "RT602"}
    wanted |= {c: "skipped" for c in everything if c not in wanted}
    assert _compare(static[0][name], wanted) == {}


def test_every_submission_has_a_page_and_the_class_has_one(
    static: tuple[dict[str, dict[str, str]], Path, str],
) -> None:
    verdicts, out, printed = static
    assert sorted(verdicts) == NAMES
    for name in NAMES:
        page = (out / name / "index.html").read_text("utf-8")
        assert page.lower().startswith("<!doctype html>")
        assert len(page.encode()) < 400_000
        assert name in printed
    assert (out / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif(
    not try_bubblewrap().works, reason="nothing isolates here: `grader doctor` says what to do"
)
def test_executed_in_the_sandbox(tmp_path: Path) -> None:
    """And judged once more, where the rubric lets claims earn: nothing is provisional where code ran."""
    verdicts, _ = _grade(tmp_path, "--no-retrain")
    wrong = {}
    for name in NAMES:
        wanted = _wanted(name, "executed")
        wanted |= {c: "skipped" for c in ("RT601", "RT602") if c not in wanted}
        differences = _compare(verdicts[name], wanted)
        if differences:
            wrong[name] = differences
    assert wrong == {}

    again = grader("report", "-o", tmp_path, "-r", lenient_rubric(tmp_path))
    assert again.returncode == 4, again.stderr
    outcomes = json.loads((tmp_path / "perfect" / "result.json").read_text("utf-8"))["outcomes"]
    assert not any(o["provisional"] for o in outcomes)
    assert {o["code"]: o["verdict"] for o in outcomes} == verdicts["perfect"]
    assert verdicts["perfect"]["NN401"] == "pass"
    assert verdicts["perfect"]["RT601"] == "skipped"
