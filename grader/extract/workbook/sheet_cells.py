"""The cells of one worksheet part, as a grid: by patterns where the part is plain, else by expat's events."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from grader.core.evidence.workbook import CellKind
from grader.extract.workbook.arrays import COMPUTED, Filled, google_array, google_formula
from grader.extract.workbook.computed_references import column_number
from grader.extract.workbook.forms import MAX_FORMULA, At, Book, FilledDown, relative_form
from grader.extract.workbook.grid import Forms, Grid
from grader.extract.workbook.plain_rows import Row, attributes_of, plain_rows, plain_text
from grader.extract.workbook.xml import parse, refusing

MAX_SPILL: Final = 5_000
"""Rows of an array formula that are filled in where the file leaves them out."""
_ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


class _Tag(NamedTuple):
    """What the tag of a formula says: its kind, the number that it shares, the cells that it fills."""

    kind: str
    shared: str
    area: str


def _tag(attributes: dict[str, str]) -> _Tag:
    kind = attributes.get("t", "")
    shared = attributes.get("si", "") if kind == "shared" else ""
    return _Tag(kind, shared, attributes.get("ref", "") if kind == "array" else "")


class SheetReader:
    """Reads one worksheet part into a grid."""

    def __init__(self, sheet: str, shared: list[str], book: Book, forms: Forms, grid: Grid) -> None:
        self.sheet, self.shared, self.book, self.forms, self.grid = sheet, shared, book, forms, grid
        self.filled = FilledDown(book)
        self.row = 0
        self.column = 0
        self.lost = 0
        """Cells whose text is not among the shared strings."""
        self._masters: dict[str, int] = {}
        self._arrays: list[Filled] = []
        """Array formulas that fill several cells."""
        self._seen: set[tuple[int, int]] = set()
        """Their cells that have been met."""
        self._kind = "n"
        self._value: list[str] = []
        self._formula: list[str] = []
        self._tag: _Tag | None = None
        self._into: list[str] | None = None

    def read(self, data: bytes, part: str) -> None:
        """Read the whole part. Raises `Unreadable` where it is damaged, from the row behind `row` on."""
        rows = plain_rows(data, part)
        if rows is None:
            parse(data, part, self._start, self._end, self._text)
        else:
            with refusing(part):
                self._plain(rows)
        self._finish()

    def _plain(self, rows: Sequence[Row]) -> None:
        """Do what the three handlers of expat's events do with each cell."""
        columns: dict[str, int] = {}
        tags: dict[str, _Tag] = {}
        for row in rows:
            self.row, self.column = int(row.number) if row.number else self.row + 1, 0
            for letters, digits, kind, begun, formula, value, text, _ in row.cells:
                column = columns.get(letters)
                if column is None:
                    column = columns[letters] = column_number(letters)
                self.row, self.column = int(digits), column
                raw = value + text if kind == "inlineStr" else value
                if begun:
                    tag = tags.get(begun)
                    if tag is None:
                        tag = tags[begun] = _tag(attributes_of(begun))
                    self._cell(kind, plain_text(raw), plain_text(formula), tag)
                elif raw or self._arrays:
                    self._cell(kind, plain_text(raw), "", None)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            match = _ADDRESS.fullmatch(attributes.get("r", ""))
            if match:
                self.column, self.row = column_number(match[1]), int(match[2])
            else:
                self.column += 1
            self._kind = attributes.get("t", "n")
            self._tag = None
            self._value, self._formula = [], []
        elif name == "v" or (name == "t" and self._kind == "inlineStr"):
            self._into = self._value
        elif name == "f":
            self._into = self._formula
            self._tag = _tag(attributes)
        elif name == "row":
            digits = attributes.get("r", "")
            self.row = int(digits) if digits.isdigit() else self.row + 1
            self.column = 0

    def _text(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)

    def _end(self, name: str) -> None:
        if name == "c":
            if self._value or self._tag is not None or self._arrays:
                self._cell(self._kind, "".join(self._value), "".join(self._formula), self._tag)
        elif name in ("v", "f", "t"):
            self._into = None

    def _finish(self) -> None:
        """Add the cells of array formulas that the file leaves out: nothing was calculated yet."""
        for array in self._arrays:
            for column in range(array.column, array.last_column + 1):
                for row in range(array.row, min(array.last_row, array.row + MAX_SPILL) + 1):
                    if array.last_row < array.row + MAX_SPILL and (row, column) not in self._seen:
                        self.row, self.column = row, column
                        self.grid.add(row, column, self._element(array), CellKind.MISSING, "")

    def _array(self) -> Filled | None:
        """The array formula that fills the cell at hand."""
        return next((a for a in reversed(self._arrays) if a.holds(self.row, self.column)), None)

    def _element(self, array: Filled) -> int:
        text = array.element(self.row, self.column)
        self._seen.add((self.row, self.column))
        if text is None:
            return self.forms.number("#ARRAY")
        return self.forms.number(relative_form(text, At(self.sheet, self.row, self.column), self.book))

    def _cell(self, kind: str, raw: str, formula: str, tag: _Tag | None) -> None:
        """Add the cell at hand, if there is anything in it."""
        form = -1 if tag is None else self._form(formula, tag)
        if form < 0 and self._arrays and (array := self._array()) is not None:
            form = self._element(array)
        if form < 0 and tag is None and not raw:
            return
        if kind == "s":
            index = int(raw) if raw.isdigit() else -1
            known = 0 <= index < len(self.shared)
            text = self.shared[index] if known else ""
            self.lost += not known
            self.grid.add(self.row, self.column, form, CellKind.TEXT, text)
        elif kind in ("str", "inlineStr", "d"):
            self.grid.add(self.row, self.column, form, CellKind.TEXT, raw)
        elif kind == "e":
            self.grid.add(self.row, self.column, form, CellKind.FAULT, raw)
        elif raw == "":
            self.grid.add(self.row, self.column, form, CellKind.MISSING, "")
        else:
            try:
                self.grid.add(self.row, self.column, form, CellKind.NUMBER, float(raw))
            except ValueError:
                self.grid.add(self.row, self.column, form, CellKind.TEXT, raw)

    def _spanned(self, formula: str, area: str) -> Filled | None:
        """The array formula at hand with the cells that the file says it fills."""
        corners = _ADDRESS.findall(area)
        if not corners:
            return None
        (c1, r1), (c2, r2) = corners[0], corners[-1]
        return Filled(formula, int(r1), column_number(c1), int(r2), column_number(c2))

    def _form(self, formula: str, tag: _Tag) -> int:
        if tag.shared and not formula:
            known = self._masters.get(tag.shared)
            return self.forms.number("#SHARED") if known is None else known
        if tag.kind == "dataTable" or len(formula) > MAX_FORMULA:
            return self.forms.number("#UNREADABLE")
        if not tag.kind:  # nine of ten; what stands above it is no array and none of Google's
            continued = self.filled.continued(formula, self.row, self.column)
            if continued is not None:
                return self.forms.number(continued)
        formula = google_formula(formula.lstrip("="))
        array = self._spanned(formula, tag.area) or google_array(formula, self.row, self.column)
        if array is not None:
            self._arrays.append(array)
            return self._element(array)
        if formula == COMPUTED:
            filled = self._array()
            return self.forms.number("#ARRAY") if filled is None else self._element(filled)
        form = self.forms.number(self.filled.form(formula, At(self.sheet, self.row, self.column)))
        if tag.shared:
            self._masters[tag.shared] = form
        return form
