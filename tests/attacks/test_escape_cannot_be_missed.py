"""A test that finds student code outside its sandbox ends the run with a number of its own, in one process and in several."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ESCAPED

CASES = """
import pytest

@pytest.mark.escape
def test_held(): pass

@pytest.mark.escape
def test_escaped(): assert {held}

def test_other(): assert {other}
"""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("held", "other", "status"),
    [(False, True, ESCAPED), (False, False, ESCAPED), (True, False, 1), (True, True, 0)],
)
@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["one process", "workers"])
def test_the_status_says_escape_and_nothing_else_does(
    held: bool, other: bool, status: int, workers: tuple[str, ...], tmp_path: Path
) -> None:
    root = Path(__file__).parents[1]
    (tmp_path / "conftest.py").write_text((root / "conftest.py").read_text("utf-8"), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(CASES.format(held=held, other=other), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = escape: x\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
