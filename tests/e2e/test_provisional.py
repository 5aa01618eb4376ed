"""Claims earn where the rubric lets them and nothing may run: stamped in result.json, on the terminal and on both pages."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox.choose import try_bubblewrap

ROOT = Path(__file__).parents[2]
CLAIMED = {"NN401", "NN402", "NN403", "NN404", "RT601"}


def _grade(out: Path, rubric: Path, *options: str) -> tuple[dict[str, dict[str, object]], str]:
    samples = out.parent / "samples"
    shutil.copytree(ROOT / "submissions" / "perfect", samples / "perfect")
    done = subprocess.run(
        [sys.executable, "-m", "grader", "batch", str(samples), "-r", str(rubric), "-o", str(out), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        encoding="utf-8",
        timeout=600,
    )
    (path,) = out.glob("*/result.json")
    result = json.loads(path.read_text("utf-8"))
    return {o["code"]: o for o in result["outcomes"]}, done.stdout + done.stderr


@pytest.fixture
def lenient(tmp_path: Path) -> Path:
    text = (ROOT / "rubrics" / "default.toml").read_text("utf-8")
    path = tmp_path / "lenient.toml"
    path.write_text("provisional_claims = true\n" + text, encoding="utf-8")
    return path


def test_claims_earn_and_are_stamped_where_nothing_may_run(tmp_path: Path, lenient: Path) -> None:
    out = tmp_path / "out"
    outcomes, printed = _grade(out, lenient, "--no-exec")
    assert {code for code, o in outcomes.items() if o["provisional"]} == CLAIMED, printed
    assert all(outcomes[code]["points"] == outcomes[code]["max_points"] for code in CLAIMED)
    assert "provisional" in (out / "perfect" / "index.html").read_text("utf-8")
    assert "provisional" in (out / "index.html").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif(
    not try_bubblewrap().works, reason="nothing isolates here: `grader doctor` says what to do"
)
def test_where_code_runs_facts_decide(tmp_path: Path, lenient: Path) -> None:
    outcomes, printed = _grade(tmp_path / "out", lenient, "--no-retrain")
    assert not any(o["provisional"] for o in outcomes.values())
    assert outcomes["NN401"]["verdict"] == "pass", printed
    assert outcomes["RT601"]["verdict"] == "skipped"
