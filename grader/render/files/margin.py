"""The margin of a file: what is told of it, each once, in order, and never more than a page can hold."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec
from markupsafe import Markup

from grader.render.difference import difference
from grader.render.files import words
from grader.render.files.notes import FileNote, NoteKind, Reading, spot_of, worst_standing
from grader.render.html import environment
from grader.render.pictures.formulas import STANDINGS, Standing
from grader.render.summary import says_the_slip_again

ROOM: Final = 90_000
"""Bytes of the notes on one page; two formulas typeset take five thousand."""
BRIEF_ROOM: Final = 40_000
"""Bytes of those that come after, by their titles alone."""

SHOWN: Final = STANDINGS | {
    "values": Standing("skipped", "○", "typed numbers, which agree"),
    "unread": Standing("unknown", "?", "not read"),
}
"""What stands in the margin of a formula, or over a column of a workbook."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds: formulas by what they are, findings by what they ask."""

    formulas: tuple[tuple[str, int], ...] = ()
    columns: tuple[tuple[str, int], ...] = ()
    """Of a workbook."""
    findings: tuple[tuple[str, int], ...] = ()
    first: str = ""
    """The first note of the page."""
    several: bool = False
    """Whether there is more than one to step through."""


def counts_of(
    readings: Sequence[Reading], ordered: Sequence[FileNote], columns: Sequence[str] = ()
) -> Counts:
    """Return what is counted on top of a page; `ordered` are its notes from top to bottom, `columns` what the
    columns of a workbook are.
    """
    standings = [reading.standing for reading in readings]
    kinds = [note.kind for note in ordered]
    return Counts(
        formulas=tuple((word, n) for word in SHOWN if (n := standings.count(word))),
        columns=tuple((word, n) for word in SHOWN if (n := columns.count(word))),
        findings=tuple((kind.value, n) for kind in NoteKind if (n := kinds.count(kind))),
        first=ordered[0].id if ordered else "",
        several=len(ordered) > 1,
    )


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """What one line shows of the formulas in it."""

    standing: str
    told: str = ""
    """Why it is not right, where no note says it."""


def tick_of(readings: Sequence[Reading], *, noted: bool) -> Tick:
    """Return the mark of a line with these formulas; what a note says there is not said again."""
    worst = worst_standing(readings)
    told = next((r.told for r in readings if r.standing == worst and r.told), "")
    return Tick(standing=worst, told="" if noted else told)


Stored = tuple[str, str, str]
"""A cell, its formula and its stored value."""


class Margin:
    """Draws the notes of one page. Called once for each, in the order of the page."""

    def __init__(
        self,
        ordered: Iterable[FileNote],
        *,
        level: int = 2,
        cells: Mapping[str, str] | None = None,
        stored: Mapping[str, Stored] | None = None,
    ) -> None:
        """`cells` are the anchors of cells by the note that begins there, `stored` what those cells hold: of
        a workbook, whose notes are numbered.
        """
        ids = [note.id for note in ordered]
        self._numbers = {} if cells is None else {name: n for n, name in enumerate(ids, start=1)}
        self._cells = cells or {}
        self._stored = stored or {}
        self._after = dict(pairwise(ids))
        self._before = {after: before for before, after in pairwise(ids)}
        self._level = level
        self._room = ROOM
        self._brief = BRIEF_ROOM

    def __call__(self, note: FileNote, *, adrift: bool = False, quoted: bool = False) -> Markup:
        """Return a note as markup; `adrift` where the place that it is about does not stand right above it,
        `quoted` where its line cannot be seen there.

        A page that is full of notes names the rest by their titles, and at last keeps their anchors only.
        """
        drawn = self._drawn(note, whole=True, adrift=adrift, quoted=quoted)
        if (size := len(drawn.encode("utf-8", "replace"))) <= self._room:
            self._room -= size
            return drawn
        drawn = self._drawn(note, whole=False, adrift=adrift, quoted=False)
        if (size := len(drawn.encode("utf-8", "replace"))) <= self._brief:
            self._brief -= size
            return drawn
        return _macro("anchor", item=note)

    def _drawn(self, note: FileNote, *, whole: bool, adrift: bool, quoted: bool) -> Markup:
        pair = difference(note.finding) if whole else None
        return _macro(
            "note",
            item=note,
            label=words.NOTE_KINDS[note.kind.value],
            before=self._before.get(note.id, ""),
            after=self._after.get(note.id, ""),
            level=self._level,
            whole=whole,
            adrift=adrift,
            quoted=quoted and bool(note.finding.excerpt) and not pair,
            pair=pair,
            spot=spot_of(note.place),
            number=self._numbers.get(note.id, 0),
            cell=self._cells.get(note.id, ""),
            stored=self._stored.get(note.id),
            hint=bool(note.finding.hint) and not (pair and says_the_slip_again(note.finding)),
        )


def _macro(name: str, **values: object) -> Markup:
    drawn = getattr(environment().get_template("notes.html.j2").module, name)(**values)
    assert isinstance(drawn, Markup)
    return drawn
