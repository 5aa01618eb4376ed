"""Reads the code cells of a notebook of any format version, or of a Python file, from raw bytes."""

import ast
import codecs
import json
import re
from typing import Any, NamedTuple

MAX_CELLS = 2000


class Cell(NamedTuple):
    """A code cell; `number` counts all cells of the notebook from 1."""

    number: int
    source: str


def decode(data: bytes) -> str:
    """Text of a file in UTF-8 (with or without BOM), UTF-16, or, when nothing else fits, Latin-1."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if data[:4].count(0) >= 2:  # UTF-16 without a mark: every second byte of ASCII text is zero
        return data.decode("utf-16-le" if data[1] == 0 else "utf-16-be", "replace")
    return data.decode("latin-1")


def read(name: str, data: bytes) -> list[Cell]:
    """Code cells in order.

    Raises:
        ValueError: the file is no notebook: not JSON, nested too deep, or without cells.

    """
    text = decode(data)
    if name.lower().endswith(".py"):
        return _python(text)
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as fault:
        if _is_python(text):  # a script that was saved under a notebook's name
            return _python(text)
        raise ValueError(f"no JSON: {fault}") from None
    cells = _cells(notebook)
    if len(cells) > MAX_CELLS:
        raise ValueError(f"{len(cells)} cells; at most {MAX_CELLS} are run")
    found = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))  # `input` before nbformat 4
            lines = source if isinstance(source, list) else [source]
            found.append(Cell(number, "".join(line for line in lines if isinstance(line, str))))
    return found


def _cells(notebook: Any) -> list[Any]:
    if not isinstance(notebook, dict):
        raise ValueError("no notebook: the outermost JSON value is no object")  # noqa: TRY004
    if isinstance(notebook.get("cells"), list):
        return list(notebook["cells"])
    sheets = notebook.get("worksheets")  # nbformat 3
    if isinstance(sheets, list):
        return [
            c for s in sheets if isinstance(s, dict) and isinstance(s.get("cells"), list) for c in s["cells"]
        ]
    raise ValueError("no notebook: it has no cells")


def _is_python(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body)


def _python(text: str) -> list[Cell]:
    """Cells between `# %%` marks; numbers count the pieces, so a file without marks is cell 1."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Exported notebooks carry `# In[3]:`, editors write `# %%`.
    pieces = re.split(r"(?m)^(?=#\s*%%|#\s*In\[[ \d]*\]:)", text)
    return [Cell(number, piece) for number, piece in enumerate(pieces, 1) if piece.strip()]
