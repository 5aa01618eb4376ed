"""Which students a roster names, for `grader assign`."""

from collections import Counter
from pathlib import Path

from grader.core.faults import UsageFault
from grader.core.rubric import plain_name
from grader.ingest.classes import IDENTITY_COLUMNS
from grader.render.platforms.worksheet import read_worksheet


def students_of(roster: Path, column: str) -> tuple[str, ...]:
    """Return the names of a roster, in its order.

    Raises UsageFault where there is no such column, or where two names cannot be told apart in the hand-ins
    of a platform.
    """
    sheet = read_worksheet(roster.read_bytes(), str(roster), columns=1)
    place = sheet.column(column) if column else sheet.column(*IDENTITY_COLUMNS)
    if place is None:
        asked = repr(column) if column else f"one of {', '.join(IDENTITY_COLUMNS)}"
        raise UsageFault(
            f"{roster}: no column {asked}; it has {', '.join(sheet.header)}: name one with --column, "
            "the one that says what the folder of a student's hand-in is called"
        )
    names = tuple(name for row in sheet.rows[1:] if (name := " ".join(row[place].split())))
    twice = [name for name, count in Counter(map(plain_name, names)).items() if count > 1]
    alike = [name for name in names if plain_name(name) in twice]
    if alike:
        raise UsageFault(
            f"{roster}: {' and '.join(map(repr, alike[:4]))} cannot be told apart in a hand-in's name"
        )
    return names
