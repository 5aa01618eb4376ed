"""Where the submissions of a class are: folders, zips, a roster, or the download of a learning platform.

Names and late marks are read from each form. Nothing is skipped in silence: what is no submission is reported
with its reason. docs/how-to/platforms.md has the table of what is read from which form.
"""

import csv
import io
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from grader.core.faults import IngestFault
from grader.core.submission import Kind
from grader.ingest.forms.class_zip import drive_parts, unpack_class
from grader.ingest.forms.download import backslashed, by_names, by_stems, gradescope
from grader.ingest.forms.entries import Entry, Listing, listing
from grader.ingest.forms.folders import passed_over, plain, sakai, submitted_files, visible
from grader.ingest.forms.platforms import dashed, is_companion, platform_of
from grader.ingest.forms.shape import Shape, files_in, names_in_zip, shape_of
from grader.ingest.identify import archive_kind, kind_by_name

IDENTITY_COLUMNS = ("id", "student", "name", "identifier", "username", "github_username")
_WRAPPERS = 5
"""Folders round a class, in one another, that are looked through."""
_PARTS = (Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK)
_UNPACK = {"rar": "unrar x", "7z": "7z x"}


def list_class(path: Path, scratch: Path | None = None) -> Listing:
    """Return the submissions of a class; IngestFault where `path` is none, or may be something else.

    A zip is unpacked into `scratch`, a folder of the caller's; without one it is refused.
    """
    if path.is_file() and path.suffix.lower() == ".csv":
        return _roster(path)
    if path.is_file():
        return _zipped(path, [path], scratch)
    if not path.is_dir():
        raise IngestFault(
            f"{path}: no such class; give the folder that holds the submissions, the platform's zip, or a "
            "roster .csv"
        )
    return _folder(path, scratch, str(path))


def _zipped(given: Path, zips: Sequence[Path], scratch: Path | None) -> Listing:
    """A class in the zip that a platform gave, or in the parts of one."""
    kind = archive_kind(given.name, b"") if given.is_file() else "zip"
    if kind != "zip" or scratch is None:
        how = f"{_UNPACK.get(kind, 'unzip' if kind == 'zip' else 'tar xf')} {shlex.quote(str(given))}"
        told = (
            f"unpack it first (`{how}`) and give the folder"
            if kind
            else "give a folder, a zip or a roster .csv"
        )
        raise IngestFault(f"{given}: no class that can be read; {told}")
    here = scratch / "outer"
    inner: Path | None = scratch / "inner"
    if scratch.name == "inner":
        here, inner = scratch / "files", None
    left = unpack_class(zips, here)
    found = _folder(here, inner, str(given))
    return msgspec.structs.replace(
        found,
        refused=tuple(sorted((*found.refused, *left))),
        notes=(f"{', '.join(p.name for p in zips)} was unpacked", *found.notes),
    )


def _folder(path: Path, scratch: Path | None, given: str) -> Listing:
    """A class in a folder; `given` is what the caller was given, for messages."""
    notes: list[str] = []
    for _ in range(_WRAPPERS):
        entries = visible(path)
        if not entries:
            raise IngestFault(f"{given}: holds no submission; expected one folder or zip per submission")
        names = {p.name: p.is_dir() for p in entries}
        if platform := platform_of({n: d for n, d in names.items() if not is_companion(n)}):
            found = gradescope(path, entries) if platform == "Gradescope" else by_names(entries, platform)
            return _with(found, path, notes)
        inner = _wrapped(path, entries, given)
        if inner is None:
            break
        notes.append(f"the class lies in {inner.name}/")
        path = inner
    zips = [p for p in entries if p.suffix.lower() == ".zip" and p.is_file()]
    others = [p for p in entries if p not in zips and not is_companion(p.name)]
    if (
        zips
        and not others
        and scratch is not None
        and (drive_parts([p.name for p in zips]) or _is_class(zips))
    ):
        return _zipped(path, zips, scratch)
    found = submitted_files(path, entries) or sakai(entries) or _flat(entries, given) or plain(entries, given)
    return _with(found, path, notes)


def _with(found: Listing, path: Path, notes: Sequence[str]) -> Listing:
    """The listing with what was passed over, and how the class was found."""
    refused = tuple(sorted((*found.refused, *passed_over(path))))
    return msgspec.structs.replace(found, refused=refused, notes=(*notes, *found.notes))


def _wrapped(path: Path, entries: Sequence[Path], given: str) -> Path | None:
    """The one folder in which the class lies; None where the entries are the class themselves.

    Raises:
        IngestFault: the one folder may be a class as well as one submission.

    """
    folders = [p for p in entries if p.is_dir() and not p.is_symlink()]
    packed = any(archive_kind(p.name, b"") for p in entries if p.is_file())
    if len(folders) != 1 or packed:
        return None
    (inner,) = folders
    match shape_of(files_in(inner)):
        case Shape.CLASS:
            return inner
        case Shape.UNSURE:
            held = ", ".join(p.name for p in visible(inner)[:6])
            raise _unsure(given, f"the one folder in it, {inner.name}/, ", held, inner)
        case _:
            return inner if submitted_files(inner, visible(inner)) is not None else None


def _unsure(given: str, what: str, held: str, inner: Path) -> IngestFault:
    zipped = archive_kind(given, b"") != "" and given != str(
        inner
    )  # it lies in the zip, and nobody can name it
    shown = shlex.quote(inner.name if zipped else str(inner))
    return IngestFault(
        f"{given}: {what}may be a class or one submission; it holds {held}. "
        f"{'Unpack it and say which' if zipped else 'Say which'}: `grader batch {shown}` for a class, "
        f"`grader grade {shown}` for one submission"
    )


def _is_class(zips: Sequence[Path]) -> bool:
    """Whether the only file of a folder is the zip of a whole class."""
    if len(zips) != 1:
        return False
    names = names_in_zip(zips[0])
    shape = shape_of(names)
    if shape is Shape.UNSURE:
        held = ", ".join(sorted({n.partition("/")[0] for n in names})[:6])
        raise _unsure(str(zips[0]), "it ", held, zips[0])
    return shape is Shape.CLASS


def _flat(entries: Sequence[Path], given: str) -> Listing | None:
    """Files without folders, `Ana Diaz - README.md` for each student; None for any other form.

    Raises:
        IngestFault: the files of one submission lie there, or of several with nothing that tells whose.

    """
    files = [p for p in entries if p.is_file() and not is_companion(p.name)]
    if any(p.is_dir() or archive_kind(p.name, b"") for p in entries) or not files:
        return None
    if all("\\" in p.name for p in files):
        return backslashed(files)
    told = [dashed(p.name, False) for p in files]
    if 2 * sum(seen is not None for seen in told) >= len(files):
        return by_names(entries, "")
    kinds = {kind for p in entries if (kind := kind_by_name(p.name)) in _PARTS}
    if len(kinds) > 1 and max(Counter(p.stem for p in files).values()) > 1:
        return by_stems(files)
    if len(kinds) > 1:
        raise IngestFault(
            f"{given}: its files lie side by side, and nothing tells whose they are. Is it one submission? "
            f"Then `grader grade {shlex.quote(given)}`; of a class, put each student's files into a folder"
        )
    return None


def _roster(path: Path) -> Listing:
    text = path.read_text("utf-8-sig", "replace")
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = {c.strip().lower(): c for c in (rows[0] if rows else {}) if c}
    identity = next((columns[c] for c in IDENTITY_COLUMNS if c in columns), None)
    if identity is None or "path" not in columns:
        raise IngestFault(
            f"{path}: a roster needs the columns `id` (or {', '.join(IDENTITY_COLUMNS[1:])}) and `path`; "
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
    return listing("roster", found, refused)
