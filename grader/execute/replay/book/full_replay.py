"""The whole replay: all tables of a book recalculated for many settings in one pass.

Settings, along one NumPy axis: the book as it is, its own initial values at each learning rate of the sweep,
and random weights, inputs, targets and learning rates. The last are compared with the reference cell by cell.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grader.backprop.assigned import network
from grader.backprop.sheet_names import names
from grader.core.facts.replay import Agreement
from grader.execute.replay.cell_graph import Model, Patch
from grader.execute.replay.formula.worksheet_functions import Value, as_number
from grader.execute.replay.notation import address
from grader.execute.replay.reference_network import Array, shares, train
from grader.execute.replay.table.judge import Judged
from grader.execute.replay.table.layout import Layout

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
    """All tables replayed, the recalculated values of the book as it is, and the cells that kept their stored
    value.
    """

    tables: tuple[Replayed, ...]
    values: dict[int, float]
    kept: dict[int, str]


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
    settings = _Settings(rates, [pair for layout in layouts for pair in layout.merged])
    references = [_reference(layout, settings) for layout in layouts]
    patches: dict[int, Patch] = {}
    for table, reference in zip(judged, references, strict=True):
        _patch(table, reference, settings, patches)
    done = model.recalculate(settings.size, patches)
    tables = tuple(
        _compare(model, table, reference, settings, done.values)
        for table, reference in zip(judged, references, strict=True)
    )
    own = {key: _first(value) for key, value in done.values.items() if key in model.owner}
    return Whole(tables, own, done.kept)


def _first(value: Value) -> float:
    number = np.asarray(as_number(value), dtype=np.float64)
    return float(number.flat[0]) if number.size else float("nan")


def _reference(layout: Layout, settings: _Settings) -> list[dict[str, Array]]:
    eta = settings.eta
    if layout.eta is not None and layout.eta.literal:
        eta = np.where(settings.random, layout.eta.value, eta)
    return train(settings.start, eta, len(layout.rows))


def _patch(
    table: Judged, reference: list[dict[str, Array]], settings: _Settings, patches: dict[int, Patch]
) -> None:
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
        patches[key] = Patch(settings.random, reference[index][name])
    if layout.eta is not None and not layout.eta.literal:
        for key, symbol in layout.bound.items():
            if symbol == ("eta",):
                patches[key] = Patch(settings.eta_mask, settings.eta)


def _compare(
    model: Model,
    table: Judged,
    reference: list[dict[str, Array]],
    settings: _Settings,
    values: Mapping[int, Value],
) -> Replayed:
    layout = table.layout
    worst, where = 0.0, ""
    count = len(layout.rows)
    columns = {
        name: np.full((count, settings.size), np.nan) for name in names().quantities if layout.has(name)
    }
    for name, column in columns.items():
        for index in range(count):
            value = values.get(layout.key(name, index))
            if value is not None:
                column[index] = as_number(value)
    first: tuple[int, int] | None = None
    for name, column in columns.items():
        filled = np.array([values.get(layout.key(name, index)) is not None for index in range(count)])
        if not count or not filled.any():
            continue
        want = np.stack([state[name] for state in reference])[filled][:, settings.random]
        gap = np.abs(column[filled][:, settings.random] - want) / (np.max(np.abs(want)) or 1.0)
        gap = np.where(np.isfinite(gap), gap, np.inf).max(axis=1)
        worst = max(worst, float(gap.max()))
        rows = np.flatnonzero(filled)[gap > AGREES]
        if rows.size and (first is None or (int(rows[0]), layout.columns[name]) < first):
            first = (int(rows[0]), layout.columns[name])
            where = address(layout.key(name, int(rows[0])))
    loss = columns.get("E_total")
    if loss is None and all(name in columns for name in network().losses):
        loss = sum((columns[name] for name in network().losses[1:]), columns[network().losses[0]])
    if loss is None:
        loss = np.empty((0, settings.size))
    start = {name: float(columns[name][0, 0]) for name in names().given if name in columns and count}
    for name, key in layout.leaves.items():
        own = np.asarray(as_number(values.get(key, np.nan)), dtype=np.float64)
        start.setdefault(name, float(own.flat[0]))
    agreement = (
        Agreement.NOT_RUN if count == 0 else Agreement.AGREES if worst <= AGREES else Agreement.DEVIATES
    )
    rates = slice(1, 1 + len(settings.rates))
    return Replayed(agreement, min(worst, 1e300), where, loss[:, 0], loss[:, rates].T, start)
