"""Makes .venv with what is needed, and says before it starts what that downloads. What `make` runs; the standard library alone.

    python scripts/environment.py light    # README and workbook: no torch
    python scripts/environment.py demo     # and notebooks and training
    python scripts/environment.py dev      # and the tools that `make test` uses

Versions of torch and torchvision are those of constraints.txt. Without an NVIDIA GPU the CPU build of torch is asked for, where
the configured package index offers it: on Linux the ordinary build brings CUDA, and is several times as large.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
CONSTRAINTS = ROOT / "constraints.txt"
EXTRAS = {"light": "", "demo": "[all]", "dev": "[dev]"}
LIGHT_SIZE = "some 40 MB, 150 MB on disk"
DISK = {"cpu": "about 1.4 GB", "cuda": "6 to 7 GB"}
"""Measured with torch 2.13.0 for the CPU, and with 2.9.1 and 2.14.1 for CUDA."""
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PIP = ("-m", "pip", "--disable-pip-version-check")


def main() -> int:
    """Return 0, or pip's exit status, with what to do in its place."""
    level = sys.argv[1] if len(sys.argv) == 2 else ""
    if level not in EXTRAS:
        print(__doc__)
        return 2
    if not PYTHON.is_file():
        try:
            venv.create(ENVIRONMENT, with_pip=True)
        except (OSError, subprocess.CalledProcessError):
            print("could not make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv")
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            return 1
    builds: list[str] = []
    if level == "light":
        print(f"Set-up:    no torch; downloads {LIGHT_SIZE}.")
    else:
        builds = cpu_builds()
        print(size_of(level, builds), flush=True)
    done = pip("install", "-qq", "-c", str(CONSTRAINTS), "--editable", f"{ROOT}{EXTRAS[level]}", *builds)
    if done.returncode:
        print("the set-up failed: pip's own words stand above.")
        if level == "demo":
            print("`make demo LIGHT=1` needs no torch: it grades the READMEs and the workbooks.")
    return done.returncode


def pip(*words: str, quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run the environment's pip."""
    return subprocess.run([PYTHON, *PIP, *words], check=False, capture_output=quiet)


def resolved(*needs: str, deps: bool = True) -> list[dict]:
    """What pip would install for `needs`, as its report says; nothing where they cannot be had."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        words = ["install", "-qq", "--dry-run", "-c", str(CONSTRAINTS), "--report", str(report)]
        done = pip(*words, *([] if deps else ["--no-deps"]), *needs, quiet=True)
        return [] if done.returncode else json.loads(report.read_text("utf-8"))["install"]


def cpu_builds() -> list[str]:
    """Requirements that choose the builds for the CPU, as far as the index has them; none where a GPU is, or not on Linux."""
    if sys.platform != "linux" or has_gpu():
        return []
    pins = [
        line for line in CONSTRAINTS.read_text("utf-8").split() if line.startswith("torch") and "==" in line
    ]
    return [f"{pin}+cpu" for pin in pins if resolved(f"{pin}+cpu", deps=False)]


def has_gpu() -> bool:
    """Whether an NVIDIA GPU can be used here, as far as its driver tells."""
    return shutil.which("nvidia-smi") is not None or any(Path("/dev").glob("nvidia[0-9]*"))


def size_of(level: str, builds: list[str]) -> str:
    """The line that says what is about to be downloaded."""
    found = resolved(*requirements(level), *builds)
    if not found:
        return "Set-up:    asks the package index (torch included: a gigabyte and more)."
    with ThreadPoolExecutor(16) as pool:
        sizes = list(pool.map(bytes_of, [item["download_info"]["url"] for item in found]))
    names = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in found}
    cuda = any(name.startswith("nvidia-") for name in names)
    about = "" if all(sizes) else "at least "
    line = f"Set-up:    {len(found)} packages, {about}{sum(sizes) / 1e9:.1f} GB to download"
    if "torch" in names:
        build = "its CUDA build" if cuda else "a build for the CPU"
        line += f", {DISK['cuda' if cuda else 'cpu']} on disk (torch {names['torch']}, {build})"
        if cuda and not has_gpu():
            line += (
                "\n           There is no NVIDIA GPU here, and this index has no build for the CPU, which is a fifth of that:"
                f"\n           PIP_EXTRA_INDEX_URL={CPU_INDEX} make demo"
            )
    return line


def requirements(level: str) -> list[str]:
    """The needs of a level as pyproject.toml names them, its own extras written out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = ["notebook", "retrain"] + (["dev"] if level == "dev" else [])
    needs = [*project["dependencies"], *(need for name in names for need in extras[name])]
    return [need for need in needs if not need.startswith(project["name"])]


def bytes_of(url: str) -> int:
    """The size of a package's file; 0 where it cannot be asked for."""
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # an address that pip resolved
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.headers.get("Content-Length") or 0)
    except (OSError, ValueError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
