"""The student's own characters for a statement or its guilty part: whole groups, in readable text.

Normalisation drops braces and decodes addresses; what is quoted has both again.
"""

import html
import re
from urllib.parse import unquote

_CLOSERS = {"{": "}", "(": ")", "[": "]"}
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|&(?:space|plus);")


def quoted(raw: str, start: int, end: int) -> str:
    """`raw[start:end]`, with the brackets that it opens and the text closes right behind it."""
    return decoded(raw[start : _closed(raw, start, end)])


def _closed(raw: str, start: int, end: int) -> int:
    """The end after the closing brackets that belong to what stands between `start` and `end`."""
    opened: list[str] = []
    for char in raw[start:end]:
        if char in _CLOSERS:
            opened.append(_CLOSERS[char])
        elif opened and char == opened[-1]:
            opened.pop()
    while opened and raw[end : end + 1] == opened[-1]:
        opened.pop()
        end += 1
    return end


def decoded(text: str) -> str:
    """Text of an address as its reader sees it: `%20` and `&space;` are spaces."""
    if not _ENCODED.search(text):
        return text
    return html.unescape(unquote(text.replace("&space;", " ").replace("&plus;", "+")))
