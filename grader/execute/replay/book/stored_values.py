"""Stored values against recomputed ones: a stale or hand-made cache.

A cell is a root of the difference when its stored value does not follow from the stored values of what it
reads; cells that merely follow a root are not named.
"""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from grader.backprop.sheet_names import names
from grader.backprop.tokens import Unsupported
from grader.core.evidence.workbook import Producer
from grader.core.facts.replay import CellFault, Severity
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import column_of, row_of, sheet_of
from grader.execute.replay.formula.evaluator import Slot, evaluate
from grader.execute.replay.formula.worksheet_functions import Block
from grader.execute.replay.notation import address, display, formula_text, ranges
from grader.execute.replay.recalculation import Recalculated
from grader.execute.replay.table.layout import Layout

EXACT = 1e-12
GOOGLE = 1e-9
"""Google's exports round stored values to ten significant digits."""


class Cache(NamedTuple):
    """How many stored values were compared, how many differ, how many could not be compared, and the
    faults.
    """

    checked: int
    off: int
    unclear: int
    faults: tuple[CellFault, ...]


def check_cache(model: Model, done: Recalculated, layouts: Sequence[Layout]) -> Cache:
    """Compare every stored result with the recomputed one and name the roots of differences inside tables.

    Where the recomputation gives no number there is nothing to compare with: what this evaluator makes of a
    text or a rare function need not be what the student's program made of it.
    """
    tolerance = EXACT if model.book.producer in (Producer.EXCEL, Producer.LIBREOFFICE) else GOOGLE
    keys = list(model.owner)
    results = map(model.cached.get, keys)
    stored = np.array([result if type(result) is float else np.nan for result in results])
    fresh = done.of(keys)[0][:, 0]
    kept = np.array([key in done.kept for key in keys] if done.kept else False)
    shown, known = np.isfinite(stored) & ~kept, np.isfinite(fresh) & ~kept
    apart = ~(np.abs(stored - fresh) <= tolerance * np.maximum(1.0, np.abs(fresh)))
    off = [keys[at] for at in np.flatnonzero(shown & known & apart)]
    values = dict(zip(keys, np.where(known, fresh, np.nan).tolist(), strict=True))
    errors = [
        key
        for key in model.errors
        if isfinite(values.get(key, np.nan)) and any(_quantity(one, key) for one in layouts)
    ]
    faults = _error_faults(model, layouts, errors, values)
    if off:
        shows = dict(zip(keys, stored.tolist(), strict=True))
        faults += _differences(model, layouts, off, values, shows, max(tolerance, GOOGLE))
    checked, unclear = np.count_nonzero(shown & known), np.count_nonzero(shown & ~known)
    return Cache(int(checked) + len(errors), len(off) + len(errors), int(unclear), tuple(faults))


def _differences(
    model: Model,
    layouts: Sequence[Layout],
    off: list[int],
    values: dict[int, float],
    stored: dict[int, float],
    tolerance: float,
) -> list[CellFault]:
    roots = sorted(key for key in off if not _follows(model, key, stored[key], tolerance))
    groups: dict[tuple[int, int], list[int]] = {}
    stale: dict[int, Layout] = {}
    for key in roots:
        layout = next((one for one in layouts if _quantity(one, key) in names().weights), None)
        if layout is not None:
            stale[id(layout)] = layout
        else:
            groups.setdefault((sheet_of(key), column_of(key)), []).append(key)
    faults = [_stale(model, layout, off, values, stored) for layout in stale.values()]
    return faults + [_fault(model, layouts, cells, values, stored) for _, cells in sorted(groups.items())]


def _error_faults(
    model: Model, layouts: Sequence[Layout], errors: list[int], values: dict[int, float]
) -> list[CellFault]:
    """One finding a sheet for stored error values (`#VALUE!`) whose formulas give numbers."""
    by_sheet: dict[int, list[int]] = {}
    for key in sorted(errors):
        by_sheet.setdefault(sheet_of(key), []).append(key)
    texts = ", ".join(
        f"{address(key)} ({text.strip()!r})" for key, text in list(model.typed_as_text.items())[:3]
    )
    cause = f"; numbers are typed as text, as in {texts}" if texts else ""
    found = []
    for sheet, cells in by_sheet.items():
        first = cells[0]
        found.append(
            CellFault(
                sheet=model.book.sheets[sheet].name,
                cells=ranges(cells),
                quantity=next((n for layout in layouts if (n := _quantity(layout, first))), ""),
                diagnosis="stored-error",
                severity=Severity.WARN,
                message=f"the file shows {model.errors[first]} in {address(first)}, where the formula "
                f"gives a number{cause}",
                expected=f"{values[first]:.10g}",
                found=model.errors[first],
                hint="Open the book, mend what the error names, recalculate (Ctrl+Alt+F9) and save it.",
                excerpt=formula_text(model, first),
                count=len(cells),
            )
        )
    return found


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
        Block((model.constants.get(c, model.cached.get(c, "")) for c in slot), model.width(key, at))
        if isinstance(slot, list)
        else value(slot)
        for at, slot in enumerate(slots)
    ]
    try:
        result = float(np.asarray(evaluate(run.compiled, arguments)).flat[0])
    except Unsupported:
        return True
    return not isfinite(result) or _close(stored, result, tolerance)


def _stale(
    model: Model, layout: Layout, off: list[int], values: dict[int, float], stored: dict[int, float]
) -> CellFault:
    """One finding for a table whose updates were not recalculated, at the losses that everybody looks at."""
    losses = [key for key in off if _quantity(layout, key) == "E_total"]
    cells = sorted(losses or [key for key in off if _quantity(layout, key) in names().weights])
    return CellFault(
        sheet=model.book.sheets[layout.table.sheet].name,
        cells=ranges(cells),
        quantity="E_total" if losses else _quantity(layout, cells[0]),
        diagnosis="stale-cache",
        severity=Severity.WARN,
        message="the stored losses belong to other weights: a value, probably the learning rate, was "
        "changed after the last calculation",
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
        message=f"the stored values of {shown} are not what the formulas give from the stored "
        "values that they read",
        expected=f"{values[first]:.10g}",
        found=f"{stored[first]:.10g}",
        hint="Open the book, recalculate it (Ctrl+Alt+F9) and save it.",
        excerpt=formula_text(model, first),
        count=len(cells),
    )


def _quantity(layout: Layout, key: int) -> str:
    inside = sheet_of(key) == layout.table.sheet and row_of(key) in layout.index
    return layout.quantity.get(column_of(key), "") if inside else ""
