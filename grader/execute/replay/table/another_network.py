"""Signs that a table trains another network than the rubric's: its own forward pass has other parts.

A slip strikes a cell, a column or the line that was filled from it; another network shows in every unit of a
layer, in headers that the rubric's network lacks, or in units that are not there at all. Such a table is for
a person to look at: its columns are neither right nor wrong.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from grader.backprop.assigned import network
from grader.backprop.tokens import Unsupported
from grader.backprop.values import TOLERANCE
from grader.core.assigned_network import Activation, Loss, Unit
from grader.execute.replay.cells import cell
from grader.execute.replay.formula.evaluator import Form
from grader.execute.replay.formula.worksheet_functions import Value
from grader.execute.replay.reference_network import Array
from grader.execute.replay.table.cell_identity import IdentityTest, Tested
from grader.execute.replay.table.layout import Symbol
from grader.execute.replay.table.random_settings import Match, difference

_UNIT_HEADER = re.compile(
    r"(?:net|z|in|sum|a|out|act|act(?:ivation)?|e|error|loss)?o?(?P<kind>[ihotxy])(?P<k>\d{1,2})"
)
_WEIGHT_HEADER = re.compile(r"(?:∂e?t?(?:otal)?/?∂|d|grad)?w(\d{1,2})")
_BIAS_HEADER = re.compile(r"(?:∂e?t?(?:otal)?/?∂|d|grad)?(?:b(?:ias)?(?:es)?|θ)_?[ho]?\d{0,2}")
_DROP = re.compile(r"[\s_{}$\\()\[\],:=]+")
_KINDS = {"x": "i", "y": "t"}
_WORDS = {
    "i": ("input", "inputs"),
    "h": ("hidden neuron", "hidden neurons"),
    "o": ("output", "outputs"),
    "t": ("output", "outputs"),
}
_LOGARITHMS = frozenset({"LN", "LOG", "LOG10"})
_OTHER_LOSS = frozenset({"ABS", "SQRT", *_LOGARITHMS})
_OTHER_ACTIVATION = frozenset(
    {"TANH", "MAX", "MIN", "IF", "ABS", "ATAN", "SINH", "COSH", "SIGN", "SIN", "LN", "ERF"}
)
BESIDE = 4
"""Columns beside a table whose headers are looked at."""


def another_network(test: IdentityTest) -> str:
    """Return what of another network a table shows, in words; empty where it shows none."""
    if not test.layout.rows:
        return ""
    look = _Look(test)
    training = list(look.training())
    if training or not look.wrong_anywhere():
        return ", ".join(training)
    told = dict.fromkeys([*look.headers(), *look.sums(), *look.activations(), *look.loss(), *look.too_few()])
    if len(told) > 1:
        told.pop(_OTHER_HIDDEN, None)  # its sums read what another sign names
    return ", ".join(told)


_OTHER_HIDDEN = "other hidden units"


class _Look:
    """One table and the test of its formulas in the second row."""

    def __init__(self, test: IdentityTest) -> None:
        layout = test.layout
        self.layout, self.model, self.test = layout, layout.model, test
        self.index = min(1, len(layout.rows) - 1)

    def wrong_anywhere(self) -> bool:
        """Whether some quantity but a given one is not what the rubric's network has there."""
        names = [name for name in self.layout.columns if name[0] in "haoEd"]
        return any(self._is_wrong(name) for name in names)

    def training(self) -> Iterator[str]:
        """Biases that the rubric leaves as they are and the table changes in every step, or the other way."""
        biases = network().biases
        if not biases or self.index == 0 or not all(self.layout.has(b) for b in biases):
            return
        if network().train_biases:
            if all(self._stays(b) for b in biases):
                yield "biases that are not trained"
        elif all((t := self._tested(b)) is not None and _steps_from_itself(t) for b in biases):
            yield "trained biases"

    def _stays(self, name: str) -> bool:
        """Whether a quantity has one value in the first three rows, typed or copied."""
        keys = [self.layout.key(name, k) for k in range(min(3, len(self.layout.rows)))]
        typed = all(
            key not in self.model.owner or self.model.pure_reference(key) is not None for key in keys[1:]
        )
        return typed and len({self.model.shown(key) for key in keys}) == 1

    def _tested(self, name: str) -> Tested | None:
        if not self.layout.has(name) or self.layout.key(name, self.index) not in self.model.owner:
            return None
        return self.test.test(name, self.index)

    def _is_wrong(self, name: str) -> bool:
        tested = self._tested(name)
        return tested is not None and tested.match in (Match.WRONG, Match.UNRESOLVED)

    def _all_wrong(self, names: Sequence[str]) -> list[Tested]:
        """The tests of quantities that are there; none where one of them is right."""
        found = [tested for name in names if (tested := self._tested(name)) is not None]
        return found if all(t.match in (Match.WRONG, Match.UNRESOLVED) for t in found) else []

    def headers(self) -> Iterator[str]:
        """Headers of units, weights and biases that the network lacks."""
        assigned = network()
        most = {
            "i": len(assigned.inputs),
            "h": len(assigned.hidden),
            "o": len(assigned.outputs),
            "t": len(assigned.outputs),
        }
        highest: dict[str, int] = {}
        for column, text in self._texts():
            bare = _DROP.sub("", text.lower())
            if match := _UNIT_HEADER.fullmatch(bare):
                kind = _KINDS.get(match["kind"], match["kind"])
                highest[kind] = max(highest.get(kind, 0), int(match["k"]))
            elif (match := _WEIGHT_HEADER.fullmatch(bare)) and int(match[1]) > len(assigned.weights):
                yield f"more than {len(assigned.weights)} weights"
            elif _BIAS_HEADER.fullmatch(bare) and not (
                assigned.biases or (bare == "b" and self._calculated(column))
            ):
                yield "biases"
        for kind, number in sorted(highest.items()):
            if number > most[kind]:
                yield f"{number} {_WORDS[kind][1]}"

    def _calculated(self, column: int) -> bool:
        """Whether the first value of a column is worked out. A bias starts from a number, typed or copied; a
        helper of the gradients that is called B, beside A, C and D, is calculated from its first row on.
        """
        key = cell(self.layout.table.sheet, self.layout.rows[0], column)
        return key in self.model.owner and self.model.pure_reference(key) is None

    def _texts(self) -> Iterator[tuple[int, str]]:
        """Headers of the table's row that name none of its columns, and where they stand."""
        columns = sorted(self.layout.quantity)
        table = self.layout.table
        for column in range(max(1, columns[0] - BESIDE), columns[-1] + BESIDE + 1):
            text = self.model.constants.get(cell(table.sheet, table.header_row, column))
            if column not in self.layout.quantity and isinstance(text, str) and len(text) <= 40:
                yield column, text

    def sums(self) -> Iterator[str]:
        """Sums of a whole layer with a constant, or with terms that are no columns of the table."""
        assigned = network()
        for layer in range(len(assigned.layers) - 1):
            units = [unit for unit in assigned.units if unit.layer == layer]
            found = self._all_wrong([unit.sum for unit in units])
            if found and not assigned.biases and all(self._constant_apart(t) for t in found):
                yield "biases"
            elif found and assigned.biases and all(self._without_bias(t) for t in found):
                yield "no biases"
            elif found and layer and all(_reads_helpers(t.symbol) for t in found):
                yield _OTHER_HIDDEN

    def _constant_apart(self, tested: Tested) -> bool:
        gap = self._gap(tested, self.test.want(tested.quantity))
        return gap is not None and float(np.ptp(gap)) <= 1e-9 < float(np.abs(gap).max())

    def _without_bias(self, tested: Tested) -> bool:
        unit = next(unit for unit in network().units if unit.sum == tested.quantity)
        same = self.test.points.same
        gap = self._gap(tested, self.test.want(tested.quantity) - same[unit.bias])
        return gap is not None and float(np.abs(gap).max()) <= 1e-9

    def _gap(self, tested: Tested, want: Array) -> Array | None:
        got = self._got(tested)
        if got is None:
            return None
        with np.errstate(all="ignore"):
            gap = np.asarray(got - want)
        return gap if np.isfinite(gap).all() else None

    def _got(self, tested: Tested) -> Array | None:
        try:
            value: Value = self.test.points.run(tested.symbol)
        except (Unsupported, ValueError, IndexError):
            return None
        return None if isinstance(value, str) else np.asarray(value, dtype=np.float64)

    def activations(self) -> Iterator[str]:
        """Activations of a whole layer that are another function of its sums."""
        assigned = network()
        for layer, own in enumerate(assigned.activations):
            units = [unit for unit in assigned.units if unit.layer == layer]
            found = self._all_wrong([unit.output for unit in units])
            if not found:
                continue
            for told, function in _ACTIVATIONS.items():
                if told != own.value and all(self._equals(t, function, units) for t in found):
                    yield f"{told} for an activation"
                    break
            else:
                if all(_calls(t.symbol) & _OTHER_ACTIVATION for t in found):
                    yield "another activation"

    def _equals(
        self, tested: Tested, function: Callable[[Mapping[str, Array], Unit], Array], units: Sequence[Unit]
    ) -> bool:
        unit = next(u for u in units if u.output == tested.quantity)
        got = self._got(tested)
        return got is not None and difference(got, function(self.test.points.same, unit)) <= TOLERANCE

    def loss(self) -> Iterator[str]:
        """Losses of all outputs that hold a logarithm, an absolute value or another power."""
        found = self._all_wrong(network().losses) or self._all_wrong(["E_total"])
        if not found:
            return
        calls = [_calls(t.symbol) for t in found]
        if network().loss is Loss.CROSS_ENTROPY:
            if not any(c & _LOGARITHMS for c in calls):
                yield "another loss"
        elif all(c & _OTHER_LOSS or _high_power(t.symbol) for c, t in zip(calls, found, strict=True)):
            yield "another loss"

    def too_few(self) -> Iterator[str]:
        """Kinds of which the table shows one unit where the network has more."""
        assigned = network()
        kinds = (
            ("i", [(name,) for name in assigned.inputs]),
            ("h", [(unit.sum, unit.output) for unit in assigned.hidden]),
            ("o", [(u.sum, u.output, e) for u, e in zip(assigned.outputs, assigned.losses, strict=True)]),
        )
        for kind, units in kinds:
            there = [any(self._shows(name) for name in unit) for unit in units]
            if len(there) > 1 and any(there) and there.count(True) < len(there):
                number = there.count(True)
                yield f"{number if number > 1 else 'one'} {_WORDS[kind][number > 1]}"

    def _shows(self, name: str) -> bool:
        return self.layout.has(name) or name in self.layout.leaves


def _softmax(same: Mapping[str, Array], unit: Unit) -> Array:
    powers = [np.exp(same[u.sum]) for u in network().outputs]
    return np.asarray(np.exp(same[unit.sum]) / sum(powers))


_ACTIVATIONS: dict[str, Callable[[Mapping[str, Array], Unit], Array]] = {
    Activation.TANH.value: lambda s, u: np.asarray(np.tanh(s[u.sum])),
    Activation.RELU.value: lambda s, u: np.asarray(np.maximum(s[u.sum], 0.0)),
    Activation.LINEAR.value: lambda s, u: s[u.sum],
    Activation.SIGMOID.value: lambda s, u: np.asarray(1.0 / (1.0 + np.exp(-s[u.sum]))),
    Activation.SOFTMAX.value: _softmax,
}


def _formulas(symbol: Symbol) -> Iterator[Form]:
    """The forms of a formula and of the helper cells that it reads."""
    if symbol[0] == "formula" and isinstance(symbol[1], Form):
        yield symbol[1]
    inside = symbol[2] if symbol[0] == "formula" else symbol[1] if symbol[0] == "range" else ()
    for one in inside if isinstance(inside, tuple) else ():
        yield from _formulas(one)


def _steps_from_itself(tested: Tested) -> bool:
    """Whether a given quantity is its value in the row above, changed by something."""
    reads = tested.symbol[2] if tested.symbol[0] == "formula" else ()
    if tested.match is not Match.WRONG or not isinstance(reads, tuple) or len(reads) < 2:
        return False
    return any(one[:2] == ("q", tested.quantity) for one in reads)


def _calls(symbol: Symbol) -> set[str]:
    return {str(t.value).upper() for form in _formulas(symbol) for t in form.tokens if t.kind == "call"}


def _reads_helpers(symbol: Symbol) -> bool:
    """Whether a formula reads calculated cells that are no columns of the network."""
    inside = symbol[2] if symbol[0] == "formula" else ()
    return any(one[0] == "formula" for one in inside) if isinstance(inside, tuple) else symbol[0] == "opaque"


def _high_power(symbol: Symbol) -> bool:
    """Whether a formula raises to the fourth power or a higher one."""
    for form in _formulas(symbol):
        for before, after in zip(form.tokens, form.tokens[1:], strict=False):
            if (
                before.kind == "op"
                and before.value == "^"
                and after.kind == "number"
                and float(after.value) > 3
            ):
                return True
    return False
