"""Which losses a book shows for which learning rate: live tables, pasted columns, charts with stored values.

A column counts as losses only if it starts like the losses of this book's own network; its learning rate is
what its header says, else the one whose recomputed losses it equals.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from grader.backprop.assigned import made
from grader.backprop.sheet_names import names
from grader.core.assigned_network import AssignedNetwork
from grader.core.evidence.workbook import Book, CellKind, Run
from grader.core.facts.replay import ShownAs, ShownLosses
from grader.execute.replay.book.full_replay import Replayed
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import ROW, cell
from grader.execute.replay.learning_rates import claimed_rate, same_rate
from grader.execute.replay.notation import ranges
from grader.execute.replay.reference_network import train
from grader.execute.replay.table.layout import Layout

Losses = npt.NDArray[np.float64]

MIN_LENGTH = 8
"""Numbers that make a column of losses."""
EXACT = 1e-7
"""Difference up to which losses that were thinned out are those of a learning rate."""
MAX_STEP = 50
"""Iterations between two shown losses, at most."""
MATCH = 1e-3
"""Difference, relative to the first loss, up to which pasted losses are those of a learning rate (rounding,
class error).
"""


class Numbers(NamedTuple):
    """Losses in consecutive cells: sheet, cells, the text that names their rate, and the iteration that they
    start with.
    """

    sheet: int
    keys: list[int]
    losses: Losses
    claimed: str = ""
    skip: int = 0
    step: int = 1
    """Iterations from one number to the next: some show every tenth."""


class Simulated:
    """One table with its recomputed losses, `own` by learning rate and `reference` by any learning rate."""

    def __init__(self, layout: Layout, replayed: Replayed, rates: tuple[float, ...]) -> None:
        self.layout = layout
        self.replayed = replayed
        self.rates = rates

    def started(self, start: dict[str, float]) -> "Simulated":
        """The table with other initial values: its reference alone, for nothing was recomputed from them."""
        bare = self.replayed._replace(own=np.empty(0), losses=np.empty((0, 0)), start=start)
        return Simulated(self.layout, bare, self.rates)

    @property
    def complete(self) -> bool:
        """Whether all starting values are known."""
        return len(self.replayed.start) == len(names().given) and bool(
            np.isfinite(list(self.replayed.start.values())).all()
        )

    def reference(self, rate: float, count: int) -> Losses:
        """Losses of the reference network from this table's initial values, `count` of them."""
        rates = self._together if rate in self._together else (rate,)
        return made(_losses)(self._start, rates, -(-count // 128) * 128)[:count, rates.index(rate)]

    @cached_property
    def _start(self) -> tuple[float, ...]:
        return tuple(self.replayed.start[name] for name in names().given)

    @cached_property
    def _together(self) -> tuple[float, ...]:
        """Rates whose losses are computed in one pass."""
        return tuple(dict.fromkeys((*self.rates, *([self.layout.eta.value] if self.layout.eta else []))))

    @cached_property
    def known_rates(self) -> tuple[float, ...]:
        """The rates of the class, and the table's own where it is another."""
        own = [self.layout.eta.value] if self.layout.eta is not None else []
        return (*self.rates, *(rate for rate in own if not any(same_rate(rate, r) for r in self.rates)))

    @cached_property
    def heads(self) -> tuple[tuple[int, float, float], ...]:
        """The first loss and the second of each rate: the iteration, the rate and the loss."""
        firsts = [(rate, self.reference(rate, 2)) for rate in self.known_rates]
        return tuple((skip, rate, float(losses[skip])) for skip in (0, 1) for rate, losses in firsts)

    def own(self, rate: float) -> Losses | None:
        """Losses of the student's own formulas at a learning rate that was recalculated."""
        if self.layout.eta is not None and same_rate(self.layout.eta.value, rate):
            return self.replayed.own
        if self.layout.eta is None or self.layout.eta.literal:
            return None
        for i, known in enumerate(self.rates):
            if same_rate(known, rate) and i < len(self.replayed.losses):
                return np.asarray(self.replayed.losses[i])
        return None


Trainer = Callable[[tuple[float, ...], tuple[float, ...], int], Losses]


def _losses(_: AssignedNetwork) -> Trainer:
    """Reference losses of a network, one row an iteration and one column a learning rate."""

    @lru_cache(maxsize=64)
    def losses(start: tuple[float, ...], rates: tuple[float, ...], count: int) -> Losses:
        values = {name: np.full(len(rates), value) for name, value in zip(names().given, start, strict=True)}
        return np.stack([state["E_total"] for state in train(values, np.array(rates), count)])

    return losses


NEVER = 1e300
"""The deviation of losses that cannot be compared; infinity has no place in JSON."""


def deviation(shown: Losses, recomputed: Losses, *, typed: bool = False) -> float:
    """Largest difference over the common rows, relative to the first loss; `typed` numbers may be rounded
    where they end.
    """
    count = min(len(shown), len(recomputed))
    if count == 0:
        return NEVER
    apart = np.abs(shown[:count] - recomputed[:count])
    if typed:
        apart = np.maximum(0.0, apart - [_half_unit(float(value)) for value in shown[:count]])
    gap = float(np.max(apart)) / (abs(float(recomputed[0])) or 1.0)
    return min(NEVER, gap)


def _half_unit(value: float) -> float:
    """Half a unit of the last digit that a number is written with: 0.005 for 0.22, and no more than that for
    0.2.
    """
    written = f"{value:.15g}"
    decimals = len(written.partition(".")[2]) if "." in written and "e" not in written else 0
    return 0.5 * 10.0 ** -max(2, decimals) * (1 + 1e-9) if decimals else 0.0


def table_losses(model: Model, table: Simulated) -> ShownLosses | None:
    """The losses that a live table shows for the learning rate in its cell."""
    layout = table.layout
    if layout.eta is None or not layout.has("E_total") or not table.complete:
        return None
    keys = [layout.key("E_total", index) for index in range(len(layout.rows))]
    values = [
        model.constants.get(key, model.cached.get(key, table.replayed.own[i])) for i, key in enumerate(keys)
    ]
    losses = np.array([value if isinstance(value, float) else np.nan for value in values])
    losses = losses[: _finite_length(losses)]
    if len(losses) < 2:
        return None
    numbers = Numbers(layout.table.sheet, keys[: len(losses)], losses)
    return _shown(table, layout.eta.value, ShownAs.TABLE, model, numbers)


def _finite_length(losses: Losses) -> int:
    bad = np.flatnonzero(~np.isfinite(losses))
    return int(bad[0]) if bad.size else len(losses)


def pasted_losses(
    model: Model, tables: Sequence[Simulated], class_start: dict[str, float]
) -> list[ShownLosses]:
    """The losses in columns outside the tables, from a table's own starting values or those of the class."""
    usable = [table for table in tables if table.complete and table.layout.rows]
    if not usable:
        return []
    own_inputs = {name: usable[0].replayed.start[name] for name in names().inputs}
    starts = (class_start, {**class_start, **own_inputs})
    candidates = [*usable, *(usable[0].started(start) for start in starts)]
    found = []
    taken = {
        (t.layout.table.sheet, column): (t.layout.rows[0], t.layout.rows[-1])
        for t in usable
        for column in t.layout.quantity
    }
    for index, sheet in enumerate(model.book.sheets):
        for run in _numeric_columns(sheet.runs):
            rows = taken.get((index, run[0]))
            if rows is not None and run[1] <= rows[1] and run[1] + len(run[2]) > rows[0]:
                continue
            one = _pasted(model, candidates, index, run)
            if one is not None:
                found.append(one)
        tables_here = [t.layout for t in usable if t.layout.table.sheet == index]
        found += _pasted_rows(model, candidates, index, tables_here)
    return found


def _pasted_rows(
    model: Model, tables: Sequence[Simulated], sheet: int, layouts: Sequence[Layout]
) -> list[ShownLosses]:
    """Losses that run across a row, outside the rows of the tables, with the rate in the cell left of
    them.
    """
    rows: dict[int, dict[int, float]] = {}
    for run in model.book.sheets[sheet].runs:
        if run.kind is CellKind.NUMBER:
            for offset, value in enumerate(run.numbers):
                rows.setdefault(run.row + offset, {})[run.column] = value
    taken = {row for layout in layouts for row in layout.rows}
    found = []
    for row, cells in sorted(rows.items()):
        if row in taken or len(cells) < MIN_LENGTH:
            continue
        for start in sorted(cells)[:2]:
            stop = start
            while stop in cells:
                stop += 1
            numbers = np.array([cells[c] for c in range(start, stop)])
            best = _nearest(tables, numbers) if len(numbers) >= MIN_LENGTH else None
            if best is not None and best[0] <= MATCH:
                keys = [cell(sheet, row, c) for c in range(start, stop)]
                label = model.constants.get(cell(sheet, row, start - 1))
                text = f"{label:g}" if isinstance(label, float) else label or ""
                across = Numbers(sheet, keys, numbers, text, best[3])
                shown = _shown(best[2], best[1], ShownAs.COLUMN, model, across)
                found.append(msgspec.structs.replace(shown, fits=best[1]))
                break
    return found


def _numeric_columns(runs: Sequence[Run]) -> list[tuple[int, int, Losses]]:
    """Column, first row and numbers of every consecutive run of numbers, typed or copied by formulas."""
    found: list[tuple[int, int, list[float]]] = []
    for run in runs:
        if run.kind is not CellKind.NUMBER:
            continue
        if found and found[-1][0] == run.column and found[-1][1] + len(found[-1][2]) == run.row:
            found[-1][2].extend(run.numbers)
        else:
            found.append((run.column, run.row, list(run.numbers)))
    return [(c, r, np.array(numbers)) for c, r, numbers in found if len(numbers) >= MIN_LENGTH]


def _pasted(
    model: Model, tables: Sequence[Simulated], sheet: int, found: tuple[int, int, Losses]
) -> ShownLosses | None:
    column, row, numbers = found
    claim, text = _header_claim(model, cell(sheet, row, column))
    best = _nearest(tables, numbers)
    head = float(numbers[0])
    if (
        best is None
        and len(numbers) > MIN_LENGTH
        and any(same_rate(head, r) for t in tables for r in t.known_rates)
    ):
        claim, text, row, numbers = head, f"{head:g}", row + 1, numbers[1:]  # a bare number heads the column
        best = _nearest(tables, numbers)
    if best is None:
        return None
    gap, rate, table, skip = best
    step = 1 if gap <= MATCH else _step(tables, numbers, claim)
    trusted = claim is not None and any(same_rate(claim, known) for t in tables for known in t.known_rates)
    if step > 1 and claim is not None:
        gap, rate, skip = 0.0, claim, 0
    if gap > MATCH and not (trusted and skip == 0):
        return None
    keys = [cell(sheet, row + i, column) for i in range(len(numbers))]
    eta = claim if claim is not None and trusted else rate
    shown = _shown(table, eta, ShownAs.COLUMN, model, Numbers(sheet, keys, numbers, text, skip, step))
    return msgspec.structs.replace(shown, fits=rate if gap <= MATCH else 0.0)


def _nearest(tables: Sequence[Simulated], numbers: Losses) -> tuple[float, float, Simulated, int] | None:
    """The recomputed losses nearest to some numbers, of those that start alike: gap, rate, table, first
    iteration.
    """
    best: tuple[float, float, Simulated, int] | None = None
    head = float(numbers[0])
    for table in tables:
        first = float(table.reference(table.rates[0] if table.rates else 1.0, 1)[0])
        for skip, rate, loss in table.heads:
            if abs(head - loss) <= 2 * MATCH * first:
                gap = _gap(table, rate, numbers, skip)
                if best is None or gap < best[0]:
                    best = (gap, rate, table, skip)
    return best


def _step(tables: Sequence[Simulated], numbers: Losses, claim: float | None) -> int:
    """How many iterations lie between losses that were thinned out, at the rate that they claim; 1 where none
    fits.

    Every tenth loss at η = 0.2 is nearly every twentieth at 0.1, so that only an exact fit counts.
    """
    if claim is None:
        return 1
    for table in tables:
        own = table.own(claim)
        curves = [table.reference(claim, MAX_STEP * len(numbers)), *([] if own is None else [own])]
        for step in range(2, MAX_STEP + 1):
            thinned = (curve[::step][: len(numbers)] for curve in curves)
            whole = (one for one in thinned if len(one) == len(numbers))
            if any(deviation(numbers, one, typed=True) <= EXACT for one in whole):
                return step
    return 1


def _gap(table: Simulated, rate: float, numbers: Losses, skip: int) -> float:
    reference = table.reference(rate, len(numbers) + skip)[skip:]
    gap = deviation(numbers, reference)
    own = table.own(rate)
    if own is not None and len(own) > skip + 1:
        gap = min(gap, deviation(numbers[: len(own) - skip], own[skip:]))
    return gap


def _header_claim(model: Model, first: int) -> tuple[float | None, str]:
    """The learning rate that the cells above a column name, and their text."""
    for above in range(1, 4):
        value = model.constants.get(first - above * ROW)
        if isinstance(value, str):
            return claimed_rate(value, bare=True), " ".join(value.split())[:60]
        if isinstance(value, float):
            return value, f"{value:g}"
    return None, ""


def _shown(table: Simulated, eta: float, how: ShownAs, model: Model, numbers: Numbers) -> ShownLosses:
    own, skip, step, losses = table.own(eta), numbers.skip, numbers.step, numbers.losses
    part = slice(skip, None, step)
    typed = how is not ShownAs.TABLE
    usable = own is not None and len(own) > skip + 1
    return ShownLosses(
        eta=eta,
        shown_as=how,
        sheet=model.book.sheets[numbers.sheet].name,
        cells=ranges(numbers.keys),
        losses=tuple(float(loss) for loss in losses),
        own_deviation=(
            deviation(losses[: len(own[part])], own[part], typed=typed) if usable and own is not None else 0.0
        ),
        own_known=usable,
        reference_deviation=deviation(
            losses, table.reference(eta, step * len(losses) + skip)[part], typed=typed
        ),
        claimed=numbers.claimed,
        fits=eta if how is ShownAs.TABLE else 0.0,
    )


def chart_losses(book: Book, tables: Sequence[Simulated]) -> list[ShownLosses]:
    """Losses that exist only as the stored values of a chart (its cells lie in another file)."""
    found = []
    usable = [table for table in tables if table.complete and table.layout.rows]
    for chart in book.charts if usable else ():
        for series in chart.series:
            outside = not series.areas or all(area.sheet < 0 for area in series.areas)
            if not outside or len(series.cached) < MIN_LENGTH:
                continue
            numbers = np.array(series.cached)
            fits = [
                (_gap(t, rate, numbers, skip), rate, t, skip)
                for t in usable
                for rate in t.known_rates
                for skip in (0, 1)
            ]
            gap, rate, table, skip = min(fits, key=lambda fit: fit[0])
            if gap <= MATCH:
                reference = table.reference(rate, len(numbers) + skip)[skip:]
                found.append(
                    ShownLosses(
                        eta=rate, shown_as=ShownAs.CHART, sheet=chart.sheet, cells="", losses=series.cached,
                        own_deviation=0.0, own_known=False,
                        reference_deviation=deviation(numbers, reference),
                        claimed=chart.title or series.name,
                        fits=rate,
                    )
                )  # fmt: skip
    return found
