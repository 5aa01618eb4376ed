"""What is wrong with a cell: the smallest edit of the student's formula that makes it right.

Tried in the order of how often 89 real workbooks hold the mistake: the error inherited from a shared class
sheet, one reference for another, a drifting learning rate, another quantity's formula, sign, operator,
brackets, factor, a lost term, two references at once. An edit counts only if the edited formula passes the
identity test.
"""

from collections.abc import Callable, Iterator, Sequence

from grader.backprop.edits import Variant, fitting
from grader.backprop.sheet_names import names
from grader.backprop.tokens import Token, Unsupported
from grader.backprop.values import TOLERANCE
from grader.core.class_sheet import INHERITED
from grader.core.facts.replay import Severity
from grader.execute.replay.faults.edit_search import flatten, run, substitutions
from grader.execute.replay.faults.missing_terms import LostTerms, candidates
from grader.execute.replay.faults.sentences import Sentences
from grader.execute.replay.faults.two_faults import TwoFaults, rate_slots
from grader.execute.replay.faults.wording import Wording, anchored
from grader.execute.replay.faults.wrong_cell import MAX_LONG_SEARCHES, Case, Diagnosis, Memory
from grader.execute.replay.formula.evaluator import Slot
from grader.execute.replay.formula.small_edits import folded, small_edits, unrounded
from grader.execute.replay.notation import address, display, number
from grader.execute.replay.reference_network import Array, inherited_gradients
from grader.execute.replay.table.cell_identity import Tested
from grader.execute.replay.table.layout import Layout, Symbol
from grader.execute.replay.table.random_settings import Points, difference, shape


class Doctor:
    """Diagnoses the failing formulas of one table."""

    def __init__(self, layout: Layout, points: Points, own: dict[str, float], memory: Memory) -> None:
        """`own` holds the student's first-row values of inputs, targets and weights."""
        self.layout, self.points, self.own = layout, points, own
        self.words = Wording(layout)
        self.say = Sentences(layout, self.words)
        self.lost = LostTerms(points, self.words)
        self.two = TwoFaults(layout, points, self.words, self.say)
        self.memory = memory
        self._known = memory.attempts
        self._edits = memory.edits

    def diagnose(self, tested: Tested, index: int) -> Diagnosis:
        """Find the smallest explanation of a failing test; the last resort names only the quantity."""
        want = self.points.same[tested.quantity]
        flat = flatten(self.layout, tested.symbol, index)
        values = [self._value(symbol) for symbol in flat.symbols]
        got = run(flat.tokens, values)
        case = Case(tested.quantity, index, flat, values, got, want)
        attempts: tuple[Callable[[Case], Iterator[Diagnosis]], ...] = (
            self._inherited,
            self._rounded,
            self._overwritten,
            self._drift,
            self._typed,
            self._other_quantity,
            self._reference,
            self.lost.typed_number,
            self._edit,
            self.lost.term,
            self.two.references,
            self.two.rate_and_reference,
            self.lost.factor,
            self.lost.inner_term,
            self.two.edit_and_reference,
            self.lost.factor_and_reference,
            self.two.edits,
        )
        if (
            typed := self._typed_rate(case)
        ) is not None:  # before what is remembered of tables of other rates
            return typed
        memo = (tested.quantity, shape(tested.symbol))
        start = self._known.get(memo, 0)
        long = attempts.index(self._edit)
        if memo not in self._known and self.memory.long_searches >= MAX_LONG_SEARCHES:
            attempts = attempts[:long]
        for at, attempt in enumerate(attempts[start:], start):
            self.memory.long_searches += at == long and memo not in self._known
            for found in attempt(case):
                self._known[memo] = at
                helper = flat.helper(found.touched)
                return found if helper is None else found._replace(helper=helper[0])
        self._known[memo] = len(attempts)
        name = display(tested.quantity)
        return Diagnosis(
            "unexplained",
            f"this formula is not {name}: with right values in every cell that it reads it "
            "gives another number",
            hint=f"Derive {name} again and compare it with the formula term by term.",
        )

    def _value(self, symbol: Symbol) -> Slot:
        try:
            return self.points.value(symbol)
        except Unsupported:
            return float("nan")

    def _fits(self, tokens: Sequence[Token], values: Sequence[Slot], want: Array) -> bool:
        return difference(run(tokens, values), want) <= TOLERANCE

    def _inherited(self, case: Case) -> Iterator[Diagnosis]:
        quantity, index, got = case.quantity, case.row, case.got
        wrong = inherited_gradients(self.points.same).get(quantity)
        if wrong is None or difference(got, wrong) > TOLERANCE:
            return
        first, own = INHERITED
        used, right = self.words.name(first, index), self.words.name(own, index)
        yield Diagnosis(
            "inherited-class-error",
            f"{display(quantity)} uses {used}·(1−{used}) where {right}·(1−{right}) belongs: "
            f"{quantity[1:]} leads to {own[2:]}, not to {first[2:]}",
            expected=f"{right}*(1-{right})",
            found=f"{used}*(1-{used})",
            hint=f"Replace {used} by {right} in the slope of the sigmoid. A widespread class sheet has the "
            "same error; the loss curve hardly shows it.",
            marked=self.words.cell(first, index),
            touched=case.flat.tokens_of(
                slot for slot, symbol in enumerate(case.flat.symbols) if symbol == ("q", first, "same")
            ),
        )

    def _rounded(self, case: Case) -> Iterator[Diagnosis]:
        tokens = unrounded(case.flat.tokens)
        if tokens != case.flat.tokens and self._fits(tokens, case.values, case.want):
            yield Diagnosis(
                "rounded-formula",
                f"{self.words.subject(case.quantity)} is right but rounded in the formula, so that the "
                "rounding adds up over the rows",
                hint="Leave out ROUND and format the cell instead.",
                severity=Severity.WARN,
            )

    def _overwritten(self, case: Case) -> Iterator[Diagnosis]:
        """A weight update filled over another column: the cell starts from itself in the row above."""
        quantity, flat = case.quantity, case.flat
        if (
            quantity not in names().weights
            and quantity not in names().inputs
            and ("q", quantity, "prev") in flat.symbols
        ):
            name = display(quantity)
            yield Diagnosis(
                "overwritten-by-update",
                f"{name} is calculated from {name} of the row above, like a weight update: another "
                "column's formula was filled over it",
                expected=f"the formula of {name}",
                found="an update formula",
                hint=f"Fill the column with the formula of {name} from the first row again.",
            )

    def _drift(self, case: Case) -> Iterator[Diagnosis]:
        for slot in rate_slots(self.layout, case):
            if self._fits(case.flat.tokens, _with(case.values, slot, self.points.eta), case.want):
                yield self.say.drifted(case, slot)
                return

    def _typed_rate(self, case: Case) -> Diagnosis | None:
        """A number, typed or in another cell, that equals the learning rate of the table."""
        eta, flat = self.layout.eta, case.flat
        if eta is None or eta.literal:
            return None
        numbers = [slot for slot, symbol in enumerate(flat.symbols) if symbol[:2] == ("number", eta.value)]
        values = [self.points.eta if slot in numbers else v for slot, v in enumerate(case.values)]
        typed, rate, plain = Token("number", eta.value), Token("ref", len(values)), folded(tuple(flat.tokens))
        tokens = tuple(rate if token == typed else token for token in plain)
        if tokens == plain and not numbers:
            return None
        if not self._fits(tokens, [*values, self.points.eta], case.want):
            return None
        right = address(eta.cell)
        where = address(flat.cells[numbers[0]]) if numbers else number(eta.value)
        return Diagnosis(
            "hard-coded-constant",
            f"{self.words.subject(case.quantity)} takes the learning rate from {where} and not from {right}, "
            "which others read: the value is right today, but the formula would not follow a change",
            expected=right,
            found=where,
            hint=f"Refer to {anchored(right)}.",
            marked=where if numbers else "",
            severity=Severity.WARN,
        )

    def _typed(self, case: Case) -> Iterator[Diagnosis]:
        """A number, typed or in a cell beside the table, that equals the student's own value of a
        quantity.
        """
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
        inputs = [name for name in names().given if self.own.get(name) == value]
        for name in inputs if case.row == 0 else [name for name in inputs if name in names().inputs]:
            edited = [*case.values, case.want]
            edited[slot] = self.points.same[name]
            if self._fits(tokens, edited, case.want):
                right = self.words.name(name, case.row)
                yield Diagnosis(
                    "hard-coded-constant",
                    f"{display(case.quantity)} takes {name} from {where} and not from the table ({right}): "
                    "the value is right today, but the formula would not follow a change",
                    expected=right,
                    found=where,
                    hint=f"Refer to {right}.",
                    marked=where,
                    severity=Severity.WARN,
                )

    def _other_quantity(self, case: Case) -> Iterator[Diagnosis]:
        quantity, got = case.quantity, case.got
        for other in names().quantities:
            if other != quantity and difference(got, self.points.same[other]) <= TOLERANCE:
                name, right = display(other), display(quantity)
                code = (
                    "swapped-gradients"
                    if other in names().gradients and quantity in names().gradients
                    else "other-quantity"
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
        fitting = substitutions(values, edits, want).first(flat.tokens)
        if fitting >= 0:
            yield self.say.swapped(case, *meaning[fitting])

    def _edit(self, case: Case) -> Iterator[Diagnosis]:
        quantity, flat, values, want = case.quantity, case.flat, case.values, case.want
        memo = (quantity, flat.tokens)
        known = self._edits.get(memo)
        if known is not None and self._fits(known[1].tokens, values, want):
            yield self.say.edited(known[0], case, known[1])
            return

        def fits(edit: tuple[str, Variant]) -> bool:
            return self._fits(edit[1].tokens, values, want)

        for code, variant in fitting(small_edits(flat.tokens), fits):
            self._edits[memo] = (code, variant)
            yield self.say.edited(code, case, variant)
            return


def _with(values: list[Slot], slot: int, value: Slot) -> list[Slot]:
    edited = list(values)
    edited[slot] = value
    return edited
