"""Files of a submission -> documents: the one reader of READMEs, text files and notebooks, tolerant and
bounded.

Formulas, claims, logs, summaries and conclusions are read from what it returns, so that no two of them
disagree about what a file holds, and a file is decoded once.
"""

from typing import Final

from grader.core.evidence.documents import Block, Document, Documents, SourceLine
from grader.core.evidence.notebook import CellKind, Notebook
from grader.core.place import Place
from grader.core.submission import Artefact, Kind, Problem, Sources
from grader.extract.documents.markdown import markdown_lines, pictures_in
from grader.extract.documents.notebook import notebook_of
from grader.extract.documents.notebook_json import parse_notebook
from grader.extract.documents.text import decode, mend_mojibake, without_pasted

MAX_BYTES: Final = 50 * 2**20
"""Bytes of a text file that are decoded, most of them pasted pictures."""
MAX_TEXT: Final = 500_000
"""Characters that are read of one file's text, or of all cells of a notebook; nobody writes a derivation of a
book's length."""
_KINDS: Final = (Kind.README, Kind.NOTEBOOK)
_DAMAGED: Final = (Problem.NONE, Problem.EMPTY, Problem.BROKEN, Problem.TOO_LARGE)
"""Problems of files that may hold something to read all the same; the others are no text at all."""


def read_documents(sources: Sources) -> Documents:
    """Read every README, text file and notebook of a submission; never raises on what they hold."""
    found = [read_document(s.data, s.artefact) for s in sources if s.artefact.kind in _KINDS]
    found.sort(key=lambda d: (_KINDS.index(d.kind), not d.main, d.path))
    return Documents(documents=tuple(found))


def read_document(data: bytes, artefact: Artefact) -> Document:
    """Read one file. Never raises: what cannot be read stands in `problem`."""
    # Of a damaged archive's member there may be no bytes at all.
    unreadable = artefact.problem not in _DAMAGED or (not data and bool(artefact.trouble))
    if artefact.kind is Kind.NOTEBOOK:
        if unreadable:
            notebook = Notebook(
                artefact=artefact.path, main=artefact.main, format="", problem=artefact.trouble
            )
        else:
            notebook = notebook_of(parse_notebook(data), artefact.path, main=artefact.main)
        return _notebook(notebook, artefact)
    if unreadable:
        return Document(artefact=artefact, problem=artefact.trouble)
    return _text(data, artefact)


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
