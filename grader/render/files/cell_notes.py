"""Where the notes of a notebook's cell stand: below a line of its source, below an output, or at its end."""

from collections.abc import Mapping, Sequence

import msgspec

from grader.core.evidence.notebook import CellKind, NotebookCell
from grader.render.files.margin import Tick, tick_of
from grader.render.files.notes import FileNote, Reading

Notes = tuple[FileNote, ...]


class CellNotes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The notes of one cell, and the marks of its formulas."""

    source: dict[int, Notes] = {}
    """By the line of the source that they stand below."""
    outputs: dict[int, Notes] = {}
    """By the number of the output, from 0."""
    end: Notes = ()
    ticks: dict[int, Tick] = {}
    """By the line of the source."""

    @property
    def ordered(self) -> Notes:
        """The notes from top to bottom."""
        parts = [self.source[line] for line in sorted(self.source)]
        parts += [self.outputs[number] for number in sorted(self.outputs)]
        return tuple(note for part in (*parts, self.end) for note in part)


def cell_notes(
    cell: NotebookCell,
    outputs: Sequence[str],
    notes: Sequence[FileNote],
    readings: Sequence[Reading],
    *,
    shown: bool,
) -> CellNotes:
    """Place the notes of a cell; `outputs` are the texts that the page shows, empty for pictures, and `shown`
    says whether the source stands on the page line by line.

    The line of a place counts in the source or in the outputs, whichever the finding speaks of: its excerpt
    tells.
    """
    lines = cell.source.split("\n")
    source: dict[int, Notes] = {}
    below: dict[int, Notes] = {}
    end: Notes = ()
    for note in notes:
        line = _source_line(lines, note) if shown and cell.kind is not CellKind.MARKDOWN else 0
        number = _output(outputs, note) if line == 0 else -1
        if line:
            source[line] = (*source.get(line, ()), note)
        elif number >= 0:
            below[number] = (*below.get(number, ()), note)
        else:
            end = (*end, note)
    read: dict[int, list[Reading]] = {}
    for reading in readings:
        read.setdefault(reading.place.line or 1, []).append(reading)
    noted = {note.place.line for note in notes}
    ticks = {line: tick_of(read[line], noted=line in noted) for line in sorted(read)}
    return CellNotes(source=source, outputs=below, end=end, ticks=ticks)


def guilty_line(note: FileNote) -> str:
    """The line that a note is about, as the finding quotes it."""
    return note.finding.excerpt.strip().partition("\n")[0].strip()


def _source_line(lines: Sequence[str], note: FileNote) -> int:
    line = note.place.line or 0
    if not 0 < line <= len(lines):
        return 0
    quoted = guilty_line(note)
    return line if not quoted or quoted in lines[line - 1] else 0


def _output(outputs: Sequence[str], note: FileNote) -> int:
    quoted = guilty_line(note)
    return next((n for n, text in enumerate(outputs) if quoted and quoted in text), -1)


def by_cell(notes: Sequence[FileNote]) -> Mapping[int, Notes]:
    """Notes by the number of their cell; those of no cell by 0."""
    found: dict[int, Notes] = {}
    for note in notes:
        number = note.place.cell or 0
        found[number] = (*found.get(number, ()), note)
    return found
