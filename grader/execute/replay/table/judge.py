"""One table: every cell judged, faults grouped by what is wrong, columns summed up."""

from collections import Counter
from itertools import islice
from typing import NamedTuple

from grader.backprop.sheet_names import names
from grader.core.class_sheet import INHERITED
from grader.core.facts.replay import CellFault, QuantityFacts, Severity, State
from grader.core.place import letters
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import ROW, cell, column_of
from grader.execute.replay.faults.diagnose import Doctor
from grader.execute.replay.faults.edit_search import helpers_of
from grader.execute.replay.faults.wrong_cell import Diagnosis, Memory
from grader.execute.replay.notation import address, display, formula_text, number, ranges
from grader.execute.replay.reference_network import inherited_gradients
from grader.execute.replay.table.cell_identity import Tested
from grader.execute.replay.table.column_roles import Reading
from grader.execute.replay.table.layout import Layout
from grader.execute.replay.table.random_settings import Match
from grader.execute.replay.table.remarks import (
    OTHERWISE,
    columns_only,
    is_rounding,
    listed,
    not_evaluated,
    number_as_text,
    other_in_this_book,
    other_scale,
    rounded_formula,
    told,
    typed_number,
    unnamed_inputs,
)
from grader.execute.replay.table.slope_columns import ROUNDED, Held
from grader.execute.replay.table.weight_numbering import Numbering, note, own_quantity, own_words

EXACT = 2e-9
"""Relative difference of a pasted value from the recomputed one; Google's exports round to ten digits."""
MAX_DIAGNOSES = 8
"""Distinct failing formulas of one column that are searched; a drifting reference makes a new one in every
row.
"""


class Judged(NamedTuple):
    """A judged table: faults, columns, and the cells that are right today but do not follow a replay (typed
    values).
    """

    layout: Layout
    faults: tuple[CellFault, ...]
    quantities: tuple[QuantityFacts, ...]
    typed: dict[int, tuple[str, int]]
    """Cell to quantity and row index."""
    numbering: Numbering = ()
    """How the table counts its weights; faults and columns bear its own names, layout and `typed` those of
    the replay.
    """
    held: Held = ()
    """What the columns of the gradients hold by their headers."""


class _Group:
    """Cells of one column with one diagnosis; of a helper column where the fault stands there."""

    def __init__(self, diagnosis: Diagnosis, first: int) -> None:
        self.diagnosis, self.first, self.cells = diagnosis, first, [first]

    @property
    def what(self) -> tuple[int, str, str]:
        """What is equal for two quantities that read the same faulty helper cells."""
        return (self.first, self.diagnosis.code, self.diagnosis.marked)


class Judge:
    """Judges one table under one reading of its columns."""

    def __init__(self, model: Model, reading: Reading, memory: Memory) -> None:
        self.model = model
        self.layout: Layout = reading.layout
        self.reading = reading
        self.sheet = model.book.sheets[self.layout.table.sheet].name
        self.test = reading.test
        self.own = {
            name: value for name in names().given if (value := self.layout.shown(name, 0)) is not None
        }
        self.doctor = Doctor(self.layout, self.test.points, self.own, memory)
        self._of_steps: Doctor | None = None  # for updates by steps instead of gradients
        self.typed: dict[int, tuple[str, int]] = {}
        self._groups: dict[tuple[str, str, str], _Group] = {}
        self._diagnosed: dict[str, dict[int, Diagnosis]] = {}
        """By the quantity, and there by the identity of what was tested."""
        self._first_row: dict[int, int] = {}
        """Row index at which a diagnosis was made, by its identity."""

    def judge(self) -> Judged:
        """Judge every cell of the table."""
        numbering = self.reading.numbering
        quantities = tuple(own_quantity(self._column(name), numbering) for name in names().quantities)
        readers: dict[tuple[int, str, str], list[str]] = {}
        for (name, _, _), group in self._groups.items():
            readers.setdefault(group.what, []).append(display(name))
        faults = [
            self._fault(name, group, readers[group.what]) for (name, _, _), group in self._groups.items()
        ]
        faults += [self._header(*contradiction) for contradiction in self.reading.contradicted]
        faults += self._typed_as_text()
        scale = self.test.scale
        faults += [other_scale(self.sheet, self.layout, scale)] if scale != 1.0 else []
        faults = [own_words(fault, numbering) for fault in faults]
        faults += [note(self.sheet, self._headers(pair), pair) for pair in numbering]
        return Judged(self.layout, tuple(faults), quantities, self.typed, numbering, self.test.told)

    def _typed_as_text(self) -> list[CellFault]:
        """One remark for the numbers of the table, and its learning rate, that are typed as text."""
        texts = self.model.typed_as_text
        if not texts:
            return []
        columns = self.layout.columns
        rows = range(len(self.layout.rows))
        keys = {self.layout.key(name, i) for name in columns for i in rows} | set(self.layout.leaves.values())
        keys |= {self.layout.eta.cell} if self.layout.eta is not None else set()
        found = sorted(keys & texts.keys())
        name = self.layout.quantity.get(column_of(found[0]), "") if found else ""
        return [number_as_text(self.model, found, name)] if found else []

    def _headers(self, names: tuple[str, str]) -> str:
        at = self.layout.table
        return ranges(cell(at.sheet, at.header_row, self.layout.columns[name]) for name in names)

    def _column(self, name: str) -> QuantityFacts:
        if not self.layout.has(name):
            return QuantityFacts(quantity=name, column="", state=State.MISSING)
        counted: Counter[State] = Counter()
        reason = ""
        index = int(name in names().given)
        while index < len(self.layout.rows):
            alike = self.test.known_right(name, index)
            state, why = (State.RIGHT, "") if alike else self._cell(name, index)
            if state is not None:
                counted[state] += alike or 1
                reason = reason or why
            index += alike or 1
        column = letters(self.layout.columns[name])
        for state in (State.WRONG, State.UNRESOLVED):
            if counted[state]:
                return QuantityFacts(quantity=name, column=column, state=state, reason=reason)
        if counted[State.RIGHT] or name in names().inputs:
            return QuantityFacts(quantity=name, column=column, state=State.RIGHT)
        state = State.VALUES if counted[State.VALUES] else State.MISSING
        return QuantityFacts(quantity=name, column=column, state=state)

    def _cell(self, name: str, index: int) -> tuple[State | None, str]:
        """The state of one cell, None where it is empty; faults are recorded."""
        key = self.layout.key(name, index)
        run = self.model.owner.get(key)
        if run is not None and run.form.slots:
            return self._formula(name, index, key)
        if key in self.model.refused:
            self._record(name, key, not_evaluated(self.model.refused[key]))
            return State.UNRESOLVED, self.model.refused[key]
        value = self.layout.shown(name, index)
        if value is not None:
            return self._number(name, index, key, value), ""
        if key in self.model.constants:
            reason = f"{address(key)} holds a text where a number belongs"
            self._record(name, key, Diagnosis("text-cell", reason, severity=Severity.WARN))
            return State.UNRESOLVED, reason
        return None, ""

    def _formula(self, name: str, index: int, key: int) -> tuple[State, str]:
        tested = self.test.test(name, index)
        if tested.match is Match.RIGHT:
            rows = self.test.otherwise(name, index, tested)
            if rows:
                self._record(name, key, other_in_this_book(name, rows))
            return (State.UNRESOLVED, OTHERWISE) if rows else (State.RIGHT, "")
        if tested.match is Match.UNRESOLVED:
            self._record(name, key, not_evaluated(tested.reason))
            return State.UNRESOLVED, tested.reason
        if tested.match is Match.NEAR:
            self._record(name, key, rounded_formula(name))
            self.typed[key] = (name, index)
            return State.RIGHT, ""
        lost = self._lost_inputs(tested)
        if lost:
            self._record(name, key, unnamed_inputs(lost))
            return State.UNRESOLVED, f"where {lost} stand was not found"
        diagnosis = self._diagnose(name, tested, index)
        self._record(name, self._guilty(diagnosis, key, index), diagnosis)
        if diagnosis.also is not None:
            self._record(name, key, diagnosis.also)
        if diagnosis.severity is not Severity.FAIL:
            self.typed[key] = (name, index)
        return (State.WRONG if diagnosis.severity is Severity.FAIL else State.RIGHT), diagnosis.message

    def _lost_inputs(self, tested: Tested) -> str:
        """Inputs that have neither column nor labelled cell, where the formula reads cells that may be
        they.
        """
        lost = [
            name for name in names().inputs if not self.layout.has(name) and name not in self.layout.leaves
        ]
        symbols = tested.symbol[2] if lost and isinstance(tested.symbol[2], tuple) else ()
        return ", ".join(lost) if any(symbol[0] == "number" for symbol in symbols) else ""

    def _diagnose(self, name: str, tested: Tested, index: int) -> Diagnosis:
        diagnosed = self._diagnosed.setdefault(name, {})
        found = diagnosed.get(id(tested))
        if found is None:
            last = [diagnosed[memo] for memo in islice(reversed(diagnosed), 3)]
            if len(diagnosed) >= MAX_DIAGNOSES and all(d.code == last[0].code for d in last):
                found = last[0]
            else:
                found = self._doctor_of(name).diagnose(tested, index)
                if found.helper and found.helper in self._read_rightly(index):
                    found = found._replace(helper=0)
            diagnosed[id(tested)] = found
        return found

    def _doctor_of(self, name: str) -> Doctor:
        if (points := self.test.points_of(name)) is not self.test.points and self._of_steps is None:
            self._of_steps = Doctor(self.layout, points, self.own, Memory())
        return self.doctor if points is self.test.points else self._of_steps or self.doctor

    def _read_rightly(self, index: int) -> set[int]:
        """Helper cells behind the right formulas of a row: the fault is not theirs but of who reads them
        wrongly.
        """
        found: set[int] = set()
        for name in names().quantities:
            if self.layout.has(name) and self.layout.key(name, index) in self.model.owner:
                tested = self.test.test(name, index)
                if tested.match in (Match.RIGHT, Match.NEAR):
                    found |= helpers_of(self.layout.formula(self.layout.key(name, index), index))
        return found

    def _guilty(self, diagnosis: Diagnosis, key: int, index: int) -> int:
        """The helper cell that holds the fault, in the judged cell's own row where it was filled down; else
        the cell.
        """
        if not diagnosis.helper:
            return key
        first = self._first_row.setdefault(id(diagnosis), index)
        moved = diagnosis.helper + (self.layout.rows[index] - self.layout.rows[first]) * ROW
        same = self.model.form_of.get(moved) == self.model.form_of.get(diagnosis.helper)
        return moved if same else diagnosis.helper

    def _number(self, name: str, index: int, key: int, value: float) -> State:
        """A typed or pasted number where a formula is expected."""
        if name in names().inputs:
            first = self.own.get(name)
            if first is not None and abs(value - first) > EXACT * max(1.0, abs(first)):
                text = (
                    f"{name} changes to {number(value)} in {address(key)}; it is "
                    f"{number(first)} in the first row"
                )
                self._record(
                    name,
                    key,
                    Diagnosis(
                        "changed-input",
                        text,
                        number(first),
                        number(value),
                        f"Keep {name} the same in every row.",
                    ),
                )
                return State.WRONG
            if index > 0:
                self.typed[key] = (name, index)
            return State.VALUES
        want = self._expected(name, index)
        if want is None:
            self._record(
                name,
                key,
                Diagnosis("hard-coded-cell", f"{display(name)} is typed as a number", severity=Severity.WARN),
            )
            return State.UNRESOLVED
        gap = abs(value - want) / (abs(want) or 1.0)
        if gap <= EXACT or gap <= ROUNDED or is_rounding(value, want):
            self.typed[key] = (name, index)
            self._record(name, key, typed_number(name, rounded=gap > EXACT))
            return State.VALUES
        inherited = self._inherited(name, index)
        if inherited is not None and (
            abs(value - inherited) <= EXACT * (abs(inherited) or 1.0) or is_rounding(value, inherited)
        ):
            used, right = INHERITED
            text = f"the typed values of {display(name)} are those of a class sheet that uses {used} where "
            hint = f"Write the formula with {right}."
            told = Diagnosis(
                "inherited-class-error", f"{text}{right} belongs", number(want), number(value), hint
            )
            self._record(name, key, told)
            return State.WRONG
        severity = Severity.WARN if name in names().weights and self._starts_again(index) else Severity.FAIL
        row = "the row above" if name in names().weights else "the row"
        text = f"{display(name)} is typed as {number(value)}; {row} gives {want:.10g}"
        self._record(
            name,
            key,
            Diagnosis(
                "wrong-value",
                text,
                f"{want:.10g}",
                number(value),
                "Replace the number by the formula.",
                severity=severity,
            ),
        )
        return State.WRONG if severity is Severity.FAIL else State.VALUES

    def _starts_again(self, index: int) -> bool:
        """Whether a row holds the first row's weights again, typed: another run under the same headers."""
        present = [name for name in names().weights if self.layout.has(name)]
        keys = [self.layout.key(name, index) for name in present]
        typed = all(key in self.model.constants for key in keys)
        return typed and all(self.layout.shown(name, index) == self.own.get(name) for name in present)

    def _expected(self, name: str, index: int) -> float | None:
        """What a cell should hold by the numbers that its own row (for weights the row above) shows."""
        if name in names().weights:
            before, slope, eta = (
                self.layout.shown(name, index - 1),
                self.layout.shown("d" + name, index - 1),
                self.layout.eta,
            )
            if before is None or slope is None or eta is None:
                return None
            return before - self.test.kind("d" + name).step(slope, eta.value)
        state, eta = self.layout.shown_state(index), self.layout.eta
        rate = eta.value if eta is not None else float("nan")
        scale = self.test.scale if name in names().gradients else 1.0
        return None if state is None else self.test.kind(name).times(scale * float(state[name]), rate)

    def _inherited(self, name: str, index: int) -> float | None:
        state = self.layout.shown_state(index)
        wrong = inherited_gradients(state).get(name) if state is not None else None
        return None if wrong is None else self.test.scale * float(wrong)

    def _record(self, name: str, key: int, diagnosis: Diagnosis) -> None:
        what = (
            ""
            if diagnosis.code in ("eta-drift", "wrong-value", "hard-coded-cell", "changed-input")
            else columns_only(diagnosis)
        )
        group = self._groups.get((name, diagnosis.code, what))
        if group is None:
            self._groups[name, diagnosis.code, what] = _Group(diagnosis, key)
        elif key != group.cells[-1]:  # a helper cell that stands alone is read by every row
            group.cells.append(key)

    def _fault(self, name: str, group: _Group, readers: list[str]) -> CellFault:
        d = group.diagnosis
        message = d.message
        if d.helper:
            subject = self.doctor.words.subject(name)
            fault = d.message.removeprefix(subject).removeprefix(":").strip()
            verb = "reads" if len(readers) == 1 else "read"
            message = f"{address(group.first)}, which {listed(readers)} {verb}, {told(d, fault)}"
        return CellFault(
            sheet=self.sheet,
            cells=ranges(group.cells),
            quantity=name,
            diagnosis=d.code,
            severity=d.severity,
            message=message,
            expected=d.expected,
            found=d.found,
            hint=d.hint,
            excerpt=formula_text(self.model, group.first),
            marked=d.marked,
            count=len(group.cells),
        )

    def _header(self, column: int, header: str, quantity: str) -> CellFault:
        row = self.layout.table.header_row
        name = display(quantity)
        return CellFault(
            sheet=self.sheet,
            cells=address(cell(self.layout.table.sheet, row, column)),
            quantity=quantity,
            diagnosis="wrong-header",
            severity=Severity.NOTE,
            message=f"the header says {header!r}, but the column behaves as {name}",
            expected=name,
            found=header,
            hint=f"Rename the header to {name}.",
        )
