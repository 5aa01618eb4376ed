"""Builds a release into dist/ and examines it: wheels and source archives of grader and of its kernels in C,
audit of the locks, bill of materials, digests.

    pip install --require-hashes -r locks/release.txt
    python scripts/release.py [--no-audit] [--no-native] [--dirty]

The wheel of the kernels is for this machine's system and processor; the other platforms' are built there.
docs/how-to/release.md has the steps before and after.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

import lock

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
NATIVE = ROOT / "native"
DISTRIBUTION: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["name"]
GRADED = (0, 1, 4)
"""Exit statuses of `grader grade` that say that a submission was graded."""


def main() -> int:
    """Return 0, or 1 with the step that failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--no-audit", action="store_true", help="where the service of pip-audit cannot be reached"
    )
    parser.add_argument(
        "--no-native", action="store_true", help="without the kernels in C, where there is no compiler"
    )
    parser.add_argument(
        "--dirty", action="store_true", help="build a checkout with changes, to try this script"
    )
    options = parser.parse_args()
    try:
        if not options.dirty and run("git", "status", "--porcelain", capture=True).strip():
            raise Refused("there are changes that are not committed")
        lacking = lock.missing()
        if lacking:
            raise Refused("\n".join(lacking) + "\nrun scripts/lock.py")
        shutil.rmtree(DIST, ignore_errors=True)
        wheel, archive = build(ROOT)
        native = () if options.no_native else build(NATIVE)
        if not options.no_audit:
            audit()
        with tempfile.TemporaryDirectory(prefix="grader-release-") as scratch:
            bill = examine(wheel, Path(scratch), *native[:1])
        sums(wheel, archive, bill, *native)
    except Refused as fault:
        print(f"no release: {fault}")
        return 1
    print(f"\nin {DIST}:")
    for path in sorted(DIST.iterdir()):
        print(f"  {path.name}")
    return 0


class Refused(Exception):
    """A step failed; the message says which."""


def run(*words: str | Path, capture: bool = False, allowed: tuple[int, ...] = (0,)) -> str:
    """Run a command in the checkout; Refused where it ends badly."""
    print("$", *words, flush=True)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        words,
        cwd=ROOT,
        check=False,
        encoding="utf-8",
        env=environment,
        stdout=subprocess.PIPE if capture else None,
    )
    if done.returncode not in allowed:
        raise Refused(f"`{' '.join(map(str, words))}` ended with status {done.returncode}")
    return done.stdout or ""


def build(project: Path) -> tuple[Path, Path]:
    """The wheel of a project of this checkout and the source archive that it is built from."""
    before = set(DIST.glob("*"))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, project)
    made = sorted(set(DIST.glob("*")) - before)
    (wheel,) = (path for path in made if path.suffix == ".whl")
    (archive,) = (path for path in made if path.name.endswith(".tar.gz"))
    if project == NATIVE and "-cp311-abi3-" not in wheel.name:
        raise Refused(
            f"{wheel.name} is not of the limited API of Python 3.11: one wheel would not serve every Python"
        )
    return wheel, archive


def audit() -> None:
    """Hold every locked version against the known vulnerabilities."""
    for name in lock.needs():
        run(
            sys.executable,
            "-m",
            "pip_audit",
            "--strict",
            "--require-hashes",
            "--disable-pip",
            "-r",
            lock.LOCKS / name,
        )


def examine(wheel: Path, scratch: Path, *native: Path) -> Path:
    """Install the wheel alone, as a user would, and grade a sample; returns the bill of materials of what is
    there. Then the extra `native` must find the wheel of the kernels, and that be imported.
    """
    venv.create(scratch / "env", with_pip=True)
    binaries = scratch / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    python = binaries / "python"
    run(python, "-m", "pip", "install", "-qq", "--require-hashes", "-r", lock.LOCKS / "light.txt")
    run(python, "-m", "pip", "install", "-qq", "--no-deps", wheel)
    run(python, "-m", "pip", "check")
    sample = ROOT / "submissions" / "no-notebook"
    run(
        binaries / "grader",
        "grade",
        sample,
        "--no-exec",
        "-o",
        scratch / "reports",
        "--quiet",
        allowed=GRADED,
    )
    bill = DIST / f"{wheel.name.partition('-py3')[0]}.cdx.json"
    if native:
        # No index is asked: only the wheel that was built here may answer to the name.
        with_kernels = f"{DISTRIBUTION}[native] @ {wheel.as_uri()}"
        run(python, "-m", "pip", "install", "-qq", "--no-index", "--find-links", DIST, with_kernels)
        run(python, "-c", "import grader_native; print('kernels of version', grader_native.VERSION)")
        run(python, "-m", "pip", "uninstall", "-qq", "-y", f"{DISTRIBUTION}-native")
    run(python, "-m", "pip", "uninstall", "-qq", "-y", "pip", "setuptools")
    run(
        *(
            sys.executable,
            "-m",
            "cyclonedx_py",
            "environment",
            "--output-reproducible",
            "--of",
            "JSON",
            "-o",
            bill,
        ),
        *("--pyproject", ROOT / "pyproject.toml", python),
    )
    return bill


def sums(*paths: Path) -> None:
    """Write the digests as `sha256sum -c` reads them."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(paths)]
    (DIST / "SHA256SUMS").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
