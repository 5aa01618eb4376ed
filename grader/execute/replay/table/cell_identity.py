"""The local identity test: a cell's formula, with reference values in every cell that it reads, against the
reference.

Upstream faults do not spread, because what the formula reads is put right first. Cells with the
same formula over the same symbols are tested once, in a book and in all books that one process reads.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from grader.backprop.assigned import network
from grader.backprop.sheet_names import names
from grader.backprop.values import TOLERANCE
from grader.execute.replay.cells import ROW, FormulaRun, column_of, row_of, sheet_of
from grader.execute.replay.formula.evaluator import Range
from grader.execute.replay.learning_rates import said_rates
from grader.execute.replay.reference_network import Array, step
from grader.execute.replay.table.layout import Layout, Symbol
from grader.execute.replay.table.plain_formulas import is_plain
from grader.execute.replay.table.random_settings import (
    Match,
    OwnRows,
    Points,
    difference,
    points_for,
    scaled,
    shape,
)
from grader.execute.replay.table.rate_in_formulas import with_typed_eta, with_unwritten_eta
from grader.execute.replay.table.slope_columns import (
    ROUNDED,
    Held,
    SlopeColumns,
    all_of,
    said_kinds,
    says,
    says_steps,
)

MAX_DEPTH = 6
"""Columns beside a table that read one another, through which a filled-down formula is followed."""


MULTIPLES = (2.0, 0.5)
"""How many times the assigned loss others are: (t - a)^2 without the ½, and the mean of E1 and E2."""


class Tested(NamedTuple):
    """One distinct formula over symbols, and what the test says."""

    match: Match
    quantity: str
    symbol: Symbol
    reason: str = ""


class IdentityTest:
    """Tests the formula cells of one layout, each distinct formula once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.scale = self._scale_of_loss()
        self.points = self._points()
        self._memo: dict[tuple[str, bool, object], Tested] = {}
        self._by_cell: dict[tuple[str, int], Tested] = {}
        self._by_run: dict[int, Tested] = {}
        self._alike_from: dict[int, int] = {}

    def _points(self, held: Held = ()) -> Points:
        return points_for(tuple(self.layout.merged), held, self.scale)

    def _scale_of_loss(self) -> float:
        """How many times the assigned loss a table's own is where its gradients are the derivatives of that:
        2 without the ½, ½ where E_total is the mean of E1 and E2; else 1.
        """
        layout, merged = self.layout, tuple(self.layout.merged)
        parts = [self._times(name) for name in network().losses if layout.has(name)]
        total = self._times("E_total") if layout.has("E_total") or not parts else 1.0
        scale = total * (parts[0] if len(set(parts)) == 1 else 1.0 if not parts else 0.0)
        if scale not in MULTIPLES:
            return 1.0
        slopes = [(d, one) for d in names().gradients if (one := self._first(d)) is not None]
        kinds = [points_for(merged, all_of(kind), scale) for kind in SlopeColumns]
        right = [
            any(points.decide(d, one, shape(one))[0] is Match.RIGHT for points in kinds) for d, one in slopes
        ]
        plainly = [self._plain.decide(d, one, shape(one))[0] is Match.RIGHT for d, one in slopes]
        return scale if sum(right) > sum(plainly) and 2 * sum(right) >= len(slopes) else 1.0

    @property
    def _plain(self) -> Points:
        return points_for(tuple(self.layout.merged))

    def _times(self, loss: str) -> float:
        """How many times a loss its formula is, with right values in what it reads; 0 where that is none
        known.
        """
        symbol, plain = self._first(loss), self._plain
        if symbol is None:
            return 0.0
        match, _ = plain.decide(loss, symbol, shape(symbol))
        if match is not Match.WRONG:
            return float(match is not Match.UNRESOLVED)
        got = plain.run(symbol)
        return next((k for k in MULTIPLES if difference(got, k * plain.same[loss]) <= TOLERANCE), 0.0)

    def _first(self, quantity: str) -> Symbol | None:
        """The formula of a quantity in the first row."""
        layout = self.layout
        there = layout.has(quantity) and layout.rows and layout.key(quantity, 0) in layout.model.owner
        symbol = layout.formula(layout.key(quantity, 0), 0) if there else None
        return symbol if symbol is not None and symbol[0] == "formula" else None

    @cached_property
    def held(self) -> Held:
        """What each column of the gradients holds.

        Where all columns are of one kind it is that: one of them may be right as any, `=X5*N5/O5`, which
        makes a negative of a negative. Else each column is of the only kind that its formula is right as;
        one of no kind, whose formula is wrong, is what its header and its update take it for.
        """
        layout = self.layout
        symbols = {
            d: self._typed(d, layout.formula(layout.key(d, 0), 0), held=True)
            for d in names().gradients
            if layout.has(d) and layout.rows and layout.key(d, 0) in layout.model.owner
        }
        typed = self._typed_kinds()
        decided = (self.points.decide(d, one, shape(one))[0] for d, one in symbols.items())
        if not typed and all(match is Match.RIGHT for match in decided):
            return ()
        right = {d: self._right_as(d, one) for d, one in symbols.items()}
        for kind in SlopeColumns:
            if not typed and all(kind in found for found in right.values()):
                return _filled_up(dict.fromkeys(right, kind))
        known = typed | {d: found[0] for d, found in right.items() if len(found) == 1}
        for d in (*symbols, *symbols):  # the second time for one that reads one behind it
            if d not in known and right[d]:
                found = self._right_as(d, symbols[d], known)
                known |= {d: found[0]} if len(found) == 1 else {}
        usual = Counter(known.values())
        for d in names().gradients:
            if d not in known and layout.has(d) and not right.get(d):
                known |= {d: self._taken_for(d, usual)}
        return _filled_up(known)

    def _typed_kinds(self) -> dict[str, SlopeColumns]:
        """What columns of pasted numbers hold, by their headers and their first number."""
        layout, eta = self.layout, self.layout.eta
        found: dict[str, SlopeColumns] = {}
        said = [d for d in names().gradients if layout.rows and said_kinds(layout.header(d))]
        typed = [d for d in said if layout.key(d, 0) in layout.model.constants]
        state = layout.shown_state(0) if typed else None
        for d in typed:
            if state is None or eta is None:
                break
            value, slope = layout.shown(d, 0), self.scale * float(state[d])
            for kind in said_kinds(layout.header(d)):
                want = kind.times(slope, eta.value)
                if value is not None and abs(value - want) <= ROUNDED * abs(want):
                    found.setdefault(d, kind)
        return found

    def _right_as(
        self, quantity: str, symbol: Symbol, beside: Mapping[str, SlopeColumns] | None = None
    ) -> list[SlopeColumns]:
        """The kinds of columns with which a formula is right: of all columns, or of its own beside others."""
        alike = shape(symbol)
        return [
            kind
            for kind in SlopeColumns
            if self._points(
                all_of(kind) if beside is None else _filled_up({**beside, quantity: kind})
            ).decide(quantity, symbol, alike)[0]
            is Match.RIGHT
        ]

    def _taken_for(self, gradient: str, usual: Counter[SlopeColumns]) -> SlopeColumns:
        """What a column whose formula is wrong should hold: the kind that its header says and others are, or
        that its update is right by; else what most columns hold.
        """
        layout, header, weight = self.layout, self.layout.header(gradient), gradient[1:]
        said = said_kinds(header)
        if others := [kind for kind, _ in usual.most_common() if kind in said]:
            return others[0]
        if said and layout.has(weight) and len(layout.rows) > 1:
            key = layout.key(weight, 1)
            if key in layout.model.owner:
                update = self._typed(weight, layout.formula(key, 1), held=True)
                if by := [kind for kind in self._right_as(weight, update) if kind in said]:
                    return by[0]
        most = next((kind for kind, n in usual.items() if 2 * n >= len(names().gradients)), None)
        return most or SlopeColumns.SLOPES

    @cached_property
    def told(self) -> Held:
        """What the columns of the gradients hold where their headers say so, which few do."""
        if not any(said_kinds(self.layout.header(d)) for d in names().gradients) or not self.held:
            return ()
        pairs = zip(names().gradients, self.held, strict=True)
        told = {d: kind for d, kind in pairs if says(self.layout.header(d), kind)}
        return _filled_up(told)

    def kind(self, gradient: str) -> SlopeColumns:
        """What a column of gradients holds by its header."""
        told = dict(zip(names().gradients, self.told, strict=True)) if self.told else {}
        return told.get(gradient, SlopeColumns.SLOPES)

    def points_of(self, quantity: str) -> Points:
        """The settings by which the formula of a quantity is judged."""
        reads = quantity in (*names().gradients, *names().weights)
        return self._points(self.told) if reads and self.told else self.points

    def _decide(self, quantity: str, symbol: Symbol, alike: object) -> tuple[Match, str]:
        """An update is right by what the columns should hold, or by what they do: a wrong sign in one of them
        is its fault and not that of the `w + …` that makes up for it.
        """
        found = self.points_of(quantity).decide(quantity, symbol, alike)
        if found[0] is not Match.WRONG or quantity not in names().weights or self.told == self.held:
            return found
        again = self._points(self.held).decide(quantity, symbol, alike)
        return again if again[0] is Match.RIGHT else found

    def _typed(self, quantity: str, symbol: Symbol, *, held: bool = False) -> Symbol:
        """A formula with the learning rate in the place of the number that is typed for it; for what a column
        holds also where the rate of the others stands in a cell.
        """
        eta = self.layout.eta
        if eta is None or not (eta.literal or held) or symbol[0] != "formula":
            return symbol
        reads = quantity in names().weights or (
            says_steps(self.layout.header(quantity)) and not (eta.value == 1.0 and self._no_rate(quantity))
        )
        typed = with_typed_eta(symbol, eta.value) if reads else symbol
        left_out = eta.unwritten and quantity in names().weights and typed == symbol
        return with_unwritten_eta(quantity, symbol) if left_out else typed

    @cached_property
    def _rate_said(self) -> bool:
        return bool(said_rates(self.layout.model, self.layout.table.sheet))

    def _no_rate(self, gradient: str) -> bool:
        """Whether a factor of 1 in a column of steps is none, where the rate is 1: `-1*(...)` is the negative
        that `-(...)` is where the sheet says its rate elsewhere, or where the update has that factor.
        """
        layout, weight = self.layout, gradient[1:]
        if self._rate_said:
            return True
        if not layout.has(weight) or len(layout.rows) < 2 or layout.key(weight, 1) not in layout.model.owner:
            return False
        update = layout.formula(layout.key(weight, 1), 1)
        return with_typed_eta(update, 1.0) != update

    def want(self, quantity: str) -> Array:
        """Reference values of a quantity in the row under test."""
        return self.points.same[quantity]

    def test(self, quantity: str, index: int) -> Tested:
        """Test the formula cell of a quantity in the index-th row; cells of a filled-down run mean the same
        but for its first.
        """
        key = self.layout.key(quantity, index)
        run = self.layout.model.owner.get(key)
        if run is None or min(run.length, len(self.layout.rows)) < 4:
            return self._tested(quantity, index, key)
        start = run.start  # the run's first cell names the run
        first = self._alike_from.get(start)
        if first is None:
            first = self._alike_from[start] = self._alike(run)
        if index < first or self.layout.rows[index] - self.layout.rows[index - 1] != 1:
            return self._tested(quantity, index, key)
        found = self._by_run.get(start)
        if found is None:
            found = self._by_run[start] = self._tested(quantity, index, key)
        return found

    def known_right(self, quantity: str, index: int) -> int:
        """How many cells from the index-th row on are the rest of a filled-down formula that was found right;
        0 where this is not known.
        """
        rows, owner = self.layout.rows, self.layout.model.owner
        key = self.layout.key(quantity, index)
        run = owner.get(key)
        if run is None or not run.form.slots or index < self._alike_from.get(run.start, len(rows)):
            return 0
        tested = self._by_run.get(run.start)
        if tested is None or tested.match is not Match.RIGHT:
            return 0
        count = 0
        while (
            index + count < len(rows)
            and rows[index + count] - rows[index + count - 1] == 1
            and owner.get(key + count * ROW) is run
        ):
            count += 1
        return count

    def otherwise(self, quantity: str, index: int, tested: Tested) -> int:
        """In how many rows a formula that is right at random numbers gives something else with the book's
        own: in the index-th, and in those that are the rest of its filled-down run.
        """
        if is_plain(tested.symbol):
            return 0
        more = index + 1 < len(self.layout.rows)
        count = 1 + (self.known_right(quantity, index + 1) if more else 0)
        return min((one.apart(quantity, tested.symbol, index, count) for one in self._own), default=0)

    @cached_property
    def _own(self) -> tuple[OwnRows, ...]:
        """The table's rows as they stand, by what the columns of gradients should hold and by what they
        do.
        """
        layout, rows = self.layout, range(len(self.layout.rows))
        if not all(layout.has(name) or name in layout.leaves for name in names().given):
            return ()
        shown = {name: [layout.shown(name, index) for index in rows] for name in names().given}
        values = {n: np.array([np.nan if v is None else v for v in all_]) for n, all_ in shown.items()}
        states = scaled(step(values), self.scale)
        eta = layout.eta.value if layout.eta is not None else float("nan")
        return tuple(OwnRows(states, held, eta) for held in dict.fromkeys((self.told, self.held)))

    def _alike(self, run: FormulaRun, up: int = 0, depth: int = 0) -> int:
        """Index of the row from which every cell of a run reads the same symbols; beyond the table where none
        is known. A run of helper cells stands `up` rows above the cells that read it.
        """
        layout, never = self.layout, 1 << 30
        first = layout.index.get(row_of(run.start) + up, never) + 1
        for slot, (base, stride, _, _) in zip(run.form.slots, run.steps, strict=True):
            inside = sheet_of(base) == layout.table.sheet and column_of(base) in layout.quantity
            above = up + row_of(run.start) - row_of(base)
            if isinstance(slot, Range):
                return never
            if stride == 0:
                first = max(first, layout.index.get(row_of(base), -3) + 3 if inside else first)
            elif inside:
                first = first if above in (0, 1) else never
            else:
                first = max(first, self._alike_beside(run, base, above, depth))
        return first

    def _alike_beside(self, run: FormulaRun, base: int, up: int, depth: int) -> int:
        """The same of what all cells of a run but its first read in a column beside the table."""
        layout, never = self.layout, 1 << 30
        cells = range(base + ROW, base + run.length * ROW, ROW)
        bound = {layout.bound.get(key) for key in cells}
        if bound == {("eta",)}:
            return 0
        helper = layout.model.owner.get(cells[0])
        if bound != {None} or helper is None or layout.model.owner.get(cells[-1]) is not helper:
            return never
        return self._alike(helper, up, depth + 1) if depth < MAX_DEPTH else never

    def _tested(self, quantity: str, index: int, key: int) -> Tested:
        found = self._by_cell.get((quantity, index))
        if found is None:
            found = self._by_cell[quantity, index] = self._test(quantity, index, key)
        return found

    def _test(self, quantity: str, index: int, key: int) -> Tested:
        layout = self.layout
        if key in layout.model.refused:
            return Tested(Match.UNRESOLVED, quantity, ("opaque", ""), layout.model.refused[key])
        symbol = layout.formula(key, index)
        if symbol[0] == "opaque":
            return Tested(Match.UNRESOLVED, quantity, symbol, str(symbol[1]))
        symbol = self._typed(quantity, symbol)
        alike = shape(symbol)
        signature = (quantity, index == 0, alike)
        found = self._memo.get(signature)
        if found is None:
            match, reason = self._decide(quantity, symbol, alike)
            found = self._memo[signature] = Tested(match, quantity, symbol, reason)
        return found


def _filled_up(known: Mapping[str, SlopeColumns]) -> Held:
    """What all columns of the gradients hold, those that are not known the gradients."""
    held = tuple(known.get(d, SlopeColumns.SLOPES) for d in names().gradients)
    return () if set(held) == {SlopeColumns.SLOPES} else held
