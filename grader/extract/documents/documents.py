"""Files of a submission -> documents: the one reader of READMEs, text files and notebooks, tolerant and
bounded.

Formulas, claims, logs, summaries and conclusions are read from what it returns, so that no two of them
disagree about what a file holds, and a file is decoded once.
"""

import ast
import warnings
from typing import Final

import msgspec

from grader.core.class_sheet import EXAMPLE
from grader.core.evidence.documents import Block, Document, Documents, ParsedFile, SourceLine
from grader.core.evidence.notebook import CellKind, Notebook
from grader.core.place import Place
from grader.core.submission import Artefact, Kind, Problem, Source, Sources
from grader.extract.documents.markdown import markdown_lines, pictures_in
from grader.extract.documents.notebook import notebook_of
from grader.extract.documents.notebook_json import parse_notebook
from grader.extract.documents.text import decode, mend_mojibake, without_pasted
from grader.sandbox.reader import Lost, read_limited

MAX_BYTES: Final = 50 * 2**20
"""Bytes of a text file that are decoded, most of them pasted pictures."""
MAX_TEXT: Final = 500_000
"""Characters that are read of one file's text, or of all cells of a notebook; nobody writes a derivation of a
book's length."""
_KINDS: Final = (Kind.README, Kind.NOTEBOOK)
_DAMAGED: Final = (Problem.NONE, Problem.EMPTY, Problem.BROKEN, Problem.TOO_LARGE)
"""Problems of files that may hold something to read all the same; the others are no text at all."""


def read_documents(sources: Sources) -> Documents:
    """Read every README, text file and notebook of a submission; never raises on what they hold.

    Raises SandboxFault where the process that reads cannot be had: nothing is known of the files then.
    """
    found = [_document(source) for source in sources if source.artefact.kind in _KINDS]
    found.sort(key=lambda d: (_KINDS.index(d.kind), not d.main, d.path))
    closed = [
        a for a in sources.submission.artefacts if a.kind not in _KINDS and any(map(a.may_hold, _KINDS))
    ]
    return Documents(
        documents=(*found, *(Document(artefact=a, problem=a.trouble) for a in closed)),
        elsewhere=tuple(e for e in sources.submission.elsewhere if e.kind in _KINDS),
    )


def _document(source: Source) -> Document:
    read = msgspec.msgpack.decode(source.reading, type=Document) if source.reading else None
    if read is None or read.kind is not source.artefact.kind:
        return read_document(source.data, source.artefact)
    return _with_artefact(read, source.artefact)


def read_document(data: bytes, artefact: Artefact) -> Document:
    """Read one file in the limited process. What cannot be read stands in `problem`.

    Raises SandboxFault where that process cannot be had.
    """
    # Of a damaged archive's member there may be no bytes at all.
    if artefact.problem not in _DAMAGED or (not data and bool(artefact.trouble)):
        return _unreadable(artefact, artefact.trouble)
    parsed = read_limited(f"{__name__}:parse_file", data, artefact, returns=ParsedFile)
    if isinstance(parsed, Lost):
        return _unreadable(artefact, f"the file {parsed}")
    return _with_artefact(msgspec.msgpack.decode(parsed.document, type=Document), artefact)


def _unreadable(artefact: Artefact, problem: str) -> Document:
    notebook = None
    if artefact.kind is Kind.NOTEBOOK:
        notebook = Notebook(artefact=artefact.path, main=artefact.main, format="", problem=problem)
    return Document(artefact=artefact, notebook=notebook, problem=problem)


def _with_artefact(document: Document, artefact: Artefact) -> Document:
    """Return a document that was read before anybody knew whether its file is the main one."""
    notebook = document.notebook and msgspec.structs.replace(document.notebook, main=artefact.main)
    return msgspec.structs.replace(document, artefact=artefact, notebook=notebook)


def warm() -> None:
    """Read a text and a notebook as most are, once, in the process that forks for each file: imports and
    patterns are then at hand.
    """
    text = f"# Part 1\n\n{EXAMPLE}, and Ã¶ as an editor may write ö\n"
    cell = {"cell_type": "code", "source": text, "outputs": [{"output_type": "stream", "text": text}]}
    book = msgspec.json.encode({"cells": [cell], "nbformat": 4})
    for path, kind, data in (("x.md", Kind.README, text.encode()), ("x.ipynb", Kind.NOTEBOOK, book)):
        parse_file(data, Artefact(path=path, kind=kind, sha256="", size=len(data)))


def parse_file(data: bytes, artefact: Artefact) -> ParsedFile:
    """Parse one file: the work of the limited process, and never called elsewhere."""
    if artefact.kind is not Kind.NOTEBOOK:
        return ParsedFile(document=msgspec.msgpack.encode(_text(data, artefact)))
    raw = parse_notebook(data)
    document = _notebook(notebook_of(raw, artefact.path, main=artefact.main), artefact)
    return ParsedFile(
        document=msgspec.msgpack.encode(document),
        invalid=raw.invalid,
        script=bool(raw.invalid) and _is_script(data),
    )


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


def _text(data: bytes, artefact: Artefact) -> Document:
    decoded = decode(data[:MAX_BYTES], limit=MAX_TEXT)
    lines = markdown_lines(decoded.text, artefact.path)
    problem = ""
    if decoded.cut or len(data) > MAX_BYTES:
        problem = _cut(f"{len(data) / 2**20:.1f} MB of text", f"to line {len(lines):,}")
    return Document(
        artefact=artefact,
        lines=lines,
        encoding=decoded.encoding,
        problem=problem,
        repairs=decoded.repairs,
        pictures=pictures_in(lines),
    )


def _cut(what: str, where: str) -> str:
    return f"{what}; only the first {MAX_TEXT:,} characters were read, {where}"


def _notebook(notebook: Notebook, artefact: Artefact) -> Document:
    lines: list[SourceLine] = []
    problem, left = notebook.problem, MAX_TEXT
    for cell in notebook.cells:
        source, _ = mend_mojibake(without_pasted(cell.source[: left + 1]))
        if len(source) > left and not problem:
            problem = _cut("too many cells", f"to cell {cell.number:,}")
        lines += _cell(cell.kind, source[:left], artefact.path, cell.number)
        left = max(0, left - len(source))
    return Document(
        artefact=artefact,
        lines=tuple(lines),
        notebook=notebook,
        problem=problem,
        pictures=pictures_in(lines),
    )


def _cell(kind: CellKind, source: str, path: str, number: int) -> tuple[SourceLine, ...]:
    if kind is not CellKind.CODE:
        return markdown_lines(source, path, number)
    return tuple(
        SourceLine(Place(artefact=path, line=at, cell=number), raw, Block.CODE)
        for at, raw in enumerate(source.split("\n"), 1)
    )
