"""The rows of a sheet that is written as programs write them, cut by two patterns.

Expat calls six handlers for a cell, which was two thirds of what a workbook took. Nearly every sheet needs
them for nothing: a row of cells with an address, a formula and a value. Whatever else stands among the cells
(rich text, comments, other attributes, an entity beyond the five) gives None here, and expat reads it all.

Whether a part is well formed is expat's to say in both ways: it is given everything around the cells, each
row's own tag among it, and what the pattern of a cell lets through can be nothing else to it.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.xml import closed_parser, feed

MOST_BYTES = 8_000_000
"""Of a larger part the cells are not held all at once; the largest of 160 real sheets has 1.1 MB."""
_BEGIN, _END = b"<sheetData>", b"</sheetData>"
_ENCODING = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]*)")
_REFUSED = bytes({*range(0x20)} - {0x09, 0x0A})
"""Control characters that XML refuses, and the carriage return, which it reads as a line's end."""
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
"""U+FFFE and U+FFFF."""
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
"""In the order in which they may be replaced."""
_ROW = re.compile(r'[ \t\n]*<row((?: [A-Za-z][\w:]*="[^"<&\t\n]*")*) ?(/?)>', re.ASCII)
_NUMBER = re.compile(r' r="([^"]*)"')
_DIGITS = re.compile("[0-9]{0,7}")
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})([0-9]{1,7})"(?: s="[0-9]+")?(?: t="([A-Za-z]+)")?(?:/>|>'
    r'(?:(<f(?: (?:xml:space|(?!xml)[A-Za-z]\w*)="[^"<&\t\n]*")*)(?:/>|>([^<]*)</f>))?'
    r'(?:<v/>|<v(?: xml:space="preserve")?>([^<]*)</v>)?'
    r'(?:<is><t(?: xml:space="preserve")?>([^<]*)</t></is>)?</c>)'
    r"|([^ \t\n](?s:.)*)",
    re.ASCII,
)
_ATTRIBUTE = re.compile(r' ([A-Za-z][\w:]*)="([^"]*)"', re.ASCII)
_OF_CELLS = frozenset({"c", "v", "f", "t"})

Cell = tuple[str, str, str, str, str, str, str, str]
"""Letters and digits of its address, its `t`, the beginning of its `<f` (empty without one), formula, value,
text of its own, and nothing: or, from what is no cell on, all the rest.
"""


class Row(NamedTuple):
    """A row: its `r`, empty where it has none, and its cells."""

    number: str
    cells: Sequence[Cell]


def plain_rows(data: bytes, part: str) -> list[Row] | None:
    """Return the rows of a sheet's part; None where anything about it is not plain."""
    begin, end = data.find(_BEGIN) + len(_BEGIN), data.rfind(_END)
    alone = data.count(_BEGIN) == data.count(_END) == 1
    if len(data) > MOST_BYTES or not alone or end < begin or b"<!" in data or not _is_utf8(data[:begin]):
        return None
    text = _characters(data[begin:end])
    if text is None:
        return None
    rows: list[Row] = []
    tags: list[str] = []
    doubled: dict[str, bool] = {"": False}
    at = 0
    while match := _ROW.match(text, at):
        at = match.end()
        cells: Sequence[Cell] = ()
        if not match[2]:
            close = text.find("</row>", at)
            cells = _CELL.findall(text, at, max(at, close))
            at = close + len("</row>")
            if close < 0 or any(cell[7] for cell in cells):
                return None
            doubled.update((tag, _doubled(tag)) for tag in {cell[3] for cell in cells} - doubled.keys())
        number = _NUMBER.search(match[1])
        if number and not _DIGITS.fullmatch(number[1]):
            return None
        tags.append(f"<row{match[1]}></row>")
        rows.append(Row(number[1] if number else "", cells))
    if text[at:].strip(" \t\n") or any(doubled.values()):
        return None
    around = data[:begin] + "".join(tags).encode() + data[end:]
    return rows if _is_sheet(around, part, len(rows)) else None


def _characters(cells: bytes) -> str | None:
    """Return the text of the cells; None where expat may refuse a character or an entity of it, or reads it
    as something else.
    """
    if b"]]>" in cells or len(cells.translate(None, _REFUSED)) < len(cells):
        return None
    if any(one in cells for one in _NO_CHARACTERS):
        return None
    try:
        text = cells.decode("utf-8")
    except UnicodeDecodeError:
        return None
    known = sum(text.count(written) for written, _ in _ENTITIES)
    return text if known == text.count("&") else None


def attributes_of(tag: str) -> dict[str, str]:
    """Return the attributes of a formula's tag."""
    return dict(_ATTRIBUTE.findall(tag))


def _doubled(tag: str) -> bool:
    """Whether a formula's tag names an attribute twice, which is no XML."""
    return len(attributes_of(tag)) < tag.count('="')


def plain_text(text: str) -> str:
    """Return what a text of a part stands for."""
    if "&" not in text:
        return text
    for written, meant in _ENTITIES:
        text = text.replace(written, meant)
    return text


def _is_utf8(head: bytes) -> bool:
    named = _ENCODING.search(head)
    return named is None or named[1].lower() == b"utf-8"


def _is_sheet(around: bytes, part: str, rows: int) -> bool:
    """Whether all but the cells is well formed and holds these rows and nothing of a cell."""
    parser = closed_parser(part)
    met = {"row": 0, "cell": 0}

    def started(name: str, _: dict[str, str]) -> None:
        short = name.rpartition(" ")[2]
        met["row"] += short == "row"
        met["cell"] += short in _OF_CELLS

    parser.StartElementHandler = started
    try:
        feed(parser, around, part)
    except Unreadable:
        return False
    return met == {"row": rows, "cell": 0}
