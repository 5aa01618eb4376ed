"""Two commands that grade one class into one store at the same time do each other no harm."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = ("no-notebook", "mojibake", "wrong-gradient", "hostile")


def command(school: Path, out: Path, *only: str) -> list[str]:
    words = [sys.executable, "-m", "grader", "batch", str(school), "-o", str(out), "--no-exec", "-j", "1"]
    return [*words, *(word for name in only for word in ("--only", name))]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside") / "class"
    for name in NAMES:
        shutil.copytree(ROOT / "submissions" / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def quiet(school: Path) -> Path:
    """The store of one command that nothing ran beside."""
    together(command(school, school.with_name("quiet")))
    return school.with_name("quiet")


def together(*commands: list[str]) -> list[str]:
    """Start all at once; return what each said of its progress."""
    pipe = subprocess.PIPE
    going = [subprocess.Popen(c, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) for c in commands]
    ended = [process.communicate(timeout=600) for process in going]
    assert all(process.returncode in (0, 1, 4) for process in going), ended
    return [told for _, told in ended]


def results(out: Path) -> dict[str, bytes]:
    return {name: (out / name / "result.json").read_bytes() for name in NAMES}


def test_each_grades_its_own_and_the_page_of_the_class_has_all(
    school: Path, quiet: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    told = together(command(school, shared, *NAMES[:2]), command(school, shared, *NAMES[2:]))
    done = Counter(name for text in told for name in NAMES if f"'{name}' (about" in text)
    assert done == dict.fromkeys(NAMES, 1), told
    assert results(shared) == results(quiet)
    marks = (shared / "_class" / "marks.csv").read_text("utf-8")
    assert all(name in marks for name in NAMES), "whoever ends last shows what both have graded"


def test_a_few_beside_the_whole_class(school: Path, quiet: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    together(command(school, shared), command(school, shared, NAMES[0]))
    assert results(shared) == results(quiet)
    db = sqlite3.connect(shared / ".grader" / "store.sqlite")
    products = "SELECT key, payload FROM products"
    kept = dict(sqlite3.connect(quiet / ".grader" / "store.sqlite").execute(products))
    # What was compared of the one hand-in alone is there, too, under a key of its own.
    assert kept.items() <= dict(db.execute(products)).items(), "one key, one result"
    assert db.execute("SELECT COUNT(*) FROM runs WHERE finished = ''").fetchone() == (0,)
    (again,) = together(command(school, shared))
    assert "read 1/" not in again, "nothing of the class is read a second time"
    assert json.loads(results(shared)[NAMES[0]])["submission"]["id"] == NAMES[0]
