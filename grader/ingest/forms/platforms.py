"""What learning platforms call the files and folders of one student, and what the names say.

Each pattern is of the names that the platform's own "download all submissions" writes:

* Moodle: mod/assign/locallib.php, `download_submissions` (fullname_id_assignsubmission_plugin_, flat or in
  folders; https://docs.moodle.org/en/Assignment_activity)
* Canvas: lib/content_zipper.rb, `zip_assignment` (sortname_LATE_user_attachment_title;
  https://community.canvaslms.com, "How do I download all student submissions for an assignment?")
* Blackboard Learn: "Download and upload assignments", gradebook_COURSE_ASSIGNMENT_user_attempt_DATE_file
  (https://help.blackboard.com)
* Brightspace: "user-folder - Name - date", with or without a folder each
* Gradescope: "Export submissions", submission_NUMBER with submission_metadata.yml
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the name of one file or folder says."""

    who: str
    """The student, unique in the download."""
    rest: str = ""
    """The student's own file name; empty for a folder."""
    typed: bool = False
    """Whether it holds what was typed into the platform."""
    late: bool = False
    order: str = ""
    """What orders several folders of one student that belong together, the newest last."""
    attempt: str = ""
    """What orders the attempts of one student; empty where the platform gives one only."""
    unwanted: str = ""
    """Why it is no part of a hand-in."""


_MOODLE = re.compile(
    r"^(?P<name>.+?)_(?P<id>\d+)_assign(?P<what>submission|feedback)_(?P<plugin>[a-z]+)(?P<rest>(?:[_.].*)?)$",
    re.DOTALL,
)
_CANVAS = re.compile(
    r"^(?P<name>anon|[^_]+)_(?:(?P<late>LATE)_)?(?P<user>\d{2,}|(?<=anon_)[A-Za-z0-9]{5})_"
    r"(?:(?P<typed>(?:text|link|url|media_comment)(?:-\d+)?\.html?)|(?P<file>\d{2,})_(?P<rest>.+))$",
    re.DOTALL,
)
_BLACKBOARD = re.compile(
    r"^(?P<head>.+)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?P<rest>_.+|\.txt|)$", re.DOTALL
)
_BRIGHTSPACE = re.compile(
    r"^(?P<user>\d+)-(?P<box>\d+) - (?P<name>.+?) - (?P<when>[^-]*\b\d{4}\b[^-]*?)(?: - (?P<rest>.+))?$",
    re.DOTALL,
)
_GRADESCOPE = re.compile(r"^submission_\d+$")
_DASHED = re.compile(r"^(?P<name>[^-].*?) - (?P<rest>.+)$", re.DOTALL)


def _moodle(name: str, folder: bool) -> Seen | None:
    match = _MOODLE.match(name)
    if match is None:
        return None
    rest = match["rest"].removeprefix("_")
    return Seen(
        who=f"{match['name']}_{match['id']}",
        rest="" if folder else f"submission{rest}" if rest.startswith(".") else rest or match["plugin"],
        typed=match["plugin"] == "onlinetext",
        unwanted="" if match["what"] == "submission" else "what a teacher gave back, no submission",
    )


def _canvas(name: str, folder: bool) -> Seen | None:
    match = None if folder else _CANVAS.match(name)
    if match is None:
        return None
    return Seen(
        who=f"{match['name']}_{match['user']}",
        rest=match["rest"] or match["typed"],
        typed=bool(match["typed"]),
        late=bool(match["late"]),
    )


def _blackboard(name: str, folder: bool) -> Seen | None:
    match = None if folder else _BLACKBOARD.match(name)
    if match is None:
        return None
    rest = match["rest"]
    return Seen(
        who=match["head"],
        rest=rest.removeprefix("_") if rest.startswith("_") else "attempt.txt",
        typed=not rest.startswith("_"),
        attempt=match["when"],
    )


def _brightspace(name: str, folder: bool) -> Seen | None:
    match = _BRIGHTSPACE.match(name)
    if match is None or (folder and match["rest"]):
        return None
    return Seen(
        who=f"{match['name']}_{match['user']}", rest=match["rest"] or "", order=_sortable(match["when"])
    )


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WHEN = re.compile(
    r"(?P<month>[A-Za-z]{3})[a-z]* (?P<day>\d{1,2}), (?P<year>\d{4})"
    r"(?: (?P<hour>\d{1,2}):?(?P<minute>\d\d) ?(?P<half>AM|PM)?)?"
)


def _sortable(when: str) -> str:
    """`Nov 1, 2026 1010 AM` as a text that sorts by time; as it is where it is written otherwise."""
    match = _WHEN.search(when)
    if match is None or match["month"].lower() not in _MONTHS:
        return when
    month = _MONTHS.index(match["month"].lower()) + 1
    hour = (
        int(match["hour"] or 0) % 12 + 12 * (match["half"] == "PM")
        if match["half"]
        else int(match["hour"] or 0)
    )
    return f"{match['year']}-{month:02}-{int(match['day']):02} {hour:02}{match['minute'] or '00'}"


def _gradescope(name: str, folder: bool) -> Seen | None:
    return Seen(who=name) if folder and _GRADESCOPE.match(name) else None


def dashed(name: str, folder: bool) -> Seen | None:
    """`Ana Diaz - README.md`, as Google Classroom calls the copy that it makes for each student."""
    match = None if folder else _DASHED.match(name)
    return Seen(who=match["name"].strip(), rest=match["rest"].strip()) if match else None


PLATFORMS: Final[Mapping[str, Callable[[str, bool], Seen | None]]] = {
    "Moodle": _moodle,
    "Blackboard": _blackboard,
    "Brightspace": _brightspace,
    "Gradescope": _gradescope,
    "Canvas": _canvas,
}
"""By the label of a platform: what its name of a file (False) or folder (True) says; None for another's."""

NAMINGS: Final[Mapping[str, str]] = {
    "Moodle": "Moodle's naming Name_number_assignsubmission_file_",
    "Blackboard": "Blackboard's naming gradebook_course_assignment_user_attempt_date_file",
    "Brightspace": "Brightspace's naming number-number - Name - date",
    "Gradescope": "Gradescope's naming submission_number",
    "Canvas": "Canvas's naming name_user_file_title",
}

_README = re.compile(r"readme(?:\.(?!zip$)\w+)?", re.IGNORECASE)
COMPANIONS: Final = frozenset(
    ("submission_metadata.yml", "metadata.yml", "index.html", "grades.csv", "grades.xls", "manifest.xml")
)
"""Files that platforms lay beside the submissions."""


def platform_of(names: Mapping[str, bool]) -> str:
    """Return the platform whose names are most of these (name to whether it is a folder); empty for none.

    Half is enough, and less is not: what one student calls a folder does not decide it.
    """
    counts = {
        label: sum(read(n, d) is not None for n, d in names.items()) for label, read in PLATFORMS.items()
    }
    best = max(counts, key=lambda label: counts[label])
    return best if counts[best] and 2 * counts[best] >= len(names) else ""


def is_companion(name: str) -> bool:
    """Whether a loose file describes the class: its README, or what a platform adds."""
    return name.lower() in COMPANIONS or bool(_README.fullmatch(name))
