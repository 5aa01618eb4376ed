"""`.graderignore` and `.grader.toml`: what a student keeps out of the self-check, and which rubric it
uses.
"""

from fnmatch import fnmatch
from pathlib import Path

import msgspec

from grader.core.faults import UsageFault
from grader.core.submission import Sources
from grader.core.toml import read_toml
from grader.ingest.read import from_bytes

CONFIG = ".grader.toml"
IGNORE = ".graderignore"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `grader init` writes."""

    rubric: str = "default"


def read_config(folder: Path) -> Config:
    """Return the folder's configuration; the default where there is none, UsageFault where it has a fault.

    A rubric file is named from the folder, so that it is found wherever the command is given.
    """
    path = folder / CONFIG
    if not path.is_file():
        return Config()
    try:
        config = msgspec.convert(read_toml(path.read_bytes()), Config)
    except ValueError as fault:
        raise UsageFault(f"{path}: {fault}; `grader init --force` writes a new one") from fault
    if config.rubric.endswith(".toml"):
        return Config(rubric=str(folder / config.rubric))
    return config


def read_ignore(folder: Path) -> tuple[str, ...]:
    """Return the patterns of the folder's ignore file, one a line; `#` begins a comment."""
    path = folder / IGNORE
    if not path.is_file():
        return ()
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8", "replace").splitlines())
    return tuple(line for line in lines if line)


def without_ignored(sources: Sources, patterns: tuple[str, ...]) -> Sources:
    """Return the submission without what the patterns name: `drafts/` a folder, `*.bak` files anywhere."""
    if not patterns:
        return sources
    kept = {s.artefact.path: s.data for s in sources.items if not _matches(s.artefact.path, patterns)}
    return from_bytes(sources.submission.id, kept, single=sources.submission.single_file)


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    parts = path.split("/")
    for pattern in patterns:
        if pattern.endswith("/"):
            folder = pattern.rstrip("/")
            if path.startswith(f"{folder}/") or ("/" not in folder and folder in parts[:-1]):
                return True
        elif fnmatch(path, pattern) or fnmatch(parts[-1], pattern):
            return True
    return False
