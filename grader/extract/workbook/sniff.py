"""What a workbook's bytes really are, and whether it is safe to unpack them.

The limits are far above the largest of 89 real workbooks (1.9 MB packed, 76,000 formulas) and far below what
fills a machine's memory.
"""

import io
import zipfile
from enum import Enum

from grader.core.submission import Problem
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.salvage import salvaged

MAX_ENTRIES = 2_000
MAX_UNPACKED = 200_000_000
"""Bytes of all entries together."""
MAX_RATIO = 200
"""Unpacked over packed size that an entry above `RATIO_FROM` bytes may have."""
RATIO_FROM = 20_000_000


class Format(Enum):
    """The two package formats that are read."""

    XLSX = "xlsx"
    ODS = "ods"


def sniff(data: bytes, name: str) -> Format:
    """Return the format of a workbook by content; raise `Unreadable` for anything that is none."""
    base = name.rsplit("/", 1)[-1]
    if base.startswith("~$"):
        raise Unreadable(
            Problem.LOCK_FILE,
            f"{base} is Excel's lock file, not a workbook: it was committed while the book "
            "was open. Delete it.",
        )
    if not data:
        raise Unreadable(Problem.EMPTY, f"{base} is empty (0 bytes). Save the workbook again and hand it in.")
    if data.startswith(b"version https://git-lfs"):
        raise Unreadable(
            Problem.LFS_POINTER,
            f"{base} is a Git LFS pointer, not the workbook. Push the LFS objects (`git lfs push --all "
            "origin`) or commit the file itself.",
        )
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _ole(data, base)
    if not data.startswith(b"PK"):
        raise _no_package(data, base)
    return _package(data, base)


def _ole(data: bytes, base: str) -> Unreadable:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return Unreadable(
            Problem.ENCRYPTED,
            f"{base} is protected with a password. Remove it (File > Info > Protect Workbook) and "
            "hand the book in again.",
        )
    if "Workbook".encode("utf-16-le") in data or "Book".encode("utf-16-le") in data:
        return Unreadable(
            Problem.OLD_FORMAT,
            f"{base} is in the old .xls format. Open it and save it as .xlsx, then hand that in.",
        )
    return Unreadable(
        Problem.OLD_FORMAT,
        f"{base} is an old Office file (.xls, or protected with a password). Save it as "
        ".xlsx without a password.",
    )


def _no_package(data: bytes, base: str) -> Unreadable:
    head = data[:2_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")) or b"<table" in head:
        return Unreadable(
            Problem.NOT_WHAT_IT_SAYS,
            f"{base} is an HTML page, not a workbook. Download or save the book itself as .xlsx.",
        )
    if head.startswith((b"<?xml", b"<")):
        return Unreadable(
            Problem.NOT_WHAT_IT_SAYS, f"{base} is an XML file, not a workbook. Save it as .xlsx."
        )
    text = data[:4_000]
    if b"\0" not in text and (b"," in text or b";" in text or b"\t" in text):
        return Unreadable(
            Problem.NOT_WHAT_IT_SAYS,
            f"{base} is text with separated values (.csv), which holds no formulas. Save "
            "the workbook as .xlsx.",
        )
    return Unreadable(
        Problem.NOT_WHAT_IT_SAYS,
        f"{base} is no workbook: it does not start like an .xlsx or .ods. Save it as .xlsx.",
    )


def _package(data: bytes, base: str) -> Format:
    broken = f"{base} is damaged: its package cannot be opened. Save the workbook again as .xlsx."
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
            names = {entry.filename for entry in entries}
            mimetype = b""
            if "mimetype" in names and package.getinfo("mimetype").file_size < 200:
                mimetype = package.read("mimetype")
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError) as fault:
        parts = salvaged(data)
        if any(n.startswith("xl/worksheets/") for n in parts):
            return Format.XLSX
        raise Unreadable(Problem.BROKEN, broken) from fault
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(
            Problem.TOO_LARGE,
            f"{base} has {len(entries):,} parts, more than {MAX_ENTRIES:,}; it was not unpacked.",
        )
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED:
        raise Unreadable(
            Problem.TOO_LARGE,
            f"{base} unpacks to {unpacked:,} bytes, more than {MAX_UNPACKED:,}; it was not unpacked.",
        )
    for entry in entries:
        if entry.flag_bits & 1:
            raise Unreadable(
                Problem.ENCRYPTED, f"{base} is an encrypted package. Save the book without a password."
            )
        if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
            raise Unreadable(
                Problem.TOO_LARGE,
                f"{base}: {entry.filename} unpacks to {entry.file_size:,} bytes from "
                f"{entry.compress_size:,} (a zip bomb); it was not unpacked.",
            )
    if b"opendocument.spreadsheet" in mimetype or (mimetype == b"" and "content.xml" in names):
        return Format.ODS
    if "xl/workbook.xml" in names or any(n.startswith("xl/") for n in names):
        return Format.XLSX
    if "xl/workbook.bin" in names:
        raise Unreadable(Problem.OLD_FORMAT, f"{base} is a binary workbook (.xlsb). Save it as .xlsx.")
    raise Unreadable(
        Problem.NOT_WHAT_IT_SAYS,
        f"{base} is a zip archive but holds no spreadsheet. Save the workbook as .xlsx.",
    )
