"""The page that draws the house names the rooms that there are, and why a large one is one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
WITHIN = {"checks", "core", "cli", "render", "execute/engine", "execute/replay", "extract/formulas"}
"""Rooms whose inner rooms the page tells in the same row."""


def _table(heading: str) -> set[str]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([\w/]+)` \|", section, re.MULTILINE))


def _rooms() -> dict[str, int]:
    """Every folder of the product with the number of its modules."""
    found = {}
    for folder in (ROOT / "grader").rglob("*"):
        modules = [p for p in folder.glob("*.py") if p.name != "__init__.py"] if folder.is_dir() else []
        if modules:
            found[folder.relative_to(ROOT / "grader").as_posix()] = len(modules)
    return found


def test_every_room_has_its_row_and_every_row_its_room() -> None:
    told = _table("The rooms")
    for room in _rooms():
        parents = {room.rpartition("/")[0], room}
        inner = any(room.startswith(f"{outer}/") for outer in WITHIN)
        assert told & parents or inner or any(t.startswith(f"{room}/") for t in told), room
    for room in told - {"reference"}:
        assert (ROOT / "grader" / room).is_dir(), room


def test_a_large_room_says_why_it_is_one() -> None:
    large = {room for room, modules in _rooms().items() if modules > 12}
    assert large == _table("Rooms with more than twelve modules"), "give the reason there, or part the room"
