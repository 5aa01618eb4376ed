"""`grader grade` without root: an instructor's ordinary account gets the same verdicts, isolated, and says what is weaker."""

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox.choose import try_bubblewrap
from tests.attacks.backends import SYSTEM_PYTHON, as_nobody, same_python

ROOT = Path(__file__).parents[2]
GRADE = "from grader.cli.app import main; main()"

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that nobody may write to, outside pytest's own."""
    with tempfile.TemporaryDirectory(prefix="grader-plain-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_notebook_is_executed_and_judged(open_folder: Path) -> None:
    if os.geteuid() != 0 or not same_python() or not try_bubblewrap().works:
        pytest.skip("becoming a plain user needs root, bubblewrap, and a system Python of the tests' version")
    packages = sysconfig.get_path("purelib")
    readable = subprocess.run([*as_nobody(), "test", "-r", f"{packages}/torch/__init__.py"], check=False)
    if readable.returncode:
        pytest.skip("a plain user cannot read the packages of this environment")
    shutil.copytree(ROOT / "grader", open_folder / "code" / "grader")
    shutil.copytree(ROOT / "reference", open_folder / "code" / "reference")
    shutil.copytree(ROOT / "rubrics", open_folder / "code" / "rubrics")
    shutil.copytree(ROOT / "submissions" / "perfect", open_folder / "perfect")
    subprocess.run(["chmod", "-R", "a+rX", str(open_folder)], check=True)
    command = [*as_nobody(), str(SYSTEM_PYTHON), "-P", "-s", "-c", GRADE]
    done = subprocess.run(
        [*command, "grade", "perfect", "-o", "out", "--no-retrain", "-q"],
        capture_output=True,
        text=True,
        check=False,
        cwd=open_folder,
        env={
            "PYTHONPATH": f"{open_folder / 'code'}:{packages}",
            "PATH": "/usr/bin:/bin",
            "HOME": str(open_folder / "home"),
            "LANG": "C.UTF-8",
        },
    )
    assert done.returncode in (0, 4), done.stderr
    result = json.loads((open_folder / "out" / "perfect" / "result.json").read_text("utf-8"))
    told = {o["code"]: f"{o['verdict']}: {o['summary']}" for o in result["outcomes"]}
    wanted = ("NN401", "NN402", "NN403", "NN404", "BP101", "WB201")
    assert [told[c] for c in wanted if not told[c].startswith("pass: ")] == []
    isolation = json.dumps(result["provenance"])
    assert "not capped" in isolation, "what is weaker for a plain user is said"
