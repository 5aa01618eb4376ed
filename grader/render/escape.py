"""Turn text that a student wrote into text that only a reader can act on.

Every page goes through jinja2's autoescaping; what stands here is the rest: characters that no reader sees
(bidirectional overrides, zero-width spaces, control characters) are written out, strings are fenced by
`<bdi>`, long texts lose their middle. `SafeHtml` is the only type that may enter a template unescaped; it is
made here, in `markdown` and in `pictures`, and nowhere else (tests/render/test_safety.py holds that).
"""

import re
import unicodedata
from collections.abc import Iterable
from html import escape as escape_markup
from typing import Final, NamedTuple, Protocol

from markupsafe import Markup

PROSE_LIMIT: Final = 1_500
"""Characters of one sentence that are shown; a student's cell output may have been quoted in it."""
CONTEXT_LIMIT: Final = 800
"""Characters of an excerpt that are shown before, in and after the marked part, each."""
MARKS_LIMIT: Final = 3
"""Combining marks on one letter that are drawn; more pile up over the neighbouring lines."""

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202e"
    "\u205f-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
"""Invisible or direction-changing characters; line feed and tab are layout and stay."""
_LOOKALIKE_SPACE: Final = re.compile("[\u00a0\u202f\u3000]")
"""Spaces that programs refuse and eyes accept: innocent in a sentence, guilty in an excerpt."""
_ADDRESS: Final = re.compile(r"(?i)\b(?:[a-z]{2,12}://|www\.)")
_PILE: Final = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4,})"
)
_ESCAPE_SEQUENCE: Final = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])"
)


class SafeHtml(Markup):
    """Markup that we built ourselves, or that a sanitiser let through."""

    __slots__ = ()


class Clipped(NamedTuple):
    """A text without its middle; `omitted` counts the characters left out."""

    head: str
    omitted: int
    tail: str


def clip(text: str, limit: int) -> Clipped:
    """Keep at most `limit` characters: two thirds from the start, the rest from the end."""
    if len(text) <= limit:
        return Clipped(text, 0, "")
    tail = limit // 3
    head = limit - tail
    return Clipped(text[:head], len(text) - head - tail, text[-tail:])


def codepoint(char: str) -> str:
    """`U+202E`."""
    return f"U+{ord(char):04X}"


def plain(text: str, limit: int = PROSE_LIMIT) -> str:
    """Return `text` for a terminal: escape sequences gone, hidden characters as `[U+202E]`, the middle cut
    out.
    """
    head, omitted, tail = clip(bare(text), limit)
    return f"{head} [… {omitted:,} characters …] {tail}" if omitted else head


def markdown_cell(text: str) -> str:
    """Return text as one cell of a Markdown table: on one line, and nothing in it is markup."""
    flat = " ".join(bare(text).split())
    literal = "".join(f"&#{ord(c)};" if c in "|<>&`*_[]()!#\\@" else c for c in flat)
    # GitHub makes links of bare addresses, too.
    return _ADDRESS.sub(lambda m: m[0].replace("/", "&#47;").replace(".", "&#46;"), literal)


def unlinked(text: str) -> str:
    """Return text for a format whose viewers make a link of `[words](address)` (SARIF 2.1.0, 3.11.6)."""
    return bare(text).replace("](", "] (")


def bare(text: str) -> str:
    """Return `text` whole, without escape sequences and with hidden characters as `[U+202E]`: for a title, an
    attribute, a cell.
    """
    if _is_plain(text):
        return text
    left = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return _HIDDEN.sub(lambda m: f"[{codepoint(m[0])}]", _unpile(left))


def prose(text: object, limit: int = PROSE_LIMIT) -> SafeHtml:
    """Return a sentence for a page, fenced by `<bdi>` so that its direction cannot reorder its
    surroundings.
    """
    return SafeHtml(f'<bdi dir="auto">{_clipped(str(text), limit, in_code=False)}</bdi>')


def code(text: object, limit: int = PROSE_LIMIT) -> SafeHtml:
    """Return a name, path or formula for a page: like `prose`, but look-alike spaces and tabs are shown
    too.
    """
    return SafeHtml(f'<bdi dir="auto">{_clipped(str(text), limit, in_code=True)}</bdi>')


class TableCell(Protocol):
    """A value of a table."""

    @property
    def text(self) -> str:
        """As it is written."""
        ...

    @property
    def number(self) -> bool:
        """Whether it is one, which stands on the right."""
        ...


def table_cells(cells: Iterable[TableCell]) -> SafeHtml:
    """Return values as cells of one row of a table, each like `code`: a template takes five times as long for
    the three hundred of a workbook.
    """
    return SafeHtml(
        "".join(
            f'<td{_RIGHT if cell.number else ""}><bdi dir="auto">'
            f"{_clipped(cell.text, PROSE_LIMIT, in_code=True)}</bdi></td>"
            for cell in cells
        )
    )


_RIGHT: Final = ' class="num"'


def excerpt(text: str, marked: str = "") -> SafeHtml:
    """Return the inside of a `<pre>`: the text with its guilty part in `<mark>`, hidden characters written
    out.

    A `marked` that does not occur in the text marks nothing. Far context is cut away, with its size in
    characters.
    """
    lines = text.replace("\r\n", "\n").strip("\n")
    guilty = marked.replace("\r\n", "\n").strip("\n")
    at = lines.find(guilty) if guilty else -1
    if at < 0:
        return SafeHtml(_clipped(lines, 3 * CONTEXT_LIMIT, in_code=True))
    before, after = lines[:at], lines[at + len(guilty) :]
    skipped_before = max(0, len(before) - CONTEXT_LIMIT)
    skipped_after = max(0, len(after) - CONTEXT_LIMIT)
    return SafeHtml(
        (omission(skipped_before) if skipped_before else "")
        + visible(before[skipped_before:], in_code=True)
        + f"<mark>{_clipped(guilty, CONTEXT_LIMIT, in_code=True)}</mark>"
        + visible(after[: len(after) - skipped_after], in_code=True)
        + (omission(skipped_after) if skipped_after else "")
    )


def _clipped(text: str, limit: int, *, in_code: bool) -> str:
    head, omitted, tail = clip(text, limit)
    if not omitted:
        return visible(head, in_code=in_code)
    return visible(head, in_code=in_code) + omission(omitted) + visible(tail, in_code=in_code)


def omission(count: int) -> str:
    """Return the markup that stands for characters left out."""
    return f'<span class="cut"> … {count:,} characters left out … </span>'


def visible(text: str, *, in_code: bool) -> str:
    """Return escaped text with its hidden characters written out."""
    if _is_plain(text):
        return escape_markup(text)
    markup = escape_markup(_unpile(text))
    if _HIDDEN.search(markup):
        markup = _HIDDEN.sub(_badge, markup)
    if in_code:
        markup = _LOOKALIKE_SPACE.sub(_badge, markup).replace(
            "\t", '<span class="hid" title="tab">→</span>\t'
        )
    return markup


def _is_plain(text: str) -> bool:
    """Whether a text has printable ASCII characters alone: nothing hidden, piled up or alike. Most do, and a
    page asks of thousands.
    """
    return text.isascii() and text.isprintable()


def weight(text: str, limit: int) -> int:
    """Return the bytes that `visible` makes of a text of which `limit` characters are shown: an invisible one
    takes sixty.
    """
    head, _, tail = clip(text, limit)
    return len(visible(head + tail, in_code=True).encode("utf-8", "replace"))


def _badge(match: re.Match[str]) -> str:
    name = unicodedata.name(match[0], "control character").lower()
    return f'<span class="hid" title="{name}">{codepoint(match[0])}</span>'


def _unpile(text: str) -> str:
    return _PILE.sub(lambda m: f"{m[1][:MARKS_LIMIT]}[+{len(m[1]) - MARKS_LIMIT} marks]", text)
