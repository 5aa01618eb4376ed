"""What nbformat says of a notebook: old formats brought up to date, and what its schema calls invalid, in its
words.

A current notebook that our reader understands is never shown to it: the import takes 0.4 s, and its
validation refuses files that Jupyter opens. What it refuses or loses stays as our reader has it.
"""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

CURRENT: Final = 4
MAX_CELLS_JUDGED: Final = 200
"""Cells of a notebook that the schema is asked about; 200 odd ones take it a second."""
_LONGEST: Final = 160


def up_to_date(book: Mapping[str, object]) -> Mapping[str, object]:
    """Return a notebook of a format below 4 as nbformat converts it, and any other as it is.

    One that nbformat refuses, or converts with a source lost, is returned as it is.
    """
    major = book.get("nbformat")
    if not isinstance(major, int) or major >= CURRENT:
        return book
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            copy = json.loads(json.dumps(book))
            copy.setdefault("metadata", {})
            # Its reader joins the lines of texts first, which its converter takes for granted.
            whole = nbformat.reader.reads(json.dumps(copy))  # type: ignore[no-untyped-call]
            converted: Mapping[str, object] = nbformat.convert(whole, CURRENT)  # type: ignore[no-untyped-call]
    except Exception:  # its converters raise whatever they meet: KeyError, AttributeError, ValidationError
        return book
    return converted if _sources(converted) == _sources(book) else book


def _sources(book: Mapping[str, object]) -> list[str]:
    """The text of every cell, without the marks of headings."""
    found: list[str] = []
    for cell in raw_cells(book):
        source = cell.get("source", cell.get("input", "")) if isinstance(cell, Mapping) else ""
        lines = source if isinstance(source, list) else [source]
        found.append("".join(line for line in lines if isinstance(line, str)).lstrip("# "))
    return found


def raw_cells(book: Mapping[str, object]) -> Sequence[object]:
    """Return the cells as JSON holds them; those of format 3 stand in worksheets."""
    listed = book.get("cells")
    if isinstance(listed, list):
        return listed
    sheets = book.get("worksheets")
    return [
        cell
        for sheet in (sheets if isinstance(sheets, list) else [])
        if isinstance(sheet, Mapping) and isinstance(sheet.get("cells"), list)
        for cell in sheet["cells"]
    ]


def odd(cell: object) -> bool:
    """Whether a cell has not the shape that every format gives it: an object with a kind and a text."""
    if not isinstance(cell, Mapping) or not isinstance(cell.get("cell_type"), str):
        return True
    source = cell.get("source", cell.get("input"))
    lines = source if isinstance(source, list) else [source]
    return not all(isinstance(line, str) for line in lines) or not isinstance(cell.get("outputs", []), list)


def invalid(cells: Sequence[object]) -> Iterator[str]:
    """Yield what nbformat's schema says of cells whose shape is odd, one sentence each."""
    wrong = [(number, cell) for number, cell in enumerate(cells, 1) if odd(cell)][:MAX_CELLS_JUDGED]
    if not wrong:
        return
    for number, cell in wrong:
        if said := _schema_says(cell):
            yield f"cell {number}{said} (nbformat)"


def _schema_says(cell: object) -> str:
    from nbformat.validator import iter_validate

    plain = {"metadata": {}, **cell} if isinstance(cell, Mapping) else cell
    if isinstance(plain, dict) and plain.get("cell_type") == "code":
        plain = {"outputs": [], "execution_count": None, **plain}
    book = {"nbformat": CURRENT, "nbformat_minor": 4, "metadata": {}, "cells": [plain]}
    try:
        error = next(iter(iter_validate(book)), None)  # type: ignore[no-untyped-call]
    except Exception:  # it stumbles over a kind that is a list, which it means to report
        return ""
    if error is None:
        return ""
    where = ".".join(str(part) for part in list(error.relative_path)[2:])
    return f"{f', {where}' if where else ''}: {' '.join(str(error.message).split())[:_LONGEST]}"
