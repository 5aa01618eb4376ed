"""Learning rates in a line, each with one loss or a few beside it: a sweep's summary without its curves."""

from collections.abc import Iterator, Sequence

import numpy as np

from grader.core.facts.replay import SingleLosses
from grader.execute.replay.book.displayed_losses import MIN_LENGTH, Losses, Simulated
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import ROW, column_of, row_of, sheet_of
from grader.execute.replay.learning_rates import claimed_rate, same_rate
from grader.execute.replay.notation import ranges

FEWEST_RATES = 3
"""Rates in one row or column that make it a summary; a lone one is the rate of a table."""
MOST = MIN_LENGTH - 1
"""Losses beside a rate, at the start, after some iterations, at the end: more of them are a column."""
ITERATIONS = 1_024
"""Iterations within which a loss may have been read off."""
DIGITS = 3
"""Significant digits from which a number can be told to be a loss."""


def single_losses(
    model: Model, tables: Sequence[Simulated], rates: Sequence[float]
) -> tuple[SingleLosses, ...]:
    """The rates of a sweep beside which losses of them stand that make no curve.

    A rate counts where the numbers right of it in a column of rates, or below it in a row of them, are losses
    of the network from a table's starting values, as written.
    """
    usable = [table for table in tables if table.complete and table.layout.rows]
    if not usable:
        return ()
    inside = {(t.layout.table.sheet, row) for t in usable for row in t.layout.rows}
    found: dict[int, float] = {}
    for key, value in model.constants.items():
        if (sheet_of(key), row_of(key)) in inside and _in_table(usable, key):
            continue
        rate = value if isinstance(value, float) else claimed_rate(value, bare=True)
        if rate is not None and (known := next((r for r in rates if same_rate(r, rate)), None)) is not None:
            found[key] = known
    shown = []
    for line, step in _lines(found):
        for key in line:
            cells = _beside(model, key, step)
            if cells and all(_is_loss(usable, found[key], value) for value in cells.values()):
                sheet = model.book.sheets[sheet_of(key)].name
                shown.append(SingleLosses(eta=found[key], sheet=sheet, cells=ranges(cells)))
    return tuple(shown)


def _in_table(tables: Sequence[Simulated], key: int) -> bool:
    return any(t.layout.table.sheet == sheet_of(key) and column_of(key) in t.layout.quantity for t in tables)


def _lines(found: dict[int, float]) -> Iterator[tuple[list[int], int]]:
    """Cells of different rates in one column, with the step to what stands beside them, and in one row."""
    for across, step in ((True, ROW), (False, 1)):
        lines: dict[tuple[int, int], list[int]] = {}
        for key in sorted(found):
            at = row_of(key) if across else column_of(key)
            lines.setdefault((sheet_of(key), at), []).append(key)
        for line in lines.values():
            if len({found[key] for key in line}) >= FEWEST_RATES:
                yield line, step


def _beside(model: Model, key: int, step: int) -> dict[int, float]:
    """The numbers next to a cell in one direction, those that may be losses; empty where there are too
    many.
    """
    cells: dict[int, float] = {}
    for distance in range(1, MOST + 2):
        value = model.shown(key + distance * step)
        if not isinstance(value, float):
            break
        cells[key + distance * step] = value
    return cells if len(cells) <= MOST else {}


def _is_loss(tables: Sequence[Simulated], rate: float, value: float) -> bool:
    """Whether a number is a loss of some iteration at a rate, to the digits that it is written with."""
    if not value > 0.0 or len(f"{value:.15g}".replace(".", "").lstrip("0").partition("e")[0]) < DIGITS:
        return False
    decimals = len(f"{value:.15f}".rstrip("0").partition(".")[2])
    room = max(0.51 * 10.0**-decimals, 1e-9 * value)

    def near(losses: Losses) -> bool:
        return bool(losses.size) and bool(np.min(np.abs(losses - value)) <= room)

    return any(
        near(t.reference(rate, ITERATIONS)) or ((own := t.own(rate)) is not None and near(own))
        for t in tables
    )
