"""The zip that a platform gives for a whole class, unpacked beside the store under limits of its own.

A submission is never written to disk; a class is, since its students' zips are read one by one, each in a
process of its own. The folder is emptied before and removed after a run.
"""

import os
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

from grader.core.faults import IngestFault
from grader.ingest.archive import is_bomb, misplaced, name_of
from grader.ingest.limits import MAX_CLASS_BYTES, MAX_CLASS_FILES, MAX_TOTAL_BYTES

_DRIVE_PART = re.compile(r"^(?P<name>.+)-\d{8}T\d{6}Z(?:-\d+)?-\d{3}\.zip$")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_CHUNK = 2**20
_LONGEST = 200
"""Bytes of one part of a name; file systems take 255."""


def drive_parts(names: Sequence[str]) -> bool:
    """Whether all are parts of one download of Google Drive, which splits a folder: NAME-DATE-001.zip."""
    matches = [_DRIVE_PART.match(name) for name in names]
    return (
        bool(matches)
        and len({m["name"] if m else name for m, name in zip(matches, names, strict=True)}) == 1
        and all(matches)
    )


def unpack_class(zips: Sequence[Path], into: Path) -> tuple[tuple[str, str], ...]:
    """Unpack the zips of one class into an empty folder; return what was left out, each with its reason.

    Raises:
        IngestFault: one cannot be opened, or all together are more than a class can be.

    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True, exist_ok=True)
    left: list[tuple[str, str]] = []
    total = files = 0
    for path in zips:
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    name = name_of(member)
                    if name.endswith("/"):
                        continue
                    files += 1
                    total += member.file_size
                    if files > MAX_CLASS_FILES or total > MAX_CLASS_BYTES:
                        raise IngestFault(
                            f"{path}: more than {MAX_CLASS_FILES:,} files or {MAX_CLASS_BYTES:,} bytes; "
                            "unpack it yourself and give the folder"
                        )
                    if reason := misplaced(name, member) or _write(archive, member, into / _safe(name)):
                        left.append((name, reason))
        except IngestFault:
            raise
        except Exception as fault:
            raise IngestFault(f"{path}: not a zip that can be opened ({fault}); download it again") from fault
    return tuple((name, why) for name, why in left if "holds no hand-in" not in why)


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str:
    """Write one file; return why it is not whole, or nothing."""
    if member.flag_bits & 0x1 or is_bomb(member):
        return "is encrypted" if member.flag_bits & 0x1 else "unpacks to more than a real file can"
    if member.file_size > MAX_TOTAL_BYTES:
        return f"{member.file_size:,} bytes are beyond the limit of a submission"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("wb") as out:
            left = member.file_size
            while left > 0 and (chunk := source.read(min(_CHUNK, left))):
                out.write(chunk)
                left -= len(chunk)
    except Exception as fault:  # each library of a packer raises what it likes
        target.unlink(missing_ok=True) if target.is_file() else None
        return f"could not be unpacked: {fault}"
    return ""


def _safe(name: str) -> Path:
    """The path below the folder, of names that the file system takes; `misplaced` has seen to `..`."""
    return Path(
        *(_part(part) for part in unicodedata.normalize("NFC", name).split("/") if part not in ("", "."))
    )


def _part(part: str) -> str:
    shown = (_FORBIDDEN.sub("_", part).rstrip(". ") or "_") if os.name == "nt" else part
    if len(shown.encode("utf-8", "surrogatepass")) <= _LONGEST:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    cut = (stem if dot else shown).encode("utf-8", "surrogatepass")[: _LONGEST - 20]
    return cut.decode("utf-8", "ignore") + (f".{suffix[:15]}" if dot else "")
