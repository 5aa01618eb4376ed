"""Tries a pair of torch and torchvision: an environment of its own, the tests that touch torch, one line at
the end.

    python scripts/try_torch.py 2.9.1 0.24.1            # makes the environment, runs the tests, removes it
    python scripts/try_torch.py 2.9.1 0.24.1 --keep DIR # keeps it in DIR, and uses what is there

The range in pyproject.toml names the oldest and the newest pair for which this ended with exit status 0.
"""

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "tests/execute",
    "tests/reference",
    "tests/sandbox",
    "tests/checks/network",
    "tests/e2e/test_sample_class.py",
)
"""What imports torch or judges what a process with torch found."""


def main() -> int:
    """Return pytest's exit status, or pip's where the pair cannot be installed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("torch")
    parser.add_argument("torchvision")
    parser.add_argument("--keep", type=Path, help="folder for the environment")
    parser.add_argument("tests", nargs="*", help=f"default: {' '.join(TESTS)}")
    options = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory(prefix="grader-torch-") as scratch:
        folder = options.keep or Path(scratch) / "env"
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not python.is_file():
            venv.create(folder, with_pip=True)
        pair = (f"torch=={options.torch}", f"torchvision=={options.torchvision}")
        installed = subprocess.run(
            [python, "-m", "pip", "install", "-qq", *pair, "--editable", f"{ROOT}[dev]"], check=False
        )
        if installed.returncode:
            return installed.returncode
        tested = subprocess.run(
            [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(options.tests or TESTS)],
            cwd=ROOT,
            check=False,
        )
    print(f"torch {options.torch}, torchvision {options.torchvision}: exit status {tested.returncode}")
    return tested.returncode


if __name__ == "__main__":
    sys.exit(main())
