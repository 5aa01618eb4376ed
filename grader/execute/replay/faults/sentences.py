"""One fault of a formula as a sentence: another reference, a drifting learning rate, a small edit."""

from collections.abc import Sequence

from grader.backprop.confusions import confusion
from grader.backprop.edits import Variant
from grader.backprop.sheet_names import names
from grader.execute.replay.cells import ROW
from grader.execute.replay.faults.wording import Wording, anchored
from grader.execute.replay.faults.wrong_cell import Case, Diagnosis
from grader.execute.replay.formula.evaluator import Reference
from grader.execute.replay.notation import address, number, qualified
from grader.execute.replay.table.layout import Layout, Symbol


class Sentences:
    """Speaks of the faults of one table's formulas."""

    def __init__(self, layout: Layout, words: Wording) -> None:
        self.layout, self.words = layout, words

    def drifted(self, case: Case, slot: int) -> Diagnosis:
        """An update that reads another cell than the learning rate's."""
        quantity, flat, eta = case.quantity, case.flat, self.layout.eta
        read, symbol = flat.cells[slot], flat.symbols[slot]
        cell, rate = (eta.cell, eta.value) if eta is not None else (0, 0.0)
        if read and cell and self._in_every_row(cell, rate, read):
            return self._changed(quantity, cell, rate, read)
        right = qualified(self.layout.model, cell, self.layout.table.sheet) if cell else number(rate)
        what = address(read) if read else "a number"
        if symbol[0] == "q":
            what = self.words.describe(symbol, read, case.row)
        reason = "the reference moved along when the formula was filled down"
        if self._anchored(case, read):
            reason = "it does not stand there"
        hint = f"Anchor the learning rate: write {anchored(right)} and fill the column down again."
        if not cell:
            hint = (
                "Write the learning rate into a cell of its own, refer to it with $ and fill the column down."
            )
        return Diagnosis(
            "eta-drift",
            f"the update of {quantity} reads {what} where the learning rate {right} belongs: {reason}",
            expected=anchored(right),
            found=address(read) if read else "",
            hint=hint,
            marked=address(read) if read else "",
        )

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

    def swapped(self, case: Case, slots: list[int], symbol: Symbol, right: Symbol) -> Diagnosis:
        """One reference, at one or several slots, that stands where another belongs."""
        quantity, index, flat = case.quantity, case.row, case.flat
        read = flat.cells[slots[0]]
        used = self.words.describe(symbol, read, index)
        belongs = self.words.describe(right, 0, index)
        code, hint = "wrong-reference", f"Replace {used} by {belongs}."
        if quantity in names().weights and str(symbol[1] if len(symbol) > 1 else "").startswith("d"):
            code = "wrong-gradient-in-update"
            if isinstance(symbol[2], int):
                code, hint = (
                    "frozen-gradient",
                    f"Remove the $ before the row: every row must use its own gradient, here {belongs}.",
                )
        elif right[0] == "eta":
            code = "eta-drift"
        elif symbol[0] == right[0] == "q" and symbol[2] == right[2]:
            code = confusion(str(symbol[1]), str(right[1]))
        return Diagnosis(
            code,
            f"{self.words.subject(quantity)} uses {used} where {belongs} belongs",
            expected=belongs,
            found=used,
            hint=hint,
            marked=address(read) if read else "",
            touched=flat.tokens_of(slots),
        )

    def edited(
        self, code: str, case: Case, variant: Variant, cells: Sequence[int] | None = None
    ) -> Diagnosis:
        """A formula with one small edit; `cells` are those that the right formula reads where they are
        others.
        """
        subject, flat = self.words.subject(case.quantity), case.flat
        wrote, belongs = variant.what.partition(" for ")[::2]
        named = ":" if variant.what.startswith("a ") else " has"
        hints = {
            "brackets": "Excel multiplies and divides before it adds: put the brackets "
            "as in your derivation.",
            "sign": "Check the sign of each term against your derivation.",
        }
        helper = flat.helper(variant.touched)
        start, stop = (helper[1], helper[2]) if helper is not None else (0, len(flat.tokens))
        after = len(flat.tokens) - stop
        right = variant.tokens[start : len(variant.tokens) - after]
        return Diagnosis(
            code,
            f"{subject}{named} {variant.what}",
            expected=self.words.formula(right, cells or flat.cells) or belongs,
            found=self.words.formula(flat.tokens[start:stop], flat.cells) or wrote,
            hint=hints.get(code, f"Write {belongs}."),
            touched=variant.touched,
        )
