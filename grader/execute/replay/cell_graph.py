"""A workbook as a graph of cells that can be recalculated for many settings at once.

What the file shows, what each formula reads, and the recalculation of all of them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from grader.backprop.tokens import Token, Unsupported
from grader.core.evidence.workbook import Book, CellKind, Run, written_number
from grader.execute.replay.cells import ROW, FormulaRun, Step, area, cell, column_of, row_of, sheet_of
from grader.execute.replay.formula.evaluator import (
    Compiled,
    Form,
    Range,
    Reference,
    compile_for_numbers,
    compile_tokens,
    scan,
)
from grader.execute.replay.recalculation import Patch, Recalculated, recalculate

MAX_SHORT = 64
"""Cells of a range that are followed one by one."""


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
        self.runs: list[FormulaRun] = []
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
        self._fresh: Recalculated | None = None

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
        form, compiled, of_numbers = parsed
        texts = any(token.kind == "text" or token == Token("op", "&") for token in form.tokens)
        reads, blocks = _reads(form, steps)
        owner = FormulaRun(
            start, run.count, form, compiled, steps, of_numbers or compiled, reads, blocks, texts
        )
        self.runs.append(owner)
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
                self._fresh = self.recalculate(1, {})
            value = self._fresh.first(key)
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

    def recalculate(self, settings: int, patches: Mapping[int, Patch]) -> Recalculated:
        """Evaluate every formula for several settings at once."""
        return recalculate(self, settings, patches)


def _reads(
    form: Form, steps: Sequence[Step]
) -> tuple[tuple[tuple[int, int], ...] | None, tuple[tuple[int, int], ...]]:
    """The cells that a cell of a run reads, base and step of each, and how the slots share them."""
    reads: list[tuple[int, int]] = []
    blocks: list[tuple[int, int]] = []
    for slot, (base, step, last, last_step) in zip(form.slots, steps, strict=True):
        if not isinstance(slot, Range):
            reads.append((base, step))
            blocks.append((1, 0))
            continue
        width = abs(column_of(last) - column_of(base)) + 1
        height = abs(row_of(last) - row_of(base)) + 1
        if step != last_step or width * height > MAX_SHORT:
            return None, ()
        reads += [(one, step) for one in area(base, last)]
        blocks.append((width * height, width))
    return tuple(reads), tuple(blocks) if any(width for _, width in blocks) else ()
