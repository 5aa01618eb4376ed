"""Forms with a folder or zip for each student: plain ones, Teams' and SharePoint's, Sakai's."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from grader.ingest.forms.entries import Entry, Listing, listing
from grader.ingest.forms.platforms import is_companion
from grader.ingest.forms.shape import Shape, entries_of, files_in, names_in_zip, shape_of
from grader.ingest.identify import archive_kind
from grader.ingest.limits import JUNK_FILES, REPORT_MARKER, SKIPPED_FOLDERS
from grader.ingest.read import Layout

_SINGLE = (".ipynb", ".xlsx", ".ods", ".md", ".txt")
_SUBMITTED = re.compile(
    r"submitted[ _]files|(?:eingereichte|abgegebene|übermittelte)[ _]dateien|fichiers (?:envoyés|soumis)"
    r"|archivos (?:enviados|entregados)|file inviati|arquivos enviados|ingediende bestanden",
    re.IGNORECASE,
)
"""The folder in which Teams keeps what was handed in, in the languages that were looked up."""
_WORKING = re.compile(
    r"working[ _]files|arbeitsdateien|fichiers de travail|archivos de trabajo|file di lavoro", re.IGNORECASE
)
_VERSION = re.compile(r"vers(?:ion|ión|ione|ão|ie)\s*(?P<n>\d+)", re.IGNORECASE)
_ATTACHMENTS = re.compile(r"submission attachment(?:\(s\)|s)?", re.IGNORECASE)


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, without hidden files, caches and what grader wrote there itself."""
    return [Path(entry.path) for entry in entries_of(folder) if not _aside(entry)]


def _aside(entry: "os.DirEntry[str]") -> bool:
    name = entry.name
    if name.startswith((".", "_")) or name in JUNK_FILES or name in SKIPPED_FOLDERS:
        return True
    return entry.is_dir(follow_symlinks=False) and _ours(Path(entry.path))


HIDDEN = "its name begins with a dot or an underscore, so it was passed over; rename it if it is a submission"
_TOOLS = frozenset((".grader", ".github", ".vscode", ".pytest_cache", "_class")) | SKIPPED_FOLDERS
"""Folders that stand beside submissions and are none."""


def passed_over(folder: Path) -> list[tuple[str, str]]:
    """What a class's folder holds under a name that is passed over and could be a person's work."""
    names = [p for p in sorted(folder.iterdir()) if p.name.startswith((".", "_")) and p.name not in _TOOLS]
    return [
        (p.name, HIDDEN)
        for p in names
        if (p.is_dir() or p.suffix.lower() == ".zip") and not p.name.startswith("._") and not _ours(p)
    ]


def _ours(path: Path) -> bool:
    """Whether grader wrote a folder."""
    ours = (path / REPORT_MARKER, path / ".grader" / "store.sqlite")
    return path.is_dir() and not path.is_symlink() and any(p.is_file() for p in ours)


def plain(entries: Sequence[Path], given: str) -> Listing:
    """One folder or archive a student, in any mix; loose files are the class where there is nothing else."""
    found: list[Entry] = []
    refused: list[tuple[str, str]] = []
    names = {p.name for p in entries}
    packed = any(p.is_dir() or archive_kind(p.name, b"") for p in entries)
    for p in entries:
        if packed and p.is_file() and is_companion(p.name):
            continue  # describes the class that lies beside it
        kind = "" if p.is_dir() else archive_kind(p.name, b"")
        if p.is_symlink():
            refused.append((p.name, "a symbolic link, which is not followed"))
        elif (p.is_dir() or kind == "zip") and _shape(p) is Shape.CLASS:
            command = f"grader batch {shlex.quote(str(p))}"
            refused.append((p.name, f"holds several folders that are whole submissions: `{command}`"))
        elif p.is_dir():
            inner = _only_folder(p)
            note = f"lies one level deeper, in {inner.name}/" if inner is not None else ""
            found.append(Entry(id=p.name, paths=(str(inner or p),), note=note))
        elif kind:
            stem = p.name[: -len(kind) - 1].removesuffix(".tar")
            if stem in names:
                refused.append((p.name, f"the folder {stem}/ beside it was taken"))
            else:
                found.append(Entry(id=stem, paths=(str(p),)))
        elif packed:
            refused.append((p.name, "a loose file beside the submissions; put it into a folder of its own"))
        elif p.suffix.lower() in _SINGLE:
            found.append(Entry(id=p.stem, paths=(str(p),), note="a single file"))
        else:
            refused.append((p.name, "neither a folder nor a zip"))
    return listing("folders and zips", found, refused)


def _shape(path: Path) -> Shape:
    return shape_of(files_in(path) if path.is_dir() else names_in_zip(path))


def _only_folder(folder: Path) -> Path | None:
    try:
        inner = visible(folder)
        return inner[0] if len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink() else None
    except OSError:  # whoever reads this submission says that it cannot be opened
        return None


def submitted_files(root: Path, entries: Sequence[Path]) -> Listing | None:
    """Teams' and SharePoint's layout: Submitted files/STUDENT/ASSIGNMENT/Version N; None for any other."""
    inside = next((p for p in entries if p.is_dir() and _SUBMITTED.fullmatch(p.name)), None)
    here = inside or (root if _SUBMITTED.fullmatch(root.name) else None)
    if here is None:
        return None
    refused = [
        (p.name, "what students were still working on" if _WORKING.fullmatch(p.name) else "lies beside it")
        for p in entries
        if inside is not None and p != inside and not is_companion(p.name)
    ]
    found: list[Entry] = []
    for student in visible(here):
        if not student.is_dir() or student.is_symlink():
            refused.append((student.name, "a loose file beside the folders of the students"))
            continue
        inner = visible(student)
        tasks = [p for p in inner if p.is_dir()] if all(p.is_dir() for p in inner) else []
        if len(tasks) > 1 and not all(_VERSION.fullmatch(p.name) for p in tasks):
            held = ", ".join(p.name for p in tasks)
            refused.append((student.name, f"holds several assignments ({held}); keep the folder of one"))
            continue
        found.append(_newest(student, tasks[0] if len(tasks) == 1 else student))
    return listing("Teams", found, refused)


def _newest(student: Path, folder: Path) -> Entry:
    """The last version of what a student handed in; the older ones were replaced by it."""
    if _VERSION.fullmatch(folder.name):
        return Entry(id=student.name, paths=(str(folder),), note="Teams")
    versions = {p: int(m["n"]) for p in visible(folder) if p.is_dir() and (m := _VERSION.fullmatch(p.name))}
    if not versions or len(versions) < len(visible(folder)):
        return Entry(id=student.name, paths=(str(folder),), note="Teams")
    last = max(versions, key=lambda p: versions[p])
    notes = (f"{last.name} was read, the last of {len(versions)}",) if len(versions) > 1 else ()
    return Entry(id=student.name, paths=(str(last),), layout=Layout(notes=notes), note="Teams")


def sakai(entries: Sequence[Path]) -> Listing | None:
    """Sakai's layout: `Name, First(user)` with `Submission attachment(s)` and the typed text; None for any
    other.
    """
    folders = [p for p in entries if p.is_dir() and not p.is_symlink()]
    parts = {
        p: next((i for i in visible(p) if i.is_dir() and _ATTACHMENTS.fullmatch(i.name)), None)
        for p in folders
    }
    if not any(parts.values()):
        return None
    found: list[Entry] = []
    refused = [
        (p.name, "a loose file beside the submissions")
        for p in entries
        if p not in parts and not is_companion(p.name)
    ]
    for folder, attached in parts.items():
        texts = [p for p in sorted(folder.iterdir()) if p.is_file() and "submissiontext" in p.name.lower()]
        paths = [*([attached] if attached and any(attached.iterdir()) else []), *texts]
        if not paths:
            refused.append((folder.name, "handed in nothing"))
            continue
        typed = tuple(str(p) for p in texts)
        names = ("",) * (len(paths) - len(texts)) + tuple(p.name for p in texts)
        layout = Layout(names=names, typed=typed, platform="Sakai" if typed else "")
        found.append(Entry(id=folder.name, paths=tuple(map(str, paths)), layout=layout, note="Sakai"))
    return listing("Sakai download", found, refused)
