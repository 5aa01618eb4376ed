"""Random settings of a network, and formulas over symbols evaluated there.

The values are random (fixed seed), and analytic functions that agree at eight random points are equal with
probability one.
"""

import math
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache

import numpy as np

from grader.backprop.assigned import made, network
from grader.backprop.sheet_names import names
from grader.backprop.tokens import Token, Unsupported
from grader.backprop.values import TOLERANCE
from grader.core.assigned_network import Activation, AssignedNetwork
from grader.execute.replay.formula.evaluator import Form, Slot, compile_tokens, evaluate
from grader.execute.replay.formula.worksheet_functions import Block, Value
from grader.execute.replay.reference_network import Array, shares, step, updated
from grader.execute.replay.table.layout import Symbol
from grader.execute.replay.table.slope_columns import (
    Held,
    column_values,
)

POINTS = 8
SEED = 20_260
_E = (math.e, 1.0 / math.e)
ROUNDED_E = 3.5e-3
"""Relative difference of a typed e (`2.72^-x`, `2.71^-x`) from e itself."""


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


class Points:
    """Random settings: one for the row under test and the one before it, others for rows elsewhere."""

    def __init__(self, merged: Sequence[tuple[str, str]] = (), held: Held = (), scale: float = 1.0) -> None:
        self._merged = tuple(merged)
        self._held = held
        self._scale = scale
        self.previous: dict[str, Array] = {}
        self.same: dict[str, Array] = {}
        for seed in range(SEED, SEED + MOST_SEEDS):
            self._draw(np.random.default_rng(seed))
            if self._tells_apart():
                break
        self.same = column_values(self.same, held, self.eta)
        self.previous = column_values(self.previous, held, self.eta)
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
            if difference(self.run(symbol), self.same[quantity]) <= TOLERANCE:
                return Match.RIGHT, ""
            exact = with_exact_e(symbol)
            near = exact != symbol and difference(self.run(exact), self.same[quantity]) <= TOLERANCE
        except Unsupported as reason:
            return Match.UNRESOLVED, str(reason)
        return (Match.NEAR if near else Match.WRONG), ""

    def _draw(self, chance: np.random.Generator) -> None:
        self._inputs = {name: chance.uniform(-1.5, 1.5, POINTS) for name in names().inputs}
        for one, other in self._merged:
            if one in self._inputs and other in self._inputs:
                self._inputs[other] = self._inputs[one]
        self._inputs = shares(self._inputs)
        self.eta = chance.uniform(0.1, 2.0, POINTS)
        self.previous = scaled(step({**self._inputs, **self._weights(chance)}), self._scale)
        self.same = scaled(step(updated(self.previous, self.eta)), self._scale)

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
            state = scaled(step({**self._inputs, **self._weights(chance)}), self._scale)
            self._others[index] = column_values(state, self._held, self.eta)
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


class OwnRows(Points):
    """The rows of a table as they stand, in the place of random settings: a formula with a condition, or with
    a term that counts only near one number, may be right at random numbers and nowhere in the book.

    `states` holds the quantities of each row by its inputs and weights, along an axis of rows; NaN where a
    row shows none.
    """

    def __init__(self, states: dict[str, Array], held: Held, eta: float) -> None:
        self.eta = np.asarray(eta)
        self._rows = column_values(states, held, self.eta)
        after = updated({name: values[:-1] for name, values in states.items()}, self.eta)
        self._wanted = self._rows | {w: np.append(np.nan, after[w]) for w in names().weights}

    def apart(self, quantity: str, symbol: Symbol, first: int, count: int) -> int:
        """How many of `count` rows from the first on get another value from a formula; rows and formulas
        without a number tell nothing.
        """
        self.same = {name: values[first : first + count] for name, values in self._rows.items()}
        before = max(0, first - 1)
        self.previous = {name: values[before : before + count] for name, values in self._rows.items()}
        whole = self._wanted[quantity]
        want = whole[first : first + count]
        try:
            got = self.run(symbol)
        except Unsupported:
            return 0
        if isinstance(got, str):
            return 0
        room = np.maximum(
            OWN * np.abs(want), OWN_FLOOR * np.max(np.abs(whole), where=np.isfinite(whole), initial=0.0)
        )
        gap = np.abs(np.broadcast_to(np.asarray(got, dtype=np.float64), want.shape) - want)
        return int(np.count_nonzero(np.isfinite(gap) & (gap > room)))

    def state(self, row: object) -> dict[str, Array]:
        """The quantities of the rows asked about, of those before them, or of one row elsewhere."""
        if row in ("same", "prev"):
            return self.same if row == "same" else self.previous
        index = int(row) if isinstance(row, int) else 0
        return {name: values[index] for name, values in self._rows.items()}


OWN = 1e-6
"""Relative difference from which a formula gives something else in a row: gradients of a trained network are
differences of nearly equal numbers.
"""
OWN_FLOOR = 1e-9
"""The same relative to the largest value of the column."""


def points_for(merged: tuple[tuple[str, str], ...], held: Held = (), scale: float = 1.0) -> Points:
    """The settings for a table; equal for all tables that share no parameter cells, and whose columns of
    gradients hold the same, those of `scale` times the loss.
    """
    return made(_maker)(merged, held, scale)


def scaled(state: dict[str, Array], scale: float) -> dict[str, Array]:
    """A state with the gradients of a multiple of its loss."""
    return state if scale == 1.0 else state | {d: scale * state[d] for d in names().gradients}


def _maker(_: AssignedNetwork) -> Callable[[tuple[tuple[str, str], ...], Held, float], Points]:
    return lru_cache(maxsize=32)(Points)


def difference(got: Value, want: Array) -> float:
    """Largest difference relative to the size of the wanted values; infinite where anything is no number."""
    if isinstance(got, str):
        return float("inf")
    scale = float(np.max(np.abs(want))) or 1.0
    gap = np.max(np.abs(np.asarray(got, dtype=np.float64) - want))
    return float(gap) / scale if np.isfinite(gap) else float("inf")


def with_exact_e(symbol: Symbol) -> Symbol:
    """A formula with e in the place of every number that is e, rounded: no other typed number may be off."""
    if symbol[0] == "number":
        return ("number", _exact(float(str(symbol[1]))), *symbol[2:])
    if symbol[0] != "formula" or not isinstance(symbol[1], Form) or not isinstance(symbol[2], tuple):
        return symbol
    form, symbols = symbol[1], symbol[2]
    tokens = tuple(Token("number", _exact(float(t.value))) if t.kind == "number" else t for t in form.tokens)
    return ("formula", form._replace(tokens=tokens), tuple(map(with_exact_e, symbols)), symbol[3])


def _exact(value: float) -> float:
    return next((e for e in _E if abs(value - e) <= ROUNDED_E * e), value)


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
