"""The guilty cells of a worksheet, drawn in a small piece of the grid around them."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from grader.core.place import letters
from grader.render.escape import SafeHtml
from grader.render.pictures import svg
from grader.render.pictures.picture import DataTable, Picture

_CELL_WIDTH: Final = 84.0
_CELL_HEIGHT: Final = 24.0
_HEAD: Final = 34.0
_COLUMNS: Final = 4
_ROWS: Final = 6
_AREA: Final = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell (`K7`) or range (`K7:K99`), what it shows, and whether it is guilty; `note` says why."""

    ref: str
    shown: str
    guilty: bool = False
    note: str = ""


class Area(NamedTuple):
    """A rectangle of cells, both ends included, from 1."""

    row: int
    column: int
    last_row: int
    last_column: int

    def holds(self, row: int, column: int) -> bool:
        """Whether a cell lies inside."""
        return self.row <= row <= self.last_row and self.column <= column <= self.last_column


def window(first: Area) -> Area:
    """Return the piece of the sheet that is drawn around a guilty area: one row and one column before it, six
    rows of four.
    """
    top, left = max(1, first.row - 1), max(1, first.column - 1)
    return Area(top, left, top + _ROWS - 1, left + _COLUMNS - 1)


@lru_cache(maxsize=256)
def cell_grid(cells: tuple[Cell, ...], *, sheet: str) -> Picture | None:
    """Return a piece of the sheet around the first guilty cell, six rows of four; None without a guilty cell
    with an address.
    """
    placed = [(where, cell) for cell in cells if (where := area(cell.ref))]
    guilty = sorted(where for where, cell in placed if cell.guilty)
    if not guilty:
        return None
    piece = window(guilty[0])
    shown = {(where.row, where.column): cell.shown for where, cell in placed}
    columns, rows = range(piece.column, piece.last_column + 1), range(piece.row, piece.last_row + 1)
    parts = [
        svg.text(letters(c), _HEAD + (i + 0.5) * _CELL_WIDTH, 15, text_anchor="middle", class_="tick")
        for i, c in enumerate(columns)
    ]
    marks: list[SafeHtml] = []  # drawn last: the border of a guilty cell lies over its neighbours
    for j, row in enumerate(rows):
        y = (j + 1) * _CELL_HEIGHT
        parts.append(svg.text(str(row), _HEAD - 6, y + 16, text_anchor="end", class_="tick"))
        for i, column in enumerate(columns):
            x = _HEAD + i * _CELL_WIDTH
            wrong = any(where.holds(row, column) for where in guilty)
            box = svg.element(
                "rect",
                x=x,
                y=y,
                width=_CELL_WIDTH,
                height=_CELL_HEIGHT,
                class_="cell-guilty" if wrong else "cell",
            )
            (marks if wrong else parts).append(box)
            if content := shown.get((row, column), ""):
                marks.append(svg.text(_cut(content), x + 4, y + 16))
    outside = sum(1 for where in guilty if not piece.holds(where.row, where.column))
    more = (
        ""
        if not outside
        else " One more lies outside this piece."
        if outside == 1
        else f" {outside} more lie outside this piece."
    )
    title = f"Cells to look at in {sheet}"
    sentence = f"A piece of {sheet} around the first of them; the cells with a thick border are wrong.{more}"
    height = (_ROWS + 1) * _CELL_HEIGHT + 2
    return Picture(
        title=title,
        description=sentence,
        drawing=svg.drawing(title, sentence, height, [*parts, *marks]),
        table=DataTable(
            caption=f"Wrong cells of {sheet}",
            columns=("Cell", "Content", "Why"),
            rows=tuple((cell.ref, cell.shown, cell.note) for cell in cells if cell.guilty),
        ),
    )


def area(ref: str) -> Area | None:
    """Return the cells of `K7`, `$K$7` or `K7:L9`; None for anything else."""
    found = _AREA.fullmatch(ref.strip().upper())
    if found is None:
        return None
    row, column = int(found[2]), _column(found[1])
    if found[3] is None:
        return Area(row, column, row, column)
    last_row, last_column = int(found[4]), _column(found[3])
    return Area(min(row, last_row), min(column, last_column), max(row, last_row), max(column, last_column))


def _cut(content: str) -> str:
    room = int((_CELL_WIDTH - 8) / svg.INK)
    return content if len(content) <= room else f"{content[: room - 1]}…"


def _column(name: str) -> int:
    column = 0
    for char in name:
        column = 26 * column + ord(char) - ord("A") + 1
    return column
