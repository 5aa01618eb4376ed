"""Whether a document's false lines are true of another network: other activations, another loss.

A document may derive another network without ever writing its forward pass or its loss down. Where several
lines that are false of the rubric's network are true of one other, and no line that is true of the rubric's
is false of it, the document is not accused. A δ is read anew for each network: `δ_o1 = a_o1 - t1` is ∂E/∂a_o1
of a squared loss and ∂E/∂o1 of a cross-entropy.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product

import msgspec

from grader.backprop.assigned import made
from grader.backprop.expression import Expr, show
from grader.backprop.values import loss_factor, random_points
from grader.core.assigned_network import Activation, AssignedNetwork, Loss
from grader.extract.formulas.judging.decide import Truth, decide
from grader.extract.formulas.judging.network import Convention, Point, wired
from grader.extract.formulas.reading.abbreviations import has_signals, with_signals

GAIN = 2
"""Lines that another network must make true before it is believed. A false δ counts as so many: the lines that
follow from it are written with it.
"""
FACTORS = (0.5, 2.0, 0.25, 4.0)
"""Constant factors that a loss may carry beside the rubric's: E = Σ (t - a)² / 2n."""
_HIDDEN = (Activation.SIGMOID, Activation.TANH, Activation.RELU, Activation.LINEAR)
_OUTPUT = (Activation.SIGMOID, Activation.TANH, Activation.LINEAR, Activation.SOFTMAX)


Statement = Sequence[Expr]


class _Other:
    """Another network of the same units, with its points made when they are asked for."""

    def __init__(self, told: str, network: AssignedNetwork, factor: float = 1.0) -> None:
        self.told, self._network, self._factor = told, network, factor
        self.points = cache(self._points)

    def _points(self) -> tuple[Point, ...]:
        settings = random_points(self._network)
        return tuple(_Scaled(leaves, self._network, self._factor) for leaves in settings)

    def says(self, trees: Statement, few: int | None = None) -> Truth:
        """Whether a statement is true of this network, at the first few of its points or at all."""
        return decide(trees, self.points()[:few]).truth


class _Scaled(Point):
    """A point of a network whose losses carry a constant factor."""

    def __init__(self, leaves: dict[str, float], assigned: AssignedNetwork, factor: float) -> None:
        super().__init__(leaves, assigned)
        self._losses, self._factor = {"E", *assigned.losses}, factor
        self.values.update({name: factor * self.values[name] for name in self._losses})

    def slopes(self, by: str) -> dict[str, float]:
        found = super().slopes(by)
        if by in self._losses or self._factor == 1.0:
            return found
        return {n: self._factor * slope if n in self._losses else slope for n, slope in found.items()}


def _others(assigned: AssignedNetwork) -> Callable[[Convention], tuple[_Other, ...]]:
    @cache
    def under(convention: Convention) -> tuple[_Other, ...]:
        own = wired(assigned, convention)
        others = [_Other(told, network) for told, network in _variations(own)]
        return (*others, *(_Other("another factor of the loss", own, factor) for factor in FACTORS))

    return under


def _variations(assigned: AssignedNetwork) -> Iterator[tuple[str, AssignedNetwork]]:
    """Networks of the same layers, those that differ least first."""
    inner = assigned.activations[:-1]
    found = []
    for hidden, output, loss in product(_HIDDEN, _OUTPUT, (assigned.loss, *Loss)):
        other = msgspec.structs.replace(assigned, activations=(*(hidden for _ in inner), output), loss=loss)
        kept = other.faults() or _same(other, assigned)
        if not kept and not (output is Activation.SOFTMAX and loss is not Loss.CROSS_ENTROPY):
            differs = [
                a.value
                for a, b in zip(other.activations[-2:], assigned.activations[-2:], strict=True)
                if a != b
            ]
            told = [f"{name} for an activation" for name in dict.fromkeys(differs)]
            told += ["another loss"] if loss != assigned.loss else []
            found.append((len(told), ", ".join(told), other))
    seen: list[AssignedNetwork] = []
    for _, told_of, other in sorted(found, key=lambda f: f[0]):
        if not any(_same(other, one) for one in seen):
            seen.append(other)
            yield told_of, other


def _same(one: AssignedNetwork, other: AssignedNetwork) -> bool:
    """Whether two networks compute the same: the mean of two squares is half their sum."""
    return one.activations == other.activations and (
        one.loss is other.loss
        or (Loss.CROSS_ENTROPY not in (one.loss, other.loss) and loss_factor(one) == loss_factor(other))
    )


def true_of_another(right: Sequence[Statement], wrong: Sequence[Statement], convention: Convention) -> str:
    """Return what another network has, in words, of which the wrong lines of a document are true; empty where
    there is none. A δ stands in the statements as the document writes it.
    """
    wrong = tuple({" = ".join(map(show, trees)): trees for trees in wrong}.values())
    if _weight(wrong) < GAIN:
        return ""
    signals = has_signals([tuple(trees) for trees in (*right, *wrong)])
    for other in made(_others)(convention):
        read = _with_signals([*right, *wrong], other) if signals else (*right, *wrong)
        read_right, read_wrong = read[: len(right)], read[len(right) :]
        gained = [k for k, trees in enumerate(read_wrong) if other.says(trees, 1) is Truth.TRUE]
        if not _enough([wrong[k] for k in gained], wrong):
            continue
        kept = all(other.says(trees) is not Truth.FALSE for trees in read_right)
        if kept and _enough([wrong[k] for k in gained if other.says(read_wrong[k]) is Truth.TRUE], wrong):
            return other.told
    return ""


def _with_signals(statements: Sequence[Statement], other: _Other) -> Sequence[Statement]:
    def true(trees: Statement) -> bool:
        return other.says(trees, 2) is Truth.TRUE

    return with_signals([tuple(trees) for trees in statements], true)


def _weight(statements: Sequence[Statement]) -> int:
    return sum(GAIN if trees[0].name == "delta" else 1 for trees in statements)


def _enough(gained: Sequence[Statement], wrong: Sequence[Statement]) -> bool:
    return _weight(gained) >= GAIN and len(gained) >= len(wrong) / 2
