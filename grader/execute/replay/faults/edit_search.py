"""Formulas with their helper cells written in, and the search for the edit that makes one right."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from grader.backprop.tokens import Token, Unsupported
from grader.backprop.values import TOLERANCE
from grader.execute.replay.formula.evaluator import Form, Slot, compile_tokens, evaluate
from grader.execute.replay.formula.worksheet_functions import Block, Value
from grader.execute.replay.reference_network import Array
from grader.execute.replay.table.layout import Layout, Symbol


class Flat(NamedTuple):
    """A formula with the formulas of its helper cells written into it."""

    tokens: tuple[Token, ...]
    symbols: tuple[Symbol, ...]
    cells: tuple[int, ...]
    """The cell behind each symbol; 0 for ranges and typed numbers."""
    helpers: tuple[tuple[int, int, int], ...] = ()
    """Each helper cell that was written in, with the first token of its formula and the one after the last.
    """

    def tokens_of(self, slots: Iterable[int]) -> tuple[int, ...]:
        """The tokens that are references to some symbols."""
        wanted = set(slots)
        return tuple(i for i, t in enumerate(self.tokens) if t.kind in ("ref", "range") and t.value in wanted)

    def helper(self, touched: Sequence[int]) -> tuple[int, int, int] | None:
        """The innermost helper cell whose formula holds all the touched tokens, with the span of its first
        occurrence.
        """
        common: list[tuple[int, int, int]] | None = None
        for at in touched:
            around = [one for one in self.helpers if one[1] <= at < one[2]]
            keys = {one[0] for one in around}
            common = around if common is None else [one for one in common if one[0] in keys]
        return min(common, key=lambda one: (one[2] - one[1], one[1])) if common else None


def flatten(layout: Layout, symbol: Symbol, index: int) -> Flat:
    """Write the formulas of helper cells into the formula that reads them."""
    flat = _Flattening(layout)
    flat.write(symbol)
    return Flat(tuple(flat.tokens), tuple(flat.symbols), tuple(flat.cells), tuple(flat.helpers))


class _Flattening:
    """What was written so far. A function within `flatten` that calls itself would be a circle, in which the
    whole workbook outlasts its submission.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.tokens: list[Token] = []
        self.symbols: list[Symbol] = []
        self.cells: list[int] = []
        self.helpers: list[tuple[int, int, int]] = []

    def write(self, one: Symbol) -> None:
        form, inner, key = one[1], one[2], one[3]
        if not isinstance(form, Form) or not isinstance(inner, tuple) or not isinstance(key, int):
            return
        model = self._layout.model
        places = model.slots(key) if key in model.owner else []
        for token in form.tokens:
            if token.kind not in ("ref", "range"):
                self.tokens.append(token)
                continue
            slot = int(token.value)
            target = inner[slot]
            if target[0] == "formula":
                self.tokens.append(Token("open", "("))
                start = len(self.tokens)
                self.write(target)
                self.helpers.append((int(str(target[3])), start, len(self.tokens)))
                self.tokens.append(Token("close", ")"))
                continue
            place = places[slot] if slot < len(places) else 0
            self.tokens.append(Token(token.kind, len(self.symbols)))
            self.symbols.append(target)
            self.cells.append(place if isinstance(place, int) else 0)


def helpers_of(symbol: Symbol) -> set[int]:
    """The helper cells behind a formula."""
    found: set[int] = set()
    inside = symbol[2] if symbol[0] == "formula" else symbol[1] if symbol[0] == "range" else ()
    for one in inside if isinstance(inside, tuple) else ():
        if one[0] == "formula":
            found.add(int(str(one[3])))
        found |= helpers_of(one)
    return found


def run(tokens: Sequence[Token], values: Sequence[Slot]) -> Value:
    """The value of a formula over the values of its slots; NaN where it cannot be evaluated."""
    try:
        return evaluate(compile_tokens(tokens), values)
    except Unsupported:
        return float("nan")


_FEW: Final = slice(0, 2)
"""The points at which all edits are tried."""
CHUNK = 4_000
"""Edits that are tried at once."""
_Columns = Callable[
    [slice], Iterator[tuple[int, Sequence[int] | npt.NDArray[np.intp], Sequence[Array] | Array]]
]


class Substitutions:
    """Other values for slots, searched for the first ones under which a formula gives what is wanted.

    All edits of a chunk are evaluated at once at two of the points (every edited slot becomes an array of
    shape (edits, 2)); those that fit there are tried at all points. The arrays are kept: four hundred small
    edits of one formula are tried with the same substitutions.
    """

    def __init__(
        self,
        values: Sequence[Slot],
        want: Array,
        count: int,
        columns: _Columns,
        edit: Callable[[int], dict[int, Array]],
        chunk: int,
    ) -> None:
        """`columns` gives of a part of the `count` edits each edited slot, the rows of the part that edit it,
        and their values at the few points; `edit` one edit, slot to value.
        """
        self._values, self._want, self._count, self._chunk = values, want, count, chunk
        self._columns, self._edit = columns, edit
        self._scale = float(np.max(np.abs(want))) or 1.0
        self._batches: dict[int, list[Slot]] = {}

    def first(self, tokens: Sequence[Token]) -> int:
        """Index of the first edit that fits a formula over the same slots, -1 for none."""
        tolerance = TOLERANCE * self._scale
        try:
            compiled = compile_tokens(tokens)
            for start in range(0, self._count, self._chunk):
                shape = (min(self._chunk, self._count - start), 2)
                got = np.broadcast_to(np.asarray(evaluate(compiled, self._batch(start))), shape)
                near = np.max(np.abs(got - self._want[_FEW]), axis=1) <= tolerance
                for found in start + np.flatnonzero(near):
                    full = list(self._values)
                    for slot, value in self._edit(int(found)).items():
                        full[slot] = value
                    if np.max(np.abs(np.asarray(evaluate(compiled, full)) - self._want)) <= tolerance:
                        return int(found)
        except Unsupported:
            pass
        return -1

    def _batch(self, start: int) -> list[Slot]:
        if start not in self._batches:
            size = min(self._chunk, self._count - start)
            batch = [_cut(value, _FEW) for value in self._values]
            for slot, rows, new in self._columns(slice(start, start + size)):
                own = batch[slot]
                column = np.empty((size, 2))
                column[:] = np.nan if isinstance(own, str | list) else own
                column[rows] = new
                batch[slot] = column
            self._batches[start] = batch
        return self._batches[start]


def substitutions(
    values: Sequence[Slot], edits: Sequence[dict[int, Array]], want: Array, chunk: int = CHUNK
) -> Substitutions:
    """The search over edits of slot to value."""

    def columns(part: slice) -> Iterator[tuple[int, Sequence[int], Sequence[Array]]]:
        rows: dict[int, list[int]] = {}
        new: dict[int, list[Array]] = {}
        for row, edit in enumerate(edits[part]):
            for slot, value in edit.items():
                rows.setdefault(slot, []).append(row)
                new.setdefault(slot, []).append(value[_FEW])
        return ((slot, touched, new[slot]) for slot, touched in rows.items())

    return Substitutions(values, want, len(edits), columns, edits.__getitem__, chunk)


def first_fitting_pair(
    tokens: Sequence[Token],
    values: Sequence[Slot],
    singles: Sequence[tuple[tuple[int, ...], Array]],
    want: Array,
    chunk: int = CHUNK,
) -> tuple[int, int] | None:
    """Indices of the first two edits under which together the formula gives the wanted values, pairs in
    the order of `itertools.combinations`. An edit is slots and the value for all of them; two of the same
    slots are no pair.
    """
    spots = list(dict.fromkeys(slots for slots, _ in singles))
    spot = np.array([spots.index(slots) for slots, _ in singles], dtype=np.intp)
    one, other = np.triu_indices(len(singles), 1)
    apart = spot[one] != spot[other]
    one, other = one[apart], other[apart]
    short = np.array([value[_FEW] for _, value in singles])

    def columns(part: slice) -> Iterator[tuple[int, npt.NDArray[np.intp], Array]]:
        for number, slots in enumerate(spots):
            mine, its = spot[one[part]] == number, spot[other[part]] == number
            rows = np.flatnonzero(mine | its)
            if rows.size:
                new = short[np.where(mine, one[part], other[part])[rows]]
                yield from ((slot, rows, new) for slot in slots)

    def edit(found: int) -> dict[int, Array]:
        pair = (singles[one[found]], singles[other[found]])
        return {slot: value for slots, value in pair for slot in slots}

    found = Substitutions(values, want, len(one), columns, edit, chunk).first(tokens)
    return None if found < 0 else (int(one[found]), int(other[found]))


def _cut(value: Slot, points: slice) -> Slot:
    if isinstance(value, Block):
        cut = (one[points] if isinstance(one, np.ndarray) and one.ndim else one for one in value)
        return Block(cut, value.width)
    return value[points] if isinstance(value, np.ndarray) and value.ndim else value
