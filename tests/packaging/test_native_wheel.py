"""The kernels in C: their wheel serves every Python, and what the extra names is met from a folder: no
index is asked."""

import importlib.metadata
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler"),
    pytest.mark.skipif(
        not Path(sysconfig.get_path("include"), "Python.h").is_file(), reason="there are no headers of Python"
    ),
]


def pip(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def built() -> Path | None:
    """The wheel that `make native-wheel` made of these very sources: half a minute of a compiler is not spent
    twice.
    """
    stamp = ROOT / "build" / "wheels" / ".native"
    sources = [path.stat().st_mtime for path in (ROOT / "native").glob("*.*") if path.is_file()]
    if stamp.is_file() and stamp.stat().st_mtime >= max(sources):
        return next(stamp.parent.glob("backprop_mnist_grader_native-*.whl"), None)
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if found := built():
        return found
    try:
        builder = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        builder = "0"
    if int(builder.partition(".")[0]) < 77:
        pytest.skip(f"setuptools {builder} is there, and 77 is needed")
    out = tmp_path_factory.mktemp("native")
    source = shutil.copytree(ROOT / "native", out / "source", ignore=shutil.ignore_patterns("build"))
    done = pip("wheel", "--no-deps", "--no-build-isolation", "-w", out, source)
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("*.whl")
    return found


def test_one_wheel_serves_every_python(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name


def test_what_the_extra_names_is_met_from_a_folder(wheel: Path, tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (need,) = project["optional-dependencies"]["native"]
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = pip("--python", python, "install", "--no-index", "--find-links", wheel.parent, need)
    assert done.returncode == 0, done.stderr
    code = "import grader_native; print(grader_native.VERSION)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    assert need.endswith(f"=={done.stdout.strip()}"), done.stderr
