"""Claims earn where the rubric lets them and nothing may run: stamped in result.json, on the terminal and on
both pages.

Where code runs, facts decide: `test_sample_class.py` judges its executed class by the same rubric.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.command_line import ROOT, grader

CLAIMED = {"NN401", "NN402", "NN403", "NN404", "RT601"}


def lenient_rubric(folder: Path) -> Path:
    """The default rubric, with claims that earn."""
    text = (ROOT / "rubrics" / "default.toml").read_text("utf-8")
    path = folder / "lenient.toml"
    path.write_text("provisional_claims = true\n" + text, encoding="utf-8")
    return path


@pytest.mark.slow
def test_claims_earn_and_are_stamped_where_nothing_may_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(ROOT / "submissions" / "perfect", tmp_path / "samples" / "perfect")
    rubric = lenient_rubric(tmp_path)
    done = grader("batch", tmp_path / "samples", "-r", rubric, "-o", out, "--no-exec")
    outcomes = {
        o["code"]: o for o in json.loads((out / "perfect" / "result.json").read_text("utf-8"))["outcomes"]
    }
    assert {code for code, o in outcomes.items() if o["provisional"]} == CLAIMED, done.stdout + done.stderr
    assert all(outcomes[code]["points"] == outcomes[code]["max_points"] for code in CLAIMED)
    assert "provisional" in (out / "perfect" / "index.html").read_text("utf-8")
    assert "provisional" in (out / "index.html").read_text("utf-8")
