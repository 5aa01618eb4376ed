"""What a file is by its content, not only by its suffix, and what is wrong with it where it is not what it
says.
"""

import hashlib
import re
from pathlib import PurePosixPath
from typing import NamedTuple

import msgspec

from grader.core.evidence.documents import Document, ParsedFile
from grader.core.evidence.notebook import Notebook
from grader.core.faults import SandboxFault
from grader.core.submission import Artefact, Kind, Problem, Source
from grader.ingest.limits import MAX_FILE_BYTES
from grader.ingest.packages import MARKS, Package
from grader.sandbox.reader import Lost, read_limited

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
    return identified(path, data).artefact


def identified(path: str, data: bytes) -> Source:
    """Return a file with what it is; of a notebook also what was read of it, so that it is parsed once."""
    name = PurePosixPath(path).name
    kind = kind_by_name(path)
    seen = _Seen()
    if name.startswith("~$"):
        kind = Kind.OTHER
        seen = _Seen(
            Problem.LOCK_FILE,
            "a lock file that the spreadsheet program leaves while a workbook is open; hand "
            "in the workbook itself",
        )
    elif not data:
        seen = _Seen(Problem.EMPTY, "the file is empty")
    elif len(data) > MAX_FILE_BYTES:
        seen = _Seen(Problem.TOO_LARGE, f"{len(data):,} bytes; at most {MAX_FILE_BYTES:,} are read")
    elif data.startswith(_LFS):
        seen = _Seen(
            Problem.LFS_POINTER,
            "a Git LFS pointer, not the file itself; run `git lfs pull` before handing in",
        )
    elif kind is Kind.NOTEBOOK:
        seen = _notebook(path, data)
    elif kind is Kind.WORKBOOK:
        seen = _workbook(PurePosixPath(path).suffix.lower(), data)
    elif kind in (Kind.README, Kind.SOURCE):
        seen = _text(data)
    elif kind is Kind.OTHER:
        seen = _by_content(path, data)
    artefact = Artefact(
        path=path,
        kind=seen.kind or kind,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        problem=seen.problem,
        note=seen.note,
    )
    return Source(artefact=artefact, data=data, reading=seen.reading)


class _Seen(NamedTuple):
    """What is wrong with a file, what it is where that is not what its name says, and what was read of it."""

    problem: Problem = Problem.NONE
    note: str = ""
    kind: Kind | None = None
    reading: bytes = b""


def _notebook(path: str, data: bytes) -> _Seen:
    if data.startswith((_ZIP, _OLE)):
        return _Seen(
            Problem.NOT_WHAT_IT_SAYS, "named as a notebook, but the content is an archive or office file"
        )
    head = data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:512].lower()
    if head.startswith((b"<!doctype", b"<html")):
        return _Seen(
            Problem.NOT_WHAT_IT_SAYS,
            "named as a notebook, but the content is a web page; download the raw .ipynb file",
        )
    try:
        parsed = _parsed(path, data)
    except SandboxFault:  # the documents say so when they are asked for
        return _Seen()
    if isinstance(parsed, Lost):
        problem = Problem.TOO_LARGE if parsed.too_large else Problem.BROKEN
        lost = Notebook(artefact=path, main=False, format="", problem=f"the notebook {parsed}")
        document = Document(artefact=_unread_notebook(path, data), notebook=lost, problem=lost.problem)
        return _Seen(problem, lost.problem, reading=msgspec.msgpack.encode(document))
    if parsed.script:
        note = "named as a notebook, but the content is a Python script, and read as one"
        return _Seen(kind=Kind.SOURCE, note=note)
    if parsed.invalid and b"\0" not in data[:64]:  # of UTF-16 the reader knows more than a program does
        note = f"not valid JSON, so no notebook program can open it: {parsed.invalid}"
        return _Seen(Problem.BROKEN, note, reading=parsed.document)
    return _Seen(reading=parsed.document)


def _parsed(path: str, data: bytes) -> ParsedFile | Lost:
    target = "grader.extract.documents.documents:parse_file"
    return read_limited(target, data, _unread_notebook(path, data), returns=ParsedFile)


def _unread_notebook(path: str, data: bytes) -> Artefact:
    return Artefact(path=path, kind=Kind.NOTEBOOK, sha256="", size=len(data))


def _workbook(suffix: str, data: bytes) -> _Seen:
    if data.startswith(_OLE):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            return _Seen(Problem.ENCRYPTED, "the workbook is protected by a password; save it without one")
        return _Seen(Problem.OLD_FORMAT, "an .xls file of the old binary format; save it as .xlsx")
    if not data.startswith(_ZIP):
        return _Seen(Problem.NOT_WHAT_IT_SAYS, f"named as a workbook, but the content is {_no_package(data)}")
    package = _package(data)
    if isinstance(package, Lost):
        problem = Problem.TOO_LARGE if package.too_large else Problem.BROKEN
        return _Seen(problem, f"the workbook {package}")
    if package.fault:
        return _Seen(Problem.BROKEN, f"the workbook is damaged and cannot be opened: {package.fault}")
    expected = "content.xml" if suffix == ".ods" else "[Content_Types].xml"
    if expected not in package.marks and not ({"content.xml", "[Content_Types].xml"} & {*package.marks}):
        return _Seen(Problem.NOT_WHAT_IT_SAYS, "named as a workbook, but the archive inside is none")
    return _Seen()


def _no_package(data: bytes) -> str:
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        return "a web page; save it as .xlsx"
    if b"\0" not in data[:512]:
        return "plain text (CSV?), which holds no formulas; save it as .xlsx"
    return "none"


def _package(data: bytes) -> Package | Lost:
    try:
        return read_limited("grader.ingest.packages:look", data, returns=Package)
    except SandboxFault:  # the reader of workbooks says so when it is asked
        return Package(marks=MARKS)


def _text(data: bytes) -> _Seen:
    if data.startswith((_ZIP, _OLE, b"%PDF", b"\x89PNG", b"\xff\xd8\xff")):
        return _Seen(
            Problem.NOT_WHAT_IT_SAYS,
            "named as text, but the content is an archive, office file, PDF or picture",
        )
    return _Seen()


_ARCHIVES = (_ZIP, b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf'\x1c", b"Rar!\x1a\x07")
_UNOPENED = "an archive inside the hand-in, which is not opened; hand in the files themselves"
_DATA = (".npz", ".pt", ".pth", ".pkl", ".whl", ".jar", ".docx", ".pptx", ".idx", "-ubyte.gz")
"""Archives by their form that hold no hand-in: weights, digits, packages, texts of an office."""


def _archive(path: str, data: bytes) -> bool:
    packed = data.startswith(_ARCHIVES) or data[257:262] == b"ustar"
    return packed and not path.lower().endswith(_DATA)


def _by_content(path: str, data: bytes) -> _Seen:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{") and b'"cells"' in data[: 2**20] and b'"nbformat"' in data:
        seen = _notebook(path, data)
        if seen.problem is Problem.NONE and seen.kind is None:
            note = "read as a notebook by its content; the suffix says otherwise"
            return _Seen(kind=Kind.NOTEBOOK, note=note, reading=seen.reading)
    if head.startswith(_ZIP):
        package = _package(data)
        if isinstance(package, Package) and "xl/workbook.xml" in package.marks:
            note = "read as a workbook by its content; the suffix says otherwise"
            return _Seen(kind=Kind.WORKBOOK, note=note)
    return _Seen(kind=Kind.ARCHIVE, note=_UNOPENED) if _archive(path, data) else _Seen()
