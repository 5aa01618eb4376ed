"""What the page of a workbook shows: of each sheet the rows and columns that matter, and what was found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from grader.core.evidence.workbook import Book, Sheet, Table
from grader.core.facts.replay import BookFacts, State
from grader.core.place import letters
from grader.execute.replay.notation import display
from grader.render.escape import weight
from grader.render.files.margin import SHOWN, Counts, counts_of
from grader.render.files.notes import Annotations, FileNote, NoteKind, Reading
from grader.render.files.sheet.cells import SheetCells
from grader.render.files.sheet.window import GAP, areas, window

SHEETS: Final = 6
"""Sheets of a book that are drawn: those with a table of a training, a formula or a finding."""
READ: Final = 120
"""Columns of one sheet that are listed; a table of the assignment has 31."""
TEXT: Final = 48
"""Characters of one cell."""
ROOM: Final = 120_000
"""Bytes of all cells of a page."""
CELL: Final = 70
"""Bytes around each cell."""
_STANDING: Final = {
    State.RIGHT: "right",
    State.WRONG: "wrong",
    State.VALUES: "values",
    State.UNRESOLVED: "unsure",
}


class GridCell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One cell as it is drawn; `ref` is its address, empty in a column that stands for several."""

    ref: str = ""
    text: str = ""
    number: bool = False
    kind: str = ""
    """Of the most severe finding that it is part of; empty for none."""
    notes: tuple[int, ...] = ()
    """The findings that begin here, by their numbers on the page."""
    standing: str = ""
    """Of a header: what its column is; of a text: what the formula in it is."""


class GridRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row; without a number one that stands for those that are left out, which `gap` tells."""

    number: int = 0
    cells: tuple[GridCell, ...] = ()
    gap: str = ""

    @property
    def plain(self) -> bool:
        """Whether it has values alone, and no cell of which anything is told."""
        return not any(cell.kind or cell.notes or cell.standing for cell in self.cells)


class ColumnRead(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table as we read it: its letter, header and quantity, what it is, and its formula."""

    letter: str
    header: str
    quantity: str
    standing: str
    formula: str
    reason: str = ""


class ShownSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet: letters of the columns that are drawn (`C–P` for those that are left out), rows, all columns
    that were read, and the findings below it.
    """

    name: str
    number: int
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    read: tuple[ColumnRead, ...] = ()
    notes: tuple[FileNote, ...] = ()

    folded: bool = False
    """Whether it is one more sheet without a finding: five of six learning rates are."""

    @property
    def standings(self) -> tuple[tuple[str, int], ...]:
        """How many columns are what."""
        found = Counter(column.standing for column in self.read)
        return tuple((word, found[word]) for word in SHOWN if found[word])

    @property
    def gaps(self) -> bool:
        """Whether columns are left out."""
        return any("–" in letter for letter in self.columns)


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template says, before any markup."""

    artefact: str
    sheets: tuple[ShownSheet, ...]
    others: int = 0
    """Sheets that are not drawn."""
    about: tuple[FileNote, ...] = ()
    """What is told of the workbook as a whole, or of what is not drawn."""
    stored: dict[str, tuple[str, str, str]] = {}
    """By the anchor of a note: the first cell that it is about, its formula and its stored value."""
    counts: Counts = Counts()

    @property
    def ordered(self) -> tuple[FileNote, ...]:
        """The notes from top to bottom."""
        return (*self.about, *(note for sheet in self.sheets for note in sheet.notes))


def view(book: Book, facts: BookFacts | None, told: Annotations) -> BookView:
    """Return what the page of a workbook says."""
    names = {sheet.name: number for number, sheet in reversed(list(enumerate(book.sheets)))}
    chosen = _worth_drawing(book, told, names)
    about = tuple(note for note in told.notes if names.get(note.place.sheet or "") not in chosen)
    room = _Room()
    sheets: list[ShownSheet] = []
    stored: dict[str, tuple[str, str, str]] = {}
    before = len(about)
    for number in chosen:
        notes = tuple(note for note in told.notes if names.get(note.place.sheet or "") == number)
        drawing = _Drawing(book, number, notes, told.readings)
        drawn = drawing.shown(before, tuple(_columns(book, number, facts)), room)
        sheets.append(replace(drawn, folded=bool(sheets) and not notes))
        stored |= {note.id: held for note in notes if (held := drawing.held(note))}
        before += len(notes)
    return BookView(
        artefact=book.artefact,
        sheets=tuple(sheets),
        others=len(book.sheets) - len(sheets),
        about=about,
        stored=stored,
        counts=counts_of(
            told.readings,
            [*about, *(note for sheet in sheets for note in sheet.notes)],
            [column.standing for sheet in sheets for column in sheet.read],
        ),
    )


def _worth_drawing(book: Book, told: Annotations, names: dict[str, int]) -> tuple[int, ...]:
    """Sheets with findings first, in the order of the book; then those with a table or a formula."""
    noted = {names[n.place.sheet] for n in told.notes if n.place.sheet in names}
    formulas = {names[r.place.sheet] for r in told.readings if r.place.sheet in names}
    rest = {table.sheet for table in book.tables} | formulas
    found = [*sorted(noted), *sorted(rest - noted)][:SHEETS]
    return tuple(sorted(found))


class _Room:
    def __init__(self) -> None:
        self.left = ROOM


class _Drawing:
    """One sheet with its notes."""

    def __init__(
        self, book: Book, number: int, notes: Sequence[FileNote], readings: Sequence[Reading]
    ) -> None:
        self._sheet: Sheet = book.sheets[number]
        self._number = number
        self._tables: list[Table] = [table for table in book.tables if table.sheet == number]
        self._notes = notes
        self._areas = [(place, note) for note in notes for place in areas(note.place.ref)]
        self._formulas = {
            (where.row, where.column): reading.standing
            for reading in readings
            if reading.place.sheet == self._sheet.name
            for where in areas(reading.place.ref)
        }
        self._cells = SheetCells(self._sheet, book.forms)

    def shown(self, before: int, read: tuple[ColumnRead, ...], room: _Room) -> ShownSheet:
        """Return the sheet as it is drawn; `before` is how many notes stand above its own."""
        piece = window(self._tables, [where for where, _ in self._areas], list(self._formulas))
        heads = {
            (table.header_row, column.column): standing
            for table in self._tables
            for column in table.columns
            if (standing := _standing_of(read, letters(column.column)))
        }
        numbers = {note.id: before + n for n, note in enumerate(self._notes, start=1)}
        rows = []
        for row in piece.rows:
            if isinstance(row, str):
                rows.append(GridRow(gap=row))
                continue
            cells = tuple(self._cell(row, column, heads, numbers, room) for column in piece.columns)
            rows.append(GridRow(number=row, cells=cells))
        return ShownSheet(
            name=self._sheet.name,
            number=self._number,
            columns=tuple(c if isinstance(c, str) else letters(c) for c in piece.columns),
            rows=tuple(rows),
            read=read,
            notes=tuple(self._notes),
        )

    def held(self, note: FileNote) -> tuple[str, str, str] | None:
        """Return the first cell that a note is about, its formula and its stored value."""
        where = next(iter(areas(note.place.ref)), None)
        if where is None:
            return None
        value, _ = self._cells.value(where.row, where.column)
        formula = self._cells.formula(where.row, where.column)
        return (f"{letters(where.column)}{where.row}", formula, value) if value or formula else None

    def _cell(
        self,
        row: int,
        column: int | str,
        heads: dict[tuple[int, int], str],
        numbers: dict[str, int],
        room: _Room,
    ) -> GridCell:
        if isinstance(column, str):
            return GridCell(text=GAP)
        text, number = self._cells.value(row, column)
        text = text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"
        room.left -= CELL + weight(text, TEXT)
        here = [(where, note) for where, note in self._areas if where.holds(row, column)]
        kinds = {note.kind for _, note in here}
        begun = [numbers[note.id] for where, note in here if (where.row, where.column) == (row, column)]
        return GridCell(
            ref=f"{letters(column)}{row}",
            text=text if room.left > 0 else GAP if text else "",
            number=number,
            kind=next((kind.value for kind in NoteKind if kind in kinds), "") if kinds else "",
            notes=tuple(begun),
            standing=self._formulas.get((row, column), heads.get((row, column), "")),
        )


def _columns(book: Book, number: int, facts: BookFacts | None) -> Iterator[ColumnRead]:
    """What became of the columns of the tables on a sheet."""
    sheet = book.sheets[number]
    cells = SheetCells(sheet, book.forms)
    told = 0
    for table in facts.tables if facts is not None else ():
        if table.sheet != sheet.name:
            continue
        heads = next((t for t in book.tables if (t.sheet, t.header_row) == (number, table.header_row)), None)
        texts = {letters(c.column): (c.header, c.column) for c in heads.columns} if heads else {}
        for one in table.quantities:
            if not one.column or one.state not in _STANDING or told >= READ:
                continue
            told += 1
            header, column = texts.get(one.column, ("", 0))
            yield ColumnRead(
                letter=one.column,
                header=header,
                quantity=display(one.quantity),
                standing=_STANDING[one.state],
                formula=cells.first_formula(column, table.header_row) if column else "",
                reason=one.reason,
            )


def _standing_of(read: Sequence[ColumnRead], letter: str) -> str:
    return next((column.standing for column in read if column.letter == letter), "")
