"""A zip that was handed in, unpacked in memory within limits: what runs in the limited process.

What cannot be unpacked is told, file by file; nothing is written to disk, and no path leads out.
"""

import io
import itertools
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import msgspec

from grader.core.submission import Kind, Problem
from grader.ingest.identify import kind_by_name
from grader.ingest.limits import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_NAMED,
    MAX_RATIO,
    MAX_TOTAL_BYTES,
    RATIO_FROM_BYTES,
    SKIPPED_FOLDERS,
)


class HandedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a submission, before anybody asked what it is."""

    path: str
    data: bytes = b""
    problem: Problem = Problem.NONE
    why: str = ""
    """Why there are no bytes of a file that was handed in: it must not be told as one that was not."""


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """The files of an archive; `fault` says why it cannot be opened, and then there are none."""

    items: tuple[HandedIn, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""


def unpack(data: bytes) -> Unpacked:
    """Return the files of a zip, each with its bytes or with the reason why there are none."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as fault:
        return Unpacked(fault=str(fault))
    notes: list[str] = []
    with archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        kept: list[HandedIn] = []
        if len(members) > MAX_FILES:
            notes.append(f"{len(members):,} files in the archive: only the first {MAX_FILES:,} were read")
            rest = (_path_of(m) for m in members[MAX_FILES:] if not _misplaced(m))
            kept += beyond(rest, f"not read: beyond the first {MAX_FILES:,} files")
        total = 0
        for member in members[:MAX_FILES]:
            if refusal := _misplaced(member):
                notes.append(f"{member.filename!r} was not read: {refusal}")
                continue
            item = _member(archive, member, total, notes)
            total += len(item.data)
            kept.append(item)
    return Unpacked(items=tuple(_without_common_folder(kept)), notes=tuple(notes))


def beyond(names: Iterable[str], why: str) -> Iterator[HandedIn]:
    """Yield what was handed in and is beyond a limit, where its name says that it may be asked for."""
    asked = (name for name in names if kind_by_name(name) in (Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK))
    for name in itertools.islice(asked, MAX_NAMED):
        yield HandedIn(path=name, problem=Problem.TOO_LARGE, why=why)


def _path_of(member: zipfile.ZipInfo) -> str:
    return member.filename.replace("\\", "/")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, total: int, notes: list[str]) -> HandedIn:
    """Return a member with its bytes, or with the reason why there are none."""
    problem, why = _refuse(member, total)
    data = b""
    if problem is Problem.NONE:
        try:
            with archive.open(member) as handle:
                data = handle.read(MAX_FILE_BYTES + 1)
        except (
            Exception
        ) as fault:  # a damaged member raises what its packer's library likes: zlib.error, LZMAError
            problem, why = Problem.BROKEN, f"it could not be unpacked: {fault}"
    if why:
        notes.append(f"{member.filename!r} was not read: {why}")
    return HandedIn(path=_path_of(member), data=data, problem=problem, why=why)


def _misplaced(member: zipfile.ZipInfo) -> str:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        return "its path leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a symbolic link"
    if SKIPPED_FOLDERS & set(path.parts[:-1]):
        return "it lies in a folder that holds no hand-in"
    return ""


def _refuse(member: zipfile.ZipInfo, total: int) -> tuple[Problem, str]:
    if member.flag_bits & 0x1:
        return Problem.ENCRYPTED, "it is encrypted"
    if member.file_size > MAX_FILE_BYTES or total + member.file_size > MAX_TOTAL_BYTES:
        return Problem.TOO_LARGE, f"{member.file_size:,} bytes unpacked are beyond the limit"
    if member.file_size > RATIO_FROM_BYTES and member.file_size > MAX_RATIO * max(member.compress_size, 1):
        return Problem.TOO_LARGE, "it unpacks to more than a real file can (a zip bomb)"
    return Problem.NONE, ""


def _without_common_folder(items: list[HandedIn]) -> Iterator[HandedIn]:
    # `name.zip` that holds the one folder `name/`: the folder is packing, not content.
    tops = {i.path.split("/", 1)[0] for i in items if "/" in i.path}
    nested = len(tops) == 1 and all("/" in i.path for i in items)
    for item in items:
        yield msgspec.structs.replace(item, path=item.path.split("/", 1)[1]) if nested else item
