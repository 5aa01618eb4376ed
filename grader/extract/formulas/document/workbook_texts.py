"""The lines of a derivation that stands as text in the cells of a workbook, as in the class's own sheet."""

from collections.abc import Iterator

from grader.core.evidence.documents import Block, SourceLine
from grader.core.evidence.workbook import Book, CellKind, Sheet
from grader.core.place import Place, letters

MAX_CELLS = 4_000
"""Text cells of a sheet that are looked at; tables of numbers have none but their heads."""
_SIGNS = frozenset("*·×^")
"""Signs that a head of a column does not have, and a formula does."""


def workbook_lines(book: Book) -> tuple[SourceLine, ...]:
    """Return each line of each text cell that states something, column by column, sheet by sheet.

    A name in one cell and its formula in the next one to the right are read as one line.
    """
    return tuple(line for sheet in book.sheets for line in _of_sheet(book.artefact, sheet))


def _of_sheet(artefact: str, sheet: Sheet) -> Iterator[SourceLine]:
    texts = _texts(sheet)
    for (column, row), text in texts.items():
        beside = texts.get((column + 1, row), "")
        if "=" not in text and "=" not in beside and _SIGNS & set(beside) and text.strip():
            lines = [f"{text.strip()} = {beside}"]
        else:
            lines = text.splitlines() if "=" in text else []
        place = Place(artefact=artefact, sheet=sheet.name, ref=f"{letters(column)}{row}")
        yield from (SourceLine(place, line, Block.FENCE) for line in lines if line.strip())


def _texts(sheet: Sheet) -> dict[tuple[int, int], str]:
    """The texts that somebody typed, by column and row."""
    found: dict[tuple[int, int], str] = {}
    for run in sheet.runs:
        if run.kind is CellKind.TEXT and run.form < 0:
            for k, text in enumerate(run.texts[: MAX_CELLS - len(found)]):
                found[run.column, run.row + k] = text
    return dict(sorted(found.items()))
