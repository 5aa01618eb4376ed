"""The guilty cells of a worksheet, drawn in a small piece of the grid around them."""

import re
from functools import lru_cache
from typing import Final

import msgspec

from grader.render.pictures import svg
from grader.render.pictures.picture import DataTable, Picture

_CELL_WIDTH: Final = 92.0
_CELL_HEIGHT: Final = 24.0
_HEAD: Final = 38.0
_COLUMNS: Final = 6
_ROWS: Final = 6
_REF: Final = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: its address (`K7`), what it shows, and whether it is a guilty one; `note` says why."""

    ref: str
    shown: str
    guilty: bool = False
    note: str = ""


@lru_cache(maxsize=256)
def cell_grid(cells: tuple[Cell, ...], *, sheet: str) -> Picture | None:
    """Return a piece of the sheet from the first guilty cell on, at most six by six; None without a guilty cell with an address."""
    placed = {where: cell for cell in cells if (where := position(cell.ref))}
    guilty = sorted((row, column) for (row, column), cell in placed.items() if cell.guilty)
    if not guilty:
        return None
    top = max(1, guilty[0][0] - 1)
    left = max(1, min(column for row, column in guilty if row < top + _ROWS) - 1)
    columns, rows = range(left, left + _COLUMNS), range(top, top + _ROWS)
    parts = [
        svg.text(letters(c), _HEAD + (i + 0.5) * _CELL_WIDTH, 15, text_anchor="middle", class_="tick")
        for i, c in enumerate(columns)
    ]
    for j, row in enumerate(rows):
        y = (j + 1) * _CELL_HEIGHT
        parts.append(svg.text(str(row), _HEAD - 6, y + 16, text_anchor="end", class_="tick"))
        for i, column in enumerate(columns):
            x = _HEAD + i * _CELL_WIDTH
            cell = placed.get((row, column))
            kind = "cell-guilty" if cell and cell.guilty else "cell"
            parts.append(svg.element("rect", x=x, y=y, width=_CELL_WIDTH, height=_CELL_HEIGHT, class_=kind))
            if cell and cell.shown:
                room = int((_CELL_WIDTH - 8) / svg.INK)
                shown = cell.shown if len(cell.shown) <= room else f"{cell.shown[: room - 1]}…"
                mark = svg.element("g", svg.text(shown, x + 4, y + 16), class_="cell-text")
                parts.append(mark)
    outside = sum(1 for row, column in guilty if row not in rows or column not in columns)
    more = f" {outside} more lie outside this piece." if outside else ""
    title = f"Cells to look at in {sheet}"
    sentence = f"A piece of {sheet} around the first of them; those with a thick border are wrong.{more}"
    width, height = _HEAD + _COLUMNS * _CELL_WIDTH + 2, (_ROWS + 1) * _CELL_HEIGHT + 2
    return Picture(
        title=title,
        description=sentence,
        drawing=svg.drawing(title, sentence, width, height, parts),
        table=DataTable(
            caption=f"Wrong cells of {sheet}",
            columns=("Cell", "Content", "Why"),
            rows=tuple((cell.ref, cell.shown, cell.note) for cell in cells if cell.guilty),
        ),
    )


def position(ref: str) -> tuple[int, int] | None:
    """Return (row, column), both from 1, of the first cell of `K7`, `$K$7` or `K7:L9`; None for anything else."""
    found = _REF.match(ref.upper())
    if found is None:
        return None
    column = 0
    for char in found[1]:
        column = 26 * column + ord(char) - ord("A") + 1
    return int(found[2]), column


def letters(column: int) -> str:
    """Return the letters of a column: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
