"""A README as we decoded it, with the numbers of its lines, and what was found in its margin."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from grader.extract.documents.text import decode
from grader.render.escape import SafeHtml, weight
from grader.render.files import words
from grader.render.files.gutter import numbered, pieces, written
from grader.render.files.margin import SHOWN, Counts, Margin, Tick, counts_of, tick_of
from grader.render.files.notes import Annotations, FileNote, Reading
from grader.render.html import render_page

LINES: Final = 4_000
LINE: Final = 3_000
"""Characters of one line that are shown."""
BYTES_ON_PAGE: Final = 210_000
"""Of lines as they are written there; a hostile README of 48 MB made a page of 900 MB."""
SPAN: Final = 40
"""Bytes around each line."""
TICK: Final = 120
"""Bytes of the mark of a formula."""
REPAIRS: Final = 200
"""Spellings whose repair is named."""


class TextView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    artefact: str
    encoding: str
    lines: tuple[str, ...]
    left_out: int = 0
    """Lines that are not shown."""
    repairs: tuple[str, ...] = ()
    ticks: dict[int, Tick] = {}
    """By the number of the line, from 1."""
    notes: dict[int, tuple[FileNote, ...]] = {}
    """By the line that they stand below; those of line 0 are about the file."""
    counts: Counts = Counts()

    @property
    def ordered(self) -> tuple[FileNote, ...]:
        """The notes from top to bottom."""
        return tuple(note for line in sorted(self.notes) for note in self.notes[line])


def view(data: bytes, artefact: str, told: Annotations | None = None) -> TextView:
    """Return what the page of a text file says; any bytes give a view."""
    told = told or Annotations()
    decoded = decode(data, limit=LINES * LINE // 8)
    lines = decoded.text.split("\n")
    notes = _by_line(told.notes, len(lines))
    read: dict[int, list[Reading]] = {}
    for reading in told.readings:
        read.setdefault(reading.place.line or 0, []).append(reading)
    shown: list[str] = []
    ticks: dict[int, Tick] = {}
    room = BYTES_ON_PAGE
    for number, line in enumerate(lines[:LINES], start=1):
        tick = tick_of(read[number], noted=number in notes) if number in read else None
        room -= weight(line[:LINE], LINE) + SPAN
        room -= TICK + weight(tick.told, LINE) if tick else 0
        if room < 0:
            break
        shown.append(line)
        if tick:
            ticks[number] = tick
    placed = _within(notes, len(shown))
    return TextView(
        artefact=artefact,
        encoding=decoded.encoding,
        lines=tuple(shown),
        left_out=len(lines) - len(shown) + decoded.rest,
        repairs=tuple(str(repair) for repair in decoded.repairs[:REPAIRS]),
        ticks=ticks,
        notes=placed,
        counts=counts_of(told.readings, [note for line in sorted(placed) for note in placed[line]]),
    )


def _by_line(notes: Sequence[FileNote], lines: int) -> dict[int, tuple[FileNote, ...]]:
    found: dict[int, tuple[FileNote, ...]] = {}
    for note in notes:
        line = note.place.line or 0
        line = line if line <= lines else 0
        found[line] = (*found.get(line, ()), note)
    return found


def _within(notes: Mapping[int, tuple[FileNote, ...]], shown: int) -> dict[int, tuple[FileNote, ...]]:
    """Move notes about lines that are not shown to those about the file."""
    above = tuple(note for line in sorted(notes) if not 0 < line <= shown for note in notes[line])
    return ({0: above} if above else {}) | {line: notes[line] for line in sorted(notes) if 0 < line <= shown}


def render(shown: TextView, *, submission: str, key: str = "") -> str:
    """Return the page as HTML; `key` goes into the head, for who keeps pages by content."""
    return render_page(
        "text.html.j2",
        script="steps.js" if shown.counts.several else "",
        view=shown,
        submission=submission,
        key=key,
        pieces=tuple(pieces(_lines(shown), shown.notes)),
        margin=Margin(shown.ordered),
        readings=SHOWN,
        labels=words.NOTE_KINDS,
    )


def _lines(shown: TextView) -> list[SafeHtml]:
    drawn = []
    for number, text in enumerate(shown.lines, start=1):
        notes = shown.notes.get(number, ())
        line = written(text, notes, LINE)
        drawn.append(numbered(line, f"line-{number}", shown.ticks.get(number), notes))
    return drawn
