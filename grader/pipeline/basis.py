"""Everything that decides what reading and judging finds, as one digest: a later run with the same digest copies the result.

The cache of products is finer, but asking it costs a process and the reading of every file. This costs one hash of the bytes.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec

import grader
import reference
from grader.core.settings import Settings
from grader.ingest.limits import MAX_FILES, MAX_TOTAL_BYTES, SKIPPED_FOLDERS
from grader.pipeline.provenance import provenance


def raw_digest(paths: Sequence[str]) -> str:
    """Return a SHA-256 over names and bytes of a hand-in as it lies there; empty where it is too large or cannot be read."""
    digest = hashlib.sha256()
    total = 0
    try:
        for number, (name, path) in enumerate(_files(paths)):
            total += path.stat().st_size
            if total > MAX_TOTAL_BYTES or number > MAX_FILES:
                return ""
            data = path.read_bytes()
            digest.update(msgspec.json.encode([name, len(data)]))
            digest.update(data)
    except (OSError, UnicodeEncodeError):
        return ""
    return digest.hexdigest()


def basis_of(raw: str, rubric_sha256: str, settings: Settings) -> str:
    """Return the digest of a hand-in, the rubric, the options, the versions and our own code; empty for an empty `raw`."""
    if not raw:
        return ""
    made_with = provenance(settings)
    parts = [
        raw,
        rubric_sha256,
        msgspec.json.encode(settings).decode(),
        msgspec.json.encode(made_with, order="sorted").decode(),
        _code(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for given in sorted(paths):
        top = Path(given)
        if top.is_symlink() or not top.exists():
            raise OSError(f"{top}: a link, or gone")
        if top.is_file():
            yield top.name, top
            continue
        for folder, folders, names in os.walk(top, onerror=_raise):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            if any((Path(folder) / name).is_symlink() for name in folders):
                raise OSError(f"{folder}: holds a link")
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_symlink() or not path.is_file():
                    raise OSError(f"{path}: no ordinary file")
                yield str(path.relative_to(top)), path


def _raise(fault: OSError) -> None:
    raise fault


@cache
def _code() -> str:
    """Digest of grader's own sources: another version of anything is another basis."""
    digest = hashlib.sha256()
    for package in (grader, reference):
        for path in sorted(Path(package.__file__ or "").parent.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
