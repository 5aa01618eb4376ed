"""Every formula of a book evaluated for many settings at once, cells of one formula together.

A cell has the level after those of all cells that it reads. NumPy is asked once for all cells of a level
that hold one formula over whatever cells: the eight updates of a row, in six tables of one book forty-eight.
By itself a cell takes 8 µs, most of it NumPy's preparations for eleven numbers. Levels are found cell by
cell for the first rows of a filled-down formula and go on from there; the guess is verified. What does not
depend on the setting, texts, and what reads them are evaluated cell by cell.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from grader.backprop.tokens import Unsupported
from grader.execute.replay.cells import ROW, FormulaRun, area, column_of
from grader.execute.replay.formula.evaluator import Compiled, Reference, Slot
from grader.execute.replay.formula.worksheet_functions import Block, Value, as_number

Numbers = npt.NDArray[np.float64]
_Rows = npt.NDArray[np.intp]
_Formula = tuple[Compiled, tuple[tuple[int, int], ...]]
"""A formula, and how many cells and columns the range in each of its slots has."""

_UNKNOWN = 1 << 62
"""The level of a cell whose turn has not come."""
_TEXT = 1 << 61
"""Added to the level of a cell that may hold a text."""
_HEAD = 3
"""Cells of a filled-down formula whose levels say those of the others; a table's first row is special."""


class Patch(NamedTuple):
    """Values to put into a cell in some settings: `values` where `mask`, the cell's own value elsewhere."""

    mask: npt.NDArray[np.bool_]
    values: Numbers


class Recalculated(NamedTuple):
    """Numbers of the cells, one row a cell (`at`) and one column a setting, NaN for a text; and the cells
    that could not be evaluated with the reason: those kept their stored value.
    """

    numbers: Numbers
    at: dict[int, int]
    kept: dict[int, str]

    def of(self, keys: Sequence[int]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
        """The numbers of cells, one row a cell, NaN where there is none; and where there is one."""
        rows = np.array([self.at.get(key, 0) for key in keys], dtype=np.intp)
        numbers, there = self.numbers[rows], rows > 0
        numbers[~there] = np.nan
        return numbers, there

    def first(self, key: int) -> float:
        """The number of a cell in the first setting, NaN where there is none."""
        row = self.at.get(key)
        return float("nan") if row is None else float(self.numbers[row, 0])


class Cells(Protocol):
    """What is evaluated: constants and stored results by cell, formulas, and the formula cells that cannot be
    evaluated with the reason.
    """

    constants: dict[int, float | str]
    cached: dict[int, float | str]
    owner: dict[int, FormulaRun]
    runs: list[FormulaRun]
    refused: dict[int, str]
    typed_as_text: dict[int, str]


def recalculate(cells: Cells, settings: int, patches: Mapping[int, Patch]) -> Recalculated:
    """Evaluate every formula for several settings.

    Iterative, so that a chain of 100,000 cells is no danger; a circular reference keeps its stored value.
    """
    done = _Recalculation(cells, settings, patches, ahead=True).done()
    return done or _Recalculation(cells, settings, patches, ahead=False).done()  # type: ignore[return-value]


class _Together(NamedTuple):
    """Cells of one formula: their rows in the numbers, and the rows that they read, a column a cell."""

    rows: _Rows
    read: _Rows


class _Cells:
    """Cells of one formula as they are found: single ones, and the rests of runs."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.read: list[list[int]] = []
        self.runs: list[_Together] = []

    def all(self) -> _Together:
        rows = [np.array(self.rows, dtype=np.intp), *(run.rows for run in self.runs)]
        read = [np.array(self.read, dtype=np.intp).T] if self.rows else []
        return _Together(
            np.concatenate(rows), np.concatenate([*read, *(run.read for run in self.runs)], axis=1)
        )


class _Recalculation:
    """The work on one book. With `ahead` levels are guessed."""

    def __init__(self, cells: Cells, settings: int, patches: Mapping[int, Patch], *, ahead: bool) -> None:
        self.cells, self.patches, self.settings, self.ahead = cells, patches, settings, ahead
        self.kept = dict(cells.refused)
        self.circular = False
        stored = {key: cells.cached.get(key, np.nan) for key in cells.refused}
        outside = {key: np.nan for key in patches if key not in cells.owner}
        self.plain: dict[int, Value] = {**outside, **cells.constants, **stored}
        """What is the same in every setting, and all texts."""
        self.order = [key for key in cells.owner if key not in self.plain]
        self.first = 1 + len(self.plain)
        """The row of the first of these cells; row 0 is that of all empty ones."""
        self.at = dict(zip([*self.plain, *self.order], range(1, self.first + len(self.order)), strict=True))
        self.keys = np.array([0, *self.at])
        self.numbers = np.zeros((len(self.keys), settings))
        known = [as_number(value) for value in self.plain.values()]
        self.numbers[1 : self.first] = np.array(known, dtype=np.float64)[:, None]
        texts = [_TEXT if isinstance(value, str) else 0 for value in self.plain.values()]
        self.level = [0, *texts, *[_UNKNOWN] * len(self.order)]
        """By row: 0 where nothing depends on the setting."""
        given = [key for key in patches if key not in cells.owner]
        for key in given:
            del self.plain[key]
            self.level[self.at[key]] = 1
        if given:
            masks, values = (np.array(part) for part in zip(*(patches[key] for key in given), strict=True))
            rows = [self.at[key] for key in given]
            self.numbers[rows] = np.where(masks, values, self.numbers[rows])
        self.alone: defaultdict[int, list[int]] = defaultdict(list)
        """Cells that are evaluated by themselves, by level."""
        self.alike: defaultdict[_Formula, _Cells] = defaultdict(_Cells)
        """Cells that are evaluated with others of their formula."""

    def done(self) -> Recalculated | None:
        """All cells evaluated; None where guessed levels are none, or there is a circle: it is broken at the
        cell that is met first row by row.
        """
        self._plan()
        if self.ahead and self.circular:
            return None
        level = np.array(self.level)
        together: defaultdict[int, list[tuple[_Formula, _Together]]] = defaultdict(list)
        for formula, found in self.alike.items():
            cells = found.all()
            levels = level[cells.rows]
            if not (level[cells.read] < levels).all():
                return None
            order = np.argsort(levels, kind="stable")
            levels, rows, read = levels[order], cells.rows[order], cells.read[:, order]
            starts = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist()]
            for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
                part = _Together(rows[start:end], read[:, start:end])
                together[int(levels[start])].append((formula, part))
        for one in sorted(self.alone.keys() | together.keys()):
            for key in self.alone.get(one, ()):
                self._evaluate(key)
            for formula, cells in together.get(one, ()):
                self._evaluate_together(formula, cells)
        return Recalculated(self.numbers, self.at, self.kept)

    def _plan(self) -> None:
        """Give every formula cell its level; what does not depend on the setting is evaluated on the way."""
        owner = self.cells.owner
        if self.ahead:
            starts = [run.start + i * ROW for run in self.cells.runs for i in range(min(_HEAD, run.length))]
            for key in sorted(key for key in starts if self.at.get(key, 0) >= self.first):
                self._plan_cell(key)
                run = owner[key]
                if key == run.start + (_HEAD - 1) * ROW and run.length > _HEAD:
                    self._go_on(run, self.at[key])
        rest = [
            key for key, level in zip(self.order, self.level[self.first :], strict=True) if level == _UNKNOWN
        ]
        for key in sorted(rest):  # row by row, nearly the order in which they depend on each other
            self._plan_cell(key)

    def _plan_cell(self, key: int) -> None:
        at, level = self.at, self.level
        row = at[key]
        if level[row] != _UNKNOWN:
            return
        run = self.cells.owner[key]
        if run.reads and not run.texts and key not in self.patches:
            i = (key - run.start) // ROW
            try:  # nearly every cell: what it reads stands above it or to its left
                read = [at[base + i * step] for base, step in run.reads]
            except KeyError:  # an empty cell
                read = [0]
            highest = max([level[one] for one in read])
            if 0 < highest < _TEXT and not (run.blocks and self.cells.typed_as_text):
                self._place_with_others(run, row, highest + 1, read)
                return
        self._plan_with_what_it_reads(key)

    def _place_with_others(self, run: FormulaRun, row: int, level: int, read: list[int]) -> None:
        self.level[row] = level
        cells = self.alike[run.of_numbers, run.blocks]
        cells.rows.append(row)
        cells.read.append(read)

    def _go_on(self, run: FormulaRun, row: int) -> None:
        """Let the levels of the first cells of a run, the last of which has this row, go on in the others."""
        count, level = run.length - _HEAD, self.level
        rest, last, period = slice(row + 1, row + 1 + count), level[row], level[row] - level[row - 1]
        if not (run.reads and 0 <= period <= last < _TEXT) or level[rest].count(_UNKNOWN) < count:
            return
        if run.texts or (run.blocks and self.cells.typed_as_text):
            return
        # Its own cells, and those in each slot, have to stand one below the other in the numbers, too.
        first = [row + 1, *(self.at.get(base + _HEAD * step, 0) for base, step in run.reads)]
        start = [run.start + _HEAD * ROW, *(base + _HEAD * step for base, step in run.reads)]
        step = np.array([ROW, *(step for _, step in run.reads)])[:, None]
        down = np.arange(count)
        rows = np.array(first)[:, None] + (step > 0) * down
        if rows.max() >= len(self.keys) or (self.keys[rows] != np.array(start)[:, None] + step * down).any():
            return
        if any(key in self.patches for key in self.keys[rows[0]].tolist()):
            return
        level[rest] = (last + period * (down + 1)).tolist()
        self.alike[run.of_numbers, run.blocks].runs.append(_Together(rows[0], rows[1:]))

    def _plan_with_what_it_reads(self, root: int) -> None:
        busy, stack = set[int](), [root]
        while stack:
            key = stack[-1]
            if self.level[self.at[key]] != _UNKNOWN:
                stack.pop()
                continue
            try:
                read = self._read_by(key)
            except Unsupported as reason:
                self._keep(key, str(reason))
                self._hold(key, self._patched(key, self.plain[key]))
                continue
            missing = [one for one in read if one in self.at and self.level[self.at[one]] == _UNKNOWN]
            if missing:
                busy.add(key)
                for one in missing:
                    if one in busy:
                        self.circular = True
                        self._keep(one, "a circular reference")
                stack.extend(one for one in missing if one not in busy)
                continue
            self._place(key, read)
            busy.discard(key)
            stack.pop()

    def _read_by(self, key: int) -> list[int]:
        """The cells that a cell reads; raises `Unsupported` for a range that is too large."""
        run = self.cells.owner[key]
        i = (key - run.start) // ROW
        read: list[int] = []
        for slot, (base, step, last, last_step) in zip(run.form.slots, run.steps, strict=True):
            whole = type(slot) is not Reference
            read += area(base + i * step, last + i * last_step) if whole else [base + i * step]
        return read

    def _place(self, key: int, read: Sequence[int]) -> None:
        """Give a cell the level after those that it reads."""
        run = self.cells.owner[key]
        if all(one in self.plain or one not in self.at for one in read):
            self.level[self.at[key]] = 0
            self._evaluate(key)
            return
        rows = [self.at.get(one, 0) for one in read]
        levels = [self.level[row] for row in rows]
        level = 1 + max(level % _TEXT for level in levels)
        text = run.texts or run.reads is None or max(levels) >= _TEXT
        text = text or (bool(run.blocks) and (0 in rows or bool(self.cells.typed_as_text)))
        self.level[self.at[key]] = level + _TEXT if text else level
        if text or key in self.patches:
            self.alone[level].append(key)
        else:
            self._place_with_others(run, self.at[key], level, rows)

    def _evaluate(self, key: int) -> None:
        """Evaluate a cell by itself."""
        run = self.cells.owner[key]
        i = (key - run.start) // ROW
        arguments: list[Slot] = []
        try:
            for slot, (base, step, last, last_step) in zip(run.form.slots, run.steps, strict=True):
                first, end = base + i * step, last + i * last_step
                if type(slot) is Reference:
                    arguments.append(self._value(first, 0.0))
                    continue
                typed = self.cells.typed_as_text
                inside = [typed.get(one) or self._value(one, "") for one in area(first, end)]
                arguments.append(Block(inside, abs(column_of(end) - column_of(first)) + 1))
            texts = str in map(type, arguments)
            value = (run.compiled if texts else run.of_numbers)(arguments)
        except Unsupported as reason:
            value, self.kept[key] = self.cells.cached.get(key, np.nan), str(reason)
        self._hold(key, self._patched(key, value))

    def _evaluate_together(self, formula: _Formula, cells: _Together) -> None:
        """Evaluate cells of one formula, none of which reads another of them."""
        compiled, blocks = formula
        values = list(self.numbers.take(cells.read, axis=0))
        try:
            self.numbers[cells.rows] = compiled(_in_blocks(values, blocks) if blocks else values)
        except Unsupported:
            for row in cells.rows.tolist():
                self._evaluate(self.order[row - self.first])

    def _value(self, key: int, empty: Value) -> Value:
        value = self.plain.get(key)
        if value is not None:
            return value
        row = self.at.get(key)
        return empty if row is None else self.numbers[row]

    def _patched(self, key: int, value: Value) -> Value:
        patch = self.patches.get(key)
        return value if patch is None else np.where(patch.mask, patch.values, as_number(value))

    def _keep(self, key: int, reason: str) -> None:
        """Leave a cell its stored value."""
        self.level[self.at[key]], self.kept[key] = 0, reason
        self._hold(key, self.cells.cached.get(key, np.nan))

    def _hold(self, key: int, value: Value) -> None:
        """Take a value for that of a cell."""
        row = self.at[key]
        self.numbers[row] = as_number(value)
        if isinstance(value, np.ndarray) and value.shape == (self.settings,):
            self.plain.pop(key, None)
            self.level[row] = max(self.level[row], 1)
            return
        self.plain[key] = value
        if isinstance(value, str):
            self.level[row] = self.level[row] | _TEXT


def _in_blocks(values: Sequence[Value], blocks: Sequence[tuple[int, int]]) -> list[Slot]:
    """Values with those of each range as one block."""
    found, taken = list[Slot](), 0
    for count, width in blocks:
        inside = values[taken : taken + count]
        found.append(Block(inside, width) if width else inside[0])
        taken += count
    return found
