"""Which cell of an iteration table stands for which quantity, and where its learning rate comes from.

A symbol is what a cell means to the formula that reads it: a quantity in the same or the previous row, the
learning rate, a number that stands nowhere in the table, or the formula of a helper cell. References are
followed to their symbols, so that `=$B$3*F5` and `=C5*F5` are the same formula where B3 is the cell from
which column C is filled.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grader.backprop.sheet_names import names
from grader.backprop.tokens import Unsupported
from grader.core.evidence.workbook import Table
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import ROW, FormulaRun, cell, column_of, row_of, sheet_of
from grader.execute.replay.formula.small_edits import folded
from grader.execute.replay.labels import labelled_input
from grader.execute.replay.learning_rates import said_rates
from grader.execute.replay.reference_network import Array, step
from grader.execute.replay.table.iteration_rows import iteration_rows
from grader.execute.replay.table.slope_columns import said_kinds, says_steps

MAX_HELPERS = 40
"""Helper cells in a row that a formula is followed through."""
MAX_FOLLOWED = 300
"""Helper cells that one formula is followed through in all: helpers that read helpers can branch without end.
"""

Symbol = tuple[object, ...]
"""`("q", name, row)` with row `same`, `prev` or an index; `("eta",)`; `("number", value, cell)`; `("empty",
cell)`; `("text", text, cell)`; `("formula", skeleton, symbols, cell)`; `("range", symbols, width)`;
`("opaque", reason)`.
"""


class Source(NamedTuple):
    """Where a table's learning rate stands: the leaf cell, or a number typed into the formulas (`cell` 0)."""

    value: float
    cell: int
    literal: bool = False
    unwritten: bool = False
    """Whether it is the 1 that a sheet says and that an update may leave out."""


class Layout:
    """One table with one reading of its columns. With `probe` rows only the first of them are followed to
    their sources.
    """

    def __init__(self, model: Model, table: Table, columns: dict[str, int], probe: int = 0) -> None:
        self.model = model
        self.table = table
        self.columns = dict(columns)
        self.quantity = {column: name for name, column in self.columns.items()}
        self.rows = iteration_rows(model, table, self.columns, probe)
        self.index = {row: i for i, row in enumerate(self.rows)}
        self.bound: dict[int, Symbol] = {}
        self._followed = 0
        self._reading_table: dict[int, bool] = {}
        self._inputs = names().inputs
        self.merged: list[tuple[str, str]] = []
        """Quantities that share one parameter cell; they get the same random value."""
        self.leaves: dict[str, int] = {}
        """The last cell of the chain of copies behind each input and first weight."""
        self._bind_parameters()
        self._bind_labelled()
        self.eta = self._find_eta()

    def key(self, quantity: str, index: int) -> int:
        """The cell of a quantity in the index-th row."""
        return cell(self.table.sheet, self.rows[index], self.columns[quantity])

    def keys(self, quantity: str) -> list[int]:
        """The cells of a quantity, row by row."""
        first = cell(self.table.sheet, 0, self.columns[quantity])
        return [first + row * ROW for row in self.rows]

    def has(self, quantity: str) -> bool:
        """Whether the table has a column for the quantity."""
        return quantity in self.columns

    def header(self, quantity: str) -> str:
        """What stands above a quantity's column; empty where it was found without a header."""
        return next((c.header for c in self.table.columns if c.column == self.columns.get(quantity)), "")

    def shown(self, name: str, index: int) -> float | None:
        """The number that the file shows in a cell of the table, or in the labelled one beside it."""
        if index >= len(self.rows):
            return None
        key = self.key(name, index) if self.has(name) else self.leaves.get(name)
        value = None if key is None else self.model.shown(key)
        return value if isinstance(value, float) else None

    def shown_state(self, index: int) -> dict[str, Array] | None:
        """The quantities of a row by the inputs and weights that it shows."""
        given = {name: self.shown(name, index) for name in names().given}
        known = {
            name: np.asarray(value, dtype=np.float64) for name, value in given.items() if value is not None
        }
        return step(known) if len(known) == len(given) else None

    def leaf(self, key: int) -> int:
        """Follow pure references (`=B7`) to the cell that holds the value."""
        return [key, *self._chain(key)][-1]

    def _chain(self, key: int) -> list[int]:
        chain = []
        for _ in range(MAX_HELPERS):
            target = self.model.pure_reference(key)
            if target is None:
                break
            key = target
            chain.append(key)
        return chain

    def _inside(self, key: int) -> bool:
        return (
            sheet_of(key) == self.table.sheet
            and row_of(key) in self.index
            and column_of(key) in self.quantity
        )

    def _bind_parameters(self) -> None:
        if not self.rows:
            return
        for name in names().given:
            if name not in self.columns:
                continue
            first = self.key(name, 0)
            self.leaves[name] = self.leaf(first)
            for key in self._chain(first):
                if self._inside(key):
                    continue
                known = self.bound.get(key)
                if known is None:
                    self.bound[key] = ("q", name, 0)
                elif known[1] != name:
                    self.merged.append((str(known[1]), name))

    def _bind_labelled(self) -> None:
        """Inputs and targets without a column: cells beside the table that formulas read and a text left or
        above names.
        """
        missing = [name for name in names().inputs if name not in self.columns]
        if not missing or not self.rows:
            return
        readers = [self.key(name, 0) for name in self.columns if name not in names().given]
        targets = {t for key in readers if key in self.model.owner for t in self._targets(key)}
        for target in sorted(targets):
            value = self.model.shown(target)
            if self._inside(target) or target in self.bound or not isinstance(value, float):
                continue
            for label in (target - 1, target - ROW):
                text = self.model.constants.get(label)
                name = labelled_input(text) if isinstance(text, str) else ""
                if name in missing:
                    missing.remove(name)
                    self.leaves[name] = self.leaf(target)
                    self.bound[target] = self.bound[self.leaves[name]] = ("q", name, 0)
                    break

    def _find_eta(self) -> Source | None:
        """The leaf that the first updates read outside the table; else the most frequent; else a number."""
        weights, slopes = names().weights, names().gradients
        everywhere, steps = Counter[int](), Counter[int]()
        first = self._outside(weights, range(1, min(2, len(self.rows))))
        if not first:
            everywhere = self._outside(weights, range(1, len(self.rows)))
        if not first and not everywhere:  # columns of steps, Δw = -η ∂E/∂w, which the updates add
            steps = Counter(
                {
                    leaf: n
                    for leaf, n in self._outside(slopes, range(min(1, len(self.rows)))).items()
                    if 2 * n >= len(slopes)
                }
            )
        said = tuple(d for d in slopes if d in self.columns and says_steps(self.header(d)))
        users = (*weights, *said)
        for counted, readers in ((first, users), (everywhere, users), (steps, slopes)):
            if not counted:
                continue
            leaf = max(counted, key=lambda key: (counted[key], -key))
            value = self.model.shown(leaf)
            if isinstance(value, float):
                for key in self._sources(leaf, value, readers):
                    self.bound[key] = ("eta",)
                return Source(value, leaf)
        found = self._typed_eta() or self._inferred_eta()
        return self._unwritten_eta(found) if found is None or found.value == 1.0 else found

    def _unwritten_eta(self, found: Source | None) -> Source | None:
        """A rate of 1 where updates are calculated and their sheet says 1 alone: `w - ∂E/∂w` is right."""
        updates = [self.key(w, 1) for w in names().weights if w in self.columns and len(self.rows) > 1]
        if self.model.owner.keys().isdisjoint(updates) or said_rates(self.model, self.table.sheet) != {1.0}:
            return found
        return (found or Source(1.0, 0, literal=True))._replace(unwritten=True)

    def _outside(self, readers: Sequence[str], indices: range) -> Counter[int]:
        counted: Counter[int] = Counter()
        for name in readers:
            for index in indices if name in self.columns else ():
                for target in self._parameters(self.key(name, index)):
                    leaf = self.leaf(target)
                    known = self.bound.get(target, self.bound.get(leaf))
                    outside = known is None and not self._inside(leaf)
                    if outside and isinstance(self.model.shown(leaf), float) and not self._reads_table(leaf):
                        counted[leaf] += 1
        return counted

    def _parameters(self, key: int) -> list[int]:
        """The cells outside the table that a formula reads, also by the helper cells that read the table for
        it: a column of new weights is one, from which the next row takes its own.
        """
        return self._followed_from(key)[1]

    def _followed_from(self, key: int) -> tuple[list[int], list[int]]:
        """A formula with the helper cells behind it, and the other cells outside the table that they read."""
        helpers, found = [key], list[int]()
        seen = {key}
        for helper in helpers:  # which grows meanwhile
            if len(seen) > MAX_FOLLOWED:
                break
            for target in self._targets(helper):
                if target in seen or self._inside(target):
                    continue
                seen.add(target)
                helps = target in self.model.owner and self._reads_table(target)
                (helpers if helps else found).append(target)
        return helpers, found

    def _reads_table(self, key: int) -> bool:
        """Whether a cell beside the table is calculated from cells of it: a helper cell, no parameter.

        Remembered: thousands of formulas that read one cell follow its chain of up to `MAX_FOLLOWED` once.
        """
        found = self._reading_table.get(key)
        if found is None:
            found = self._reading_table[key] = self._follows_to_table(key)
        return found

    def _follows_to_table(self, key: int) -> bool:
        seen, waiting = {key}, [key]
        while waiting and len(seen) <= MAX_FOLLOWED:
            for slot in self._slots(waiting.pop()):
                for target in slot if isinstance(slot, list) else [slot]:
                    if self._inside(target):
                        return True
                    if target in self.model.owner and target not in seen:
                        seen.add(target)
                        waiting.append(target)
        return False

    def _slots(self, key: int) -> list[int | list[int]]:
        try:
            return self.model.slots(key) if key in self.model.owner else []
        except Unsupported:
            return []

    def _targets(self, key: int) -> list[int]:
        return [target for target in self._slots(key) if isinstance(target, int)]

    def _sources(self, leaf: int, value: float, readers: Sequence[str]) -> set[int]:
        """The leaf, the cells that copy it, and its equals in the same column: a learning rate typed in every
        row.
        """
        found = {leaf}
        known: set[int] = set()
        for name in readers:
            for index in range(int(name in names().given), len(self.rows)) if name in self.columns else ():
                key = self.key(name, index)
                run = self.model.owner.get(key)
                if run is None or run.start in known:
                    continue
                if self._reads_the_same(run):
                    known.add(run.start)
                for target in self._parameters(key):
                    if target in self.bound:
                        continue
                    end = self.leaf(target)
                    twin = column_of(end) == column_of(leaf) and self.model.constants.get(end) == value
                    if end == leaf or twin:
                        found |= {target, end}
        return found

    def _reads_the_same(self, run: FormulaRun) -> bool:
        """Whether all cells of a filled-down formula read the same cells outside the table."""
        last, solid = (run.length - 1) * ROW, self.rows[-1] - self.rows[0] < len(self.rows)
        inside = (solid and self._inside(base) and self._inside(base + last) for base, _, _, _ in run.steps)
        return all(not step.step or within for step, within in zip(run.steps, inside, strict=True))

    def _typed_eta(self) -> Source | None:
        counted = self._typed(names().weights, 1)
        if len(counted) > 1:
            del counted[1.0]  # of `1 - a_o1`
        steps = [d for d in names().gradients if d in self.columns and says_steps(self.header(d))]
        updates = [self.key(w, 1) for w in names().weights if w in self.columns and len(self.rows) > 1]
        if max(counted.values(), default=0) < 4 and updates and self.model.owner.keys() >= {*updates}:
            counted += self._typed(steps, 0)
            del counted[1.0]
        value = max(counted, key=lambda number: (counted[number], -number), default=0.0)
        return Source(value, 0, literal=True) if counted[value] >= 4 else None

    def _typed(self, readers: Sequence[str], index: int) -> Counter[float]:
        """In how many formulas of a row, or of the helper cells behind them, each number but 0 is typed."""
        counted: Counter[float] = Counter()
        for name in readers if len(self.rows) > index else ():
            if name in self.columns:
                helpers, _ = self._followed_from(self.key(name, index))
                runs = [run for key in helpers if (run := self.model.owner.get(key)) is not None]
                typed = {
                    float(t.value) for run in runs for t in folded(run.form.tokens) if t.kind == "number"
                }
                counted.update(typed - {0.0})
        return counted

    def _inferred_eta(self) -> Source | None:
        """For a table of pasted numbers: the rate that all weights agree on, (w of this row - w of the next)
        / gradient.
        """
        rates, slopes = [], []
        state = self.shown_state(0)
        for name in names().weights:
            if name not in self.columns or "d" + name not in self.columns or len(self.rows) < 2:
                continue
            numbers = (
                self.model.shown(k) for k in (self.key(name, 0), self.key(name, 1), self.key("d" + name, 0))
            )
            before, after, slope = (n if isinstance(n, float) else float("nan") for n in numbers)
            if state is not None and said_kinds(self.header("d" + name)):
                slope = float(state["d" + name])
            if slope and before - after == before - after:
                rates.append((before - after) / slope)
                slopes.append(abs(slope))
        steep = sorted(rate for rate, slope in zip(rates, slopes, strict=True) if slope >= 0.1 * max(slopes))
        rates.sort()
        trimmed = rates[1:-1] if len(rates) >= 5 else []
        # Rounded numbers give a rate only where the weight moves by more than its last digit.
        for agreeing in (trimmed, steep if len(steep) >= 4 else []):
            middle = agreeing[len(agreeing) // 2] if agreeing else 0.0
            if middle and agreeing[-1] - agreeing[0] <= 1e-3 * abs(middle):
                return Source(float(f"{middle:.4g}"), 0, literal=True)
        return None

    def symbol(self, key: int, index: int, depth: int = 0) -> Symbol:
        """What a cell means to a formula in the index-th row."""
        if sheet_of(key) == self.table.sheet:
            name = self.quantity.get(column_of(key))
            if name is not None:
                at = self.index.get(row_of(key))
                if at is not None:
                    return self._quantity(name, at, index)
        known = self.bound.get(key)
        if known is not None:
            return known if known[0] == "eta" else self._quantity(str(known[1]), 0, index)
        run = self.model.owner.get(key)
        if run is not None:
            self._followed += 1
            if depth >= MAX_HELPERS or self._followed > MAX_FOLLOWED:
                return ("opaque", f"a net of more than {MAX_FOLLOWED} helper cells")
            return self.formula(key, index, depth + 1)
        if key in self.model.refused:
            return ("opaque", self.model.refused[key])
        value = self.model.constants.get(key)
        if value is None:
            return ("empty", key)
        return ("text", value, key) if isinstance(value, str) else ("number", value, key)

    def _quantity(self, name: str, at: int, index: int) -> Symbol:
        if at == index or name in self._inputs:
            return ("q", name, "same")
        return ("q", name, "prev" if at == index - 1 else at)

    def formula(self, key: int, index: int, depth: int = 0) -> Symbol:
        """The formula of a cell with its references as symbols."""
        run = self.model.owner[key]
        if depth == 0:
            self._followed = 0
        try:
            slots = self.model.slots(key)
        except Unsupported as reason:
            return ("opaque", str(reason))
        symbols: list[Symbol] = []
        for at, slot in enumerate(slots):
            if isinstance(slot, list):
                if len(slot) > 500:
                    return ("opaque", "a range of more than 500 cells")
                inside = tuple(self.symbol(one, index, depth) for one in slot)
                symbols.append(("range", inside, self.model.width(key, at)))
            else:
                symbols.append(self.symbol(slot, index, depth))
        opaque = next((symbol for symbol in symbols if symbol[0] == "opaque"), None)
        if opaque is not None:
            return opaque
        return ("formula", run.form, tuple(symbols), key)
