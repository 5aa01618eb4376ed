"""What is installed is read from folder names: it must be what importlib.metadata says."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from grader.core.installed import may_declare, version
from grader.pipeline.plan.product_key import RUNNING, environment


@pytest.mark.parametrize("name", [*RUNNING, "no-such-distribution", "markdown_it_py", "Charset.Normalizer"])
def test_versions_are_those_that_importlib_metadata_says(name: str) -> None:
    try:
        expected: str | None = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        expected = None
    assert version(name) == expected


def test_an_environment_names_what_is_there() -> None:
    assert environment(("msgspec", "no-such-distribution")).keys() == {"python", "msgspec"}


def test_a_distribution_that_lies_in_an_egg_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "old.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: old\nVersion: 3.4\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text("[grader.checks]\nx = y\n", encoding="utf-8")
    assert not may_declare("grader.checks")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert version("old") == "3.4"
    assert may_declare("grader.checks")


def test_a_wheel_that_brings_checks_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text("[grader.checks]\nx = y\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert may_declare("grader.checks")
    assert not may_declare("grader.providers")
    assert version("mine") == "1.0"


def test_the_light_command_imports_nothing_that_it_does_not_need() -> None:
    """A check of a README alone took as much for imports as for all its work."""
    script = (
        "import sys; sys.argv = ['grader', 'check', '--static', 'submissions/perfect']\n"
        "from grader.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "unwanted = ('ftfy', 'wcwidth', 'importlib.metadata', 'jinja2', 'torch', 'nbformat')\n"
        "print('LOADED', [name for name in unwanted if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"
