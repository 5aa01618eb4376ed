"""The GitHub action, run by the runner's documented environment variables: what it prints, what it leaves,
when it is red.

https://docs.github.com/en/actions/reference/variables-reference and .../workflow-commands-for-github-actions.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
ACTION = (ROOT / "action.yml").read_text("utf-8")
BASH = shutil.which("bash")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BASH is None, reason="the runner's shell is bash")]


class Job(NamedTuple):
    """One run of the action's step."""

    status: int
    commands: list[str]
    summary: str
    outputs: dict[str, str]
    report: Path


def run(folder: Path, sample: str, **inputs: str) -> Job:
    """Check a sample as the folder `hw/part one` of a repository."""
    submission = folder / "repo" / "hw" / "part one"
    if not submission.is_dir():
        shutil.copytree(ROOT / "submissions" / sample, submission)
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    launcher = binaries / "grader"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grader "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    temp = folder / "temp"
    temp.mkdir(exist_ok=True)
    files = {"GITHUB_STEP_SUMMARY": folder / "summary.md", "GITHUB_OUTPUT": folder / "output"}
    for file in files.values():
        file.write_text("", encoding="utf-8")
    assert BASH is not None
    done = subprocess.run(
        [BASH, str(ROOT / "scripts" / "action.sh")],
        cwd=folder / "repo",
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(folder / "repo"),
            "RUNNER_TEMP": str(temp),
            "GRADER_BIN": str(binaries),
            **{k: str(v) for k, v in files.items()},
            "SUBMISSION": "./hw/part one",
            "RUBRIC": "",
            "EXTRAS": "",
            "FAIL_ON": "fail",
            **inputs,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Job(
        status=done.returncode,
        commands=done.stdout.splitlines(),
        summary=files["GITHUB_STEP_SUMMARY"].read_text("utf-8"),
        outputs=dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text("utf-8").splitlines()),
        report=temp / "grader-report",
    )


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return run(tmp_path_factory.mktemp("wrong"), "wrong-gradient")


def test_annotations_stand_on_the_students_own_lines(wrong: Job) -> None:
    lines = (ROOT / "submissions" / "wrong-gradient" / "README.md").read_text("utf-8").splitlines()
    (told,) = [c for c in wrong.commands if "title=BP101 final-gradients" in c]
    assert re.match(r"::error file=hw/part one/README\.md,line=\d+,title=BP101 ", told)
    named = re.findall(r"(?:::|%0A)README\.md:((?:\d+, )*\d+): ", told)
    places = ", ".join(named).split(", ")
    assert len(places) == 4
    for line in places:
        assert re.search(r"∂E/∂w[1-4]", lines[int(line) - 1])
    errors = [c for c in wrong.commands if c.startswith("::error")]
    assert "title=TR501 " in errors[0], "the costliest comes first"
    assert all(re.match(r"::(error|warning|notice)( |::)", c) for c in wrong.commands)


def test_classroom_reads_the_points(wrong: Job) -> None:
    assert wrong.commands[0] == f"::notice title=Autograding complete::Points {wrong.outputs['score']}/100"
    title, data = wrong.commands[1].rsplit("::", 1)
    assert title == "::notice title=Autograding report"
    assert json.loads(data) == {"totalPoints": int(wrong.outputs["score"]), "maxPoints": 100}


def test_summary_and_outputs(wrong: Job) -> None:
    assert wrong.outputs["verdict"] == "fail"
    assert wrong.summary.startswith(f"## grader: {wrong.outputs['score']} of 100 points")
    assert re.search(r"\| ❌ fail \| TR501 \|", wrong.summary)
    assert set(re.findall(r"steps\.check\.outputs\.([a-z-]+)", ACTION)) == set(wrong.outputs)


def test_page_result_and_sarif_are_left_for_the_artefact(wrong: Job) -> None:
    (page,) = wrong.report.glob("*/index.html")
    assert (page.parent / "result.json").is_file()
    assert "<testsuite " in (wrong.report / "grader.xml").read_text("utf-8")
    log: dict[str, Any] = json.loads((wrong.report / "grader.sarif").read_text("utf-8"))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (sarif,) = log["runs"]
    driver = sarif["tool"]["driver"]
    assert driver["name"] == "grader"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    assert sarif["results"]
    for result in sarif["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        assert result["partialFingerprints"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"].startswith("hw/part%20one/")
        assert physical.get("region", {"startLine": 1})["startLine"] >= 1


def test_red_or_green(wrong: Job, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert wrong.status == 1
    folder = wrong.report.parents[1]
    assert run(folder, "wrong-gradient", FAIL_ON="never").status == 0
    waits = tmp_path_factory.mktemp("waits")
    job = run(waits, "hostile")
    assert job.outputs["verdict"] == "unknown"
    failed = {c.split("title=")[1][:5] for c in job.commands if c.startswith("::error")}
    assert job.status == (1 if failed else 0)
    assert run(waits, "hostile", FAIL_ON="unknown").status != 0


def test_classroom_50_gets_its_result_outside_our_report(wrong: Job, tmp_path: Path) -> None:
    target = tmp_path / "checkout" / "result.json"
    runner = {name: f"x/{name}" for name in ("CLASSROOM", "ASSIGNMENT", "COMMIT_URL", "RELEASE_URL")}
    job = run(
        tmp_path, "no-notebook", CLASSROOM50=str(target), SUBMISSION_TAG="submit/1", FAIL_ON="never", **runner
    )
    assert job.status == 0
    result = json.loads(target.read_bytes())
    assert result["schema"] == "classroom50/result/v1"
    assert result["score"] == int(float(job.outputs["score"]))
    assert job.outputs["status"] == "failure"
    (ours,) = job.report.glob("*/result.json")
    assert json.loads(ours.read_bytes())["schema"] == 1


def test_wrong_input_is_red_whatever_was_asked_for(tmp_path: Path) -> None:
    job = run(tmp_path, "no-notebook", RUBRIC="nosuch", FAIL_ON="never")
    assert job.status == 2
    assert run(tmp_path, "no-notebook", FAIL_ON="sometimes").status == 2


def test_action_file_and_script_agree() -> None:
    """No YAML parser comes with grader: what could drift apart is read with the eye of a reader."""
    inputs = set(re.findall(r"^  ([a-z0-9-]+):\n    description:", ACTION.split("outputs:")[0], re.MULTILINE))
    assert inputs == {"path", "rubric", "extras", "fail-on", "classroom50"}
    assert set(re.findall(r"inputs\.([a-z0-9-]+)", ACTION)) == inputs
    script = (ROOT / "scripts" / "action.sh").read_text("utf-8")
    given = set(re.findall(r"^        ([A-Z0-9_]+): \$\{\{", ACTION, re.MULTILINE))
    for name in re.findall(r"\$\{?([A-Z0-9_]+)", script):
        assert name in given | {"RUNNER_TEMP", "GRADER_BIN", "GRADER_PREFIX"}, name
    assert "\t" not in ACTION


def test_hook_runs_what_there_is() -> None:
    hook = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    found = re.search(r"^  entry: grader (.+)$", hook, re.MULTILINE)
    assert found is not None
    done = subprocess.run(
        [sys.executable, "-m", "grader", *found[1].split()],
        cwd=ROOT / "submissions" / "no-notebook",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "What to do next" in done.stdout


def test_an_old_python_is_said_on_the_page_of_the_job(tmp_path: Path) -> None:
    """pip's own message names a requirement of a package that the reader never heard of."""
    script = re.search(r"- name: Install\n.*?run: \|\n(.*?)    - id: check", ACTION, re.DOTALL)
    assert script is not None
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    assert BASH is not None
    done = subprocess.run(
        [BASH, "-e", "-c", script[1]],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path),
            "ACTION": str(ROOT),
        },
    )
    assert done.returncode == 2
    assert done.stdout.startswith("::error::grader needs Python 3.11 or newer")
    assert not (tmp_path / "grader").exists()
