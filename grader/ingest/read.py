"""A path becomes a submission: a folder, a zip or one file, within limits, with nothing lost in silence.

Nothing here follows a symbolic link out of the submission, unpacks to disk or executes anything.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from grader.core.faults import IngestFault
from grader.core.submission import Problem, Sources, Submission
from grader.ingest.archive import HandedIn, beyond, is_junk
from grader.ingest.choose import choose
from grader.ingest.forms.typed import plain_text
from grader.ingest.identify import archive_kind
from grader.ingest.limits import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_FOLDERS,
    MAX_MODULE_BYTES,
    MAX_MODULES,
    MAX_TOTAL_BYTES,
    REPORT_MARKER,
    SKIPPED_FOLDERS,
)
from grader.ingest.meaning import elsewhere_of, sources_of
from grader.ingest.nested import Budget, unpack_limited, unpacked
from grader.ingest.slug import slug

_HOLDS_NO_FILE = "holds no file; expected a README, a workbook and a notebook"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform's own names say about the paths of one entry of a class."""

    names: tuple[str, ...] = ()
    """For each path its name in the submission, or the folder that its files get; empty for its own."""
    typed: tuple[str, ...] = ()
    """The paths that hold what was typed into the platform, and no file of the student's."""
    platform: str = ""
    notes: tuple[str, ...] = ()
    """What a person should know: an older attempt that was left out."""


def _nothing(_: str) -> bool:
    return False


def read_submission(path: Path, name: str = "", left_out: Callable[[str], bool] = _nothing) -> Sources:
    """Return the submission at `path`; `name` overrides its id, `left_out` says which paths are not read.

    Raises IngestFault with what was expected where the path does not exist, holds no file, or is a broken
    archive.
    """
    notes: list[str] = []
    if not path.exists():
        raise IngestFault(
            f"{path}: no such file or folder; give a submission's folder, zip, README, notebook or workbook"
        )
    budget = Budget()
    items = _delivered(path, budget, notes)
    if not items:
        raise IngestFault(f"{path}: the {'folder' if path.is_dir() else 'archive'} {_HOLDS_NO_FILE}")
    identity = name or shown_name(path.resolve().name if path.is_dir() else path.stem)
    single = path.is_file() and not archive_kind(path.name, b"")
    kept = [i for i in items if not left_out(i.path)]
    inside = [i for i in unpacked(kept, budget, notes) if not left_out(i.path)]
    return assemble(identity, inside, notes, single=single)


def read_entry(paths: Sequence[Path], name: str, layout: Layout | None = None) -> Sources:
    """Return the submission that lies at one path, or in several as a platform lays them; see
    `read_submission`.
    """
    layout = layout or Layout()
    if len(paths) == 1 and not layout.names and not layout.typed and not layout.notes:
        return read_submission(paths[0], name)
    notes = list(layout.notes)
    budget = Budget()
    items: list[HandedIn] = []
    handed_in = [p for p in paths if str(p) not in layout.typed]
    for path, shown in zip(paths, layout.names or ("",) * len(paths), strict=True):
        typed = layout.platform if str(path) in layout.typed else ""
        if path.is_dir() or (len(handed_in) == 1 and not typed):
            found = _delivered(path, budget, notes)
            items += [msgspec.structs.replace(i, path=_below(shown, i, path), typed=typed) for i in found]
        else:
            item = _read_file(path, shown or shown_name(path.name), notes)
            items.append(msgspec.structs.replace(item, typed=typed))
    items = [i for i in items if not i.typed or any(plain_text(i.data))]
    if not items:
        raise IngestFault(f"{name}: {_HOLDS_NO_FILE}")
    return assemble(name, unpacked(items, budget, notes), notes, single=False)


def _below(shown: str, item: HandedIn, path: Path) -> str:
    """The path of an item in the submission, where the platform gives its folder or its own name."""
    if not shown:
        return item.path
    return f"{shown}/{item.path}" if path.is_dir() else shown if item.path == path.name else item.path


def _delivered(path: Path, budget: Budget, notes: list[str]) -> list[HandedIn]:
    """The files of a folder or zip, or the one file, but for reports that grader wrote among them."""
    if path.is_dir():
        return _without_reports(list(_folder(path, budget, notes)), notes)
    if archive_kind(path.name, b"") == "zip":
        return _without_reports(list(_archive(path, budget, notes)), notes)
    return [_read_file(path, shown_name(path.name), notes)]


def _without_reports(items: list[HandedIn], notes: list[str]) -> list[HandedIn]:
    """Leave out the folders in which grader wrote its own pages; a student's file is never among them."""
    folders = {i.path.rpartition("/")[0] for i in items if i.path.endswith(f"/{REPORT_MARKER}")}
    if not folders:
        return items
    notes += [f"{folder}/ was written by grader and is no part of the hand-in" for folder in sorted(folders)]
    return [i for i in items if not any(i.path.startswith(f"{folder}/") for folder in folders)]


def assemble(identity: str, items: Iterable[HandedIn], notes: Sequence[str], *, single: bool) -> Sources:
    """Identify, choose and hash."""
    listed = list(items)
    by_path = {i.path: i for i in listed}
    twice = [path for path, count in Counter(i.path for i in listed).items() if count > 1]
    said = (
        *notes,
        *(f"{path} was handed in more than once; the last one was read" for path in sorted(twice)),
    )
    found = sources_of([by_path[p] for p in sorted(by_path)], single=single)
    choice = choose(found)
    listing = "".join(f"{a.sha256}  {a.path}\n" for a in choice.artefacts)
    submission = Submission(
        id=identity,
        slug=slug(identity),
        sha256=hashlib.sha256(listing.encode("utf-8", "surrogatepass")).hexdigest(),
        artefacts=choice.artefacts,
        single_file=single,
        doubts=choice.doubts,
        notes=said,
        elsewhere=elsewhere_of(found),
    )
    sources = tuple(
        msgspec.structs.replace(s, artefact=a) for a, s in zip(choice.artefacts, found, strict=True)
    )
    return Sources(submission=submission, items=sources)


def from_bytes(identity: str, files: dict[str, bytes], *, single: bool = False) -> Sources:
    """Return a submission made of given bytes, for tests and for callers that hold no folder."""
    notes: list[str] = []
    items = unpacked([HandedIn(path=p, data=d) for p, d in files.items()], Budget(), notes)
    return assemble(identity, items, notes, single=single)


def modules_beside(path: Path) -> dict[str, bytes]:
    """Return the Python files in the notebook's folder and one level below: what it may import."""
    found: dict[str, bytes] = {}
    for module in sorted((*path.parent.glob("*.py"), *path.parent.glob("*/*.py")))[:MAX_MODULES]:
        try:
            if module.is_file() and not module.is_symlink() and module.stat().st_size <= MAX_MODULE_BYTES:
                found[module.relative_to(path.parent).as_posix()] = module.read_bytes()
        except OSError:
            continue
    return found


def _read_file(path: Path, name: str, notes: list[str]) -> HandedIn:
    try:
        with path.open("rb") as handle:
            return HandedIn(path=name, data=handle.read(MAX_FILE_BYTES + 1))
    except OSError as fault:
        why = f"could not be read: {fault.strerror}"
        notes.append(f"{name} {why}")
        return HandedIn(path=name, problem=Problem.BROKEN, why=f"the file {why}")


def shown_name(name: str) -> str:
    """Return a file's name as text: a byte that is no UTF-8 (Python's lone surrogate) is written `%FF`."""
    return re.sub("[\ud800-\udfff]", lambda m: f"%{ord(m[0]) & 0xFF:02X}", name)


def _folder(root: Path, budget: Budget, notes: list[str]) -> Iterator[HandedIn]:
    found = sorted((shown_name(p.relative_to(root).as_posix()), p) for p in _walk(root, notes))
    for count, (relative, path) in enumerate(found):
        if relative != path.relative_to(root).as_posix():
            notes.append(f"the name of {relative} is not UTF-8; what is none is written with %")
        limit = f"{MAX_FILES:,} files" if budget.files <= 0 else ""
        item = HandedIn(path=relative) if limit else _read_file(path, relative, notes)
        budget.take(item)
        limit = f"{MAX_TOTAL_BYTES:,} bytes" if budget.bytes < 0 else limit
        if limit:
            notes.append(f"more than {limit}: the rest, from {relative} on, was not read")
            yield from beyond((name for name, _ in found[count:]), f"not read: beyond the first {limit}")
            return
        if not is_junk(relative, item.data):
            # Linux unpacks the names of Windows' archives with their backslashes.
            yield msgspec.structs.replace(item, path=relative.replace("\\", "/"))


def _walk(root: Path, notes: list[str]) -> Iterator[Path]:
    """Yield the files below a folder. It does not call itself: a thousand folders in one another end no
    recursion.
    """
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        shown = shown_name(folder.relative_to(root).as_posix())
        if len(folder.relative_to(root).parts) > MAX_FOLDERS:
            notes.append(f"{shown[:80]}… lies more than {MAX_FOLDERS} folders deep and was not read")
            continue
        try:
            entries = sorted(folder.iterdir())
            for entry in entries:
                name = shown_name(entry.relative_to(root).as_posix())
                if entry.is_symlink():
                    notes.append(f"{name} is a symbolic link and was not followed")
                elif entry.is_dir():
                    if entry.name not in SKIPPED_FOLDERS:
                        waiting.append(entry)
                elif entry.is_file():
                    yield entry
                else:
                    notes.append(f"{name} is no ordinary file (a pipe, a device) and was not read")
        except OSError as fault:
            notes.append(f"{shown} could not be opened: {fault.strerror}")


def _archive(path: Path, budget: Budget, notes: list[str]) -> tuple[HandedIn, ...]:
    again = "pack the folder again"
    try:
        size = path.stat().st_size
        if size > MAX_TOTAL_BYTES:
            raise IngestFault(
                f"{path}: an archive of {size:,} bytes, and at most {MAX_TOTAL_BYTES:,} are read; {again}"
            )
        data = path.read_bytes()
    except OSError as fault:
        raise IngestFault(f"{path}: not a zip archive that can be opened ({fault}); {again}") from fault
    found = unpack_limited(data, budget)
    if found.fault:
        raise IngestFault(f"{path}: not a zip archive that can be opened ({found.fault}); {again}")
    notes += found.notes
    return found.items
