"""Lines of a student's text as markup, each with its number, the mark of a formula and its guilty part."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from grader.render.escape import SafeHtml, clip, excerpt, omission, visible
from grader.render.files.margin import SHOWN, Tick
from grader.render.files.notes import FileNote

MARKED: Final = 1_500
"""Characters of a line in which the guilty part is marked."""
PART: Final = 0.6
"""Share of a line up to which its guilty part is marked: more is the line itself."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Lines between two notes, drawn, and the notes that follow them."""

    lines: tuple[SafeHtml, ...]
    notes: tuple[FileNote, ...] = ()


def written(text: str, notes: Sequence[FileNote], limit: int) -> SafeHtml:
    """Return a line of at most `limit` characters, with the guilty part that a note names marked."""
    guilty = next((n.finding.marked for n in notes if n.finding.marked and n.finding.marked in text), "")
    if guilty and len(text) <= MARKED and len(guilty) < PART * len(text):
        return excerpt(text, guilty)
    return SafeHtml(visible(text[:limit], in_code=True) + (" …" if len(text) > limit else ""))


def numbered(line: SafeHtml, anchor: str, tick: Tick | None, notes: Sequence[FileNote]) -> SafeHtml:
    """Return a line of a listing, which a style sheet numbers."""
    kind = f" g-{notes[0].kind.value}" if notes else ""
    mark = why = ""
    if tick:
        how = SHOWN[tick.standing]
        mark = (
            f'<span class="tick v-{how.colour}"><span aria-hidden="true">{how.symbol}</span>'
            f'<span class="sr"> {how.word}: </span></span>'
        )
        why = f'<span class="why">{visible(tick.told, in_code=False)}</span>' if tick.told else ""
    return SafeHtml(f'<span class="l{kind}" id="{anchor}">{mark}{line}\n{why}</span>')


def pieces(lines: Sequence[SafeHtml], notes: Mapping[int, tuple[FileNote, ...]]) -> Iterator[Piece]:
    """Part numbered lines where notes stand below one; `notes` go by the line's number from 1."""
    start = 0
    for number in sorted(n for n in notes if 0 < n <= len(lines)):
        yield Piece(lines=tuple(lines[start:number]), notes=notes[number])
        start = number
    if start < len(lines):
        yield Piece(lines=tuple(lines[start:]))


def shown_output(text: str, marked: str, limit: int) -> SafeHtml:
    """Return a saved output without its middle; the line that a note speaks of is marked where it stands."""
    head, omitted, tail = clip(text, limit)
    rest = (omission(omitted) + _with_mark(tail, marked)) if omitted else ""
    return SafeHtml(f'<bdi dir="auto">{_with_mark(head, marked)}{rest}</bdi>')


def _with_mark(text: str, marked: str) -> str:
    before, found, after = text.partition(marked) if marked else (text, "", "")
    mark = f"<mark>{visible(found, in_code=False)}</mark>" if found else ""
    return visible(before, in_code=False) + mark + visible(after, in_code=False)
