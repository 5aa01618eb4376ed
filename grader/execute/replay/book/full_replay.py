"""The whole replay: all tables of a book recalculated for many settings in one pass.

Settings, along one NumPy axis: the book as it is, its own initial values at each learning rate of the sweep,
and random weights, inputs, targets and learning rates. The last are compared with the reference cell by cell.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grader.backprop.assigned import made, network
from grader.backprop.sheet_names import names
from grader.core.assigned_network import AssignedNetwork
from grader.core.facts.replay import Agreement
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.notation import address
from grader.execute.replay.recalculation import Patch, Recalculated
from grader.execute.replay.reference_network import Array, shares, train
from grader.execute.replay.table.judge import Judged
from grader.execute.replay.table.slope_columns import column_values

RANDOM = 4
SEED = 4_711
AGREES = 1e-8
"""Relative difference up to which a replay of some hundred rows agrees; rounding alone gives 1e-13."""


class Replayed(NamedTuple):
    """One replayed table. `losses` has one row per setting of the sweep, `own` is the book as it is."""

    agreement: Agreement
    deviation: float
    where: str
    own: npt.NDArray[np.float64]
    losses: npt.NDArray[np.float64]
    start: dict[str, float]


class Whole(NamedTuple):
    """All tables replayed, and all that was recalculated, of which the first setting is the book as it is."""

    tables: tuple[Replayed, ...]
    recalculated: Recalculated


class _Settings:
    """The axis of settings and what is patched where."""

    def __init__(self, rates: Sequence[float], merged: Sequence[tuple[str, str]]) -> None:
        self.rates = tuple(rates)
        self.size = 1 + len(self.rates) + RANDOM
        self.random = np.zeros(self.size, dtype=np.bool_)
        self.random[1 + len(self.rates) :] = True
        chance = np.random.default_rng(SEED)
        self.start = {name: chance.uniform(-1.0, 1.0, self.size) for name in names().given}
        self.start = shares(self.start)
        for one, other in merged:
            self.start[other] = self.start[one]
        self.eta = chance.uniform(0.2, 1.5, self.size)
        self.eta[1 : 1 + len(self.rates)] = self.rates
        self.eta_mask = np.ones(self.size, dtype=np.bool_)
        self.eta_mask[0] = False


def replay(model: Model, judged: Sequence[Judged], rates: Sequence[float]) -> Whole:
    """Recalculate a book for every setting and compare each table with the reference."""
    layouts = [table.layout for table in judged]
    merged = tuple(pair for layout in layouts for pair in layout.merged)
    settings = _Settings(rates, merged)
    references = [_reference(table, settings, merged) for table in judged]
    patches: dict[int, Patch] = {}
    for table, reference in zip(judged, references, strict=True):
        _patch(table, reference, settings, patches)
    done = model.recalculate(settings.size, patches)
    tables = tuple(
        _compare(table, reference, settings, done)
        for table, reference in zip(judged, references, strict=True)
    )
    return Whole(tables, done)


Reference = Mapping[str, Array]
"""Values of each quantity, one row an iteration and one column a setting."""


def _reference(table: Judged, settings: _Settings, merged: tuple[tuple[str, str], ...]) -> Reference:
    """What the cells of a table should hold, by what its columns of gradients hold."""
    layout = table.layout
    literal = layout.eta.value if layout.eta is not None and layout.eta.literal else None
    trained = made(_trainer)(settings.rates, merged, literal, -(-max(1, len(layout.rows)) // 32) * 32)
    eta = settings.eta if literal is None else np.where(settings.random, literal, settings.eta)
    return column_values(trained, table.held, eta)


Trainer = Callable[[tuple[float, ...], tuple[tuple[str, str], ...], float | None, int], Reference]


def _trainer(_: AssignedNetwork) -> Trainer:
    """The reference of a network: most tables of a class ask for the same settings, and as many rows."""

    @lru_cache(maxsize=8)
    def trained(
        rates: tuple[float, ...], merged: tuple[tuple[str, str], ...], literal: float | None, count: int
    ) -> Reference:
        settings = _Settings(rates, merged)
        eta = settings.eta if literal is None else np.where(settings.random, literal, settings.eta)
        states = train(settings.start, eta, count)
        return {name: np.stack([state[name] for state in states]) for name in states[0]}

    return trained


def _patch(table: Judged, reference: Reference, settings: _Settings, patches: dict[int, Patch]) -> None:
    layout = table.layout
    if not layout.rows:
        return
    for name in names().given:
        patch = Patch(settings.random, settings.start[name])
        if layout.has(name):
            patches[layout.key(name, 0)] = patch
        if name in layout.leaves:
            patches.setdefault(layout.leaves[name], patch)
    for key, (name, index) in table.typed.items():
        patches[key] = Patch(settings.random, reference[name][index])
    if layout.eta is not None and not layout.eta.literal:
        for key, symbol in layout.bound.items():
            if symbol == ("eta",):
                patches[key] = Patch(settings.eta_mask, settings.eta)


def _compare(table: Judged, reference: Reference, settings: _Settings, done: Recalculated) -> Replayed:
    layout = table.layout
    count = len(layout.rows)
    columns: dict[str, Array] = {}
    filled: list[npt.NDArray[np.bool_]] = []
    for name in names().quantities:
        if layout.has(name):
            columns[name], there = done.of(layout.keys(name))
            filled.append(there)
    worst, where = 0.0, ""
    if count and columns:
        gaps = _gaps(np.stack([*columns.values()]), reference, tuple(columns), filled, settings.random)
        worst = max(worst, float(gaps.max()))
        off = [(int(np.argmax(gap > AGREES)), layout.columns[name], name)
               for name, gap in zip(columns, gaps, strict=True) if (gap > AGREES).any()]  # fmt: skip
        if off:
            row, _, name = min(off)
            where = address(layout.key(name, row))
    loss = columns.get("E_total")
    if loss is None and all(name in columns for name in network().losses):
        loss = sum((columns[name] for name in network().losses[1:]), columns[network().losses[0]])
    if loss is None:
        loss = np.empty((0, settings.size))
    start = {name: float(columns[name][0, 0]) for name in names().given if name in columns and count}
    for name, key in layout.leaves.items():
        start.setdefault(name, done.first(key))
    agreement = (
        Agreement.NOT_RUN if count == 0 else Agreement.AGREES if worst <= AGREES else Agreement.DEVIATES
    )
    rates = slice(1, 1 + len(settings.rates))
    return Replayed(agreement, min(worst, 1e300), where, loss[:, 0], loss[:, rates].T, start)


def _gaps(
    columns: Array,
    reference: Reference,
    quantities: Sequence[str],
    filled: Sequence[npt.NDArray[np.bool_]],
    random: npt.NDArray[np.bool_],
) -> Array:
    """How far each cell is from the reference in its worst random setting, relative to the largest value of
    its column: shape (columns, rows), 0 for an empty cell.
    """
    there = np.stack(filled)[:, :, None]
    want = np.stack([reference[name][: columns.shape[1], random] for name in quantities])
    scale = np.where(there, np.abs(want), 0.0).max(axis=(1, 2), keepdims=True)
    gap = np.abs(columns[:, :, random] - want) / np.where(scale == 0.0, 1.0, scale)
    gap = np.where(np.isfinite(gap), gap, np.inf)
    return np.asarray(np.where(there, gap, 0.0).max(axis=2))
