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
from grader.core.submission import Artefact, Kind, Problem, Source, forms_of
from grader.ingest.limits import MAX_FILE_BYTES
from grader.ingest.packages import MARKS, Package
from grader.sandbox.reader import Lost, read_ahead, read_limited

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
    r"(?:dev-?|test-?)?(?:requirements?|packages|constraints|runtime|timestamp|licen[cs]e)\b[\w.-]*\.txt",
    re.IGNORECASE,
)
"""Text files that say something to pip or to a lawyer: no README, however alone they stand."""
_READ_ME = re.compile(r"(?:^|[\W_])read[ _-]?me(?:$|[\W_])", re.IGNORECASE)
"""What a file without a suffix is called that is to be read first: `README`, `Part 1 Read Me`."""
_SLIPPED = re.compile(r"read[ _-]?me[\w -]*\.(?:md[\d.,;_~-]{1,3}|mdd|mmd|m|d)", re.IGNORECASE)
_PACKED = frozenset((
    ".rar", ".7z", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".zipx", ".cab", ".arj", ".lzh",
    ".lha", ".ace", ".sit", ".sitx", ".dmg", ".xar", ".cpio", ".z01", ".r00", ".001"
))  # fmt: skip
"""Suffixes of archives that are not unpacked."""
_SQUEEZED = frozenset((".gz", ".bz2", ".xz", ".zst", ".z", ".lz", ".br"))
"""Suffixes of one packed file: an archive where a tar or a hand-in is packed, and no data set."""
_ZIPPED_FORMATS = frozenset((
    ".idx",     ".docx", ".docm", ".dotx", ".pptx", ".odt", ".odp", ".odg", ".ott", ".vsdx", ".xlsb", ".xltx",
    ".numbers", ".pages", ".key", ".epub", ".jar", ".whl", ".apk", ".npz", ".pt", ".pth", ".ckpt",
    ".keras", ".mlx", ".pkl"
))  # fmt: skip
"""Suffixes of files that are zips inside, and no archives of files."""
_MAGIC = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\0": "xz"}
"""How archives begin whose name says nothing of it."""
_TABLE_BEGINS = 200_000
"""Bytes in which a table must begin."""
_TABLE_LINES = 200
_TABLE_NAMES = 8
"""Different numbered names that make a row of headers; a table of the class network has 31."""
_TABLE_STEMS = 3
"""Different words that they are made of (`w1`, `h1`, `t1`); columns of pixels have one."""
_SEPARATED = frozenset((".csv", ".tsv", ".tab"))
_SAVED_PAGES = frozenset((".html", ".htm", ".mht", ".xml"))
_SEPARATOR = re.compile(r"[,;\t|]")
_NUMBERED = re.compile(r"([^\W\d]+(?:[ _/∂().^{}-]*[^\W\d]+){0,3})[ _({]{0,2}\d{1,2}[)}]?")
_FORMULA = re.compile(r"=[^=]*\bEXP\s*\(", re.IGNORECASE)
_OF_A_SPREADSHEET = (
    b"urn:schemas-microsoft-com:office:excel",
    b"urn:schemas-microsoft-com:office:spreadsheet",
    b'class="waffle',
)
"""What Excel, and Google's sheets, write into the pages that they save."""
_LFS = b"version https://git-lfs"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_BINARY = (_ZIP, _OLE, b"%PDF", b"\x89PNG", b"\xff\xd8\xff")
_PARSE = "grader.extract.documents.documents:parse_file"
_LOOK = "grader.ingest.packages:look"


def kind_by_name(path: str) -> Kind:
    """Return what a file says that it is."""
    name = PurePosixPath(path).name
    suffix = PurePosixPath(path).suffix.lower()
    if _is_read_me(path):
        return Kind.README
    return Kind.OTHER if _NO_README.fullmatch(name) else _BY_SUFFIX.get(suffix, Kind.OTHER)


def _is_read_me(path: str) -> bool:
    """Whether a file is called a README, without a suffix or with a slip in Markdown's (`.md5`, `.mdd`)."""
    name = PurePosixPath(path)
    if name.suffix:
        return bool(_SLIPPED.fullmatch(name.name))
    return name.name.lower().startswith("readme") or bool(_READ_ME.search(name.name))


def unread(path: str, problem: Problem, why: str) -> Artefact:
    """Return the artefact of a file that was handed in and whose bytes we do not have; `why` follows its
    name.
    """
    sha256 = hashlib.sha256(b"").hexdigest()
    return Artefact(path=path, kind=kind_by_name(path), sha256=sha256, size=0, problem=problem, note=why)


def archive_kind(path: str, data: bytes) -> str:
    """Return the kind of an archive, `zip`, `rar` or another suffix without its dot; empty for no archive.

    A packed data set (`train-images-idx3-ubyte.gz`) or file of weights is none.
    """
    name = PurePosixPath(path)
    suffix = name.suffix.lower()
    if data.startswith(b"Rar!\x1a\x07"):
        return "rar"
    if data.startswith(b"7z\xbc\xaf\x27\x1c"):
        return "7z"
    if suffix == ".zip":
        return "zip"
    if suffix in _PACKED:
        return suffix[1:]
    if data[257:262] == b"ustar":
        return "tar"
    if suffix in _SQUEEZED:
        inner = PurePosixPath(name.stem).suffix.lower()
        unsaid = not inner and "ubyte" not in name.stem
        return suffix[1:] if inner == ".tar" or inner in _BY_SUFFIX or unsaid else ""
    if suffix in _BY_SUFFIX or suffix in _ZIPPED_FORMATS or "ubyte" in name.name:
        return ""
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")


def may_be_handed_in(path: str) -> bool:
    """Whether a file may be a part of a hand-in, by its name alone; what pip reads or a data set is none."""
    name = PurePosixPath(path)
    suffix = name.suffix.lower()
    if _NO_README.fullmatch(name.name):
        return False
    known = _BY_SUFFIX.get(suffix, Kind.OTHER) is not Kind.OTHER or bool(forms_of(suffix))
    return (
        known or bool(archive_kind(path, b"")) or _is_read_me(path) or name.name.lower().startswith("readme")
    )


def is_picture(path: str) -> bool:
    """Whether a file is a picture by its name."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower()) is Kind.IMAGE


def identify(path: str, data: bytes) -> Artefact:
    """Return the artefact at `path` (relative, with `/`) without its main flag."""
    return identified(path, data).artefact


def calls_of(path: str, data: bytes) -> tuple[tuple[str, tuple[object, ...]], ...]:
    """What `identified` will ask the limited process about a file, as far as its name and its first bytes
    tell: for `reading_ahead`.
    """
    kind = kind_by_name(path)
    if kind is Kind.NOTEBOOK and data.lstrip()[:1] == b"{":
        return ((_PARSE, (data, _unread(path, kind, data))),)
    if kind is Kind.WORKBOOK and data.startswith(_ZIP):
        return ((_LOOK, (data,)),)
    if kind is Kind.README and data and not data.startswith(_BINARY):
        return ((_PARSE, (data, _unread(path, kind, data))),)
    return ()


def identified(path: str, data: bytes) -> Source:
    """Return a file with what it is; of a notebook also what was read of it, so that it is parsed once, and
    of a README where that was read ahead.
    """
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
    elif kind is Kind.README:
        seen = _as_notebook(path, data) or _readme(path, data)
    elif kind is Kind.SOURCE:
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
        document = Document(artefact=_unread(path, Kind.NOTEBOOK, data), notebook=lost, problem=lost.problem)
        return _Seen(problem, lost.problem, reading=msgspec.msgpack.encode(document))
    if parsed.script:
        note = "named as a notebook, but the content is a Python script, and read as one"
        return _Seen(kind=Kind.SOURCE, note=note)
    if parsed.invalid and b"\0" not in data[:64]:  # of UTF-16 the reader knows more than a program does
        note = f"not valid JSON, so no notebook program can open it: {parsed.invalid}"
        return _Seen(Problem.BROKEN, note, reading=parsed.document)
    return _Seen(reading=parsed.document)


def _parsed(path: str, data: bytes) -> ParsedFile | Lost:
    return read_limited(_PARSE, data, _unread(path, Kind.NOTEBOOK, data), returns=ParsedFile)


def _unread(path: str, kind: Kind, data: bytes) -> Artefact:
    return Artefact(path=path, kind=kind, sha256="", size=len(data))


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
        return read_limited(_LOOK, data, returns=Package)
    except SandboxFault:  # the reader of workbooks says so when it is asked
        return Package(marks=MARKS)


def _readme(path: str, data: bytes) -> _Seen:
    seen = _text(data)
    read = read_ahead(_PARSE, data, _unread(path, Kind.README, data), returns=ParsedFile)
    return seen if read is None or seen.problem is not Problem.NONE else seen._replace(reading=read.document)


def _text(data: bytes) -> _Seen:
    if data.startswith(_BINARY):
        return _Seen(
            Problem.NOT_WHAT_IT_SAYS,
            "named as text, but the content is an archive, office file, PDF or picture",
        )
    return _Seen()


def _as_notebook(path: str, data: bytes) -> _Seen | None:
    """A notebook under another suffix: a browser saves `S4.ipynb` as `S4.ipynb.txt`. None for no notebook."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith(b"{") or b'"cells"' not in data[: 2**20] or b'"nbformat"' not in data:
        return None
    seen = _notebook(path, data)
    if seen.problem is not Problem.NONE or seen.kind is not None:
        return None
    note = "read as a notebook by its content; the suffix says otherwise"
    return _Seen(kind=Kind.NOTEBOOK, note=note, reading=seen.reading)


def _by_content(path: str, data: bytes) -> _Seen:
    if seen := _as_notebook(path, data):
        return seen
    if data.startswith(_ZIP):
        package = _package(data)
        if isinstance(package, Package) and "xl/workbook.xml" in package.marks:
            note = "read as a workbook by its content; the suffix says otherwise"
            return _Seen(kind=Kind.WORKBOOK, note=note)
    return _Seen()


def saved_as(suffix: str, data: bytes) -> str:
    """What a table was saved as; empty where the file is none: no row, and no first cells of rows, name the
    quantities of a small network, and no formulas stand there as text.
    """
    head = data[:_TABLE_BEGINS]
    if suffix in _SAVED_PAGES and any(mark in head for mark in _OF_A_SPREADSHEET):
        return "a workbook as a web page, which holds no formulas"
    return "a table as text with separated values, which holds no formulas" if _is_table(suffix, head) else ""


def _is_table(suffix: str, head: bytes) -> bool:
    if suffix not in _SEPARATED:
        return False
    coded = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = head.decode(coded, errors="replace").splitlines()[:_TABLE_LINES]
    rows = [[cell.strip(" \"'") for cell in _SEPARATOR.split(line)] for line in lines]
    formulas = sum(_FORMULA.match(cell) is not None for row in rows for cell in row)
    return formulas >= _TABLE_STEMS or any(map(_names_a_network, [*rows, [row[0] for row in rows]]))


def _names_a_network(cells: list[str]) -> bool:
    found = {m[0].lower(): m[1].lower() for cell in cells if (m := _NUMBERED.match(cell[:80]))}
    return len(found) >= _TABLE_NAMES and len(set(found.values())) >= _TABLE_STEMS
