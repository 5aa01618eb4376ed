"""A path becomes a submission: a folder, a zip or one file, within limits, with nothing lost in silence.

Nothing here follows a symbolic link out of the submission, unpacks to disk or executes anything.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from grader.core.faults import IngestFault
from grader.core.submission import Kind, Problem, Source, Sources, Submission
from grader.ingest.archive import HandedIn, Unpacked, beyond
from grader.ingest.choose import choose
from grader.ingest.identify import identified, unread
from grader.ingest.limits import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_FOLDERS,
    MAX_MODULE_BYTES,
    MAX_MODULES,
    MAX_TOTAL_BYTES,
    SKIPPED_FOLDERS,
)
from grader.ingest.slug import slug
from grader.sandbox.reader import Lost, read_limited
from grader.sandbox.reader_server import ReadLimits

UNPACKING: Final = ReadLimits(memory=2_400_000_000, answer=MAX_TOTAL_BYTES + 50_000_000, cpu=120)
"""What unpacking may take: the archive and its files at the same time, twice."""

_AGAIN = "pack the folder again"


def read_submission(path: Path, name: str = "") -> Sources:
    """Return the submission at `path`; `name` overrides its id.

    Raises IngestFault with what was expected where the path does not exist, holds no file, or is a broken
    archive.
    """
    notes: list[str] = []
    if not path.exists():
        raise IngestFault(
            f"{path}: no such file or folder; give a submission's folder, zip, README, notebook or workbook"
        )
    single = path.is_file() and not _is_archive(path)
    if path.is_dir():
        items = _opened(tuple(_folder(path, notes)), notes)
        if not items:
            raise IngestFault(
                f"{path}: the folder holds no file; expected a README, a workbook and a notebook"
            )
    elif single:
        items = (_read_file(path, shown_name(path.name), notes),)
    else:
        items = _opened(_archive(path, notes), notes)
        if not items:
            raise IngestFault(
                f"{path}: the archive holds no file; expected a README, a workbook and a notebook"
            )
    identity = name or shown_name(path.resolve().name if path.is_dir() else path.stem)
    return assemble(identity, items, notes, single=single)


def read_entry(paths: Sequence[Path], name: str) -> Sources:
    """Return the submission that lies at one path, or in several flat files as Canvas lays them; see
    `read_submission`.
    """
    if len(paths) == 1:
        return read_submission(paths[0], name)
    notes: list[str] = []
    items: list[HandedIn] = []
    for path in paths:
        if _is_archive(path):
            items += _archive(path, notes)
        else:
            items.append(_read_file(path, shown_name(path.name), notes))
    return assemble(name, items, notes, single=False)


def assemble(identity: str, items: Iterable[HandedIn], notes: Iterable[str], *, single: bool) -> Sources:
    """Identify, choose and hash."""
    listed = list(items)
    by_path = {i.path: i for i in listed}
    twice = [path for path, count in Counter(i.path for i in listed).items() if count > 1]
    said = (
        *notes,
        *(f"{path} was handed in more than once; the last one was read" for path in sorted(twice)),
    )
    found = [_source(item) for _, item in sorted(by_path.items())]
    if single:
        found = [_single(s) for s in found]
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
    )
    sources = tuple(
        msgspec.structs.replace(s, artefact=a) for a, s in zip(choice.artefacts, found, strict=True)
    )
    return Sources(submission=submission, items=sources)


def _source(item: HandedIn) -> Source:
    if item.problem is Problem.NONE:
        return identified(item.path, item.data)
    return Source(artefact=unread(item.path, item.problem, item.why), data=item.data)


def from_bytes(identity: str, files: dict[str, bytes], *, single: bool = False) -> Sources:
    """Return a submission made of given bytes, for tests and for callers that hold no folder."""
    return assemble(identity, [HandedIn(path=p, data=d) for p, d in files.items()], (), single=single)


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


def _single(source: Source) -> Source:
    # A file that a person names on the command line is meant: text without a telling suffix is a README.
    artefact = source.artefact
    if artefact.kind is Kind.OTHER and artefact.readable and b"\0" not in source.data[:4096]:
        artefact = msgspec.structs.replace(artefact, kind=Kind.README)
    return msgspec.structs.replace(source, artefact=artefact)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


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


def _folder(root: Path, notes: list[str]) -> Iterator[HandedIn]:
    total = 0
    found = sorted((shown_name(p.relative_to(root).as_posix()), p) for p in _walk(root, notes))
    for count, (relative, path) in enumerate(found):
        if relative != path.relative_to(root).as_posix():
            notes.append(f"the name of {relative} is not UTF-8; what is none is written with %")
        limit = f"{MAX_FILES:,} files" if count >= MAX_FILES else ""
        item = HandedIn(path=relative) if limit else _read_file(path, relative, notes)
        total += len(item.data)
        if total > MAX_TOTAL_BYTES:
            limit = f"{MAX_TOTAL_BYTES:,} bytes"
        if limit:
            notes.append(f"more than {limit}: the rest, from {relative} on, was not read")
            yield from beyond((name for name, _ in found[count:]), f"not read: beyond the first {limit}")
            return
        yield item


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


def _opened(items: tuple[HandedIn, ...], notes: list[str]) -> tuple[HandedIn, ...]:
    """What was handed in; of one zip and nothing else, what is in it: a zip in a zip is packing."""
    only = items[0] if len(items) == 1 else None
    if only is None or not only.path.lower().endswith(".zip") or not only.data:
        return items
    try:
        inside = _unpacked(only.path, only.data, notes)
    except IngestFault:
        return items
    notes.append(f"{only.path} was all that was handed in, so it was opened")
    return inside or items


def _archive(path: Path, notes: list[str]) -> tuple[HandedIn, ...]:
    try:
        size = path.stat().st_size
        if size > MAX_TOTAL_BYTES:
            raise IngestFault(
                f"{path}: an archive of {size:,} bytes, and at most {MAX_TOTAL_BYTES:,} are read; {_AGAIN}"
            )
        data = path.read_bytes()
    except OSError as fault:
        raise IngestFault(f"{path}: not a zip archive that can be opened ({fault}); {_AGAIN}") from fault
    return _unpacked(str(path), data, notes)


def _unpacked(name: str, data: bytes, notes: list[str]) -> tuple[HandedIn, ...]:
    found = read_limited("grader.ingest.archive:unpack", data, returns=Unpacked, limits=UNPACKING)
    if isinstance(found, Lost):
        raise IngestFault(f"{name}: the archive {found}; {_AGAIN}")
    if found.fault:
        raise IngestFault(f"{name}: not a zip archive that can be opened ({found.fault}); {_AGAIN}")
    notes += found.notes
    return found.items
