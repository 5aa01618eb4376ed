"""Whether a document's false lines are true of another network: other activations, another loss.

A document may derive another network without ever writing its forward pass down. Where several lines that are
false of the rubric's network are true of one other, and no line that is true of the rubric's is false of it,
the document is not accused.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

import msgspec

from grader.backprop.assigned import made
from grader.backprop.values import random_points
from grader.core.assigned_network import Activation, AssignedNetwork, Loss
from grader.extract.formulas.judging.decide import Truth, decide
from grader.extract.formulas.judging.network import Point
from grader.extract.formulas.reading.expression import Expr, show

GAIN = 2
"""Lines that another network must make true before it is believed."""
_HIDDEN = (Activation.SIGMOID, Activation.TANH, Activation.RELU, Activation.LINEAR)
_OUTPUT = (Activation.SIGMOID, Activation.TANH, Activation.LINEAR, Activation.SOFTMAX)


class _Other:
    """Another network of the same units, with its points made when they are asked for."""

    def __init__(self, told: str, network: AssignedNetwork) -> None:
        self.told, self._network = told, network
        self.points = cache(self._points)

    def _points(self) -> tuple[Point, ...]:
        return tuple(Point(leaves, self._network) for leaves in random_points(self._network))


def _others(assigned: AssignedNetwork) -> tuple[_Other, ...]:
    return tuple(_Other(told, network) for told, network in _variations(assigned))


def _variations(assigned: AssignedNetwork) -> Iterator[tuple[str, AssignedNetwork]]:
    """Networks of the same layers, those that differ least first."""
    inner = assigned.activations[:-1]
    found = []
    for hidden, output, loss in product(
        _HIDDEN, _OUTPUT, (assigned.loss, Loss.HALF_SQUARED, Loss.CROSS_ENTROPY)
    ):
        other = msgspec.structs.replace(assigned, activations=(*(hidden for _ in inner), output), loss=loss)
        kept = other.faults() or other == assigned
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
        if other not in seen:
            seen.append(other)
            yield told_of, other


def true_of_another(right: Sequence[Sequence[Expr]], wrong: Sequence[Sequence[Expr]]) -> str:
    """Return what another network has, in words, of which the wrong lines of a document are true; empty where
    there is none.
    """
    wrong = list({" = ".join(map(show, trees)): trees for trees in wrong}.values())
    if len(wrong) < GAIN:
        return ""
    for other in made(_others):
        first = other.points()[:1]
        gained = [trees for trees in wrong if decide(trees, first).truth is Truth.TRUE]
        if len(gained) < max(GAIN, len(wrong) / 2):
            continue
        kept = all(decide(trees, other.points()).truth is not Truth.FALSE for trees in right)
        sure = sum(decide(trees, other.points()).truth is Truth.TRUE for trees in gained)
        if kept and sure >= max(GAIN, len(wrong) / 2):
            return other.told
    return ""
