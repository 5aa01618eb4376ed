"""Where the submissions of a class are: folders, zips, a roster, or the download of a learning platform.

Names and late marks are read from each form. Nothing is skipped in silence: what is no submission is reported
with its reason.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from grader.core.faults import IngestFault
from grader.ingest.limits import SKIPPED_FOLDERS
from grader.ingest.read import shown_name

_CANVAS = re.compile(r"^(?P<name>[^_]+?)_(?P<late>LATE_)?(?P<user>\d{2,})_(?P<file>\d{2,})_(?P<rest>.+)$")
_MOODLE = re.compile(r"^(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?$")
_GRADESCOPE = re.compile(r"^submission_(?P<id>\d+)$")
_TOOLS = frozenset({".grader", ".github", ".vscode", ".pytest_cache", "_class"}) | SKIPPED_FOLDERS
"""Folders that stand beside submissions and are none."""
_IDENTITY_COLUMNS = ("id", "student", "name", "identifier", "username", "github_username")


HIDDEN = "its name begins with a dot or an underscore, so it was passed over; rename it if it is a submission"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One place that should hold a submission. `paths` are several files where a platform lays them flat."""

    id: str
    paths: tuple[str, ...]
    late_days: float = 0.0
    note: str = ""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of a class, sorted by id, and what was found that is no submission."""

    form: str
    entries: tuple[Entry, ...]
    refused: tuple[tuple[str, str], ...] = ()


def list_class(path: Path) -> Listing:
    """Return the submissions of a class; IngestFault where `path` is none."""
    if path.is_file() and path.suffix.lower() == ".csv":
        return _roster(path)
    if not path.is_dir():
        raise IngestFault(
            f"{path}: no such class; give the folder that holds the submissions, or a roster .csv"
        )
    beside = sorted(path.iterdir())
    entries = [p for p in beside if not p.name.startswith((".", "_"))]
    if not entries:
        raise IngestFault(f"{path}: holds no submission; expected one folder or zip per submission")
    listing = _in_its_form(path, entries)
    hidden = [(p.name, HIDDEN) for p in beside if p not in entries and _could_be_meant(p)]
    return _listing(listing.form, listing.entries, (*listing.refused, *hidden))


def _could_be_meant(path: Path) -> bool:
    """Whether something with a name that is passed over may be a person's work all the same."""
    return path.suffix.lower() == ".zip" or (path.is_dir() and path.name not in _TOOLS)


def _in_its_form(path: Path, entries: list[Path]) -> Listing:
    """Tell the form of a class, and list it; what one student calls a folder does not decide it."""
    files = [p for p in entries if p.is_file()]
    folders = [p for p in entries if p.is_dir()]
    if folders and all(_GRADESCOPE.match(p.name) for p in folders):
        return _gradescope(path, folders)
    if folders and sum(bool(_MOODLE.match(p.name)) for p in folders) >= max(1, len(folders) / 2):
        return _moodle(entries)
    if files and sum(bool(_CANVAS.match(p.name)) for p in files) >= max(1, len(files) // 2) and not folders:
        return _canvas(files)
    return _plain(entries)


def _plain(entries: list[Path]) -> Listing:
    found: list[Entry] = []
    refused: list[tuple[str, str]] = []
    names = {p.name for p in entries}
    packed = any(p.is_dir() or p.suffix.lower() == ".zip" for p in entries)
    for p in entries:
        if packed and p.is_file() and p.stem.lower() == "readme" and p.suffix.lower() != ".zip":
            continue  # describes the class that lies beside it
        if p.is_symlink():
            refused.append((p.name, "a symbolic link, which is not followed"))
        elif p.is_dir():
            inner = _only_folder(p)
            note = f"lies one level deeper, in {inner.name}/" if inner is not None else ""
            found.append(Entry(id=p.name, paths=(str(inner or p),), note=note))
        elif p.suffix.lower() == ".zip":
            if p.stem in names:
                refused.append((p.name, f"the folder {p.stem}/ beside it was taken"))
            else:
                found.append(Entry(id=p.stem, paths=(str(p),)))
        elif packed:
            refused.append((p.name, "a loose file beside the submissions; put it into a folder of its own"))
        elif p.suffix.lower() in (".ipynb", ".xlsx", ".md"):
            found.append(Entry(id=p.stem, paths=(str(p),), note="a single file"))
        else:
            refused.append((p.name, "neither a folder nor a zip"))
    return _listing("folders and zips", found, refused)


def _only_folder(folder: Path) -> Path | None:
    try:
        inner = [p for p in folder.iterdir() if not p.name.startswith((".", "_"))]
        return inner[0] if len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink() else None
    except OSError:  # whoever reads this submission says that it cannot be opened
        return None


def _holds_something(folder: Path) -> bool:
    try:
        return folder.is_dir() and not folder.is_symlink() and any(folder.iterdir())
    except OSError:
        return False


def _canvas(files: Iterable[Path]) -> Listing:
    groups: dict[str, list[Path]] = {}
    late: set[str] = set()
    refused: list[tuple[str, str]] = []
    for p in files:
        match = _CANVAS.match(p.name)
        if match is None:
            refused.append((p.name, "does not follow Canvas's naming name_user_file_title"))
            continue
        identity = f"{match['name']}_{match['user']}"
        groups.setdefault(identity, []).append(p)
        if match["late"]:
            late.add(identity)
    entries = [
        Entry(
            id=i, paths=tuple(str(p) for p in ps), late_days=1.0 if i in late else 0.0, note="Canvas download"
        )
        for i, ps in groups.items()
    ]
    return _listing("Canvas download", entries, refused)


def _moodle(entries: Iterable[Path]) -> Listing:
    found: list[Entry] = []
    refused: list[tuple[str, str]] = []
    for p in entries:
        match = _MOODLE.match(p.name)
        odd = "does not follow Moodle's naming Name_number_assignsubmission_file_"
        if match is not None and p.is_dir():
            found.append(Entry(id=f"{match['name']}_{match['id']}", paths=(str(p),), note="Moodle download"))
        elif _holds_something(p):
            found.append(Entry(id=p.name, paths=(str(p),), note=odd))
        else:
            refused.append((p.name, odd))
    return _listing("Moodle download", found, refused)


def _gradescope(root: Path, folders: Iterable[Path]) -> Listing:
    names = _gradescope_names(root / "submission_metadata.yml")
    namesakes = Counter(names.values())
    entries = [
        Entry(id=_gradescope_id(p.name, names, namesakes), paths=(str(p),), note=f"Gradescope {p.name}")
        for p in folders
    ]
    return _listing("Gradescope download", entries, [])


def _gradescope_id(folder: str, names: Mapping[str, str], namesakes: Mapping[str, int]) -> str:
    """Return a student's name; with the number of the submission where another student has the same name."""
    name = names.get(folder, folder)
    return f"{name} ({folder})" if namesakes.get(name, 0) > 1 else name


def _gradescope_names(metadata: Path) -> dict[str, str]:
    # Only two keys of a flat, machine-written file are needed; a YAML parser would be a dependency for them.
    if not metadata.is_file():
        return {}
    names: dict[str, str] = {}
    current = ""
    for line in metadata.read_text("utf-8", "replace").splitlines():
        if match := re.match(r"^(submission_\d+):", line):
            current = match[1]
        elif current and (match := re.match(r"^\s+-?\s*:?(?:name|:name):\s*(.+?)\s*$", line)):
            names.setdefault(current, match[1].strip("'\""))
    return names


def _roster(path: Path) -> Listing:
    text = path.read_text("utf-8-sig", "replace")
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = {c.strip().lower(): c for c in (rows[0] if rows else {}) if c}
    identity = next((columns[c] for c in _IDENTITY_COLUMNS if c in columns), None)
    if identity is None or "path" not in columns:
        raise IngestFault(
            f"{path}: a roster needs the columns `id` (or {', '.join(_IDENTITY_COLUMNS[1:])}) and `path`; "
            "optional: `late_days`"
        )
    found: list[Entry] = []
    refused: list[tuple[str, str]] = []
    for number, row in enumerate(rows, 2):
        name, where = (row.get(identity) or "").strip(), (row.get(columns["path"]) or "").strip()
        if not name or not where:
            refused.append((f"line {number}", "has no id or no path"))
            continue
        late = (row.get(columns.get("late_days", ""), "") or "0").strip()
        try:
            days = float(late)
        except ValueError:
            refused.append((name, f"late_days is {late!r}, not a number"))
            continue
        found.append(Entry(id=name, paths=(str((path.parent / where).resolve()),), late_days=max(days, 0.0)))
    return _listing("roster", found, refused)


def _listing(form: str, entries: Iterable[Entry], refused: Iterable[tuple[str, str]]) -> Listing:
    by_id: dict[str, Entry] = {}
    bad = list(refused)
    named = (msgspec.structs.replace(e, id=shown_name(e.id)) for e in entries)
    for entry in sorted(named, key=lambda e: (e.id, e.paths)):
        if entry.id in by_id:
            bad.append((entry.paths[0], f"the id {entry.id!r} is taken by {by_id[entry.id].paths[0]}"))
        else:
            by_id[entry.id] = entry
    told = sorted((shown_name(name), shown_name(reason)) for name, reason in bad)
    return Listing(form=form, entries=tuple(by_id.values()), refused=tuple(told))
