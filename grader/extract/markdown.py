"""Markdown, plain text and notebooks -> source lines with places.

Formulas and claims are read from *raw* lines, never from a rendering: CommonMark turns `w1*i1 + w2*i2` into emphasis and the
products are gone. Blocks are told apart only as far as reading needs it: prose, fenced code, display mathematics, table rows.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import msgspec

from grader.core.place import Place


class Block(Enum):
    """What a line of a document stands in."""

    PROSE = "prose"
    HEADING = "heading"
    TABLE = "table"
    FENCE = "fence"
    """Inside a fenced code block of Markdown."""
    MATH = "math"
    """Inside a display formula `$$ … $$` or `\\\\[ … \\\\]` that spans lines."""
    CODE = "code"
    """A code cell of a notebook."""


class SourceLine(NamedTuple):
    """One raw line. In a notebook `place.line` counts inside the cell."""

    place: Place
    text: str
    block: Block


class NotebookFault(ValueError):
    """Bytes that are no Jupyter notebook; the message says what is wrong with them."""


_FENCE = re.compile(r"^[ >]{0,12}(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}|~{3,})")
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:\s|$)")
_IMAGE = re.compile(r"!\[[^\]\n]{0,500}\](?:\(|\[)|<img\b", re.IGNORECASE)
_MATH_IMAGE = re.compile(
    r"codecogs\.com|render/math\?math=|chart\.googleapis\.com/chart\?cht=tx", re.IGNORECASE
)


def markdown_lines(text: str, artefact: str, cell: int | None = None) -> tuple[SourceLine, ...]:
    """Split Markdown or plain text (with `\\n` line ends, see `text.decode`) into its raw lines."""
    lines: list[SourceLine] = []
    fence = ""
    display = ""
    for number, raw in enumerate(text.split("\n"), 1):
        block = Block.PROSE
        match = _FENCE.match(raw)
        if fence:
            block = Block.FENCE
            if match and match.group(1)[0] == fence[0] and len(match.group(1)) >= len(fence):
                fence = ""
        elif match:
            block, fence = Block.FENCE, match.group(1)
        elif display:
            block = Block.MATH
            if display in raw:
                display = ""
        elif raw.count("$$") % 2:
            block, display = Block.MATH, "$$"
        elif raw.strip() == "\\[":
            block, display = Block.MATH, "\\]"
        elif _HEADING.match(raw):
            block = Block.HEADING
        elif raw.lstrip().startswith("|") and raw.count("|") >= 2:
            block = Block.TABLE
        lines.append(SourceLine(Place(artefact=artefact, line=number, cell=cell), raw, block))
    return tuple(lines)


class _Cell(msgspec.Struct, frozen=True, kw_only=True):
    cell_type: str = ""
    source: str | list[str] | None = None
    input: str | list[str] | None = None
    """Source of a code cell in notebooks of format 3."""


class _Worksheet(msgspec.Struct, frozen=True, kw_only=True):
    cells: list[_Cell] = []


class _Notebook(msgspec.Struct, frozen=True, kw_only=True):
    cells: list[_Cell] | None = None
    worksheets: list[_Worksheet] = []
    """Where notebooks of format 3 keep their cells."""


class NotebookCell(NamedTuple):
    """One cell; `number` counts all cells from 1."""

    number: int
    kind: str
    source: str


def notebook_cells(data: bytes) -> tuple[NotebookCell, ...]:
    """Read the cells of a notebook of any format version.

    Raises:
        NotebookFault: the bytes are not JSON or not shaped like a notebook.

    """
    try:
        book = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Notebook)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotebookFault(f"not a Jupyter notebook: {error}") from error
    cells = book.cells if book.cells is not None else [c for sheet in book.worksheets for c in sheet.cells]
    read: list[NotebookCell] = []
    for number, cell in enumerate(cells, 1):
        source = cell.source if cell.source is not None else cell.input or ""
        joined = source if isinstance(source, str) else "".join(source)
        read.append(NotebookCell(number, cell.cell_type, joined.replace("\r\n", "\n").replace("\r", "\n")))
    return tuple(read)


def notebook_lines(data: bytes, artefact: str) -> tuple[SourceLine, ...]:
    """Lines of a notebook's Markdown, raw and code cells, in order; code lines carry `Block.CODE`."""
    return tuple(_cell_lines(data, artefact))


def _cell_lines(data: bytes, artefact: str) -> Iterator[SourceLine]:
    for number, kind, source in notebook_cells(data):
        if kind == "code":
            for at, raw in enumerate(source.split("\n"), 1):
                yield SourceLine(Place(artefact=artefact, line=at, cell=number), raw, Block.CODE)
        else:
            yield from markdown_lines(source, artefact, number)


class ImageCount(NamedTuple):
    """Images of a document; `formula_links` are addresses that hold LaTeX, which reads as text."""

    images: int
    formula_links: int


def count_images(lines: tuple[SourceLine, ...]) -> ImageCount:
    """Count the pictures that a document embeds, apart from images whose address is a formula."""
    images = links = 0
    for line in lines:
        if line.block in (Block.CODE, Block.FENCE) or (
            "![" not in line.text and "<img" not in line.text.lower()
        ):
            continue
        found = len(_IMAGE.findall(line.text))
        as_text = min(found, len(_MATH_IMAGE.findall(line.text)))
        images += found - as_text
        links += as_text
    return ImageCount(images, links)
