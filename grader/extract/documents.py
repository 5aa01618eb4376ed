"""Files of a submission -> documents: the one reader of READMEs, text files and notebooks, tolerant and bounded.

Formulas, claims, logs, summaries and conclusions are read from what it returns, so that no two of them disagree about what
a file holds, and a file is decoded once.
"""

import re
from typing import Final

from grader.core.evidence.documents import Block, Document, Documents, SourceLine
from grader.core.evidence.notebook import CellKind, Notebook
from grader.core.place import Place
from grader.core.submission import Artefact, Kind, Problem, Sources
from grader.extract.markdown import markdown_lines, pictures_in
from grader.extract.notebook import notebook_of
from grader.extract.notebook_json import parse_notebook
from grader.extract.text import decode, mend_mojibake

MAX_TEXT_BYTES: Final = 16 * 2**20
"""Bytes of a text file that are decoded; a README with pasted pictures reaches 10 MB."""
MAX_TEXT: Final = 2_000_000
"""Characters of a text file that are read, pasted pictures apart; the longest real README has 60,000."""
_KINDS: Final = (Kind.README, Kind.NOTEBOOK)
_DAMAGED: Final = (Problem.NONE, Problem.EMPTY, Problem.BROKEN, Problem.TOO_LARGE)
"""Problems of files that may hold something to read all the same; the others are no text at all."""
_PASTED: Final = re.compile(r"(data:image/[a-z+.-]{1,20};base64,)[A-Za-z0-9+/=\s]{100,}")


def read_documents(sources: Sources) -> Documents:
    """Read every README, text file and notebook of a submission; never raises on what they hold."""
    found = [read_document(s.data, s.artefact) for s in sources if s.artefact.kind in _KINDS]
    found.sort(key=lambda d: (_KINDS.index(d.kind), not d.main, d.path))
    return Documents(documents=tuple(found))


def read_document(data: bytes, artefact: Artefact) -> Document:
    """Read one file. Never raises: what cannot be read stands in `problem`."""
    unreadable = artefact.problem not in _DAMAGED
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
    head = (
        data
        if len(data) <= MAX_TEXT_BYTES
        else data[: data.rfind(b"\n", 0, MAX_TEXT_BYTES) + 1 or MAX_TEXT_BYTES]
    )
    decoded = decode(head)
    text = _PASTED.sub(r"\1", decoded.text) if "data:image/" in decoded.text else decoded.text
    problem = ""
    if len(data) > MAX_TEXT_BYTES or len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
        problem = (
            f"{len(data) / 2**20:.0f} MB of text; only the first {len(text):,} characters were read,"
            f" to line {text.count(chr(10)) + 1:,}"
        )
    lines = markdown_lines(text, artefact.path)
    return Document(
        artefact=artefact,
        lines=lines,
        encoding=decoded.encoding,
        problem=problem,
        repairs=decoded.repairs,
        pictures=pictures_in(lines),
    )


def _notebook(notebook: Notebook, artefact: Artefact) -> Document:
    lines: list[SourceLine] = []
    for cell in notebook.cells:
        source, _ = mend_mojibake(cell.source)
        if cell.kind is CellKind.CODE:
            for at, raw in enumerate(source.split("\n"), 1):
                lines.append(
                    SourceLine(Place(artefact=artefact.path, line=at, cell=cell.number), raw, Block.CODE)
                )
        else:
            source = _PASTED.sub(r"\1", source) if "data:image/" in source else source
            lines += markdown_lines(source, artefact.path, cell.number)
    return Document(
        artefact=artefact,
        lines=tuple(lines),
        notebook=notebook,
        problem=notebook.problem,
        pictures=pictures_in(lines),
    )
