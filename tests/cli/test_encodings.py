"""No symbol of a report ends a run, whatever stdout can encode: a Windows pipe is cp1252, and knows neither ∂
nor ✓.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "submissions" / "wrong-gradient"


def run(words: tuple[str, ...], **environment: str) -> bytes:
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHONIO", "PYTHONUTF8", "LC_", "LANG"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "grader", *words],
        capture_output=True,
        cwd=ROOT,
        env=clean | environment,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 1, 4), done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("check", str(SAMPLE), "--static"),
        ("inspect", "formulas", str(SAMPLE / "README.md")),
        ("explain", "BP101"),
    ],
    ids=lambda w: w[0],
)
def test_a_narrow_encoding_gets_what_it_can_show(words: tuple[str, ...]) -> None:
    text = run(words, PYTHONIOENCODING="cp1252").decode("cp1252")
    assert "w1" in text
    assert "\N{CHECK MARK}" not in text


def test_a_pipe_without_a_wanted_encoding_gets_utf8() -> None:
    """As on Windows; LC_ALL=C without Python's own mending is as near as Linux comes."""
    words = ("check", str(SAMPLE), "--static", "--format", "json")
    text = run(words, PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", LC_ALL="C").decode("utf-8")
    assert "\N{PARTIAL DIFFERENTIAL}E" in text
