"""The cells that grader itself wrote into a copy of a notebook (`feedback.ipynb`): a finding above the cell
that it speaks of.

Who mends such a copy and hands it in hands in cells of ours. They are no claim of the student's: they quote
what was wrong, and would be read as written anew. They are known by a mark with the digest of their own text,
so that a cell which somebody wrote over is the student's.
"""

from collections.abc import Mapping, Sequence

from grader.core.memory import digest

KEY = "grader"
"""Under which the mark stands in a cell's metadata."""


def mark(source: str, code: str) -> dict[str, dict[str, str]]:
    """Return the metadata of a cell of ours with this text; `code` is the check's (`TR501`), or empty."""
    return {KEY: {"finding": code, "sha256": _digest(source)}}


def is_ours(cell: object) -> bool:
    """Whether a cell, as JSON holds it, is one of ours and still has our text."""
    if not isinstance(cell, Mapping) or cell.get("cell_type") != "markdown":
        return False
    metadata = cell.get("metadata")
    marked = metadata.get(KEY) if isinstance(metadata, Mapping) else None
    if not isinstance(marked, Mapping):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    words = [line for line in lines if isinstance(line, str)]
    return len(words) == len(lines) and marked.get("sha256") == _digest("".join(words))


def without_ours(cells: Sequence[object]) -> list[object]:
    """Return the cells that are the student's, in their order."""
    return [cell for cell in cells if not is_ours(cell)]


def _digest(source: str) -> str:
    return digest(source.encode("utf-8", "replace"))
