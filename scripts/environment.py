"""Makes .venv with what is needed, and says before it starts what that downloads. What `make` runs; the
standard library alone.

    python scripts/environment.py light    # README and workbook: no torch
    python scripts/environment.py docs     # and what builds the site over docs/
    python scripts/environment.py demo     # and notebooks and training
    python scripts/environment.py dev      # and the tools that `make test` uses
    python scripts/environment.py ray      # the extra for many machines, into an environment that is there

Versions of torch and torchvision are those of constraints.txt. Without an NVIDIA GPU the CPU build of torch
is asked for, where the configured package index offers it: on Linux the ordinary build brings CUDA, and is
several times as large.
"""

import ast
import json
import os
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
EXTRAS = {"light": "", "docs": "[docs]", "demo": "[all]", "dev": "[dev]"}
SMALL = {"light": "some 40 MB, 150 MB on disk", "docs": "some 50 MB, 200 MB on disk"}
"""What is downloaded where there is no torch in it."""
DISK = {"cpu": "about 1.4 GB", "cuda": "6 to 7 GB"}
"""Measured with torch 2.13.0 for the CPU, and with 2.9.1 for CUDA."""
OTHERS = {"demo": 130_000_000, "dev": 190_000_000}
"""Bytes of all other packages; asking for them one by one would cost half of the time that it takes to get
them.
"""
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PIP = ("-m", "pip", "--disable-pip-version-check")
UV_WORDS = {
    "index-url": "--default-index",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
    "no-index": "--no-index",
}
"""What pip may be told of where packages come from, and uv's word for it."""
SILENT = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "default-timeout": "UV_HTTP_TIMEOUT"}
"""The same where uv reads a variable."""
UNCOMPILED = r"site-packages.*[/\\](tests|torch[/\\]testing[/\\]_internal)[/\\]"
"""Tests of packages, which nobody runs here."""


def main() -> int:
    """Return 0, or pip's exit status, with what to do in its place."""
    level = sys.argv[1] if len(sys.argv) == 2 else ""
    if level == "ray":
        return add("ray")
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
    if level in SMALL:
        print(f"Set-up:    no torch; downloads {SMALL[level]}.", flush=True)
    else:
        builds = cpu_builds()
        print(size_of(level, builds), flush=True)
    needs = ["-c", str(CONSTRAINTS), "--editable", f"{ROOT}{EXTRAS[level]}", *builds]
    if level == "dev" and with_uv(*needs):
        compile_packages()
        return 0
    done = pip("install", "-qq", "--no-compile", *needs)
    if (
        level not in SMALL and not done.returncode
    ):  # else seconds of a first look, for what is mostly never imported
        compile_packages()
    if done.returncode:
        print("the set-up failed: pip's own words stand above.")
        if level == "demo":
            print("`make demo LIGHT=1` needs no torch: it grades the READMEs and the workbooks.")
    return done.returncode


def add(extra: str) -> int:
    """Install what an extra of ours asks for, and nothing of our own anew: tests may be running from it.
    Return 0, or pip's exit status.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needs = ["-c", str(CONSTRAINTS), *project["optional-dependencies"][extra]]
    return 0 if with_uv(*needs) else pip("install", "-qq", "--no-compile", *needs).returncode


def pip(*words: str, quiet: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run the environment's pip."""
    return subprocess.run([PYTHON, *PIP, *words], check=False, capture_output=quiet)


def with_uv(*needs: str) -> bool:
    """Install with uv, which is one of our tools in any case: 15 CPU seconds for the hundred packages of
    [dev], of which pip takes four times as many, one after the other. False where it cannot, for whatever
    reason: pip does it then, and says what is amiss.

    uv reads no setting of pip's: it is told those that say where packages come from. Its cache ends with it,
    for pip has one.
    """
    cache = ENVIRONMENT / ".uv"  # on the same disk: files are linked, not copied
    try:
        if pip("install", "-qq", "--no-compile", "uv", quiet=True).returncode:
            return False
        words, variables = for_uv(pip("config", "list", quiet=True).stdout.decode("utf-8"))
        done = subprocess.run(
            [PYTHON.with_name("uv"), "pip", "install", "--quiet", "--python", PYTHON, *words, *needs],
            env=os.environ | variables | {"UV_CACHE_DIR": str(cache), "UV_NO_CONFIG": "1"},
            capture_output=True,
            check=False,
        )
        return not done.returncode
    except (OSError, SyntaxError, ValueError):
        return False
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def for_uv(settings: str) -> tuple[list[str], dict[str, str]]:
    """The words and the variables by which uv looks where pip would, of what `pip config list` prints.

    pip goes by its variables before its files, and by what stands there for `install` before what stands for
    all; it takes the newest version of any index.
    """
    told: dict[str, tuple[int, str]] = {}
    for line in settings.splitlines():
        name, _, value = line.partition("=")
        scope, _, key = name.rpartition(".")
        rank = {"global": 1, "install": 2, ":env:": 3}.get(scope, 0)
        if rank and rank >= told.get(key, (0, ""))[0]:
            told[key] = (rank, ast.literal_eval(value))
    words = ["--index-strategy", "unsafe-best-match"]
    for key, word in UV_WORDS.items():
        values = told.get(key, (0, ""))[1].split()
        if key == "no-index":
            words += [word] if values and values[0].lower() in ("1", "yes", "true", "on") else []
        else:
            words += [part for value in values for part in (word, value)]
    return words, {SILENT[key]: value for key, (_, value) in told.items() if key in SILENT}


def compile_packages() -> None:
    """Write the bytecode of all packages, of many at once; a job in a sandbox may not, and would compile
    again what it imports.

    pip does it for one module after the other, and for the tests that packages bring: a fifth of them. What
    only another Python can read is passed over, as pip does.
    """
    words = ("-m", "compileall", "-q", "-q", "-j", "0", "-x", UNCOMPILED)
    subprocess.run([PYTHON, *words, ENVIRONMENT], check=False)


def resolved(*needs: str, deps: bool = True) -> list[dict]:
    """What pip would install for `needs`, as its report says; nothing where they cannot be had."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        words = ["install", "-qq", "--dry-run", "-c", str(CONSTRAINTS), "--report", str(report)]
        done = pip(*words, *([] if deps else ["--no-deps"]), *needs, quiet=True)
        return [] if done.returncode else json.loads(report.read_text("utf-8"))["install"]


def cpu_builds() -> list[str]:
    """Requirements that choose the builds for the CPU, as far as the index has them; none where a GPU is, or
    not on Linux.
    """
    if sys.platform != "linux" or has_gpu():
        return []
    with ThreadPoolExecutor() as pool:
        offered = pool.map(lambda pin: resolved(f"{pin}+cpu", deps=False), pins())
        return [f"{pin}+cpu" for pin, there in zip(pins(), offered, strict=True) if there]


def has_gpu() -> bool:
    """Whether an NVIDIA GPU can be used here, as far as its driver tells."""
    return shutil.which("nvidia-smi") is not None or any(Path("/dev").glob("nvidia[0-9]*"))


def size_of(level: str, builds: list[str]) -> str:
    """The line that says what is about to be downloaded."""
    pair = builds + [pin for pin in pins() if not any(build.startswith(pin) for build in builds)]
    found = resolved(*pair)
    if not found:
        return "Set-up:    asks the package index (torch included: a gigabyte and more)."
    with ThreadPoolExecutor(16) as pool:
        sizes = list(pool.map(bytes_of, [item["download_info"]["url"] for item in found]))
    torch = next(item["metadata"]["version"] for item in found if item["metadata"]["name"] == "torch")
    cuda = any(item["metadata"]["name"].startswith("nvidia-") for item in found)
    build = "its CUDA build" if cuda else "a build for the CPU"
    about = "" if all(sizes) else "at least "
    line = (
        f"Set-up:    downloads {about}{(sum(sizes) + OTHERS[level]) / 1e9:.1f} GB, "
        f"{DISK['cuda' if cuda else 'cpu']} on disk"
        f" (torch {torch}, {build})."
    )
    if cuda and not has_gpu():
        line += (
            "\n           There is no NVIDIA GPU here, and this index has no build for the CPU, "
            "which is a fifth of that:"
            f"\n           PIP_EXTRA_INDEX_URL={CPU_INDEX} make demo"
        )
    return line


def pins() -> list[str]:
    """The pair of constraints.txt."""
    return [line for line in CONSTRAINTS.read_text("utf-8").splitlines() if line.startswith("torch")]


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
