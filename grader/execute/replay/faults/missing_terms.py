"""Lost and superfluous factors and terms."""

from collections.abc import Iterator

import numpy as np

from grader.backprop.sheet_names import names
from grader.backprop.values import TOLERANCE
from grader.execute.replay.faults.candidate_terms import factors, twins
from grader.execute.replay.faults.edit_search import substitutions
from grader.execute.replay.faults.wording import Wording
from grader.execute.replay.faults.wrong_cell import Case, Diagnosis
from grader.execute.replay.formula.small_edits import MAX_TOKENS, with_factor, with_term
from grader.execute.replay.notation import address, number
from grader.execute.replay.reference_network import Array
from grader.execute.replay.table.layout import Symbol
from grader.execute.replay.table.random_settings import Points, difference


def candidates(points: Points, quantity: str) -> list[tuple[Symbol, Array]]:
    """What a reference could have meant: every quantity of this row and the row above, and the learning
    rate.
    """
    found: list[tuple[Symbol, Array]] = []
    rows = ("prev", "same") if quantity in names().weights else ("same", "prev")
    for row in rows:
        state = points.state(row)
        kept = [
            n
            for n in names().quantities
            if not (row == "prev" and n in names().inputs) and not (row == "same" and n == quantity)
        ]
        found += [(("q", name, row), state[name]) for name in kept]
    found.append((("eta",), points.eta))
    return found


class LostTerms:
    """Searches one table's failing formulas for what was left out or written twice."""

    def __init__(self, points: Points, words: Wording) -> None:
        self.points, self.words = points, words

    def term(self, case: Case) -> Iterator[Diagnosis]:
        """A factor or summand of the whole formula that is missing or too many."""
        quantity, got, want = case.quantity, case.got, case.want
        if isinstance(got, str) or not np.all(np.isfinite(np.asarray(got))):
            return
        result = np.asarray(got, dtype=np.float64) + np.zeros_like(want)
        subject = self.words.subject(quantity)
        library = factors(self.points.same, self.points.previous, self.points.eta)
        for name, value in library:
            with np.errstate(all="ignore"):
                lost, extra = difference(result * value, want), difference(result / value, want)
                lost_sum, extra_sum = difference(result + value, want), difference(result - value, want)
            for gap, code, text in (
                (lost, "factor-missing", f"the factor {name} is missing"),
                (extra, "extra-factor", f"the factor {name} is too many"),
                (lost_sum, "term-missing", f"the term {name} is missing"),
                (extra_sum, "extra-term", f"the term {name} is too many"),
            ):
                if gap <= TOLERANCE:
                    yield Diagnosis(
                        code,
                        f"{subject}: {text}",
                        expected=name,
                        hint=f"Compare with your derivation: {text}.",
                    )
                    return

    def typed_number(self, case: Case) -> Iterator[Diagnosis]:
        """A typed number that the whole formula has too many: `…+1E-7`, `…*1.0000001`."""
        got, want = case.got, case.want
        if isinstance(got, str) or not np.all(np.isfinite(np.asarray(got))):
            return
        typed = dict.fromkeys(float(t.value) for t in case.flat.tokens if t.kind == "number")
        for value in typed:
            left = [("extra-term", got - value, f"the number {value:.10g} is added")]
            left += [("extra-term", got + value, f"the number {value:.10g} is subtracted")]
            if value not in (0.0, 0.5, 2.0):  # which a loss has
                left += [("extra-factor", got / value, f"the factor {value:.10g} is too many")]
            for code, without, text in left:
                if difference(without, want) <= TOLERANCE:
                    yield Diagnosis(
                        code,
                        f"{self.words.subject(case.quantity)}: {text}",
                        found=f"{value:.10g}",
                        hint="Leave it out: however small, it adds up over the rows.",
                        marked=number(value),
                    )
                    return

    def factor(self, case: Case) -> Iterator[Diagnosis]:
        """A factor missing inside the formula."""
        return self._factor(case, with_reference=False)

    def factor_and_reference(self, case: Case) -> Iterator[Diagnosis]:
        """A factor missing inside the formula together with one wrong reference."""
        return self._factor(case, with_reference=True)

    def inner_term(self, case: Case) -> Iterator[Diagnosis]:
        """A summand missing inside a bracket: one of the two paths that lead back to a hidden neuron."""
        flat, values, want = case.flat, case.values, case.want
        if len(flat.tokens) > MAX_TOKENS:
            return
        library = factors(self.points.same, self.points.previous, self.points.eta)
        edits = [{len(values): value} for _, value in library]
        tried = substitutions([*values, np.ones_like(want)], edits, want)
        for tokens in with_term(flat.tokens, len(values)):
            fitting = tried.first(tokens)
            if fitting >= 0:
                name = library[fitting][0]
                yield Diagnosis(
                    "term-missing",
                    f"{self.words.subject(case.quantity)}: the term {name} is missing in a sum",
                    expected=name,
                    hint=f"Compare with your derivation: add {name} inside the brackets.",
                )
                return

    def _factor(self, case: Case, *, with_reference: bool) -> Iterator[Diagnosis]:
        quantity, index, flat, values, want = case.quantity, case.row, case.flat, case.values, case.want
        if len(flat.tokens) > MAX_TOKENS:
            return
        library = factors(self.points.same, self.points.previous, self.points.eta)
        slot = len(values)
        subject = self.words.subject(quantity)
        singles: list[dict[int, Array]] = [{}]
        told: list[str] = [""]
        for position, symbol in enumerate(flat.symbols if with_reference else ()):
            for right, value in candidates(self.points, quantity) if symbol[0] == "q" else ():
                alike = right[0] == "q" and right[2] == symbol[2] and twins(str(right[1]), str(symbol[1]))
                if alike and right != symbol:
                    singles.append({position: value})
                    used, belongs = (
                        self.words.describe(symbol, flat.cells[position], index),
                        self.words.describe(right, 0, index),
                    )
                    told.append(f", and it uses {used} where {belongs} belongs")
        extra = [{**single, slot: value} for single in singles for _, value in library]
        tried = substitutions([*values, np.ones_like(want)], extra, want)
        for tokens, after in with_factor(flat.tokens, slot):
            fitting = tried.first(tokens)
            if fitting >= 0:
                name, text = library[fitting % len(library)][0], told[fitting // len(library)]
                where = f" after {address(flat.cells[after])}" if after >= 0 and flat.cells[after] else ""
                yield Diagnosis(
                    "factor-missing",
                    f"{subject}: the factor {name} is missing inside the formula{where}{text}",
                    expected=name,
                    hint=f"Compare with your derivation: multiply the term by {name}.",
                )
                return
