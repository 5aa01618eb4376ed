"""How many epochs the loops of some cells announce.

The code that they run is followed; where that does not tell, lines that look like a loop over epochs do, also
in cells that cannot be parsed and for `model.fit(epochs=20)` of a package.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from grader.core.evidence.notebook import CellKind, Notebook, NotebookCell
from grader.extract.logs.source.followed_loops import followed_loop
from grader.extract.logs.source.loops import Loop

_RANGE = re.compile(r"\bfor\s+(\w+)\s+in\s+(?:tqdm\w*\(\s*)?(?:\w+\.)?range\(([^()\n]*)\)")
_KERAS = re.compile(r"\.fit\w*\([^\n]*\bepochs\s*=\s*(\w+)")
_CALL = re.compile(r"\b(num_epochs|n_epochs|max_epochs|epochs|epoch)\s*=\s*(\d{1,3})\b", re.IGNORECASE)


def find_loop(notebook: Notebook, cells: Sequence[NotebookCell]) -> Loop:
    """How many epochs the loops of some cells announce: `range(1, 20)`, `range(EPOCHS)`, `fit(epochs=20)`.

    Where the loop stands in a function, its definition is looked up in the cells before.
    """
    followed = followed_loop(notebook, cells)
    if followed.length is not None:
        return followed
    return _written(notebook, cells)._replace(
        before=followed.before, after=followed.after, some=followed.some
    )


def _written(notebook: Notebook, cells: Sequence[NotebookCell]) -> Loop:
    total = 0
    firsts: set[int | None] = set()
    for cell in {c.number: c for c in cells}.values():
        calls = {m.group(1): int(m.group(2)) for m in _CALL.finditer(cell.source)}
        names = _constants(notebook, cell.number) | calls
        loops = _loops(cell.source, names)
        loops |= {Loop(_number(m.group(1), names), 1) for m in _KERAS.finditer(cell.source)}
        if not loops:
            before = "\n".join(c.source for c in notebook.code_cells if c.number < cell.number)
            loops = _loops(before, names, only_epochs=True)
        firsts |= {loop.first for loop in loops}
        if len(loops) != 1 or (length := loops.pop().length) is None:
            return Loop(None, firsts.pop() if len(firsts) == 1 else None)
        total += length
    return Loop(total or None, firsts.pop() if len(firsts) == 1 else None)


def _loops(source: str, names: dict[str, int], *, only_epochs: bool = False) -> set[Loop]:
    loops = [(m.group(1), _span(m.group(2), names)) for m in _RANGE.finditer(source)]
    epochs = {loop for variable, loop in loops if "epoch" in variable.lower()}
    return epochs if epochs or only_epochs else {loop for _, loop in loops}


def _constants(notebook: Notebook, until: int) -> dict[str, int]:
    names: dict[str, int] = {}
    for cell in notebook.cells:
        if cell.kind is CellKind.CODE and cell.number <= until:
            names |= _assigned(cell.source)
    return names


@lru_cache(maxsize=2_048)
def _assigned(source: str) -> dict[str, int]:
    return {match[1]: int(match[2]) for match in _ASSIGNED.finditer(source)}


_ASSIGNED = re.compile(r"(?m)^[ \t]*(\w+)\s*=\s*(\d{1,6})\s*(?:#.*)?$")


def _span(arguments: str, names: dict[str, int]) -> Loop:
    values = [_number(part.strip(), names) for part in arguments.split(",")]
    if len(values) == 1:
        return Loop(values[0], 0)
    if len(values) != 2 or values[0] is None or values[1] is None:
        return Loop(None, values[0] if len(values) == 2 else None)
    return Loop(values[1] - values[0], values[0])


def _number(text: str, names: dict[str, int]) -> int | None:
    sum_of = re.fullmatch(r"(\w+)\s*\+\s*(\d+)", text)
    if sum_of:
        base = _number(sum_of.group(1), names)
        return None if base is None else base + int(sum_of.group(2))
    return int(text) if text.isdecimal() else names.get(text)
