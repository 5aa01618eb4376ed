"""An autograder for Gradescope: one zip that holds grader itself, a rubric, and the two scripts it starts.

https://gradescope-autograders.readthedocs.io/en/latest/specs/: `setup.sh` and `run_autograder` lie at the
root of the zip; they are unpacked to /autograder/source, `run_autograder` is copied to /autograder; the
student's files are in /autograder/submission, and /autograder/results/results.json must be written. Where it
is not, Gradescope says that the autograder failed, and nobody gets a zero for that.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from grader.render.archive import packed

DISTRIBUTION = "backprop-mnist-grader"
_EXECUTABLE = ("setup.sh", "run_autograder")
_NAME = re.compile(r"[A-Za-z0-9._-]+")

_SETUP = """#!/usr/bin/env bash
# Prepares the image: Python 3.11 or newer in an environment of its own, and what grader needs.
set -euo pipefail
source="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
env="$(dirname "$source")/env"
needed=(-c "$source/constraints.txt" -r "$source/requirements.txt")
index=(@INDEX@)
new_enough='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
for python in python3.13 python3.12 python3.11 python3; do
  if command -v "$python" > /dev/null && "$python" -c "$new_enough" 2> /dev/null; then
    "$python" -m venv "$env"
    "$env/bin/python" -m pip install --quiet "${index[@]}" "${needed[@]}"
    exit 0
  fi
done
# The Python of the image is older: uv brings one.
apt-get update && apt-get install --yes --no-install-recommends python3-pip
python3 -m pip install --quiet uv
python3 -m uv venv --quiet --python 3.12 "$env"
python3 -m uv pip install --quiet --python "$env/bin/python" "${index[@]}" "${needed[@]}"
"""
_RUN = """#!/usr/bin/env bash
# Grades one submission. Where it fails there is no results.json: an error of the autograder, and no zero.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
mkdir -p "$root/results"
rm -f "$root/results/results.json"
cd "$root/results"
# -P, and a path of our own: no module of the submission may stand in for grader.
export PYTHONPATH="$root/source/package" PYTHONSAFEPATH=1
exec "$root/env/bin/python" -P -m grader gradescope run --root "$root" -r "$root/source/rubric.toml" @OPTIONS@
"""


def autograder(
    rubric: bytes, rubrics: Mapping[str, bytes], *, visibility: str, run_notebook: bool = False
) -> bytes:
    """Return autograder.zip for a rubric; `rubrics` are those that come with grader, by file name."""
    extra = "all" if run_notebook else ""
    options = [f"--visibility {visibility}", *(["--run-notebook"] if run_notebook else [])]
    index = "--extra-index-url https://download.pytorch.org/whl/cpu" if run_notebook else ""
    needed = sorted(_requirements(DISTRIBUTION, extra))
    files = {
        "setup.sh": _SETUP.replace("@INDEX@", index).encode(),
        "run_autograder": _RUN.replace("@OPTIONS@", " ".join(options)).encode(),
        "rubric.toml": rubric,
        "requirements.txt": "".join(f"{line}\n" for line in needed).encode(),
        "constraints.txt": "".join(f"{line}\n" for line in _versions(needed)).encode(),
    }
    for package in ("grader", "reference"):
        for path, data in _package(resources.files(package), package):
            files[f"package/{path}"] = data
    for name, data in rubrics.items():
        files[f"package/grader/_data/rubrics/{name}"] = data
    return packed(files, executable=_EXECUTABLE)


def _package(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        inner = f"{path}/{entry.name}"
        if entry.is_dir():
            if not entry.name.startswith((".", "__pycache__")):
                yield from _package(entry, inner)
        elif not entry.name.endswith((".pyc", ".pyo")):
            yield inner, entry.read_bytes()


def _requirements(distribution: str, extra: str) -> Iterator[str]:
    """Yield what a distribution needs, without markers: ours has none but those of extras."""
    for line in metadata.requires(distribution) or ():
        requirement, _, marker = line.partition(";")
        named = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if named is None or named[1] == extra:
            yield requirement.strip()


def _versions(needed: Iterable[str]) -> list[str]:
    """Return the versions that are installed here of all that is needed, so that the image has the same."""
    found: dict[str, str] = {}
    waiting = [_NAME.match(line) for line in needed]
    while waiting:
        match = waiting.pop()
        name = match[0] if match else ""
        try:
            version = metadata.version(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
        if name.casefold() not in found:
            found[name.casefold()] = f"{name}=={version.partition('+')[0]}"
            waiting += [_NAME.match(line) for line in metadata.requires(name) or () if "extra" not in line]
    return sorted(found.values())
