"""An autograder in a tree like Gradescope's: unpacked to source/, its script copied beside, one submission.

https://gradescope-autograders.readthedocs.io/en/latest/specs/, "File hierarchy".
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from grader.core.outcome import Finding, Verdict
from grader.core.report import Adjustment
from grader.render.platforms.gradescope import to_results
from tests.command_line import ROOT, grader
from tests.render.platform_readers import gradescope_reads
from tests.render.samples import HOSTILE, marked, report

BASH = shutil.which("bash")
unix = pytest.mark.skipif(BASH is None, reason="Gradescope's images are Ubuntu, with bash")


def reads(*outcomes: Any, adjustments: tuple[Adjustment, ...] = ()) -> dict[str, Any]:
    return gradescope_reads(to_results(report("x", outcomes, adjustments=adjustments)).encode())


def test_open_points_are_told_and_are_no_zero() -> None:
    waits = marked("RT601", Verdict.UNKNOWN, title="Accuracy", summary="cannot tell", points=4)
    results = reads(marked("BP101", Verdict.PASS, title="One", summary="right", points=6), waits)
    passed, opened = results["tests"]
    assert (passed["score"], passed["max_score"], passed["status"]) == (6, 6, "passed")
    assert not {"score", "max_score", "status"} & opened.keys()
    assert opened["name"] == "Accuracy (Needs a person: 4 points open)"
    assert "4 of 10 points are open" in results["output"]
    assert results["score"] == 6


def test_partial_points_bonus_and_late_deduction() -> None:
    partly = marked("WB201", Verdict.PARTIAL, title="Two", summary="half", points=3, credit=0.5)
    bonus = marked("RD702", Verdict.PASS, title="More", summary="s", points=2, bonus=True)
    results = reads(partly, bonus, adjustments=(Adjustment(label="1 day late", points=-0.5),))
    assert [(t["score"], t["max_score"], t["status"]) for t in results["tests"]] == [
        (1.5, 3, "failed"),
        (2, 0, "passed"),
    ]
    assert results["score"] == 3
    assert "1 day late" in results["output"]


def test_no_text_of_a_student_is_markup() -> None:
    found = Finding(message=HOSTILE, expected=HOSTILE, found=HOSTILE, hint=HOSTILE)
    results = reads(marked("BP101", Verdict.FAIL, title="<b>x</b>", summary=HOSTILE, findings=(found,) * 30))
    for html in (results["output"], results["tests"][0]["output"]):
        assert set(re.findall(r"<(\w+)", html)) <= {"p", "b", "ul", "ol", "li", "br", "code", "bdi", "span"}
        assert "<script" not in html
        assert "\u202e" not in html
    assert "5 more like these" in results["tests"][0]["output"]


def unpacked(zipped: Path, root: Path, sample: str) -> Path:
    """Lay out /autograder as the harness does; the environment of setup.sh is this one."""
    with zipfile.ZipFile(zipped) as archive:
        for info in archive.infolist():
            target = root / "source" / info.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(info))
            target.chmod(info.external_attr >> 16 & 0o777)
    shutil.copy(root / "source" / "run_autograder", root)
    shutil.copytree(ROOT / "submissions" / sample, root / "submission")
    (root / "results").mkdir()
    metadata = {"id": 123456, "users": [{"id": 1, "name": "Student", "email": "student@example.com"}]}
    (root / "submission_metadata.json").write_text(json.dumps(metadata), "utf-8")
    python = root / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    python.chmod(0o755)
    return root


def run(root: Path) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GRADER"))}
    return subprocess.run(
        [str(root / "run_autograder")],
        cwd=root,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@unix
@pytest.mark.slow
def test_an_autograder_grades_a_submission_and_hides_what_is_hidden(tmp_path: Path) -> None:
    rubric = tmp_path / "mine.toml"
    text = (ROOT / "rubrics" / "default.toml").read_text("utf-8")
    rubric.write_text(text.replace('check = "WB201"', 'check = "WB201"\nhidden = true', 1), "utf-8")
    zipped = tmp_path / "autograder.zip"
    done = grader("gradescope", "build", "-r", rubric, "-o", zipped, "--visibility", "after_published")
    assert done.returncode == 0, done.stderr
    assert "100 points" in done.stdout
    root = unpacked(zipped, tmp_path / "autograder", "wrong-gradient")
    forged = root / "submission" / "grader"
    forged.mkdir()
    (forged / "__init__.py").write_text("raise SystemExit('forged')\n", "utf-8")
    (root / "results" / "results.json").write_text("old", "utf-8")
    graded = run(root)
    assert graded.returncode == 0, graded.stderr
    results = gradescope_reads((root / "results" / "results.json").read_bytes())
    assert results["visibility"] == "after_published"
    codes = {t["tags"][0]: t for t in results["tests"]}
    assert codes["WB201"]["visibility"] == "hidden", "Gradescope shows it to instructors alone"
    assert not [t for t in results["tests"] if "visibility" in t and t is not codes["WB201"]]
    assert "gradient columns" not in results["output"]
    assert codes["BP101"]["status"] == "failed"
    assert 0 < codes["BP101"]["score"] < codes["BP101"]["max_score"]
    assert "score" not in codes["NN401"], "nothing was run: open, and no zero"
    decided = [t["score"] for t in results["tests"] if "score" in t]
    assert results["score"] == pytest.approx(sum(decided))
    assert "Student" not in json.dumps(results)


@unix
@pytest.mark.slow
def test_whatever_fails_leaves_no_results_and_no_zero(tmp_path: Path) -> None:
    """Gradescope calls that an error of the autograder; a zero would be the student's."""
    zipped = tmp_path / "autograder.zip"
    assert grader("gradescope", "build", "-o", zipped).returncode == 0
    root = unpacked(zipped, tmp_path / "autograder", "no-notebook")
    (root / "results" / "results.json").write_text('{"score": 1}', "utf-8")
    (root / "source" / "rubric.toml").write_text("id = ", "utf-8")
    broken = run(root)
    assert broken.returncode != 0
    assert not (root / "results" / "results.json").exists()


def test_the_zip_is_the_same_twice_and_holds_what_grader_needs(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        assert grader("gradescope", "build", "-o", tmp_path / name).returncode == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = set(archive.namelist())
        needed = archive.read("requirements.txt").decode().split()
        pinned = archive.read("constraints.txt").decode().split()
        modes = {i.filename: i.external_attr >> 16 & 0o777 for i in archive.infolist()}
    assert {"setup.sh", "run_autograder", "rubric.toml"} <= names, "at the root"
    assert {"package/grader/__main__.py", "package/reference/train.py"} <= names
    assert "package/grader/render/templates/student.html.j2" in names
    assert "package/grader/_data/rubrics/default.toml" in names
    assert not [n for n in names if "__pycache__" in n or n.endswith(".pyc")]
    assert (modes["setup.sh"], modes["run_autograder"]) == (0o755, 0o755)
    assert any(line.startswith("msgspec") for line in needed)
    assert not [line for line in needed if line.startswith(("torch", "pytest"))]
    assert {line.partition("==")[0] for line in pinned} >= {"msgspec", "click", "numpy"}


@unix
def test_setup_is_a_script_that_bash_reads(tmp_path: Path) -> None:
    assert BASH is not None
    assert grader("gradescope", "build", "--run-notebook", "-o", tmp_path / "a.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        for name in ("setup.sh", "run_autograder"):
            script = tmp_path / name
            script.write_bytes(archive.read(name))
            subprocess.run([BASH, "-n", str(script)], check=True)
        assert "torch" in archive.read("requirements.txt").decode()
        assert "--run-notebook" in archive.read("run_autograder").decode()
        assert "download.pytorch.org/whl/cpu" in archive.read("setup.sh").decode()
