"""What is wrong with a cell: the smallest edit of the student's formula that makes it right.

Tried in the order of how often 89 real workbooks hold the mistake: the error inherited from a shared class sheet, one
reference for another, a drifting learning rate, another quantity's formula, sign, operator, brackets, factor, a lost term,
two references at once. An edit counts only if the edited formula passes the identity test.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from grader.core.facts.replay import Severity
from grader.execute.replay.case import MAX_LONG_SEARCHES, Case, Diagnosis, Memory
from grader.execute.replay.formula import Reference, Slot, compile_tokens, evaluate
from grader.execute.replay.functions import Value
from grader.execute.replay.identity import TOLERANCE, Points, Tested, difference, shape
from grader.execute.replay.layout import Layout, Symbol
from grader.execute.replay.lost import MAX_TOKENS, LostTerms, candidates
from grader.execute.replay.model import ROW
from grader.execute.replay.network import GRADIENTS, INPUTS, QUANTITIES, WEIGHTS, Array, inherited_gradients
from grader.execute.replay.notation import address, display, number, qualified
from grader.execute.replay.search import first_fitting, flatten
from grader.execute.replay.terms import family
from grader.execute.replay.tokens import Token, Unsupported
from grader.execute.replay.variants import (
    Variant,
    brackets,
    numbers,
    operators,
    signs,
    unrounded,
)
from grader.execute.replay.wording import Wording, anchored


class Doctor:
    """Diagnoses the failing formulas of one table."""

    def __init__(self, layout: Layout, points: Points, own: dict[str, float], memory: Memory) -> None:
        """`own` holds the student's first-row values of inputs, targets and weights."""
        self.layout, self.points, self.own = layout, points, own
        self.words = Wording(layout)
        self.lost = LostTerms(points, self.words)
        self.memory = memory
        self._known = memory.attempts
        self._edits = memory.edits

    def diagnose(self, tested: Tested, index: int) -> Diagnosis:
        """Find the smallest explanation of a failing test; the last resort names only the quantity."""
        want = self.points.same[tested.quantity]
        flat = flatten(self.layout, tested.symbol, index)
        values = [self._value(symbol) for symbol in flat.symbols]
        got = self._run(flat.tokens, values)
        case = Case(tested.quantity, index, flat, values, got, want)
        attempts: tuple[Callable[[Case], Iterator[Diagnosis]], ...] = (
            self._inherited,
            self._rounded,
            self._overwritten,
            self._drift,
            self._typed,
            self._other_quantity,
            self._reference,
            self._edit,
            self.lost.term,
            self._two_references,
            self.lost.factor,
        )
        memo = (tested.quantity, shape(tested.symbol))
        start = self._known.get(memo, 0)
        long = attempts.index(self._edit)
        if memo not in self._known and self.memory.long_searches >= MAX_LONG_SEARCHES:
            attempts = attempts[:long]
        for at, attempt in enumerate(attempts[start:], start):
            self.memory.long_searches += at == long and memo not in self._known
            for found in attempt(case):
                self._known[memo] = at
                return found
        self._known[memo] = len(attempts)
        name = display(tested.quantity)
        return Diagnosis(
            "unexplained",
            f"this formula is not {name}: with right values in every cell that it reads it gives another number",
            hint=f"Derive {name} again and compare it with the formula term by term.",
        )

    def _value(self, symbol: Symbol) -> Slot:
        try:
            return self.points.value(symbol)
        except Unsupported:
            return float("nan")

    @staticmethod
    def _run(tokens: Sequence[Token], values: Sequence[Slot]) -> Value:
        try:
            return evaluate(compile_tokens(tokens), values)
        except Unsupported:
            return float("nan")

    def _fits(self, tokens: Sequence[Token], values: Sequence[Slot], want: Array) -> bool:
        return difference(self._run(tokens, values), want) <= TOLERANCE

    def _inherited(self, case: Case) -> Iterator[Diagnosis]:
        quantity, index, got = case.quantity, case.row, case.got
        wrong = inherited_gradients(self.points.same).get(quantity)
        if wrong is None or difference(got, wrong) > TOLERANCE:
            return
        used, right = self.words.name("a_h1", index), self.words.name("a_h2", index)
        yield Diagnosis(
            "inherited-class-error",
            f"{display(quantity)} uses {used}·(1−{used}) where {right}·(1−{right}) belongs: w{quantity[-1]} leads to h2, not to h1",
            expected=f"{right}*(1-{right})",
            found=f"{used}*(1-{used})",
            hint=f"Replace {used} by {right} in the slope of the sigmoid. A widespread class sheet has the same error; the loss curve hardly shows it.",
            marked=self.words.cell("a_h1", index),
        )

    def _rounded(self, case: Case) -> Iterator[Diagnosis]:
        tokens = unrounded(case.flat.tokens)
        if tokens != case.flat.tokens and self._fits(tokens, case.values, case.want):
            yield Diagnosis(
                "rounded-formula",
                f"{self.words.subject(case.quantity)} is right but rounded in the formula, so that the rounding adds up over the rows",
                hint="Leave out ROUND and format the cell instead.",
                severity=Severity.WARN,
            )

    def _overwritten(self, case: Case) -> Iterator[Diagnosis]:
        """A weight update filled over another column: the cell starts from itself in the row above."""
        quantity, flat = case.quantity, case.flat
        if quantity not in WEIGHTS and quantity not in INPUTS and ("q", quantity, "prev") in flat.symbols:
            name = display(quantity)
            yield Diagnosis(
                "overwritten-by-update",
                f"{name} is calculated from {name} of the row above, like a weight update: another column's formula was filled over it",
                expected=f"the formula of {name}",
                found="an update formula",
                hint=f"Fill the column with the formula of {name} from the first row again.",
            )

    def _drift(self, case: Case) -> Iterator[Diagnosis]:
        quantity, flat, values, want = case.quantity, case.flat, case.values, case.want
        eta = self.layout.eta
        if quantity not in WEIGHTS or eta is None or any(symbol[0] == "eta" for symbol in flat.symbols):
            return
        for slot, symbol in enumerate(flat.symbols):
            if symbol[0] == "range" or (symbol[0] == "q" and symbol[2] in ("prev", "same")):
                continue
            if not self._fits(flat.tokens, _with(values, slot, self.points.eta), want):
                continue
            read = flat.cells[slot]
            if read and eta.cell and self._in_every_row(eta.cell, eta.value, read):
                yield self._changed(quantity, eta.cell, eta.value, read)
                return
            right = (
                qualified(self.layout.model, eta.cell, self.layout.table.sheet)
                if eta.cell
                else number(eta.value)
            )
            what = (
                self.words.describe(symbol, read, case.row)
                if symbol[0] == "q"
                else address(read)
                if read
                else "a number"
            )
            reason = (
                "it does not stand there"
                if self._anchored(case, read)
                else "the reference moved along when the formula was filled down"
            )
            hint = f"Anchor the learning rate: write {anchored(right)} and fill the column down again."
            if not eta.cell:
                hint = "Write the learning rate into a cell of its own, refer to it with $ and fill the column down again."
            yield Diagnosis(
                "eta-drift",
                f"the update of {quantity} reads {what} where the learning rate {right} belongs: {reason}",
                expected=anchored(right),
                found=address(read) if read else "",
                hint=hint,
                marked=address(read) if read else "",
            )
            return

    def _in_every_row(self, first: int, rate: float, read: int) -> bool:
        """Whether the learning rate was typed into every row, and the cell is a later one of that column."""
        typed = self.layout.model.constants
        rows = range(first, read + 1, ROW)
        return read in rows[1:] and typed.get(first + ROW) == rate and isinstance(typed.get(read), float)

    def _changed(self, quantity: str, first: int, rate: float, read: int) -> Diagnosis:
        later = self.layout.model.constants[read]
        return Diagnosis(
            "eta-drift",
            f"the learning rate of {quantity} changes from {number(rate)} in {address(first)} to "
            f"{number(float(later))} in {address(read)}: the curve belongs to neither",
            expected=number(rate),
            found=number(float(later)),
            hint="Give each learning rate a table of its own that starts from the first weights.",
            marked=address(read),
        )

    def _anchored(self, case: Case, read: int) -> bool:
        """Whether the formula holds its reference to a cell with a $ before the row."""
        key = self.layout.key(case.quantity, case.row)
        run = self.layout.model.owner[key]
        return any(
            isinstance(slot, Reference) and slot.row_fixed and step.base == read
            for slot, step in zip(run.form.slots, run.steps, strict=True)
        )

    def _typed(self, case: Case) -> Iterator[Diagnosis]:
        """A number, typed or in a cell beside the table, that equals the student's own value of a quantity."""
        tokens, slot = case.flat.tokens, len(case.values)
        for i, token in enumerate(tokens):
            if token.kind == "number":
                edited = (*tokens[:i], Token("ref", slot), *tokens[i + 1 :])
                value = float(token.value)
                yield from self._constant(case, edited, slot, value, number(value))
        for position, symbol in enumerate(case.flat.symbols):
            if symbol[0] == "number":
                value = float(str(symbol[1]))
                where = f"{address(case.flat.cells[position])} ({number(value)})"
                yield from self._constant(case, tokens, position, value, where)

    def _constant(
        self, case: Case, tokens: tuple[Token, ...], slot: int, value: float, where: str
    ) -> Iterator[Diagnosis]:
        inputs = [name for name in (*INPUTS, *WEIGHTS) if self.own.get(name) == value]
        for name in inputs if case.row == 0 else [name for name in inputs if name in INPUTS]:
            edited = [*case.values, case.want]
            edited[slot] = self.points.same[name]
            if self._fits(tokens, edited, case.want):
                right = self.words.name(name, case.row)
                yield Diagnosis(
                    "hard-coded-constant",
                    f"{display(case.quantity)} takes {name} from {where} and not from the table ({right}): the value is right today, but the formula would not follow a change",
                    expected=right,
                    found=where,
                    hint=f"Refer to {right}.",
                    marked=where,
                    severity=Severity.WARN,
                )

    def _other_quantity(self, case: Case) -> Iterator[Diagnosis]:
        quantity, got = case.quantity, case.got
        for other in QUANTITIES:
            if other != quantity and difference(got, self.points.same[other]) <= TOLERANCE:
                name, right = display(other), display(quantity)
                code = (
                    "swapped-gradients" if other in GRADIENTS and quantity in GRADIENTS else "other-quantity"
                )
                yield Diagnosis(
                    code,
                    f"the column of {right} holds the formula of {name}",
                    expected=right,
                    found=name,
                    hint=f"Write the formula of {right} here, or swap the columns.",
                )

    def _reference(self, case: Case) -> Iterator[Diagnosis]:
        quantity, flat, values, want = case.quantity, case.flat, case.values, case.want
        possible = candidates(self.points, quantity)
        groups: dict[Symbol, list[int]] = {}
        for slot, symbol in enumerate(flat.symbols):
            if symbol[0] != "range":
                groups.setdefault(symbol, []).append(slot)
        edits: list[dict[int, Array]] = []
        meaning: list[tuple[list[int], Symbol, Symbol]] = []
        for all_of_them in (True, False):
            for symbol, slots in groups.items():
                if not all_of_them and len(slots) < 2:
                    continue
                for chosen in [slots] if all_of_them else [[slot] for slot in slots]:
                    for right, value in possible:
                        if right != symbol:
                            edits.append(dict.fromkeys(chosen, value))
                            meaning.append((chosen, symbol, right))
        fitting = first_fitting(flat.tokens, values, edits, want)
        if fitting >= 0:
            yield self._swapped(case, *meaning[fitting])

    def _swapped(self, case: Case, slots: list[int], symbol: Symbol, right: Symbol) -> Diagnosis:
        quantity, index, flat = case.quantity, case.row, case.flat
        read = flat.cells[slots[0]]
        used = self.words.describe(symbol, read, index)
        belongs = self.words.describe(right, 0, index)
        code, hint = "wrong-reference", f"Replace {used} by {belongs}."
        if quantity in WEIGHTS and str(symbol[1] if len(symbol) > 1 else "").startswith("dw"):
            code = "wrong-gradient-in-update"
            if isinstance(symbol[2], int):
                code, hint = (
                    "frozen-gradient",
                    f"Remove the $ before the row: every row must use its own gradient, here {belongs}.",
                )
        elif right[0] == "eta":
            code = "eta-drift"
        elif _is_sum_of(symbol, right):
            code = "preactivation-for-activation"
        return Diagnosis(
            code,
            f"{self.words.subject(quantity)} uses {used} where {belongs} belongs",
            expected=belongs,
            found=used,
            hint=hint,
            marked=address(read) if read else "",
        )

    def _edit(self, case: Case) -> Iterator[Diagnosis]:
        quantity, flat, values, want = case.quantity, case.flat, case.values, case.want
        memo = (quantity, flat.tokens)
        known = self._edits.get(memo)
        if known is not None and self._fits(known[1].tokens, values, want):
            yield self._edited(known[0], case, known[1])
            return
        kinds = [
            ("sign", signs(flat.tokens)),
            ("wrong-operator", operators(flat.tokens)),
            ("wrong-factor", numbers(flat.tokens)),
        ]
        if len(flat.tokens) <= MAX_TOKENS:
            kinds.append(("brackets", brackets(flat.tokens)))
        for code, variants in kinds:
            for variant in variants:
                if self._fits(variant.tokens, values, want):
                    self._edits[memo] = (code, variant)
                    yield self._edited(code, case, variant)
                    return

    def _edited(self, code: str, case: Case, variant: Variant) -> Diagnosis:
        subject = self.words.subject(case.quantity)
        wrote, belongs = variant.what.partition(" for ")[::2]
        text = (
            f"{subject}: {variant.what}" if code in ("brackets", "sign") else f"{subject} has {variant.what}"
        )
        hints = {
            "brackets": "Excel multiplies and divides before it adds: put the brackets as in your derivation.",
            "sign": "Check the sign of each term against your derivation.",
        }
        return Diagnosis(
            code,
            text,
            expected=self.words.formula(variant.tokens, case.flat.cells) or belongs,
            found=self.words.formula(case.flat.tokens, case.flat.cells) or wrote,
            hint=hints.get(code, f"Write {belongs}."),
        )

    def _two_references(self, case: Case) -> Iterator[Diagnosis]:
        quantity, index, flat, values, want = case.quantity, case.row, case.flat, case.values, case.want
        if len(flat.tokens) > MAX_TOKENS:
            return
        groups: dict[Symbol, list[int]] = {}
        for slot, symbol in enumerate(flat.symbols):
            if symbol[0] == "q":
                groups.setdefault(symbol, []).append(slot)
        singles = []
        for symbol, slots in groups.items():
            for right, value in candidates(self.points, quantity):
                if right != symbol and right[0] == "q" and family(str(right[1])) & family(str(symbol[1])):
                    singles.append((symbol, slots, right, value))
        if len(singles) > 150:
            return
        pairs = [(one, other) for one, other in combinations(singles, 2) if one[0] != other[0]]
        edits = [
            {**dict.fromkeys(one[1], one[3]), **dict.fromkeys(other[1], other[3])} for one, other in pairs
        ]
        fitting = first_fitting(flat.tokens, values, edits, want)
        if fitting < 0:
            return
        pair = pairs[fitting]
        used = [self.words.describe(s[0], flat.cells[s[1][0]], index) for s in pair]
        belong = [self.words.describe(s[2], 0, index) for s in pair]
        yield Diagnosis(
            "wrong-references",
            f"{self.words.subject(quantity)} uses {used[0]} and {used[1]} where {belong[0]} and {belong[1]} belong",
            expected=", ".join(belong),
            found=", ".join(used),
            hint=f"Replace {used[0]} by {belong[0]} and {used[1]} by {belong[1]}.",
            marked=address(flat.cells[pair[0][1][0]]),
        )


def _with(values: list[Slot], slot: int, value: Slot) -> list[Slot]:
    edited = list(values)
    edited[slot] = value
    return edited


def _is_sum_of(symbol: Symbol, right: Symbol) -> bool:
    return symbol[0] == "q" and right[0] == "q" and right[1] == f"a_{symbol[1]}"
