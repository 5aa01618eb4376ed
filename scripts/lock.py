"""Writes locks/: every version with the SHA-256 of its files, for releases and CI. Needs uv (`pip install
uv`).

    python scripts/lock.py             # write them anew, with the newest versions that are allowed
    python scripts/lock.py docs.txt    # that one alone
    python scripts/lock.py --check     # exit status 1 where a lock lacks what pyproject.toml asks for

light.txt      what `pip install .` brings: the action installs these
test.txt       and pytest and hypothesis: the workflow's matrix installs these
all.txt        what `pip install '.[all]'` brings; torch as the usual package index gives it
docs.txt       what builds the site over docs/: the workflow's job `docs` installs these
release.txt    what builds and examines a release: see docs/how-to/release.md
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
RELEASE = ["build>=1.2", "hatchling>=1.25", "setuptools>=77", "pip-audit>=2.7", "cyclonedx-bom>=5"]


def needs() -> dict[str, list[str]]:
    """What each lock has to hold, as requirements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    core = project["dependencies"]
    tests = [need for need in extras["dev"] if need.startswith(("pytest>", "hypothesis>"))]
    return {
        "light.txt": core,
        "test.txt": [*core, *tests],
        "all.txt": [*core, *extras["notebook"], *extras["retrain"]],
        "docs.txt": extras["docs"],
        "release.txt": RELEASE,
    }


def missing() -> list[str]:
    """What the locks lack, one line each."""
    found = []
    for name, wanted in needs().items():
        path = LOCKS / name
        text = path.read_text("utf-8") if path.is_file() else ""
        pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))
        for need in wanted:
            package = re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0].lower()
            if package not in pinned:
                found.append(f"{name}: no {need}")
        found += [
            f"{name}: {p}=={v} has no hash" for p, v in pinned.items() if f"{p}=={v}" not in hashed(text)
        ]
    return found


def hashed(text: str) -> set[str]:
    """The `name==version` of a lock that are followed by at least one hash."""
    return {
        f"{package}=={version}"
        for package, version in re.findall(
            r"^([A-Za-z0-9._-]+)==(\S+)[^\n]*\\\n\s+--hash=sha256:[0-9a-f]{64}", text, re.MULTILINE
        )
    }


def main() -> int:
    """Write or check."""
    if sys.argv[1:] == ["--check"]:
        lacking = missing()
        print("\n".join(lacking) or "the locks hold everything")
        return 1 if lacking else 0
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    LOCKS.mkdir(exist_ok=True)
    for name, wanted in needs().items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        words = [
            "pip",
            "compile",
            "-",
            "--universal",
            "--generate-hashes",
            "--no-annotate",
            "--python-version",
            "3.11",
        ]
        words += ["--quiet", "--upgrade", "--custom-compile-command", "python scripts/lock.py"]
        words += ["-c", str(ROOT / "constraints.txt"), "-o", str(LOCKS / name)]
        done = subprocess.run([uv, *words], input="\n".join(wanted).encode(), check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
