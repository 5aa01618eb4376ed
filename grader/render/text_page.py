"""A README as we decoded it, with the numbers of its lines: where findings point."""

from typing import Final

import msgspec

from grader.extract.documents.text import decode
from grader.render.escape import SafeHtml, visible, weight
from grader.render.html import render_page

LINES: Final = 4_000
LINE: Final = 4_000
"""Characters of one line that are shown."""
BYTES_ON_PAGE: Final = 300_000
"""Of lines as they are written there; a hostile README of 48 MB made a page of 900 MB."""
SPAN: Final = 40
"""Bytes around each line."""
REPAIRS: Final = 200
"""Spellings whose repair is named."""


class TextView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    artefact: str
    encoding: str
    lines: tuple[str, ...]
    left_out: int = 0
    """Lines that are not shown."""
    repairs: tuple[str, ...] = ()


def view(data: bytes, artefact: str) -> TextView:
    """Return what the page of a text file says; any bytes give a view."""
    decoded = decode(data, limit=LINES * LINE // 8)
    lines = decoded.text.split("\n")
    shown: list[str] = []
    room = BYTES_ON_PAGE
    for line in lines[:LINES]:
        room -= weight(line[:LINE], LINE) + SPAN
        if room < 0:
            break
        shown.append(line)
    return TextView(
        artefact=artefact,
        encoding=decoded.encoding,
        lines=tuple(shown),
        left_out=len(lines) - len(shown) + decoded.rest,
        repairs=tuple(str(repair) for repair in decoded.repairs[:REPAIRS]),
    )


def render(shown: TextView, *, submission: str, key: str = "") -> str:
    """Return the page as HTML; `key` goes into the head, for who keeps pages by content."""
    return render_page("text.html.j2", view=shown, submission=submission, key=key, line=_line)


def _line(text: str) -> SafeHtml:
    return SafeHtml(visible(text[:LINE], in_code=True) + (" …" if len(text) > LINE else ""))
