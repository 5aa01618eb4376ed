"""The local identity test: a cell's formula, with reference values in every cell that it reads, against the
reference.

Upstream faults do not spread, because what the formula reads is put right first. The values are random (fixed
seed), and analytic functions that agree at eight random points are equal with probability one. Cells with the
same formula over the same symbols are tested once, in a book and in all books that one process reads.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from grader.backprop.assigned import made, network
from grader.backprop.sheet_names import names
from grader.backprop.tokens import Token, Unsupported
from grader.backprop.values import TOLERANCE
from grader.core.assigned_network import Activation, AssignedNetwork
from grader.execute.replay.cell_graph import ROW, FormulaRun, column_of, row_of, sheet_of
from grader.execute.replay.formula.evaluator import Form, Range, Slot, compile_tokens, evaluate
from grader.execute.replay.formula.worksheet_functions import Block, Value
from grader.execute.replay.reference_network import Array, shares, step, updated
from grader.execute.replay.table.layout import Layout, Symbol
from grader.execute.replay.table.slope_columns import SlopeColumns, says

POINTS = 8
SEED = 20_260
NEAR = 2e-4
"""Relative difference below which a formula differs only by a rounded constant (`2.71828^-x`); faults differ
by order one.
"""


MOST_KNOWN = 4_096
"""Formulas that are remembered; 49 real workbooks have 700 between them, each asked for 30 times."""
MOST_SEEDS = 500
"""Draws until the points tell formulas apart; the first one does where no unit can be off."""


class Match(Enum):
    """The result of one test."""

    RIGHT = "right"
    NEAR = "near"
    WRONG = "wrong"
    UNRESOLVED = "unresolved"


class Tested(NamedTuple):
    """One distinct formula over symbols, and what the test says."""

    match: Match
    quantity: str
    symbol: Symbol
    reason: str = ""


class Points:
    """Random settings: one for the row under test and the one before it, others for rows elsewhere."""

    def __init__(
        self, merged: Sequence[tuple[str, str]] = (), meaning: SlopeColumns = SlopeColumns.SLOPES
    ) -> None:
        self._merged = tuple(merged)
        self._meaning = meaning
        self.previous: dict[str, Array] = {}
        self.same: dict[str, Array] = {}
        for seed in range(SEED, SEED + MOST_SEEDS):
            self._draw(np.random.default_rng(seed))
            if self._tells_apart():
                break
        self.same = meaning.of(self.same, self.eta)
        self.previous = meaning.of(self.previous, self.eta)
        self._others: dict[int, dict[str, Array]] = {}
        self._known: dict[tuple[str, object], tuple[Match, str]] = {}

    def decide(self, quantity: str, symbol: Symbol, alike: object) -> tuple[Match, str]:
        """Whether a formula is a quantity in the row under test, and why it cannot be told where it cannot.

        Remembered by the quantity and by what is `alike` (`shape`): the formula, what each of its references
        stands for, and every number in it. Nothing else of a book decides it, and classmates write the same.
        """
        found = self._known.get((quantity, alike))
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            found = self._known[quantity, alike] = self._decided(quantity, symbol)
        return found

    def _decided(self, quantity: str, symbol: Symbol) -> tuple[Match, str]:
        try:
            gap = difference(self.run(symbol), self.same[quantity])
        except Unsupported as reason:
            return Match.UNRESOLVED, str(reason)
        return (Match.RIGHT if gap <= TOLERANCE else Match.NEAR if gap <= NEAR else Match.WRONG), ""

    def _draw(self, chance: np.random.Generator) -> None:
        self._inputs = {name: chance.uniform(-1.5, 1.5, POINTS) for name in names().inputs}
        for one, other in self._merged:
            if one in self._inputs and other in self._inputs:
                self._inputs[other] = self._inputs[one]
        self._inputs = shares(self._inputs)
        self.eta = chance.uniform(0.1, 2.0, POINTS)
        self.previous = step({**self._inputs, **self._weights(chance)})
        self.same = step(updated(self.previous, self.eta))

    def _tells_apart(self) -> bool:
        """Whether every unit of a ReLU is on at some points and off at others: where it is off, its gradients
        are 0, whatever the formula.
        """
        assigned = network()
        units = [unit for unit in assigned.units if assigned.activation(unit) is Activation.RELU]
        on = [np.count_nonzero(self.same[unit.sum] > 0.0) for unit in units]
        return all(2 <= count < POINTS for count in on)

    def _weights(self, chance: np.random.Generator) -> dict[str, Array]:
        weights = {name: chance.uniform(-1.5, 1.5, POINTS) for name in names().weights}
        for one, other in self._merged:
            if one in weights and other in weights:
                weights[other] = weights[one]
        return weights

    def state(self, row: object) -> dict[str, Array]:
        """The quantities of a row: `same`, `prev`, or an index of a row elsewhere."""
        if row == "same":
            return self.same
        if row == "prev":
            return self.previous
        index = int(row) if isinstance(row, int) else 0
        if index not in self._others:
            chance = np.random.default_rng((SEED, index))
            self._others[index] = self._meaning.of(step({**self._inputs, **self._weights(chance)}), self.eta)
        return self._others[index]

    def value(self, symbol: Symbol) -> Slot:
        """The value of a symbol at the points; formulas of helper cells are evaluated."""
        kind = symbol[0]
        if kind == "q":
            return self.state(symbol[2])[str(symbol[1])]
        if kind == "eta":
            return self.eta
        if kind == "empty":
            return 0.0
        if kind in ("number", "text"):
            return symbol[1]  # type: ignore[return-value]
        if kind == "range":
            inside = ["" if one[0] in ("empty", "text") else self.value(one) for one in symbol[1]]  # type: ignore[attr-defined]
            return Block((v for v in inside if not isinstance(v, list)), int(str(symbol[2])))
        if kind == "formula":
            return self.run(symbol)
        raise Unsupported(str(symbol[1]))

    def run(self, symbol: Symbol) -> Value:
        """Evaluate a formula symbol."""
        form, symbols = symbol[1], symbol[2]
        if not isinstance(form, Form) or not isinstance(symbols, tuple):
            raise Unsupported("a formula that cannot be followed")
        return evaluate(compile_tokens(form.tokens), [self.value(one) for one in symbols])


def points_for(merged: tuple[tuple[str, str], ...], meaning: SlopeColumns = SlopeColumns.SLOPES) -> Points:
    """The settings for a table; equal for all tables that share no parameter cells."""
    return made(_maker)(merged, meaning)


def _maker(_: AssignedNetwork) -> Callable[[tuple[tuple[str, str], ...], SlopeColumns], Points]:
    return lru_cache(maxsize=16)(Points)


def difference(got: Value, want: Array) -> float:
    """Largest difference relative to the size of the wanted values; infinite where anything is no number."""
    if isinstance(got, str):
        return float("inf")
    scale = float(np.max(np.abs(want))) or 1.0
    gap = np.max(np.abs(np.asarray(got, dtype=np.float64) - want))
    return float(gap) / scale if np.isfinite(gap) else float("inf")


def shape(symbol: Symbol) -> object:
    """What makes two formulas the same test: tokens and symbols, without the cells where they stand.

    The tokens whole, which number the references: after a LET is written out `x*y+x` and `x*y+y` differ in
    nothing else.
    """
    kind = symbol[0]
    if kind == "formula":
        form, symbols = symbol[1], symbol[2]
        return (form.tokens, tuple(shape(one) for one in symbols))  # type: ignore[attr-defined]
    if kind == "range":
        return ("range", tuple(shape(one) for one in symbol[1]), symbol[2])  # type: ignore[attr-defined]
    if kind in ("number", "text"):
        return symbol[:2]
    return symbol[:1] if kind == "empty" else symbol


class IdentityTest:
    """Tests the formula cells of one layout, each distinct formula once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.points = points_for(tuple(layout.merged))
        self._memo: dict[tuple[str, bool, object], Tested] = {}
        self._by_run: dict[int, Tested] = {}
        self._alike_from: dict[int, int] = {}
        self.held = self._held()
        self.told = self.held is not SlopeColumns.SLOPES and all(
            says(layout.header(d), self.held) for d in names().gradients
        )
        """Whether the headers say what the columns of the gradients hold."""

    def _held(self) -> SlopeColumns:
        """What all columns of the gradients hold."""
        layout = self.layout
        keys = [layout.key(d, 0) for d in names().gradients if layout.has(d) and layout.rows]
        if len(keys) < len(names().gradients) or not all(key in layout.model.owner for key in keys):
            return SlopeColumns.SLOPES
        symbols = [self._typed(d, layout.formula(k, 0)) for d, k in zip(names().gradients, keys, strict=True)]
        for held in SlopeColumns:
            points = points_for(tuple(layout.merged), held)
            slopes = zip(names().gradients, symbols, strict=True)
            if all(points.decide(d, one, shape(one))[0] is Match.RIGHT for d, one in slopes):
                return held
        return SlopeColumns.SLOPES

    def points_of(self, quantity: str) -> Points:
        """The settings by which the formula of a quantity is judged."""
        reads = quantity in (*names().gradients, *names().weights)
        return points_for(tuple(self.layout.merged), self.held) if self.told and reads else self.points

    def _decide(self, quantity: str, symbol: Symbol, alike: object) -> tuple[Match, str]:
        """An update is right by what the columns should hold, or by what they do: a wrong sign in all of them
        is their fault and not that of the `w + …` that makes up for it.
        """
        found = self.points_of(quantity).decide(quantity, symbol, alike)
        if found[0] is not Match.WRONG or self.told or quantity not in names().weights:
            return found
        again = points_for(tuple(self.layout.merged), self.held).decide(quantity, symbol, alike)
        return again if again[0] is Match.RIGHT else found

    def _typed(self, quantity: str, symbol: Symbol) -> Symbol:
        """A formula with the learning rate in the place of the number that is typed for it."""
        eta = self.layout.eta
        if eta is None or not eta.literal or symbol[0] != "formula":
            return symbol
        readers = names().gradients if eta.of_steps else names().weights
        typed = with_typed_eta(symbol, eta.value) if quantity in readers else symbol
        left_out = eta.unwritten and quantity in names().weights and typed == symbol
        return with_unwritten_eta(quantity, symbol) if left_out else typed

    def want(self, quantity: str) -> Array:
        """Reference values of a quantity in the row under test."""
        return self.points.same[quantity]

    def test(self, quantity: str, index: int) -> Tested:
        """Test the formula cell of a quantity in the index-th row; cells of a filled-down run mean the same
        but for its first.
        """
        key = self.layout.key(quantity, index)
        run = self.layout.model.owner.get(key)
        if run is None or run.length < 4:
            return self._test(quantity, index, key)
        start = run.start  # the run's first cell names the run
        first = self._alike_from.get(start)
        if first is None:
            first = self._alike_from[start] = self._alike(run)
        if index < first or self.layout.rows[index] - self.layout.rows[index - 1] != 1:
            return self._test(quantity, index, key)
        found = self._by_run.get(start)
        if found is None:
            found = self._by_run[start] = self._test(quantity, index, key)
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

    def _alike(self, run: FormulaRun) -> int:
        """Index of the row from which every cell of a run reads the same symbols; beyond the table where none
        is known.
        """
        layout, never = self.layout, 1 << 30
        at = layout.index.get(row_of(run.start), never) + 1
        first = at
        for slot, (base, stride, _, _) in zip(run.form.slots, run.steps, strict=True):
            inside = sheet_of(base) == layout.table.sheet and column_of(base) in layout.quantity
            if isinstance(slot, Range):
                return never
            if stride == 0:
                first = max(first, layout.index.get(row_of(base), -3) + 3 if inside else first)
            elif not inside or row_of(run.start) - row_of(base) not in (0, 1):
                return never
        return first

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


def with_typed_eta(symbol: Symbol, value: float) -> Symbol:
    """Replace a number that is typed into an update formula, or into a helper cell behind it, and is the
    learning rate by the symbol for it; 1 is one as a factor alone.
    """
    form, symbols, key = symbol[1], symbol[2], symbol[3]
    if not isinstance(form, Form) or not isinstance(symbols, tuple):
        return symbol
    inner = tuple(with_typed_eta(one, value) if one[0] == "formula" else one for one in symbols)
    slot, rate = len(symbols), Token("number", value)
    tokens = tuple(
        Token("ref", slot) if token == rate and (value != 1.0 or _is_factor(form.tokens, at)) else token
        for at, token in enumerate(form.tokens)
    )
    if tokens == form.tokens:
        return symbol if inner == symbols else ("formula", form, inner, key)
    return ("formula", Form(tokens, form.slots, form.skeleton + " typed"), (*inner, ("eta",)), key)


def with_unwritten_eta(quantity: str, symbol: Symbol) -> Symbol:
    """An update with the learning rate as the factor of its step: `w + (update - w)·η`, the same at 1."""
    form, symbols = symbol[1], symbol[2]
    if not isinstance(form, Form) or not isinstance(symbols, tuple):
        return symbol
    before, rate = Token("ref", len(symbols)), Token("ref", len(symbols) + 1)
    opened, closed = Token("open", "("), Token("close", ")")
    plus, minus, times = (Token("op", sign) for sign in "+-*")
    step = (opened, opened, *form.tokens, closed, minus, before, closed)
    known = (*symbols, ("q", quantity, "prev"), ("eta",))
    unwritten = Form((before, plus, *step, times, rate), form.slots, form.skeleton + " unwritten")
    return ("formula", unwritten, known, symbol[3])


def _is_factor(tokens: tuple[Token, ...], at: int) -> bool:
    return Token("op", "*") in (tokens[at + 1 : at + 2] + tokens[max(at - 1, 0) : at])
