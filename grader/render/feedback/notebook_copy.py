"""A student's notebook with the findings in it: a Markdown cell of ours above each cell that one speaks of.

The text of the student's cells is copied, not written anew: sources, outputs, metadata and the spelling of
numbers stay as they were, byte for byte. Runs in the limited process, where nbformat meets what nobody
trusts.
"""

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from grader.core.memory import digest
from grader.extract.documents.notebook_format import CURRENT, up_to_date
from grader.extract.documents.notebook_json import parse_notebook, whole
from grader.extract.documents.own_cells import is_ours, mark, without_ours
from grader.extract.documents.text import decode_bytes
from grader.render import strings
from grader.render.escape import markdown_cell
from grader.render.feedback.told import Told

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_FENCE: Final = re.compile("`+")
_WITH_IDS: Final = 5
"""The minor version of format 4 from which each cell has an id."""


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A file with the findings in it, or why there is none: `problem` follows the file's name."""

    data: bytes = b""
    problem: str = ""


class Span(msgspec.Struct, frozen=True):
    """Where a cell's JSON stands in the text, and what it says."""

    start: int
    end: int
    cell: object


def annotated(data: bytes, told: tuple[Told, ...]) -> Copied:
    """Return a notebook with findings above its cells; cells of ours from an earlier time are left out.

    Places count the student's cells from 1. Formats before 4 are brought up to date by nbformat; what it does
    not call valid afterwards is refused with its words.
    """
    raw = parse_notebook(data)
    if raw.problem or raw.invalid:
        return Copied(problem=f"cannot be opened as a notebook: {raw.problem or raw.invalid}")
    text = decode_bytes(data)[0].removeprefix("\ufeff")
    book = json.loads(text)
    if (whole(book.get("nbformat")) or 0) < CURRENT:
        current = up_to_date(book)
        if current is book:
            return Copied(problem="is of an old format that nbformat cannot bring up to date")
        text = json.dumps(current, ensure_ascii=False, indent=1)
    made = _with_findings(text, told)
    if problem := _refused(made, text):
        return Copied(problem=problem)
    try:
        return Copied(data=made.encode("utf-8"))
    except UnicodeEncodeError:
        return Copied(problem="holds characters that no file can hold")


def _with_findings(text: str, told: tuple[Told, ...]) -> str:
    """The text of a notebook with cells of ours among the student's."""
    begin, spans, end = spans_of(text)
    theirs = [span for span in spans if not is_ours(span.cell)]
    book = json.loads(text)
    taken = {str(s.cell.get("id")) for s in spans if isinstance(s.cell, Mapping)}
    numbered = (whole(book.get("nbformat_minor")) or 0) >= _WITH_IDS
    last = len(theirs)
    parts = [_cell(_head([one for one in told if not last or one.place.cell is None]), "", taken, numbered)]
    for number, span in enumerate(theirs, 1):
        parts += [
            _cell(source_of(one), one.code, taken, numbered)
            for one in told
            if one.place.cell is not None and min(one.place.cell, last) == number
        ]
        parts.append(text[span.start : span.end])
    return text[:begin] + "[\n  " + ",\n  ".join(parts) + "\n ]" + text[end:]


def _refused(made: str, before: str) -> str:
    """Why a copy must not be handed on; empty where it may."""
    import nbformat

    copy, old = json.loads(made), json.loads(before)
    for book in (copy, old):
        book["cells"] = without_ours(book["cells"])
    if json.dumps(copy) != json.dumps(old):
        return "has a form in which no cell can be put among its own"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without ids, which every program still opens
            nbformat.validate(json.loads(made))
    except Exception as fault:  # whatever it raises: its checkers stumble over odd files in many ways
        said = " ".join(str(fault).split("\n")[0].split())[:200]
        return f"is no valid notebook by nbformat ({said}); open it in Jupyter and save it again"
    return ""


def spans_of(text: str) -> tuple[int, list[Span], int]:
    """Where the list of cells begins, its cells, and where it ends; the last list of that name counts, as for
    json.
    """
    decoder = json.JSONDecoder()
    at = _after(text, 0, "{")
    found: tuple[int, list[Span], int] | None = None
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = _after(text, at, ":")
        begin = at
        if key == "cells" and text[at] == "[":
            spans, at = _listed(text, at, decoder)
            found = (begin, spans, at)
        else:
            _, at = decoder.raw_decode(text, at)
        at = _after(text, at, ",")
    if found is None:
        raise ValueError("a notebook without a list of cells")
    return found


def _listed(text: str, at: int, decoder: json.JSONDecoder) -> tuple[list[Span], int]:
    spans: list[Span] = []
    at = _after(text, at, "[")
    while text[at] != "]":
        cell, end = decoder.raw_decode(text, at)
        spans.append(Span(at, end, cell))
        at = _after(text, end, ",")
    return spans, at + 1


def _after(text: str, at: int, sign: str) -> int:
    """The next place that holds more than space, behind a sign if one stands there."""
    at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
    if text[at : at + 1] == sign:
        at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
    return at


def _cell(source: str, code: str, taken: set[str], numbered: bool) -> str:
    """A Markdown cell of ours as JSON, with an id that no other cell has."""
    cell: dict[str, object] = {"cell_type": "markdown"}
    if numbered:
        tried = (f"grader-{digest(f'{n} {source}'.encode('utf-8', 'replace'))[:16]}" for n in range(10_000))
        cell["id"] = next(name for name in tried if name not in taken)
        taken.add(str(cell["id"]))
    cell |= {"metadata": mark(source, code), "source": source.splitlines(keepends=True)}
    return json.dumps(cell, ensure_ascii=False)


def source_of(one: Told) -> str:
    """Return a finding as the source of a Markdown cell."""
    head = f"**{strings.FEEDBACK_BY}: {markdown_cell(one.code)}**, {markdown_cell(one.word)}"
    return f"{head}\n\n{fenced(one.text())}"


def _head(of_all: Sequence[Told]) -> str:
    """The first cell: what these cells are, and what was found of the notebook as a whole."""
    parts = [f"**{strings.FEEDBACK_BY}.** {strings.FEEDBACK_CELLS}"]
    parts += [strings.FEEDBACK_WHOLE] if of_all else []
    return "\n\n".join([*parts, *(source_of(one) for one in of_all)])


def fenced(text: str) -> str:
    """Return text as a block of code: in it nothing is markup, a link, mathematics or an image (CommonMark
    0.31, 4.5), since its fence is longer than any row of backticks in the text.
    """
    fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def warm() -> None:
    """Load what is needed for every notebook, once, in the process that forks for each file."""
    import nbformat

    cell = {"cell_type": "markdown", "id": "x", "metadata": {}, "source": "x"}
    nbformat.validate({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    nbformat.validate({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
