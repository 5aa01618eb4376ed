"""What a file is by its content, not only by its suffix, and what is wrong with it where it is not what it
says.
"""

import ast
import hashlib
import io
import json
import re
import warnings
import zipfile
from pathlib import PurePosixPath

from grader.core.submission import Artefact, Kind, Problem
from grader.ingest.limits import MAX_FILE_BYTES

_BY_SUFFIX = {
    ".md": Kind.README,
    ".markdown": Kind.README,
    ".txt": Kind.README,
    ".rst": Kind.README,
    **dict.fromkeys((".adoc", ".asciidoc", ".org", ".tex", ".qmd", ".rmd", ".mdown", ".mkd"), Kind.README),
    ".ipynb": Kind.NOTEBOOK,
    ".xlsx": Kind.WORKBOOK,
    ".xlsm": Kind.WORKBOOK,
    ".xls": Kind.WORKBOOK,
    ".ods": Kind.WORKBOOK,
    ".csv": Kind.OTHER,
    ".py": Kind.SOURCE,
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp"), Kind.IMAGE),
}
_NO_README = re.compile(
    r"(?:dev-?|test-?)?(?:requirements?|packages|constraints|runtime|licen[cs]e)\b[\w.-]*\.txt", re.IGNORECASE
)
"""Text files that say something to pip or to a lawyer: no README, however alone they stand."""
_LFS = b"version https://git-lfs"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"


def kind_by_name(path: str) -> Kind:
    """Return what a file says that it is."""
    name = PurePosixPath(path).name
    suffix = PurePosixPath(path).suffix.lower()
    if not suffix and name.lower().startswith("readme"):
        return Kind.README
    return Kind.OTHER if _NO_README.fullmatch(name) else _BY_SUFFIX.get(suffix, Kind.OTHER)


def unread(path: str, problem: Problem, why: str) -> Artefact:
    """Return the artefact of a file that was handed in and whose bytes we do not have; `why` follows its
    name.
    """
    sha256 = hashlib.sha256(b"").hexdigest()
    return Artefact(path=path, kind=kind_by_name(path), sha256=sha256, size=0, problem=problem, note=why)


def identify(path: str, data: bytes) -> Artefact:
    """Return the artefact at `path` (relative, with `/`) without its main flag."""
    suffix = PurePosixPath(path).suffix.lower()
    name = PurePosixPath(path).name
    kind = kind_by_name(path)
    problem, note = Problem.NONE, ""
    if name.startswith("~$"):
        kind, problem = Kind.OTHER, Problem.LOCK_FILE
        note = (
            "a lock file that the spreadsheet program leaves while a workbook is open; hand "
            "in the workbook itself"
        )
    elif not data:
        problem, note = Problem.EMPTY, "the file is empty"
    elif len(data) > MAX_FILE_BYTES:
        problem, note = Problem.TOO_LARGE, f"{len(data):,} bytes; at most {MAX_FILE_BYTES:,} are read"
    elif data.startswith(_LFS):
        problem = Problem.LFS_POINTER
        note = "a Git LFS pointer, not the file itself; run `git lfs pull` before handing in"
    elif kind is Kind.NOTEBOOK:
        problem, note = _notebook(data)
        if problem is Problem.BROKEN and _is_script(data):
            kind, problem = Kind.SOURCE, Problem.NONE
            note = "named as a notebook, but the content is a Python script, and read as one"
    elif kind is Kind.WORKBOOK:
        problem, note = _workbook(suffix, data)
    elif kind in (Kind.README, Kind.SOURCE):
        problem, note = _text(data)
    elif kind is Kind.OTHER:
        kind, note = _by_content(data)
    sha256 = hashlib.sha256(data).hexdigest()
    return Artefact(path=path, kind=kind, sha256=sha256, size=len(data), problem=problem, note=note)


def _notebook(data: bytes) -> tuple[Problem, str]:
    if data.startswith((_ZIP, _OLE)):
        return Problem.NOT_WHAT_IT_SAYS, "named as a notebook, but the content is an archive or office file"
    head = data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:512].lower()
    if head.startswith((b"<!doctype", b"<html")):
        return (
            Problem.NOT_WHAT_IT_SAYS,
            "named as a notebook, but the content is a web page; download the raw .ipynb file",
        )
    if b"\0" not in data[:64]:  # UTF-16 is left to the notebook reader
        try:
            json.loads(data.decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError) as fault:
            return Problem.BROKEN, f"not valid JSON, so no notebook program can open it: {fault}"
    return Problem.NONE, ""


def _is_script(data: bytes) -> bool:
    """Whether bytes are Python that imports something: one JSON value or a few words of prose may be Python,
    too.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in the student's text is none of our business
            tree = ast.parse(data.decode("utf-8-sig"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


def _workbook(suffix: str, data: bytes) -> tuple[Problem, str]:
    if data.startswith(_OLE):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            return Problem.ENCRYPTED, "the workbook is protected by a password; save it without one"
        return Problem.OLD_FORMAT, "an .xls file of the old binary format; save it as .xlsx"
    if not data.startswith(_ZIP):
        head = data[:512].lstrip().lower()
        if head.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
            return (
                Problem.NOT_WHAT_IT_SAYS,
                "named as a workbook, but the content is a web page; save it as .xlsx",
            )
        if b"\0" not in data[:512]:
            return (
                Problem.NOT_WHAT_IT_SAYS,
                (
                    "named as a workbook, but the content is plain text (CSV?), which holds no "
                    "formulas; save it as .xlsx"
                ),
            )
        return Problem.NOT_WHAT_IT_SAYS, "named as a workbook, but the content is none"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as fault:
        return Problem.BROKEN, f"the workbook is damaged and cannot be opened: {fault}"
    expected = "content.xml" if suffix == ".ods" else "[Content_Types].xml"
    if expected not in names and not ({"content.xml", "[Content_Types].xml"} & names):
        return Problem.NOT_WHAT_IT_SAYS, "named as a workbook, but the archive inside is none"
    return Problem.NONE, ""


def _text(data: bytes) -> tuple[Problem, str]:
    if data.startswith((_ZIP, _OLE, b"%PDF", b"\x89PNG", b"\xff\xd8\xff")):
        return (
            Problem.NOT_WHAT_IT_SAYS,
            "named as text, but the content is an archive, office file, PDF or picture",
        )
    return Problem.NONE, ""


def _by_content(data: bytes) -> tuple[Kind, str]:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{") and b'"cells"' in data[: 2**20] and b'"nbformat"' in data:
        problem, _ = _notebook(data)
        if problem is Problem.NONE:
            return Kind.NOTEBOOK, "read as a notebook by its content; the suffix says otherwise"
    if head.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if "xl/workbook.xml" in archive.namelist():
                    return Kind.WORKBOOK, "read as a workbook by its content; the suffix says otherwise"
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return Kind.OTHER, ""
    return Kind.OTHER, ""
