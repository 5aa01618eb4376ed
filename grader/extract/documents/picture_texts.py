"""The texts around the pictures of a document: captions, table heads, the lines above, the heading.

A picture of a curve says nothing that can be recomputed, but its heading, its caption and its name say what
it shows.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from grader.core.evidence.documents import Block, Document, Picture, SourceLine

_LINK = re.compile(
    r"!\[[^\]\n]{0,500}\](?:\([^)\n]{0,4000}\)?|\[[^\]\n]{0,200}\])?|<img\b[^>\n]{0,4000}>?", re.IGNORECASE
)
NEAR = 3
"""Lines with text above a picture that may speak of it; a heading speaks of everything below it."""


class Around(NamedTuple):
    """A picture and the texts that may say what it shows, the nearest first."""

    picture: Picture
    texts: tuple[str, ...]


def pictures_with_texts(document: Document) -> Iterator[Around]:
    """Yield every picture of a document with the texts around it, in reading order."""
    waiting = list(document.pictures)
    heading = ""
    above: list[str] = []
    header: list[str] = []
    for line in document.lines if waiting else ():
        if line.block is Block.HEADING:
            heading, above, header = line.text, [], []
        here = [picture for picture in waiting if picture.place == line.place]
        cells = line.text.split("|") if line.block is Block.TABLE else [line.text]
        for picture in here:
            waiting.remove(picture)
            yield Around(picture, (picture.text, *_beside(picture, line, cells, header, above), heading))
        if line.block is not Block.TABLE:
            header = []
        elif not header and not here:
            header = cells
        rest = _LINK.sub("", line.text).strip(" |")
        if here and not rest:
            above = []  # what stood above spoke of this picture
        elif rest and line.block not in (Block.HEADING, Block.CODE, Block.FENCE):
            above.append(rest)
    for picture in waiting:
        yield Around(picture, (picture.text,))


def _beside(
    picture: Picture, line: SourceLine, cells: list[str], header: list[str], above: list[str]
) -> tuple[str, ...]:
    """The texts of a picture's own line, the head of its column and the first cell of its row, or the lines
    above.
    """
    own = next((at for at, cell in enumerate(cells) if picture.target and picture.target in cell), 0)
    texts = [_LINK.sub(" ", cells[own])]
    if line.block is Block.TABLE:
        column = header[own] if own < len(header) else ""
        row = next((cell for cell in cells if cell.strip()), "")
        texts += [column, _LINK.sub(" ", row)]
        if column.strip():
            return tuple(texts)
    return (*texts, *reversed(above[-NEAR:]))


def target_path(document: str, target: str) -> str:
    """Where in the submission a link leads, in lower case; empty for an address outside of it."""
    bare = unquote(target.partition("#")[0].partition("?")[0]).replace("\\", "/")
    if re.match(r"[a-z][a-z0-9+.-]*:", bare, re.IGNORECASE):
        return ""
    folder = "" if bare.startswith("/") else posixpath.dirname(document)
    path = posixpath.normpath(posixpath.join(folder, bare.lstrip("/")))
    return "" if path.startswith("..") else path.lower()
