"""Two faults in one formula, each of a kind that is known alone."""

from collections.abc import Iterator
from itertools import islice

from grader.backprop.edits import Variant, fitting
from grader.backprop.sheet_names import names
from grader.backprop.slip_catalogue import cell_edits
from grader.backprop.values import TOLERANCE
from grader.execute.replay.faults.candidate_terms import family
from grader.execute.replay.faults.edit_search import first_fitting_pair, run, substitutions
from grader.execute.replay.faults.missing_terms import candidates
from grader.execute.replay.faults.sentences import Sentences
from grader.execute.replay.faults.wording import Wording
from grader.execute.replay.faults.wrong_cell import Case, Diagnosis
from grader.execute.replay.formula.small_edits import BUT_BRACKETS, MAX_TOKENS, small_edits
from grader.execute.replay.notation import address
from grader.execute.replay.reference_network import Array
from grader.execute.replay.table.layout import Layout, Symbol
from grader.execute.replay.table.random_settings import Points, difference

MAX_PAIRED = 400
"""Small edits of one formula that are tried together with a wrong reference."""
MAX_PAIRED_EDITS = 2_000
"""Pairs of small edits that are tried for one formula."""


def rate_slots(layout: Layout, case: Case) -> list[int]:
    """Where an update that reads no learning rate may have meant it."""
    flat = case.flat
    if case.quantity not in names().weights or layout.eta is None or ("eta",) in flat.symbols:
        return []
    return [
        slot
        for slot, symbol in enumerate(flat.symbols)
        if symbol[0] != "range" and not (symbol[0] == "q" and symbol[2] in ("prev", "same"))
    ]


class TwoFaults:
    """Searches one table's failing formulas for two mistakes at once."""

    def __init__(self, layout: Layout, points: Points, words: Wording, say: Sentences) -> None:
        self.layout, self.points, self.words, self.say = layout, points, words, say

    def references(self, case: Case) -> Iterator[Diagnosis]:
        """Two wrong references."""
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
        edits = [(tuple(slots), value) for _, slots, _, value in singles]
        fitting = first_fitting_pair(flat.tokens, values, edits, want)
        if fitting is None:
            return
        pair = [singles[number] for number in fitting]
        used = [self.words.describe(s[0], flat.cells[s[1][0]], index) for s in pair]
        belong = [self.words.describe(s[2], 0, index) for s in pair]
        yield Diagnosis(
            "wrong-references",
            f"{self.words.subject(quantity)} uses {used[0]} and {used[1]} where {belong[0]} "
            f"and {belong[1]} belong",
            expected=", ".join(belong),
            found=", ".join(used),
            hint=f"Replace {used[0]} by {belong[0]} and {used[1]} by {belong[1]}.",
            marked=address(flat.cells[pair[0][1][0]]),
            touched=flat.tokens_of((*pair[0][1], *pair[1][1])),
        )

    def rate_and_reference(self, case: Case) -> Iterator[Diagnosis]:
        """An update that reads another cell than the learning rate's, and another one wrongly besides."""
        flat = case.flat
        edits: list[dict[int, Array]] = []
        meaning: list[tuple[int, int, Symbol]] = []
        for rate in rate_slots(self.layout, case):
            for slot, symbol in enumerate(flat.symbols):
                for right, value in candidates(self.points, case.quantity) if slot != rate else ():
                    if right[0] == "q" and right != symbol:
                        edits.append({rate: self.points.eta, slot: value})
                        meaning.append((rate, slot, right))
        fitting = substitutions(case.values, edits, case.want).first(flat.tokens)
        if fitting >= 0:
            rate, slot, right = meaning[fitting]
            yield self.say.swapped(case, [slot], flat.symbols[slot], right)._replace(
                also=self.say.drifted(case, rate)
            )

    def edit_and_reference(self, case: Case) -> Iterator[Diagnosis]:
        """One small edit and one wrong reference: two faults, each with its own sentence."""
        flat = case.flat
        if len(flat.tokens) > MAX_TOKENS:
            return
        possible = candidates(self.points, case.quantity)
        singles = [
            (slot, right, value)
            for slot, symbol in enumerate(flat.symbols)
            for right, value in (possible if symbol[0] == "q" else ())
            if right != symbol and right[0] == "q" and family(str(right[1])) & family(str(symbol[1]))
        ]
        tried = substitutions(case.values, [{slot: value} for slot, _, value in singles], case.want)
        for code, variant in islice(small_edits(flat.tokens), MAX_PAIRED):
            fitting = tried.first(variant.tokens)
            if fitting >= 0:
                slot, right, _ = singles[fitting]
                read = list(flat.cells)
                name, row = str(right[1]), case.row - (right[2] == "prev")
                read[slot] = self.layout.key(name, row) if self.layout.has(name) and row >= 0 else 0
                wrong = self.say.swapped(case, [slot], flat.symbols[slot], right)
                yield self.say.edited(code, case, variant, read)._replace(also=wrong)
                return

    def edits(self, case: Case) -> Iterator[Diagnosis]:
        """The same small edit in two places, else two different ones."""
        if len(case.flat.tokens) > MAX_TOKENS:
            return

        def fits(edit: tuple[str, Variant]) -> bool:
            return difference(run(edit[1].tokens, case.values), case.want) <= TOLERANCE

        for alike in (True, False):
            pairs = islice(_pairs(case, alike=alike), MAX_PAIRED_EDITS)
            for code, both in fitting(pairs, fits):
                yield self.say.edited(code, case, both)
                return


def _pairs(case: Case, *, alike: bool) -> Iterator[tuple[str, Variant]]:
    for code, one in cell_edits(case.flat.tokens, BUT_BRACKETS):
        for _, other in cell_edits(one.tokens, (code,) if alike else BUT_BRACKETS):
            if min(other.touched) <= min(one.touched) or (one.what == other.what) is not alike:
                continue
            what = f"{one.what} in two places" if alike else f"{one.what}, and {other.what}"
            yield code, Variant(other.tokens, what, (*one.touched, *other.touched))
