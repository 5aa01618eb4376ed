"""Stored values against recomputed ones: a stale or hand-made cache.

A cell is a root of the difference when its stored value does not follow from the stored values of what it reads; cells
that merely follow a root are not named.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grader.core.evidence.workbook import Producer
from grader.core.facts.replay import CellFault, Severity
from grader.execute.replay.formula import Slot, Unsupported, evaluate
from grader.execute.replay.layout import Layout
from grader.execute.replay.model import Model, column_of, row_of, sheet_of
from grader.execute.replay.network import WEIGHTS
from grader.execute.replay.notation import display, formula_text, ranges

EXACT = 1e-12
GOOGLE = 1e-9
"""Google's exports round stored values to ten significant digits."""


class Cache(NamedTuple):
    """How many stored values were compared, how many differ, and the faults."""

    checked: int
    off: int
    faults: tuple[CellFault, ...]


def check_cache(
    model: Model, values: dict[int, float], kept: dict[int, str], layouts: Sequence[Layout]
) -> Cache:
    """Compare every stored number with the recomputed one and name the roots of differences inside tables."""
    tolerance = EXACT if model.book.producer in (Producer.EXCEL, Producer.LIBREOFFICE) else GOOGLE
    stored = {
        key: value for key, value in model.cached.items() if isinstance(value, float) and key not in kept
    }
    off = [key for key, value in stored.items() if not _close(value, values.get(key, np.nan), tolerance)]
    if not off:
        return Cache(len(stored), 0, ())
    roots = sorted(key for key in off if not _follows(model, key, stored[key], max(tolerance, GOOGLE)))
    groups: dict[tuple[int, int], list[int]] = {}
    stale: dict[int, Layout] = {}
    for key in roots:
        layout = next((one for one in layouts if _quantity(one, key) in WEIGHTS), None)
        if layout is not None:
            stale[id(layout)] = layout
        else:
            groups.setdefault((sheet_of(key), column_of(key)), []).append(key)
    faults = [_stale(model, layout, off, values, stored) for layout in stale.values()]
    faults += [_fault(model, layouts, cells, values, stored) for _, cells in sorted(groups.items())]
    return Cache(len(stored), len(off), tuple(faults))


def _close(one: float, other: float, tolerance: float) -> bool:
    return bool(abs(one - other) <= tolerance * max(1.0, abs(other)))


def _follows(model: Model, key: int, stored: float, tolerance: float) -> bool:
    """Whether a stored value is what the formula gives from the stored values of the cells that it reads."""
    run = model.owner[key]

    def value(cell: int) -> float | str:
        return model.constants.get(cell, model.cached.get(cell, 0.0))

    try:
        slots = model.slots(key)
    except Unsupported:
        return True
    arguments: list[Slot] = [
        [value(c) for c in slot] if isinstance(slot, list) else value(slot) for slot in slots
    ]
    result = evaluate(run.compiled, arguments)
    return _close(stored, float(np.asarray(result).flat[0]), tolerance)


def _stale(
    model: Model, layout: Layout, off: list[int], values: dict[int, float], stored: dict[int, float]
) -> CellFault:
    """One finding for a table whose updates were not recalculated, at the losses that everybody looks at."""
    losses = [key for key in off if _quantity(layout, key) == "E_total"]
    cells = sorted(losses or [key for key in off if _quantity(layout, key) in WEIGHTS])
    return CellFault(
        sheet=model.book.sheets[layout.table.sheet].name,
        cells=ranges(cells),
        quantity="E_total" if losses else _quantity(layout, cells[0]),
        diagnosis="stale-cache",
        severity=Severity.WARN,
        message="the stored losses belong to other weights: a value, probably the learning rate, was changed after the last calculation",
        expected=f"{values[cells[0]]:.10g}",
        found=f"{stored[cells[0]]:.10g}",
        hint="Open the book, recalculate it (Ctrl+Alt+F9) and save it.",
        excerpt=formula_text(model, cells[0]),
        count=len(cells),
    )


def _fault(
    model: Model,
    layouts: Sequence[Layout],
    cells: list[int],
    values: dict[int, float],
    stored: dict[int, float],
) -> CellFault:
    first = cells[0]
    name = next((n for layout in layouts if (n := _quantity(layout, first))), "")
    shown = display(name) if name else "the cell"
    return CellFault(
        sheet=model.book.sheets[sheet_of(first)].name,
        cells=ranges(cells),
        quantity=name,
        diagnosis="cached-value-differs",
        severity=Severity.WARN,
        message=f"the stored values of {shown} are not what the formulas give from the stored values that they read",
        expected=f"{values[first]:.10g}",
        found=f"{stored[first]:.10g}",
        hint="Open the book, recalculate it (Ctrl+Alt+F9) and save it.",
        excerpt=formula_text(model, first),
        count=len(cells),
    )


def _quantity(layout: Layout, key: int) -> str:
    inside = sheet_of(key) == layout.table.sheet and row_of(key) in layout.index
    return layout.quantity.get(column_of(key), "") if inside else ""
