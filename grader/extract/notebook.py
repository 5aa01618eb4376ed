"""Notebook bytes -> cells, sources and outputs as text. Tolerant where Jupyter is, bounded, and it never runs anything.

Students' notebooks are nbformat 3 to 4.5, sometimes invalid (extra keys, missing ids), with a byte order mark, in UTF-16 or
Latin-1, or cut off in the middle of an upload. `nbformat.validate` refuses files that Jupyter opens, so the shape is read here by hand.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import NamedTuple

import msgspec

from grader.core.evidence.notebook import (
    CellKind,
    Channel,
    Framework,
    Notebook,
    NotebookCell,
    NotebookEvidence,
    OutputText,
)
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.submission import Kind, Problem, Source, Sources

MAX_BYTES = 50 * 1024 * 1024
MAX_CELLS = 2_000
MAX_DEPTH = 200
"""Nesting of JSON brackets; a real notebook needs about 10."""
MAX_OUTPUT_CHARS = 5_000_000
"""Output text kept per cell; what is beyond is dropped with a note."""
MAX_SOURCE_CHARS = 1_000_000


def read_notebooks(sources: Sources) -> NotebookEvidence:
    """Read every notebook of a submission, the main one first.

    Raises:
        Unavailable: skipped where there is no notebook, unknown where none can be read.

    """
    found = [s for s in sources if s.artefact.kind is Kind.NOTEBOOK]
    if not found:
        raise Unavailable("there is no notebook in the submission", Verdict.SKIPPED)
    found.sort(key=lambda s: (not s.artefact.main, s.artefact.path))
    notebooks = tuple(read_source(s) for s in found)
    if all(n.problem for n in notebooks):
        reasons = "; ".join(f"{n.artefact}: {n.problem}" for n in notebooks)
        raise Unavailable(f"no notebook can be read: {reasons}", Verdict.UNKNOWN)
    return NotebookEvidence(notebooks=notebooks)


def read_source(source: Source) -> Notebook:
    """Read one notebook; bytes that are none give a Notebook with a `problem`."""
    artefact = source.artefact
    if artefact.problem not in (Problem.NONE, Problem.BROKEN, Problem.NOT_WHAT_IT_SAYS):
        reason = artefact.note or artefact.problem.value
        return Notebook(artefact=artefact.path, main=artefact.main, format="", problem=reason)
    return read_notebook(source.data, artefact.path, main=artefact.main)


def read_notebook(data: bytes, artefact: str, *, main: bool = True) -> Notebook:
    """Read the bytes of one notebook. Never raises: what is wrong stands in `problem`."""
    notes: list[str] = []
    try:
        book = _parse(data, notes)
        cells = _cells(_listed(book), notes)
    except _NotANotebookError as wrong:
        return Notebook(artefact=artefact, main=main, format="", problem=str(wrong), notes=tuple(notes))
    return Notebook(
        artefact=artefact,
        main=main,
        format=_format(book),
        framework=_framework(cells),
        cells=cells,
        notes=tuple(dict.fromkeys(notes)),
    )


def saved_cells(data: bytes) -> list[object]:
    """The cells of a notebook as its JSON holds them, in order; none where the bytes are no notebook."""
    try:
        return _listed(_parse(data, []))
    except _NotANotebookError:
        return []


class _NotANotebookError(Exception):
    pass


def _parse(data: bytes, notes: list[str]) -> Mapping[str, object]:
    if len(data) > MAX_BYTES:
        raise _NotANotebookError(
            f"{len(data) / 2**20:.0f} MB; notebooks above {MAX_BYTES // 2**20} MB are not read. Clear the images and submit again"
        )
    if not data.strip():
        raise _NotANotebookError("the file is empty")
    text = _decode(data, notes)
    if _depth(text) > MAX_DEPTH:
        raise _NotANotebookError(f"nested deeper than {MAX_DEPTH} levels; no notebook is")
    try:
        # msgspec is four times faster; json also takes NaN and lone surrogates, which real outputs hold.
        book: object = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        book = _lenient(text)
    if not isinstance(book, Mapping):
        raise _NotANotebookError(f"JSON, but a {_json_name(book)} where a notebook is an object")
    if not isinstance(book.get("cells", book.get("worksheets")), list):
        raise _NotANotebookError('JSON, but no notebook: it has no list "cells"')
    return book


def _lenient(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except RecursionError as error:
        raise _NotANotebookError("nested too deeply to be a notebook") from error
    except json.JSONDecodeError as error:
        head = text.lstrip()[:200]
        if not head.startswith("{"):
            what = "a web page" if head.lower().startswith(("<!doctype", "<html")) else "no JSON"
            raise _NotANotebookError(f"not a notebook: the file is {what}") from error
        if error.pos >= len(text.rstrip()) - 1 or "Unterminated string" in error.msg:
            raise _NotANotebookError(
                f"the file ends in the middle (line {error.lineno}); it was probably cut off while uploading. Save and submit it again"
            ) from error
        raise _NotANotebookError(
            f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except ValueError as error:  # an integer of more than 4,300 digits
        raise _NotANotebookError(f"JSON that cannot be read: {error}") from error


def _decode(data: bytes, notes: list[str]) -> str:
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            notes.append(f"starts with a byte order mark ({name})")
            return data.decode(name, errors="replace")
    head = data[:200]
    if head.count(0) > len(head) // 4:
        name = "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"
        notes.append(f"saved as {name}")
        return data.decode(name, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        notes.append("not UTF-8, read as Windows-1252")
        return data.decode("cp1252", errors="replace")


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def _depth(text: str) -> int:
    depth = deepest = 0
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    for match in _BRACKETS.finditer(text):
        char = match.group()
        if char in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif char in ("]", "}"):
            depth -= 1
    return deepest


def _format(book: Mapping[str, object]) -> str:
    major, minor = book.get("nbformat"), book.get("nbformat_minor")
    return f"{major}.{minor if isinstance(minor, int) else 0}" if isinstance(major, int) else ""


def _listed(book: Mapping[str, object]) -> list[object]:
    listed = book.get("cells")
    if not isinstance(listed, list):  # format 3 keeps its cells in worksheets
        sheets = book.get("worksheets")
        listed = [
            cell
            for sheet in (sheets if isinstance(sheets, list) else [])
            if isinstance(sheet, Mapping) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
    if len(listed) > MAX_CELLS:
        raise _NotANotebookError(f"{len(listed)} cells; notebooks above {MAX_CELLS} cells are not read")
    return listed


def _cells(listed: Sequence[object], notes: list[str]) -> tuple[NotebookCell, ...]:
    cells = tuple(_cell(number, raw, notes) for number, raw in enumerate(listed, 1))
    if not cells:
        notes.append("has no cells")
    return cells


def _cell(number: int, raw: object, notes: list[str]) -> NotebookCell:
    if not isinstance(raw, Mapping):
        notes.append(f"cell {number} is a {_json_name(raw)}, read as empty")
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
    count = raw.get("execution_count", raw.get("prompt_number"))
    outputs = raw.get("outputs")
    return NotebookCell(
        number=number,
        kind=kind,
        source=source,
        outputs=_outputs(number, outputs if isinstance(outputs, list) else [], notes),
        execution_count=count if isinstance(count, int) and not isinstance(count, bool) else None,
    )


class Piece(NamedTuple):
    """The text of one saved output, escape sequences and all."""

    channel: Channel
    text: str


def _outputs(number: int, outputs: Sequence[object], notes: list[str]) -> tuple[OutputText, ...]:
    found: list[OutputText] = []
    line = 1
    left = MAX_OUTPUT_CHARS
    for raw in outputs:
        piece = piece_of(raw) if isinstance(raw, Mapping) else None
        if piece is None or not piece.text:
            continue
        if len(piece.text) > left:
            notes.append(f"cell {number}: output cut at {MAX_OUTPUT_CHARS} characters")
        text = plain_text(piece.text[:left])
        left -= min(left, len(piece.text))
        found.append(OutputText(channel=piece.channel, text=text, line=line))
        line += text.count("\n") + (0 if text.endswith("\n") else 1)
        if not left:
            break
    return tuple(found)


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


def joined(value: object, glue: str = "") -> str:
    """Return a text that nbformat may keep as one string or as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return glue.join(part for part in value if isinstance(part, str))
    return ""


def _json_name(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "list", str: "string", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), "value")


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
