"""Notebook bytes -> cells, sources and outputs as text. Tolerant where Jupyter is, bounded, and it never runs
anything.
"""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import NamedTuple

from grader.core.evidence.documents import Documents
from grader.core.evidence.notebook import (
    CellKind,
    Channel,
    Framework,
    Notebook,
    NotebookCell,
    NotebookEvidence,
    OutputText,
)
from grader.core.submission import Kind
from grader.extract.documents.notebook_json import RawNotebook, joined, json_name, parse_notebook, whole

MAX_OUTPUT_CHARS = 5_000_000
"""Output text kept per notebook, about a hundred epochs of progress bars; what is beyond is dropped with a
note."""
MAX_SOURCE_CHARS = 1_000_000


def read_notebooks(documents: Documents) -> NotebookEvidence:
    """Return every notebook of a submission, the main one first.

    Raises:
        Unavailable: there is no notebook that can be read to its end.

    """
    notebooks = documents.notebooks()
    if all(n.problem for n in notebooks):
        raise documents.absent("a notebook", Kind.NOTEBOOK)
    return NotebookEvidence(notebooks=notebooks)


def read_notebook(data: bytes, artefact: str, *, main: bool = True) -> Notebook:
    """Read the bytes of one notebook. Never raises: what is wrong stands in `problem`."""
    return notebook_of(parse_notebook(data), artefact, main=main)


def notebook_of(raw: RawNotebook, artefact: str, *, main: bool = True) -> Notebook:
    """Return the cells of a parsed notebook as text."""
    notes = list(raw.notes)
    cells = _cells(raw.cells, notes) if raw.cells or not raw.problem else ()
    return Notebook(
        artefact=artefact,
        main=main,
        format=raw.format,
        framework=_framework(cells),
        cells=cells,
        problem=raw.problem,
        notes=tuple(dict.fromkeys(notes)),
    )


def _cells(listed: Sequence[object], notes: list[str]) -> tuple[NotebookCell, ...]:
    left = MAX_OUTPUT_CHARS
    cells: list[NotebookCell] = []
    for number, raw in enumerate(listed, 1):
        cells.append(_cell(number, raw, notes, left))
        left -= sum(len(output.text) for output in cells[-1].outputs)
    if not cells:
        notes.append("has no cells")
    return tuple(cells)


def _cell(number: int, raw: object, notes: list[str], left: int) -> NotebookCell:
    if not isinstance(raw, Mapping):
        notes.append(f"cell {number} is a {json_name(raw)}, read as empty")
        return NotebookCell(number=number, kind=CellKind.RAW, source="")
    named = raw.get("cell_type")
    kind = {"code": CellKind.CODE, "markdown": CellKind.MARKDOWN, "heading": CellKind.MARKDOWN}.get(
        named if isinstance(named, str) else "", CellKind.RAW
    )
    source = joined(raw.get("source", raw.get("input"))).replace("\r\n", "\n").replace("\r", "\n")
    if len(source) > MAX_SOURCE_CHARS:
        notes.append(f"cell {number}: source cut at {MAX_SOURCE_CHARS} characters")
        source = source[:MAX_SOURCE_CHARS]
    level = raw.get("level")
    if named == "heading" and isinstance(level, int):
        source = "#" * max(1, min(level, 6)) + " " + source
    listed = raw.get("outputs")
    outputs = _outputs(listed if isinstance(listed, list) else [], left)
    if outputs.cut:
        notes.append(f"cell {number}: output cut at {MAX_OUTPUT_CHARS:,} characters of all cells")
    return NotebookCell(
        number=number,
        kind=kind,
        source=source,
        outputs=outputs.texts,
        cut=outputs.cut,
        execution_count=whole(raw.get("execution_count", raw.get("prompt_number"))),
    )


class Piece(NamedTuple):
    """The text of one saved output, escape sequences and all."""

    channel: Channel
    text: str


class _Outputs(NamedTuple):
    """Texts of a cell's outputs, and whether there are more."""

    texts: tuple[OutputText, ...]
    cut: bool


def _outputs(outputs: Sequence[object], left: int) -> _Outputs:
    found: list[OutputText] = []
    line = 1
    for raw in outputs:
        piece = piece_of(raw) if isinstance(raw, Mapping) else None
        if piece is None or not piece.text:
            continue
        if left <= 0:
            return _Outputs(tuple(found), cut=True)
        text = plain_text(piece.text[:left])
        found.append(OutputText(channel=piece.channel, text=text, line=line))
        if len(piece.text) > left:
            return _Outputs(tuple(found), cut=True)
        left -= len(piece.text)
        line += text.count("\n") + (0 if text.endswith("\n") else 1)
    return _Outputs(tuple(found), cut=False)


def piece_of(raw: Mapping[str, object]) -> Piece | None:
    """Return the text of one output as the JSON holds it; None for an output without any."""
    kind = raw.get("output_type")
    if kind == "stream":
        name = raw.get("name", raw.get("stream"))
        return Piece(Channel.STDERR if name == "stderr" else Channel.STDOUT, joined(raw.get("text")))
    if kind in ("error", "pyerr"):
        text = joined(raw.get("traceback"), "\n") or f"{raw.get('ename', '')}: {raw.get('evalue', '')}"
        return Piece(Channel.ERROR, text)
    if kind in ("execute_result", "display_data", "pyout"):
        data = raw.get("data")
        bundle = data if isinstance(data, Mapping) else raw  # format 3 keeps the texts in the output itself
        html = joined(bundle.get("text/html", bundle.get("html")))
        if "<tr" in html.lower():  # a data frame: its HTML keeps the columns that the text form wraps
            return Piece(Channel.RESULT, html_to_text(html))
        for key in ("text/plain", "text", "text/markdown"):
            if text := joined(bundle.get(key)):
                return Piece(Channel.RESULT, text)
        return Piece(Channel.RESULT, html_to_text(html)) if html else None
    return None


# ECMA-48: CSI sequences, OSC strings (hyperlinks, titles), and the two-character escapes.
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|\x9b[0-?]*[ -/]*[@-~]"
)


def plain_text(text: str) -> str:
    """Drop ANSI escapes, carry out backspaces as a redraw, unify line ends; a bare `\\r` stays."""
    if "\x1b" in text or "\x9b" in text:
        text = _ANSI.sub("", text)
    if "\b" in text:  # Keras redraws its bar with backspaces: what follows a run of them replaces the line
        text = re.sub(r"\x08+", "\r", text)
    return text.replace("\r\n", "\n") if "\r" in text else text


_ROW_END = re.compile(r"</tr\s*>|<br\s*/?>|</p\s*>|</div\s*>|</h\d\s*>|</li\s*>", re.IGNORECASE)
_CELL_END = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,2000}>")


def html_to_text(html: str) -> str:
    """Text of an HTML output: one line a table row, cells separated by ` | `."""
    html = _HIDDEN.sub("", html)
    html = re.sub(r"\s*\n\s*", " ", html)
    html = _CELL_END.sub(" | ", html)
    html = _ROW_END.sub("\n", html)
    lines = (re.sub(r"[ \t]+", " ", unescape(line)).strip() for line in _TAG.sub("", html).split("\n"))
    return "\n".join(line.removesuffix(" |") for line in lines if line)


_IMPORTS_TORCH = re.compile(
    r"^[ \t]*(?:import|from)\s+(?:torch|torchvision|pytorch_lightning|lightning)\b", re.MULTILINE
)
_IMPORTS_KERAS = re.compile(r"^[ \t]*(?:import|from)\s+(?:keras|tensorflow|tf_keras)\b", re.MULTILINE)


def _framework(cells: tuple[NotebookCell, ...]) -> Framework:
    code = "\n".join(c.source for c in cells if c.kind is CellKind.CODE)
    torch, keras = bool(_IMPORTS_TORCH.search(code)), bool(_IMPORTS_KERAS.search(code))
    if torch and keras:
        return Framework.BOTH
    if torch:
        return Framework.TORCH
    return Framework.KERAS if keras else Framework.NONE
