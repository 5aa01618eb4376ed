"""A zip that was handed in, unpacked in memory within limits: what runs in the limited process.

What cannot be unpacked is told, file by file; nothing is written to disk, and no path leads out.
"""

import io
import itertools
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath

import msgspec

from grader.core.submission import Kind, Problem
from grader.ingest.identify import kind_by_name
from grader.ingest.limits import (
    JUNK_FILES,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_NAMED,
    MAX_RATIO,
    MAX_TOTAL_BYTES,
    RATIO_FROM_BYTES,
    SKIPPED_FOLDERS,
)

_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_UTF8_NAME = 0x800
_UNICODE_PATH = 0x7075
MAX_LISTED = 5 * MAX_FILES
"""Names of one archive that are looked at to tell what it is."""


class HandedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a submission, before anybody asked what it is."""

    path: str
    data: bytes = b""
    problem: Problem = Problem.NONE
    why: str = ""
    """Why there are no bytes of a file that was handed in: it must not be told as one that was not."""
    typed: str = ""
    """The platform into whose text field it was typed; empty for a file that was handed in."""


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """The files of an archive; `fault` says why it cannot be opened, and then there are none."""

    items: tuple[HandedIn, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The paths of the files in an archive; `fault` says why it cannot be opened, and then there are none."""

    paths: tuple[str, ...] = ()
    fault: str = ""


def names(data: bytes) -> Names:
    """Return what a zip holds, by name, without what nobody reads."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [(name_of(m), m) for m in archive.infolist()]
    except Exception as fault:
        return Names(fault=str(fault))
    kept = (name for name, m in found if not name.endswith("/") and not misplaced(name, m))
    return Names(paths=tuple(itertools.islice(kept, MAX_LISTED)))


def unpack(data: bytes, most: int = MAX_FILES, room: int = MAX_TOTAL_BYTES) -> Unpacked:
    """Return the files of a zip, each with its bytes or with the reason why there are none.

    `most` files of `room` bytes together are read.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as fault:
        return Unpacked(fault=str(fault))
    notes: list[str] = []
    with archive:
        members = [(name, m) for m in archive.infolist() if not (name := name_of(m)).endswith("/")]
        kept: list[HandedIn] = []
        if len(members) > most:
            notes.append(f"{len(members):,} files in the archive: only the first {most:,} were read")
            rest = (name for name, m in members[most:] if not misplaced(name, m))
            kept += beyond(rest, f"not read: beyond the first {most:,} files")
        for name, member in members[:most]:
            if reason := misplaced(name, member):
                notes.append(f"{name!r} was not read: {reason}")
                continue
            item = _member(archive, name, member, room)
            if item.why:
                notes.append(f"{name!r} was not read: {item.why}")
            room -= len(item.data)
            if not is_junk(name, item.data):
                kept.append(item)
    return Unpacked(items=tuple(_without_common_folder(kept)), notes=tuple(notes))


def beyond(names: Iterable[str], why: str) -> Iterator[HandedIn]:
    """Yield what was handed in and is beyond a limit, where its name says that it may be asked for."""
    asked = (name for name in names if kind_by_name(name) in (Kind.README, Kind.NOTEBOOK, Kind.WORKBOOK))
    for name in itertools.islice(asked, MAX_NAMED):
        yield HandedIn(path=name, problem=Problem.TOO_LARGE, why=why)


def _member(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo, room: int) -> HandedIn:
    """Return a member with its bytes, or with the reason why there are none."""
    problem, why = _refuse(member, room)
    data = b""
    if problem is Problem.NONE:
        try:
            with archive.open(member) as handle:
                data = handle.read(MAX_FILE_BYTES + 1)
        except Exception as fault:  # each library of a packer raises what it likes: zlib.error, LZMAError
            problem, why = Problem.BROKEN, f"it could not be unpacked: {fault}"
    return HandedIn(path=name, data=data, problem=problem, why=why)


def name_of(member: zipfile.ZipInfo) -> str:
    """Return the path of a member with `/`, in the letters that its packer meant.

    Windows writes backslashes. A name without the flag for UTF-8 is UTF-8 all the same where macOS packed it,
    and stands in a field of its own where Info-ZIP did; else it is code page 437, as the format says.
    """
    name = member.filename
    if not member.flag_bits & _UTF8_NAME:
        name = _unicode_path(member.extra) or name
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.partition("\0")[0].replace("\\", "/").removeprefix("./")


def _unicode_path(extra: bytes) -> str:
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == _UNICODE_PATH and size > 5:
            return extra[9 : 4 + size].decode("utf-8", "replace")
        extra = extra[4 + size :]
    return ""


def misplaced(name: str, member: zipfile.ZipInfo) -> str:
    """Return why a member is no part of a hand-in, wherever it would go; empty for none."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        return "its path leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a symbolic link"
    if SKIPPED_FOLDERS & set(path.parts[:-1]):
        return "it lies in a folder that holds no hand-in"
    return ""


def _refuse(member: zipfile.ZipInfo, room: int) -> tuple[Problem, str]:
    if member.flag_bits & 0x1:
        return Problem.ENCRYPTED, "it is encrypted"
    if member.file_size > min(MAX_FILE_BYTES, room):
        return Problem.TOO_LARGE, f"{member.file_size:,} bytes unpacked are beyond the limit"
    if is_bomb(member):
        return Problem.TOO_LARGE, "it unpacks to more than a real file can (a zip bomb)"
    return Problem.NONE, ""


def is_bomb(member: zipfile.ZipInfo) -> bool:
    """Whether a member unpacks to more than a real file can."""
    return member.file_size > RATIO_FROM_BYTES and member.file_size > MAX_RATIO * max(member.compress_size, 1)


def is_junk(name: str, data: bytes) -> bool:
    """Whether a file is what an operating system leaves beside others: a folder's icons, a Mac's resource
    fork.
    """
    last = PurePosixPath(name).name
    return last in JUNK_FILES or (last.startswith("._") and data.startswith(_APPLE_DOUBLE))


def _without_common_folder(items: list[HandedIn]) -> Iterator[HandedIn]:
    # `name.zip` that holds the one folder `name/`: the folder is packing, not content.
    tops = {i.path.split("/", 1)[0] for i in items if "/" in i.path}
    nested = len(tops) == 1 and all("/" in i.path for i in items)
    for item in items:
        yield msgspec.structs.replace(item, path=item.path.split("/", 1)[1]) if nested else item
