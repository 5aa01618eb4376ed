"""The lines of a derivation that stands as text in the cells of a workbook, as in the class's own sheet."""

import re
from collections.abc import Iterator, Mapping

from grader.core.evidence.documents import Block, SourceLine
from grader.core.evidence.workbook import Book, CellKind, Sheet
from grader.core.place import Place, letters

MAX_CELLS = 4_000
"""Text cells of a sheet that are looked at; tables of numbers have none but their heads."""
_SIGNS = frozenset("*·×^")
"""Signs that a head of a column does not have, and a formula does."""
_STATED = re.compile(r"^(?:σ|𝜎|sig(?:moid|ma|)?)\s*\(|^[A-Za-z]\w*\s*\+\s*[A-Za-z]\w*$", re.IGNORECASE)
"""Formulas without such a sign, which a head may be made of as well: `σ(o1)`, `σ(h1) = 1/(1 + exp(-h1))`, `E1 + E2`."""


def workbook_lines(book: Book) -> tuple[SourceLine, ...]:
    """Return each line of each text cell that states something, column by column, sheet by sheet.

    A name in one cell and its formula in the next one to the right are read as one line.
    """
    return tuple(line for sheet in book.sheets for line in _of_sheet(book.artefact, sheet))


def _of_sheet(artefact: str, sheet: Sheet) -> Iterator[SourceLine]:
    texts = _texts(sheet)
    for (column, row), text in texts.items():
        name, beside = text.strip(), texts.get((column + 1, row), "").strip()
        if name.endswith("=") and name.count("=") == 1 and "\n" not in name and beside:
            lines = [f"{name} {beside}"]
        elif _names(texts, column, row) or (_is_listed(texts, column, row) and _STATED.search(beside)):
            lines = [f"{name} = {beside}"]
        else:
            lines = text.splitlines() if "=" in text else []
        place = Place(artefact=artefact, sheet=sheet.name, ref=f"{letters(column)}{row}")
        yield from (SourceLine(place, line, Block.FENCE) for line in lines if line.strip())


def _names(texts: Mapping[tuple[int, int], str], column: int, row: int) -> bool:
    """Whether a cell names the formula in the cell to the right of it."""
    name, beside = texts.get((column, row), ""), texts.get((column + 1, row), "")
    return "=" not in name and "=" not in beside and bool(_SIGNS & set(beside)) and bool(name.strip())


def _is_listed(texts: Mapping[tuple[int, int], str], column: int, row: int) -> bool:
    """Whether a cell without a formula stands in a list of names, each beside its formula: other than the heads of a
    table, these stand below one another.
    """
    if not texts[column, row].strip() or "=" in texts[column, row]:
        return False
    rows = {above for at, above in texts if at == column and _names(texts, column, above)}
    first = last = row
    while (column, first - 1) in texts:
        first -= 1
    while (column, last + 1) in texts:
        last += 1
    return any(first <= at <= last for at in rows)


def _texts(sheet: Sheet) -> dict[tuple[int, int], str]:
    """The texts that somebody typed, by column and row."""
    found: dict[tuple[int, int], str] = {}
    for run in sheet.runs:
        if run.kind is CellKind.TEXT and run.form < 0:
            for k, text in enumerate(run.texts[: MAX_CELLS - len(found)]):
                found[run.column, run.row + k] = text
    return dict(sorted(found.items()))
