"""Cells and formulas as the student sees them: A1 notation."""

import re
from collections.abc import Iterable

from grader.backprop.tokens import Token
from grader.core.place import letters
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import column_of, row_of, sheet_of
from grader.execute.replay.formula.evaluator import Form, Range

_GRADIENT = re.compile(r"d([wb]\d+)")


def display(quantity: str) -> str:
    """The name of a quantity as a student writes it."""
    return _GRADIENT.sub(r"∂E/∂\1", quantity)


def address(key: int) -> str:
    """`Z33`."""
    return f"{letters(column_of(key))}{row_of(key)}"


def qualified(model: Model, key: int, sheet: int) -> str:
    """`Z33`, with the sheet's name where it is another sheet than the given one."""
    if sheet_of(key) == sheet:
        return address(key)
    return f"'{model.book.sheets[sheet_of(key)].name}'!{address(key)}"


def ranges(keys: Iterable[int]) -> str:
    """`Z33:Z100, Z102` for cells, column by column."""
    parts: list[str] = []
    run: list[int] = []
    for key in sorted(keys, key=lambda k: (column_of(k), row_of(k))):
        if run and column_of(key) == column_of(run[-1]) and row_of(key) == row_of(run[-1]) + 1:
            run.append(key)
            continue
        if run:
            parts.append(_range(run))
        run = [key]
    if run:
        parts.append(_range(run))
    return ", ".join(parts)


def _range(run: list[int]) -> str:
    return address(run[0]) if len(run) == 1 else f"{address(run[0])}:{address(run[-1])}"


def formula_text(model: Model, key: int) -> str:
    """The formula of a cell in A1 notation, with `=`."""
    run = model.owner.get(key)
    return "" if run is None else "=" + tokens_text(model, key, run.form.written or run.form.tokens, run.form)


def tokens_text(model: Model, key: int, tokens: Iterable[Token], form: Form) -> str:
    """Tokens in A1 notation as they would stand in a cell."""
    run = model.owner[key]
    i = (key - run.start) // (1 << 20)
    out = []
    for token in tokens:
        if token.kind in ("ref", "range"):
            slot, step = form.slots[int(token.value)], run.steps[int(token.value)]
            first = qualified(model, step.base + i * step.step, sheet_of(key))
            reference = slot.first if isinstance(slot, Range) else slot
            out.append(_fixed(first, reference.row_fixed, reference.column_fixed))
            if isinstance(slot, Range):
                out.append(
                    ":"
                    + _fixed(
                        address(step.last + i * step.last_step), slot.last.row_fixed, slot.last.column_fixed
                    )
                )
        elif token.kind == "number":
            out.append(number(float(token.value)))
        elif token.kind == "call":
            out.append(f"{token.value}(")
        elif token.kind == "text":
            out.append(f'"{token.value}"')
        else:
            out.append(str(token.value))
    return "".join(out)


def _fixed(text: str, row: bool, column: bool) -> str:
    sheet, mark, cell = text.rpartition("!")
    split = next(i for i, c in enumerate(cell) if c.isdigit())
    return f"{sheet}{mark}{'$' * column}{cell[:split]}{'$' * row}{cell[split:]}"


def number(value: float) -> str:
    """Short decimal text; whole numbers without a point."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)
