"""Reads the list of attacks, `index.toml`, and which tests there are."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "tests" / "attacks" / "index.toml"


class Attack(NamedTuple):
    """One attack: its number, what it tries, the outcome that may follow, and the tests that try it."""

    id: str
    family: str
    tries: str
    outcome: str
    isolation: bool
    users: str = ""
    without: str = ""
    tests: tuple[str, ...] = ()


def attacks(path: Path = INDEX) -> tuple[Attack, ...]:
    """Return every attack, in the order of the file; TypeError for a key that means nothing."""
    made = []
    for entry in tomllib.loads(path.read_text("utf-8"))["attack"]:
        users, tests = entry.pop("as", ""), tuple(entry.pop("tests", ()))
        made.append(Attack(**entry, users=users, tests=tests))
    return tuple(made)


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, those that it takes over from another included."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    text = file.read_text("utf-8")
    return frozenset(re.findall(r"(?m)^def (test_\w+)", text) + re.findall(r"(?m)^    (test_\w+),$", text))
