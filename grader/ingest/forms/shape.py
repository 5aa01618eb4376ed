"""Whether a folder is one submission or a class of them, by the names of its files alone.

A folder round a class (an unpacked `submissions/`, the clone of a classroom) merged all students into one;
a repository with a folder for each part is one submission. Where the names do not tell, nobody guesses.
"""

import os
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from grader.core.submission import Kind
from grader.ingest.forms.platforms import platform_of
from grader.ingest.identify import archive_kind, kind_by_name
from grader.ingest.limits import MAX_FILES, MAX_FOLDERS, MAX_TOTAL_BYTES, SKIPPED_FOLDERS
from grader.ingest.nested import look_into

_PART = re.compile(
    r"(?:part|teil|partie|parte|task|aufgabe|exercise|ex|question|q|session|week|day|lecture|s|l|step|hw"
    r"|homework|assignment)[\s._-]*\w{0,2}"
    r"|(?:note)?books?|src|code|python|scripts?|data|docs?|documents?|files?|images?|img|imgs|figures?|fig|pics?"
    r"|pictures?|screenshots?|plots?|excel|xlsx?|work(?:book|sheet)s?|sheets?|spreadsheets?|back-?prop\w*"
    r"|mnist\w*|cnn|nn|models?|logs?|results?|outputs?|utils?|assets|static|readme|media|weights|checkpoints?",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"v\d+(?:\.\d+)*|(?:version|attempt|try|draft|copy|backup|back-?up|old|older|new|newest|latest|final"
    r"|submission|submitted|archive|previous|first|second)\w{0,10}[\s._-]*\d*",
    re.IGNORECASE,
)
_GRADED = frozenset((Kind.README, Kind.WORKBOOK, Kind.NOTEBOOK))


class Shape(Enum):
    """What a folder is."""

    SUBMISSION = "one submission"
    CLASS = "a class"
    UNSURE = "either"


def shape_of(paths: Iterable[str]) -> Shape:
    """Return what a folder is that holds files at these relative paths; folders round all of them are
    packing.
    """
    listed = list(paths)
    while True:
        shape = _shape(listed)
        tops = {path.partition("/")[0] for path in listed}
        if shape is not Shape.SUBMISSION or len(tops) != 1 or not all("/" in path for path in listed):
            return shape
        listed = [path.partition("/")[2] for path in listed]


def _shape(paths: Iterable[str]) -> Shape:
    direct: set[Kind] = set()
    units: dict[str, set[Kind]] = {}
    folders: dict[str, bool] = {}
    for path in paths:
        top, slash, _ = path.partition("/")
        folders[top] = bool(slash) or folders.get(top, False)
        kinds = _kinds(path)
        if slash or kinds == {Kind.ARCHIVE}:
            units.setdefault(top, set()).update(kinds)
        else:
            direct |= kinds
    if folders and platform_of(folders):
        return Shape.CLASS
    units = {name: kinds for name, kinds in units.items() if kinds}
    if direct & {Kind.NOTEBOOK, Kind.WORKBOOK, Kind.SOURCE} or len(units) < 2:
        return Shape.SUBMISSION
    people = [n for n in units if not _PART.fullmatch(_stem(n)) and not _VERSION.fullmatch(_stem(n))]
    whole = [name for name in people if units[name] >= _GRADED]
    if len(whole) >= 2:
        return Shape.UNSURE if direct else Shape.CLASS
    if len([name for name in people if units[name] == {Kind.ARCHIVE}]) >= 2:
        return Shape.UNSURE
    if direct or _disjoint(units) or all(_PART.fullmatch(_stem(name)) for name in units):
        return Shape.SUBMISSION
    return Shape.UNSURE


def _disjoint(units: dict[str, set[Kind]]) -> bool:
    """Whether no two parts hold the same kind of file: each is a part of one hand-in."""
    seen: set[Kind] = set()
    for kinds in units.values():
        if seen & kinds & _GRADED or kinds == {Kind.ARCHIVE}:
            return False
        seen |= kinds
    return True


def _kinds(path: str) -> set[Kind]:
    name = path.rstrip("/").rpartition("/")[2]
    if archive_kind(name, b""):
        return {Kind.ARCHIVE}
    kind = kind_by_name(name)
    if kind is Kind.SOURCE:
        return {Kind.SOURCE, Kind.NOTEBOOK} if "/" in path else {Kind.SOURCE}
    return {kind} if kind in _GRADED else set()


def _stem(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and archive_kind(f"x.{suffix}", b"") else name


def files_in(folder: Path) -> Iterator[str]:
    """Yield the paths of a folder's files; those of a zip at its top stand below the zip's name.

    What nobody reads (caches, resource forks) is left out, and so is everything beyond the limits.
    """
    waiting, count = [folder], 0
    while waiting:
        here = waiting.pop()
        if len(here.relative_to(folder).parts) > MAX_FOLDERS:
            continue
        try:
            entries = entries_of(here)
        except OSError:
            continue  # whoever reads this submission says that it cannot be opened
        for entry in entries:
            if entry.is_symlink() or entry.name.startswith("._") or entry.name in SKIPPED_FOLDERS:
                continue
            path = Path(entry.path)
            if entry.is_dir():
                waiting.append(path)
                continue
            count += 1
            if count > MAX_FILES:
                return
            relative = path.relative_to(folder).as_posix() if here != folder else entry.name
            relative = relative.replace("\\", "/")
            if here == folder and path.suffix.lower() == ".zip":
                yield from (f"{relative}/{name}" for name in names_in_zip(path) or (relative,))
            else:
                yield relative


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name, with what the folder itself says of each: a class of thousands
    is listed without asking for every file what it is. Raises OSError.
    """
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def names_in_zip(path: Path) -> tuple[str, ...]:
    """The paths in a zip, without what nobody reads; none for one that cannot be opened or is too large."""
    try:
        return look_into(path.read_bytes()).paths if path.stat().st_size <= MAX_TOTAL_BYTES else ()
    except OSError:
        return ()
