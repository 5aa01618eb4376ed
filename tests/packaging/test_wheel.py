"""The wheel, installed alone into an empty environment: what a student gets who knows nothing of this
checkout.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from grader.core.distribution import install_hint
from grader.sandbox.choose import try_bubblewrap

ROOT = Path(__file__).parents[2]
UNREACHABLE = ("NewConnectionError", "Temporary failure in name resolution", "No matching distribution found")
pytestmark = pytest.mark.slow


class Desk(NamedTuple):
    """An empty environment with grader in it, and a folder outside the checkout."""

    python: Path
    here: Path

    def grader(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command; PYTHONPATH and the checkout are out of reach."""
        command = self.python.parent / ("grader.exe" if os.name == "nt" else "grader")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GRADER", "VIRTUAL_ENV"))}
        return subprocess.run(
            [str(command), *words],
            cwd=self.here,
            env=clean | {"PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )


def python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], str]) -> Path:
    """A folder for all workers of pytest-xdist: the first fills it, and the others wait; both are skipped for
    the reason that `make` returns.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, told = base / name, base / f"{name}.told"
    try:
        folder.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + 600
        while not told.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    else:
        reason = "it could not be made, as another worker says"
        try:
            reason = make(folder)
        finally:
            half = told.with_suffix(".half")
            half.write_text(reason, encoding="utf-8")
            half.replace(told)
    if reason := told.read_text("utf-8"):
        pytest.skip(reason)
    return folder


def build_wheel(out: Path) -> str:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            str(ROOT),
            "--no-deps",
            "--no-build-isolation",
            "-q",
            "-w",
            str(out),
        ],
        check=True,
        capture_output=True,
    )
    return ""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (found,) = made_once(tmp_path_factory, "wheel", build_wheel).glob("*.whl")
    return found


@pytest.fixture(scope="module")
def desk(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    def install(folder: Path) -> str:
        venv.create(folder, with_pip=False)
        # The pip of this environment installs into that one, which spares it a pip of its own. The first command
        # compiles what it imports, for one CPU second where pip takes seven for all that there is.
        words = ["--python", str(python_of(folder)), "install", "-q", "--no-compile", str(wheel)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
            return f"no package index here: {done.stderr.strip().splitlines()[-1]}"
        assert done.returncode == 0, done.stderr
        return ""

    python = python_of(made_once(tmp_path_factory, "alone", install))
    here = tmp_path_factory.mktemp("desk")
    for name in ("no-notebook", "perfect"):
        shutil.copytree(ROOT / "submissions" / name, here / name)
    return Desk(python=python, here=here)


def test_everything_that_is_not_python_is_inside(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(ROOT).as_posix())
        for package in ("grader", "reference")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted |= {f"grader/_data/rubrics/{p.name}" for p in (ROOT / "rubrics").glob("*.toml")}
    assert {"grader/py.typed", "grader/store/schema.sql", "grader/render/style.css"} <= wanted
    assert wanted <= names, sorted(wanted - names)
    assert not [n for n in names if n.startswith(("tests/", "submissions/", "docs/"))]
    assert [n for n in names if n.endswith("LICENSE")]


def test_torch_is_not_there(desk: Desk) -> None:
    code = (
        "import importlib.util as u; print([m for m in ('torch', 'torchvision', "
        "'IPython') if u.find_spec(m)])"
    )
    done = subprocess.run(
        [str(desk.python), "-c", code], capture_output=True, text=True, check=True, cwd=desk.here
    )
    assert done.stdout.strip() == "[]"


def test_grades_what_needs_no_torch(desk: Desk) -> None:
    done = desk.grader("grade", "no-notebook", "--no-exec", "-o", "reports")
    assert done.returncode == 1, done.stderr
    result = json.loads((desk.here / "reports" / "no-notebook" / "result.json").read_text("utf-8"))
    verdicts = {o["code"]: o["verdict"] for o in result["outcomes"]}
    assert verdicts["BP101"] == verdicts["WB201"] == verdicts["LR301"] == "pass"
    assert "<style>" in (desk.here / "reports" / "no-notebook" / "index.html").read_text("utf-8")


def test_class_is_graded_and_stored(desk: Desk) -> None:
    shutil.copytree(desk.here / "no-notebook", desk.here / "class" / "ann")
    done = desk.grader("batch", "class", "--no-exec", "-o", "class-reports")
    assert done.returncode in (1, 4), done.stderr
    assert (desk.here / "class-reports" / "index.html").is_file()
    assert "ann" in desk.grader("export", "--format", "csv", "-o", "class-reports").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rules",), "BP101"),
        (("rubric", "list"), "eva6-s4-late"),
        (("explain", "BP101"), "## What it checks"),
        (("inspect", "formulas", "no-notebook/README.md"), "right"),
    ],
    ids=lambda v: v if isinstance(v, str) else " ".join(v),
)
def test_command_runs(desk: Desk, words: tuple[str, ...], said: str) -> None:
    done = desk.grader(*words)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.sandbox
@pytest.mark.skipif(not try_bubblewrap().works, reason="bubblewrap does not work here")
def test_sandbox_starts_from_an_environment_below_tmp(desk: Desk) -> None:
    """It once died, since /tmp was made twice: for the environment's own folder and as a link."""
    assert str(desk.python).startswith(tempfile.gettempdir())
    table = json.loads(desk.grader("doctor", "--json").stdout)
    (isolation,) = (row for row in table if row["name"] == "isolation")
    assert isolation["health"] == "ok", isolation


def test_what_needs_more_says_which_extra(desk: Desk) -> None:
    done = desk.grader("grade", "perfect", "-o", "reports", "--unsafe-no-sandbox")
    assert done.returncode == 0, done.stderr
    result = json.loads((desk.here / "reports" / "perfect" / "result.json").read_text("utf-8"))
    verdicts = {o["code"]: (o["verdict"], o["summary"]) for o in result["outcomes"]}
    for code in ("NN401", "NN402", "NN403", "NN404", "RT601"):
        verdict, summary = verdicts[code]
        assert verdict == "skipped", code
        assert install_hint("notebook") in summary, code
    for words in (
        ("retrain", "perfect", "--unsafe-no-sandbox"),
        ("inspect", "notebook", "perfect/Session4_MNIST.ipynb"),
    ):
        done = desk.grader(*words)
        assert install_hint("notebook") in done.stdout + done.stderr, words
        assert "Traceback" not in done.stderr
