"""The contract of Classroom 50, held against its schema as published.

https://github.com/foundation50/classroom50/blob/main/schemas/result-v1.schema.json and the rules beside it
that a schema cannot say (schemas' own description): a score is at most its maximum, of the whole and of each
test, and the identity is that of the repository.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.core.faults import UsageFault
from grader.core.outcome import Verdict
from grader.core.report import Adjustment, Marked, Report
from grader.render.platforms.classroom50 import release_body, status, summary, to_classroom50
from tests.command_line import ROOT, grader
from tests.render import samples
from tests.render.samples import marked

RUNNER = {
    "CLASSROOM": "cs-principles",
    "ASSIGNMENT": "backprop",
    "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "https://github.com/org/repo/commit/a1b2c3d",
    "RELEASE_URL": "https://github.com/org/repo/releases/tag/submit%2F2026",
    "REVIEW_URL": "https://github.com/org/repo/compare/0...a1b2c3d",
    "OWNER": "alice",
    "USERNAME": "alice",
    "ASSIGNMENT_TYPE": "individual",
}
NOW = "2026-06-01T14:33:11Z"
TOP = {
    "schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit", "release",
    "review", "datetime", "graded_at", "score", "max-score", "tests", "submitted_by",
}  # fmt: skip
"""`properties` of the schema, which allows no others."""
REQUIRED = TOP - {"graded_at", "submitted_by"}


def report_of(*outcomes: Marked, adjustments: tuple[Adjustment, ...] = ()) -> Report:
    return samples.report("x", outcomes, adjustments=adjustments)


def conforms(result: dict[str, Any], *, stamped: bool = True) -> None:
    """Hold a result against the published schema; `stamped`: with the keys that the runner writes itself."""
    runner = set() if stamped else {"owner", "assignment_type"}
    assert set(result) <= TOP
    assert set(result) | runner >= REQUIRED
    assert result["schema"] == "classroom50/result/v1"
    assert result["submission"].startswith("submit/")
    assert result.get("assignment_type", "individual") in {"individual", "group", "team"}
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", result["datetime"])
    for key in ("classroom", "assignment", "commit", "release", "review"):
        assert isinstance(result[key], str)
        assert result[key]
    for scored in (result, *result["tests"]):
        for key in ("score", "max-score"):
            assert type(scored[key]) is int
        assert 0 <= scored["score"] <= scored["max-score"]
    for test in result["tests"]:
        assert isinstance(test["test-name"], str)
        assert test["test-name"]
        assert type(test["passed"]) is bool
    assert result["max-score"] == sum(t["max-score"] for t in result["tests"])


def made(report: Report, **changed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_classroom50(report, RUNNER | changed, NOW))
    return found


THIRDS = [
    marked("BP101", Verdict.PASS, title="One", summary="s", points=2.5),
    marked("WB201", Verdict.PARTIAL, title="Two", summary="s", points=2.5, credit=0.6),
    marked("NN401", Verdict.PARTIAL, title="Three", summary="s", points=10, credit=0.99),
    marked("RT601", Verdict.UNKNOWN, title="Four", summary="cannot tell", points=4),
    marked("TR501", Verdict.SKIPPED, title="Five", summary="not there", points=1),
    marked("RD701", Verdict.FAIL, title="Six | ::error::x", summary="wrong", points=5),
]


def test_whole_points_add_up_and_the_exact_ones_stand_beside_them() -> None:
    report = report_of(*THIRDS)
    result = made(report)
    conforms(result)
    assert (result["score"], result["max-score"]) == (int(2.5 + 1.5 + 9.9), 25)
    assert sum(t["score"] for t in result["tests"]) == result["score"]
    assert [t["points"] for t in result["tests"]] == [2.5, 1.5, 9.9, 0, 0, 0]
    passed = [t for t in result["tests"] if t["passed"]]
    assert all(t["score"] == t["max-score"] for t in passed)
    assert all(t["score"] < t["max-score"] for t in result["tests"] if not t["passed"])


def test_what_waits_is_told_as_open_and_is_no_failure() -> None:
    """Without a body of ours the runner writes FAIL beside every test that is not passed."""
    report = report_of(*THIRDS[:1], *THIRDS[3:5])
    opened = [t for t in made(report)["tests"] if t["verdict"] in ("unknown", "skipped")]
    assert [t["test-name"][:20] for t in opened] == ["Open, 4 points wait:", "Open, 1 points wait:"]
    assert status(report) == "success"
    assert summary(report).endswith("5 open until a person or what is missing decides them")
    assert "| open / 4 |" in release_body(report)
    assert status(report_of(*THIRDS)) == "failure"


def test_bonus_late_and_hidden_criteria_keep_the_contract() -> None:
    bonus = marked("RD702", Verdict.PASS, title="Extra", summary="s", points=3, bonus=True)
    full = report_of(marked("BP101", Verdict.PASS, title="One", summary="s", points=10), bonus)
    conforms(made(full))
    assert made(full)["score"] == 10
    late = report_of(*THIRDS, adjustments=(Adjustment(label="2 days late", points=-99.0),))
    conforms(made(late))
    assert made(late)["score"] == 0
    assert "2 days late: -99 points" in release_body(late)


def test_the_body_is_one_table_whatever_students_write() -> None:
    rows = [line for line in release_body(report_of(*THIRDS)).splitlines() if line.startswith("| ")]
    assert {row.count("|") for row in rows} == {5}


@pytest.mark.parametrize("name", ["CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL"])
def test_a_missing_variable_of_the_runner_is_named(name: str) -> None:
    with pytest.raises(UsageFault, match=name):
        made(report_of(*THIRDS), **{name: ""})


def test_a_runner_that_stamps_the_owner_itself_is_enough() -> None:
    result = made(report_of(*THIRDS), OWNER="", USERNAME="", ASSIGNMENT_TYPE="", REVIEW_URL="")
    conforms(result, stamped=False)
    assert result["review"] == RUNNER["COMMIT_URL"]


def test_check_writes_result_body_and_outputs(tmp_path: Path) -> None:
    outputs = tmp_path / "output"
    arguments = ("check", ROOT / "submissions" / "no-notebook", "--static", "--format", "classroom50")
    done = grader(*arguments, "-o", tmp_path / "result.json", **RUNNER, GITHUB_OUTPUT=str(outputs))
    assert done.returncode == 1, done.stderr
    assert not done.stdout
    result = json.loads((tmp_path / "result.json").read_bytes())
    conforms(result)
    assert result["max-score"] == 100
    assert (tmp_path / "release-body.md").read_text("utf-8").startswith("### grader: ")
    assert outputs.read_text("utf-8").splitlines()[0] == "status=failure"


def test_never_among_our_reports(tmp_path: Path) -> None:
    """There result.json means ours."""
    sample = ROOT / "submissions" / "no-notebook"
    arguments = ("check", sample, "--static", "--format", "classroom50", "-o")
    (tmp_path / "class" / ".grader").mkdir(parents=True)
    ours = tmp_path / "own" / "result.json"
    ours.parent.mkdir()
    ours.write_text('{"submission": {}, "rubric": {}, "outcomes": []}', "utf-8")
    for place in (tmp_path / "reports" / "x" / "result.json", tmp_path / "class" / "result.json", ours):
        done = grader(*arguments, place, **RUNNER)
        assert done.returncode == 2, place
        assert "grader's own" in done.stderr
    assert ours.read_text("utf-8").startswith('{"submission"')
    assert grader(*arguments, tmp_path, **RUNNER).returncode == 2
    assert grader(*arguments, tmp_path / "result.json").returncode == 2, "outside the runner"


@pytest.mark.slow
def test_the_autograder_of_the_page_grades_in_a_students_checkout(tmp_path: Path) -> None:
    """The runner deletes an old result, starts the script in the checkout and validates what it left."""
    page = (ROOT / "docs" / "how-to" / "classroom50.md").read_text("utf-8")
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert block is not None
    bundle = tmp_path / "bundle" / "autograder.py"
    bundle.parent.mkdir()
    script, pip = re.subn(
        r'^subprocess\.run\(\[sys\.executable, "-m", "pip".*\n', "", block[1], flags=re.MULTILINE
    )
    assert pip == 1
    bundle.write_text(script, "utf-8")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "submissions" / "wrong-gradient", checkout)
    forged = checkout / "grader"
    forged.mkdir()
    (forged / "__init__.py").write_text("raise SystemExit('forged')\n", "utf-8")
    outputs = tmp_path / "output"
    done = subprocess.run(
        [sys.executable, str(bundle)],
        cwd=checkout,
        env={**os.environ, **RUNNER, "PYTHONPATH": str(ROOT), "GITHUB_OUTPUT": str(outputs)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((checkout / "result.json").read_bytes())
    conforms(result)
    assert 0 < result["score"] < 100
    assert "status=failure" in outputs.read_text("utf-8")
    broken = {**os.environ, **RUNNER, "PYTHONPATH": str(ROOT), "CLASSROOM": ""}
    assert (
        subprocess.run([sys.executable, str(bundle)], cwd=checkout, env=broken, check=False).returncode == 1
    )
