"""A workbook as a graph of cells that can be recalculated for many settings at once.

A cell is one integer, `sheet << 40 | row << 20 | column`, so that a relative reference is an addition and a
run of cells with one form needs its references resolved once.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grader.backprop.tokens import Unsupported
from grader.core.evidence.workbook import Book, CellKind, Run, written_number
from grader.execute.replay.formula.evaluator import (
    Compiled,
    Form,
    Range,
    Reference,
    Slot,
    compile_for_numbers,
    compile_tokens,
    scan,
)
from grader.execute.replay.formula.worksheet_functions import Block, Value, as_number

ROW = 1 << 20
SHEET = 1 << 40
MAX_RANGE = 20_000
"""Cells of one range."""


def cell(sheet: int, row: int, column: int) -> int:
    """The integer of a cell; rows and columns count from 1."""
    return sheet << 40 | row << 20 | column


def sheet_of(key: int) -> int:
    """Index of the sheet."""
    return key >> 40


def row_of(key: int) -> int:
    """Row from 1."""
    return key >> 20 & 0xFFFFF


def column_of(key: int) -> int:
    """Column from 1."""
    return key & 0xFFFFF


class Step(NamedTuple):
    """Where a slot of a run points: `base + i * step` for its i-th cell; `last` likewise for a range."""

    base: int
    step: int
    last: int
    last_step: int


class FormulaRun(NamedTuple):
    """A run of formula cells with its parsed form."""

    start: int
    length: int
    form: Form
    compiled: Compiled
    steps: tuple[Step, ...]
    of_numbers: Compiled | None
    """The same closure for values that are no texts, where there is a faster one."""
    cells: tuple[tuple[int, int], ...] | None
    """Base and step of each slot, where no slot is a range."""


class Patch(NamedTuple):
    """Values to put into a cell in some settings: `values` where `mask`, the cell's own value elsewhere."""

    mask: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]


class Recalculated(NamedTuple):
    """Values by cell, and the cells that could not be evaluated with the reason; those kept their cached
    value.
    """

    values: dict[int, Value]
    kept: dict[int, str]


@lru_cache(maxsize=4_096)
def _parse(text: str) -> tuple[Form, Compiled, Compiled | None] | str:
    """A form and its closure, else why there is none; the books of a class hold the same forms."""
    try:
        form = scan(text)
        return form, compile_tokens(form.tokens), compile_for_numbers(form.tokens)
    except Unsupported as reason:
        return str(reason)


class Model:
    """The cells of one book."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.sheets = {sheet.name.lower(): i for i, sheet in enumerate(book.sheets)}
        self.constants: dict[int, float | str] = {}
        self.cached: dict[int, float | str] = {}
        self.owner: dict[int, FormulaRun] = {}
        self.refused: dict[int, str] = {}
        """Formula cells that cannot be evaluated at all, with the reason."""
        self.form_of: dict[int, int] = {}
        self.typed_as_text: dict[int, str] = {}
        """Cells that hold a number as text (`'0,15`); `constants` has the number, which arithmetic takes it
        for.
        """
        self.errors: dict[int, str] = {}
        """Formula cells whose stored result is an error value (`#VALUE!`)."""
        self._parsed: dict[int, tuple[Form, Compiled, Compiled | None] | str] = {}
        for index, sheet in enumerate(book.sheets):
            for run in sheet.runs:
                self._add(index, run)
        self._order: list[int] | None = None
        self._fresh: dict[int, Value] | None = None

    def _add(self, sheet: int, run: Run) -> None:
        start = cell(sheet, run.row, run.column)
        keys = range(start, start + run.count * ROW, ROW)
        values: Sequence[float | str] = run.numbers if run.kind is CellKind.NUMBER else run.texts
        if run.form < 0:
            for key, value in zip(keys, values, strict=False):
                number = written_number(value) if isinstance(value, str) else None
                self.constants[key] = value if number is None else number
                if number is not None:
                    self.typed_as_text[key] = str(value)
            return
        self.cached.update(zip(keys, values, strict=False))
        if run.kind is CellKind.FAULT:
            self.errors.update(zip(keys, run.texts, strict=False))
        self.form_of.update(dict.fromkeys(keys, run.form))
        parsed = self._parsed.get(run.form)
        if parsed is None:
            parsed = self._parsed[run.form] = _parse(self.book.forms[run.form])
        if isinstance(parsed, str):
            self.refused.update(dict.fromkeys(keys, parsed))
            return
        try:
            steps = tuple(self._step(start, slot) for slot in parsed[0].slots)
        except Unsupported as reason:
            self.refused.update(dict.fromkeys(keys, str(reason)))
            return
        alone = all(type(slot) is Reference for slot in parsed[0].slots)
        cells = tuple((step.base, step.step) for step in steps) if alone else None
        owner = FormulaRun(start, run.count, parsed[0], parsed[1], steps, parsed[2], cells)
        self.owner.update(dict.fromkeys(keys, owner))

    def _step(self, start: int, slot: Reference | Range) -> Step:
        if isinstance(slot, Range):
            base, step = self._resolve(start, slot.first)
            last, last_step = self._resolve(start, slot.last)
            return Step(base, step, last, last_step)
        base, step = self._resolve(start, slot)
        return Step(base, step, base, step)

    def _resolve(self, start: int, reference: Reference) -> tuple[int, int]:
        sheet = sheet_of(start)
        if reference.sheet:
            if reference.sheet.lower() not in self.sheets:
                raise Unsupported(f"a reference to the sheet {reference.sheet!r}, which is not there")
            sheet = self.sheets[reference.sheet.lower()]
        row = reference.row if reference.row_fixed else row_of(start) + reference.row
        column = reference.column if reference.column_fixed else column_of(start) + reference.column
        if row < 1 or column < 1 or column > 16_384:
            raise Unsupported("a reference outside the sheet")
        return cell(sheet, row, column), 0 if reference.row_fixed else ROW

    def shown(self, key: int) -> float | str | None:
        """What the file shows in a cell: its constant, its stored result, else (a book without stored
        results) the recalculated one; None where there is no number and no text.
        """
        value = self.constants.get(key, self.cached.get(key))
        if value is None and key in self.owner:
            if self._fresh is None:
                self._fresh = self.recalculate(1, {}).values
            fresh = np.asarray(as_number(self._fresh.get(key, np.nan)), dtype=np.float64)
            value = float(fresh.flat[0])
        return None if isinstance(value, float) and not np.isfinite(value) else value

    def width(self, key: int, slot: int) -> int:
        """How many columns the range in a slot of a formula has."""
        step = self.owner[key].steps[slot]
        return abs(column_of(step.last) - column_of(step.base)) + 1

    def slots(self, key: int) -> list[int | list[int]]:
        """The cells that a formula cell reads, slot by slot; raises `Unsupported` for an oversized range."""
        run = self.owner[key]
        i = (key - run.start) // ROW
        found: list[int | list[int]] = []
        for slot, (base, step, last, last_step) in zip(run.form.slots, run.steps, strict=True):
            if isinstance(slot, Range):
                found.append(area(base + i * step, last + i * last_step))
            else:
                found.append(base + i * step)
        return found

    def pure_reference(self, key: int) -> int | None:
        """The cell that a formula of the kind `=B7` copies, if it is of this kind."""
        run = self.owner.get(key)
        if run is None or run.form.skeleton not in ("ref", "op+ ref", "open( ref close)"):
            return None
        return run.steps[0].base + (key - run.start) // ROW * run.steps[0].step

    def order(self) -> list[int]:
        """Formula cells by sheet, row and column: nearly the order in which tables depend on themselves."""
        if self._order is None:
            self._order = sorted(self.owner)
        return self._order

    def recalculate(
        self, settings: int, patches: Mapping[int, Patch], only: Iterable[int] | None = None
    ) -> Recalculated:
        """Evaluate every formula (or those that `only` needs) for several settings at once.

        Iterative, so that a chain of 100,000 cells is no danger; a circular reference keeps its cached value.
        """
        values: dict[int, Value] = dict(self.constants)
        kept: dict[int, str] = {}
        for key, reason in self.refused.items():
            values[key] = self.cached.get(key, np.nan)
            kept[key] = reason
        for key, patch in patches.items():
            if key not in self.owner:
                values[key] = np.where(patch.mask, patch.values, as_number(values.get(key, np.nan)))
        owner, busy = self.owner, set()
        for root in self.order() if only is None else only:
            if root in values or root not in owner:
                continue
            run = owner[root]
            if run.cells is not None and root not in patches:
                i = (root - run.start) // ROW
                try:  # nearly every cell: what it reads stands above it or to its left
                    values[root] = _value(run, [values[base + i * step] for base, step in run.cells])
                    continue
                except (KeyError, Unsupported):
                    pass
            stack = [root]
            while stack:
                key = stack[-1]
                if key in values:
                    stack.pop()
                    continue
                run = owner[key]
                missing: list[int] = []
                try:  # of a range too, that may be larger than what is read
                    arguments, missing = self._arguments(run, (key - run.start) // ROW, values)
                    value = _value(run, arguments) if not missing else np.nan
                except Unsupported as reason:
                    value, kept[key] = self.cached.get(key, np.nan), str(reason)
                if missing:
                    busy.add(key)
                    looping = [m for m in missing if m in busy]
                    for loop in looping:
                        values[loop] = self.cached.get(loop, np.nan)
                        kept[loop] = "a circular reference"
                    stack.extend(m for m in missing if m not in busy)
                    continue
                patch_here = patches.get(key)
                if patch_here is not None:
                    value = np.where(patch_here.mask, patch_here.values, as_number(value))
                values[key] = value
                busy.discard(key)
                stack.pop()
        return Recalculated(values, kept)

    def _arguments(self, run: FormulaRun, i: int, values: dict[int, Value]) -> tuple[list[Slot], list[int]]:
        if run.cells is not None:
            try:
                return [values[base + i * step] for base, step in run.cells], []
            except KeyError:  # a cell that is empty, or not evaluated yet
                pass
        arguments: list[Slot] = []
        missing: list[int] = []
        for slot, (base, step, last, last_step) in zip(run.form.slots, run.steps, strict=True):
            if type(slot) is Reference:
                key = base + i * step
                value = values.get(key)
                if value is None:
                    if key in self.owner:
                        missing.append(key)
                    value = 0.0
                arguments.append(value)
                continue
            inside: list[Value] = []
            first, end = base + i * step, last + i * last_step
            for key in area(first, end):
                value = self.typed_as_text.get(key, values.get(key))
                if value is None and key in self.owner:
                    missing.append(key)
                inside.append("" if value is None else value)
            arguments.append(Block(inside, abs(column_of(end) - column_of(first)) + 1))
        return arguments, missing


def _value(run: FormulaRun, arguments: Sequence[Slot]) -> Value:
    if run.of_numbers is None or str in map(type, arguments):
        return run.compiled(arguments)
    return run.of_numbers(arguments)


def area(first: int, last: int) -> list[int]:
    """The cells of a rectangle, row by row; raises `Unsupported` beyond `MAX_RANGE` cells."""
    rows = sorted((row_of(first), row_of(last)))
    columns = sorted((column_of(first), column_of(last)))
    if (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) > MAX_RANGE:
        raise Unsupported(f"a range of more than {MAX_RANGE:,} cells")
    sheet = sheet_of(first)
    return [cell(sheet, r, c) for r in range(rows[0], rows[1] + 1) for c in range(columns[0], columns[1] + 1)]
