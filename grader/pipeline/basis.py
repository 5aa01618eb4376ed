"""Everything that decides what reading and judging finds, as one digest: a later run with the same digest copies the result.

The cache of products is finer, but asking it costs a process and the reading of every file. This costs one hash of the bytes.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec

import grader
import reference
from grader.core.settings import Settings
from grader.ingest.limits import MAX_FILES, MAX_FOLDERS, MAX_TOTAL_BYTES, SKIPPED_FOLDERS
from grader.ingest.read import shown_name
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
            digest.update(msgspec.json.encode([shown_name(name), len(data)]))
            digest.update(data)
    except OSError:
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
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            if len(folder.relative_to(top).parts) > MAX_FOLDERS:
                raise OSError(f"{folder}: more than {MAX_FOLDERS} folders in one another")
            for path in sorted(folder.iterdir(), reverse=True):
                if path.is_dir() and not path.is_symlink():
                    if path.name not in SKIPPED_FOLDERS:
                        waiting.append(path)
                elif path.is_symlink() or not path.is_file():
                    raise OSError(f"{path}: no ordinary file")
                else:
                    yield str(path.relative_to(top)), path


@cache
def _code() -> str:
    """Digest of grader's own sources: another version of anything is another basis."""
    digest = hashlib.sha256()
    for package in (grader, reference):
        for path in sorted(Path(package.__file__ or "").parent.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
