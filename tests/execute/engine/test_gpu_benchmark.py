"""The measurement for a GPU runs where our other packages are not installed, on made-up digits and an imitation
of the capture.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("msgspec", "numpy", "safetensors", "torch")

# Loaded by every interpreter of the measurement, the processes of its class, too.
CUSTOM = """
import importlib.machinery, sys
FORBIDDEN = {forbidden!r}
find = importlib.machinery.PathFinder.find_spec
def found(name, path=None, target=None):
    return None if name.partition(".")[0] in FORBIDDEN else find(name, path, target)
importlib.machinery.PathFinder.find_spec = staticmethod(found)
sys.path.insert(0, {root!r})
import reference.mnist
from tests.execute.engine.small import digits
reference.mnist.load = lambda directory: digits()
"""


def closure() -> set[str]:
    """Distributions that those bring along, by their normal names."""
    found: set[str] = set()
    left = list(NEEDED)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in found:
            continue
        found.add(name)
        try:
            required = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        left += [re.split(r"[^\w.-]", item)[0] for item in required if "extra ==" not in item]
    return found


def forbidden() -> list[str]:
    """Every importable name of any other distribution that is installed here."""
    allowed = closure()
    owners = importlib.metadata.packages_distributions()
    return sorted(
        name
        for name, of in owners.items()
        if name not in ("_distutils_hack", "grader", "reference")
        and not any(re.sub(r"[-_.]+", "-", item).lower() in allowed for item in of)
    )


def measured(
    tmp_path: Path, *options: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, dict[str, object]]]:
    assert {"click", "torchvision", "pytest", "IPython", "ftfy"} <= set(forbidden())
    (tmp_path / "sitecustomize.py").write_text(CUSTOM.format(forbidden=forbidden(), root=str(ROOT)))
    out = tmp_path / "gpu.json"
    # 192 digits: a whole batch and one that is not.
    small = ("--device=cpu", "--digits=192", "--epochs=1", "--seeds=2", "--students=2", "--at-once=2")
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "gpu.py"),
        "--data",
        str(tmp_path),
        "--out",
        str(out),
    ]
    done = subprocess.run(
        [*command, *small, *options],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"},
        cwd=tmp_path, capture_output=True, encoding="utf-8", check=False, timeout=600,
    )  # fmt: skip
    assert out.exists(), f"status {done.returncode}: {done.stderr}"
    return done, json.loads(out.read_text("utf-8"))


def test_every_part_is_measured_without_our_other_packages(tmp_path: Path) -> None:
    done, parts = measured(tmp_path)
    assert done.returncode == 0, done.stderr
    assert not [name for name, found in parts.items() if {"failed", "refused", "left out"} & found.keys()], (
        parts
    )
    one, plain = parts["one seed"]["runs"], parts["one seed, not captured"]["runs"]
    assert [run["how"] for run in one] == ["whole steps in a captured graph"]  # type: ignore[attr-defined]
    passes = parts["one seed, passes captured"]["runs"]
    assert [run["how"] for run in passes] == [  # type: ignore[attr-defined]
        "passes in a captured graph, the rest beside it: no graph could be captured: only the passes are measured"
    ]
    assert [run["how"] for run in plain] == ["step by step"]  # type: ignore[attr-defined]
    first, second = parts["interrupted and gone on with"]["runs"]  # type: ignore[misc]
    assert first == second
    assert len(parts["a class"]["runs"]) == 2  # type: ignore[arg-type]
    assert "minutes of 100, reckoned" in parts["a class"]
    assert parts["times as fast"].keys() == {"captured", "passes captured", "side by side"}


def test_what_does_not_fit_into_its_minutes_is_left_out_and_told(tmp_path: Path) -> None:
    done, parts = measured(tmp_path, "--minutes", "0.0")
    assert done.returncode == 0, done.stderr
    assert parts["one seed"] == {"left out": "no time was left"}
    assert parts["times as fast"] == {}
