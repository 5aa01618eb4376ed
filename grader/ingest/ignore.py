"""`.graderignore` and `.grader.toml`: what a student keeps out of the self-check, and which rubric it
uses.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from grader.core.faults import UsageFault
from grader.core.toml import read_toml

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


def ignored(folder: Path) -> Callable[[str], bool]:
    """Return what tells whether a path is left out by the folder's ignore file, which has the meaning of a
    .gitignore (https://git-scm.com/docs/gitignore): `old` anywhere, `/old` at the top, `!keep` again.
    """
    path = folder / IGNORE
    if not path.is_file():
        return lambda _: False
    from pathspec import GitIgnoreSpec  # of a folder that has such a file

    lines = path.read_text("utf-8-sig", "replace").splitlines()
    try:
        spec = GitIgnoreSpec.from_lines(lines)
    except ValueError as fault:
        raise UsageFault(f"{path}: {fault}") from fault
    return spec.match_file
