"""Bytes of a notebook file -> the JSON of its cells, whole or as far as it can be read.

Students' notebooks are nbformat 3 to 4.5, sometimes invalid (extra keys, missing ids), with a byte order
mark, in UTF-16 or Latin-1, or cut off in the middle of an upload. `nbformat` refuses files that Jupyter
opens, so the shape is read here.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from grader.extract.documents.notebook_format import invalid, raw_cells, up_to_date
from grader.extract.documents.own_cells import without_ours
from grader.extract.documents.text import decode_bytes

MAX_BYTES = 50 * 1024 * 1024
MAX_CELLS = 2_000
MAX_DEPTH = 200
"""Nesting of JSON brackets; a real notebook needs about 10."""


class RawNotebook(NamedTuple):
    """The cells as JSON holds them. `problem` says what could not be read; then `cells` are those before the
    damage.
    """

    cells: tuple[object, ...]
    format: str = ""
    """`major.minor` as the file states it; empty where it states none."""
    problem: str = ""
    notes: tuple[str, ...] = ()
    invalid: str = ""
    """Why JSON's own rules refuse it: no program but ours opens it then."""


class _NotANotebookError(Exception):
    def __init__(self, problem: str, invalid: str = "") -> None:
        super().__init__(problem)
        self.invalid = invalid


def parse_notebook(data: bytes) -> RawNotebook:
    """Parse the bytes of a notebook file; never raises."""
    notes: list[str] = []
    text = ""
    try:
        text = _decoded(data, notes)
        book, fault = _parsed(text)
        cells = _theirs(_listed(up_to_date(book)), notes)
        return RawNotebook(cells, _format(book), notes=(*notes, *invalid(cells)), invalid=fault)
    except _NotANotebookError as wrong:
        saved = _theirs(_before_the_damage(text), notes)
        if not saved:
            return RawNotebook((), problem=str(wrong), notes=tuple(notes), invalid=wrong.invalid)
        count = f"{len(saved)} cell{'s' * (len(saved) != 1)}"
        problem = f"{wrong} ({count} before that could be read)"
        return RawNotebook(saved, problem=problem, notes=tuple(notes), invalid=wrong.invalid)


def _theirs(cells: tuple[object, ...], notes: list[str]) -> tuple[object, ...]:
    """The cells that the student wrote; a note tells of those that grader did."""
    theirs = tuple(without_ours(cells))
    if ours := len(cells) - len(theirs):
        notes.append(f"{ours} cell{'s' * (ours != 1)} with findings of grader, which were not read")
    return theirs


def _decoded(data: bytes, notes: list[str]) -> str:
    if len(data) > MAX_BYTES:
        raise _NotANotebookError(
            f"{len(data) / 2**20:.0f} MB; notebooks above {MAX_BYTES // 2**20} MB are not read."
            " Clear the images and submit again"
        )
    if not data.strip():
        raise _NotANotebookError("the file is empty", "it is empty")
    text, encoding = decode_bytes(data)
    if text.startswith("\ufeff") or data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        notes.append(f"starts with a byte order mark ({encoding})")
    elif encoding.startswith("utf-16"):
        notes.append(f"saved as {encoding}")
    elif encoding != "utf-8":
        notes.append(f"not UTF-8, read as {encoding}")
    text = text.removeprefix("\ufeff")
    if _depth(text) > MAX_DEPTH:
        deep = f"nested deeper than {MAX_DEPTH} levels"
        raise _NotANotebookError(f"{deep}; no notebook is", deep)
    return text


def _parsed(text: str) -> tuple[Mapping[str, object], str]:
    """Return the notebook, and why JSON's own rules refuse what we read all the same."""
    fault = ""
    try:
        # msgspec is four times faster; json also takes NaN and lone surrogates, which real outputs hold.
        book: object = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        book, fault = _lenient(text)
    if not isinstance(book, Mapping):
        raise _NotANotebookError(f"JSON, but a {json_name(book)} where a notebook is an object", fault)
    if not isinstance(book.get("cells", book.get("worksheets")), list):
        raise _NotANotebookError('JSON, but no notebook: it has no list "cells"', fault)
    return book, fault


def _lenient(text: str) -> tuple[object, str]:
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError) as error:
        fault = str(error)
    try:
        return json.loads(text, strict=False), fault  # a tabulator or a line end as such, in a text
    except RecursionError as error:
        raise _NotANotebookError("nested too deeply to be a notebook", fault) from error
    except json.JSONDecodeError as error:
        raise _NotANotebookError(_broken(text, error), fault) from error
    except ValueError as error:  # an integer of more than 4,300 digits
        raise _NotANotebookError(f"JSON that cannot be read: {error}", fault) from error


def _broken(text: str, error: json.JSONDecodeError) -> str:
    head = text.lstrip()[:200]
    if not head.startswith("{"):
        what = "a web page" if head.lower().startswith(("<!doctype", "<html")) else "no JSON"
        return f"not a notebook: the file is {what}"
    if error.pos >= len(text.rstrip()) - 1 or "Unterminated string" in error.msg:
        return (
            f"the file ends in the middle (line {error.lineno}); it was probably cut off while uploading."
            " Save and submit it again"
        )
    return f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"


_CELLS = re.compile(r'"cells"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,\s*")


def _before_the_damage(text: str) -> tuple[object, ...]:
    """The whole cells that stand before the place from which the JSON cannot be read."""
    start = _CELLS.search(text)
    if start is None:
        return ()
    decoder = json.JSONDecoder(strict=False)
    found: list[object] = []
    at = start.end()
    try:
        while len(found) < MAX_CELLS:
            cell, end = decoder.raw_decode(text, at)
            if isinstance(cell, Mapping):
                found.append(cell)
            following = _NEXT.match(text, end)
            if following is None:
                break
            at = following.end()
    except (ValueError, RecursionError):
        pass
    return tuple(found)


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
"""Texts and brackets. A text without an end reaches to the end: to look for one from each quote in it takes
for ever."""


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
    major, minor = (whole(book.get(key)) for key in ("nbformat", "nbformat_minor"))
    return "" if major is None else f"{major}.{minor or 0}"


def _listed(book: Mapping[str, object]) -> tuple[object, ...]:
    listed = raw_cells(book)
    if len(listed) > MAX_CELLS:
        raise _NotANotebookError(f"{len(listed)} cells; notebooks above {MAX_CELLS} cells are not read")
    return tuple(listed)


def whole(value: object) -> int | None:
    """Return a whole number that a store can keep; None for anything else that stands in its place."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def joined(value: object, glue: str = "") -> str:
    """Return a text that nbformat may keep as one string or as a list of lines, fit to be stored.

    Half of a character that UTF-16 writes in two (an emoji cut by an output's end) cannot be: it becomes
    U+FFFD.
    """
    if isinstance(value, list):
        value = glue.join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    if _SURROGATE.search(value):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value


_SURROGATE = re.compile("[\ud800-\udfff]")


def json_name(value: object) -> str:
    """Return what JSON calls the kind of a value."""
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "list", str: "string", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), "value")
