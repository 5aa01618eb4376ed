"""What the formulas of a document are worth at the points of the network that it is read for.

A document may count the weights of a layer the other way round and leave out the ½ of the loss; each such
convention is the network wired otherwise.
"""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import msgspec

from grader.backprop.assigned import made
from grader.backprop.expression import Expr, nodes
from grader.backprop.values import FLOATS, activated, activation_slope, close, forward, random_points, slopes
from grader.core.assigned_network import Activation, AssignedNetwork, Loss, Numbering

__all__ = ["STANDARD", "Convention", "NoValue", "Point", "close", "conventions", "points", "wired"]


class Convention(NamedTuple):
    """How a document numbers the weights (w2 and w3, w6 and w7 may change places) and whether its loss
    carries the factor of the rubric's.
    """

    hidden_transposed: bool = False
    output_transposed: bool = False
    half: bool = True


STANDARD = Convention()
_OTHER_FACTOR = {
    Loss.HALF_SQUARED: Loss.SQUARED,
    Loss.MEAN_SQUARED: Loss.SQUARED,
    Loss.SQUARED: Loss.HALF_SQUARED,
}


def _conventions(assigned: AssignedNetwork) -> tuple[Convention, ...]:
    sizes = assigned.layers
    hidden = any(min(pair) > 1 for pair in pairwise(sizes[:-1]))
    return tuple(
        Convention(h, o, half)
        for half in ((True, False) if assigned.loss in _OTHER_FACTOR else (True,))
        for h in ((False, True) if hidden else (False,))
        for o in ((False, True) if min(sizes[-2:]) > 1 else (False,))
    )


def conventions() -> tuple[Convention, ...]:
    """Return the conventions that a document may follow, the standard one first."""
    return made(_conventions)


def wired(assigned: AssignedNetwork, convention: Convention) -> AssignedNetwork:
    """Return the network as a document counts and scales it that follows a convention."""
    if convention == STANDARD:
        return assigned
    last = len(assigned.layers) - 2
    kept = assigned.numbering or (Numbering.TARGET,) * (last + 1)
    turned = [
        convention.output_transposed if k == last else convention.hidden_transposed for k in range(last + 1)
    ]
    other = {Numbering.TARGET: Numbering.SOURCE, Numbering.SOURCE: Numbering.TARGET}
    return msgspec.structs.replace(
        assigned,
        numbering=tuple(other[n] if turn else n for n, turn in zip(kept, turned, strict=True)),
        loss=assigned.loss if convention.half else _OTHER_FACTOR[assigned.loss],
    )


class NoValue(Exception):
    """A tree that has no value at a point; the message says why."""


class Undefined(NoValue):
    """A tree that has a value at other points: the logarithm of what is negative here."""


class Point:
    """Forward values at one random point, and derivatives of every node by any node cut loose from its own
    inputs.
    """

    def __init__(self, leaves: dict[str, float], assigned: AssignedNetwork) -> None:
        self._network = assigned
        self._duals: dict[str, dict[str, float]] = {}
        self.values = forward(assigned, leaves)

    def slopes(self, by: str) -> dict[str, float]:
        """∂(every node)/∂by."""
        found = self._duals.get(by)
        if found is None:
            found = self._duals[by] = slopes(self._network, self.values, by)
        return found

    def value(self, t: Expr, known: "Known | None" = None) -> float:
        """The value of a tree.

        `known` holds results of nodes by identity; only nodes that outlive it may be looked up, and it is not written.

        Raises:
            NoValue: an unknown name, a division by zero, a second derivative.

        """
        return self._dual(t, "", known or {})[0]

    def remember(self, t: Expr) -> "Known":
        """Values of every node of a tree that has one, for `value` of trees that share nodes with it."""
        known: Known = {}
        for by in {"", *(n.args[1].name for n in nodes(t) if n.head == "deriv" and n.args[1].head == "sym")}:
            for node in nodes(t):
                try:
                    known[id(node), by] = self._dual(node, by, {})
                except NoValue:
                    continue
        return known

    def _dual(self, t: Expr, by: str, known: "Known") -> tuple[float, float]:
        if known and (id(t), by) in known:
            return known[id(t), by]
        head = t.head
        if head == "sym":
            if t.name not in self.values:
                raise NoValue(f"unknown name {t.name}")
            return self.values[t.name], (self.slopes(by)[t.name] if by else 0.0)
        if head == "num":
            return t.value, 0.0
        if head == "deriv":
            return self._derivative(t, by, known), 0.0
        if t.name == "softmax":
            return self._softmax(t.args[0], by)
        a, da = self._dual(t.args[0], by, known) if t.args else (0.0, 0.0)
        if head == "neg":
            return -a, -da
        b, db = self._dual(t.args[1], by, known) if len(t.args) == 2 else (0.0, 0.0)
        if head == "*":
            return a * b, da * b + a * db
        if head in "+-":
            return (a + b, da + db) if head == "+" else (a - b, da - db)
        try:
            if head == "call":
                return _applied(t.name, a, da)
            if len(t.args) == 2:
                return _combined(head, a, da, b, db)
        except OverflowError as error:
            raise NoValue("its value is too large to be a number") from error
        except (ZeroDivisionError, ValueError) as error:
            raise Undefined(f"it has no value: {error}") from error
        raise NoValue(f"no value for {head}")

    def _softmax(self, argument: Expr, by: str) -> tuple[float, float]:
        """`softmax(o1)`: the share of one output sum among all of them."""
        for unit in self._network.outputs:
            if argument.head == "sym" and argument.name == unit.sum and self._network.softmax:
                return self.values[unit.output], 0.0 if by in ("", unit.output) else self.slopes(by)[
                    unit.output
                ]
        raise NoValue("a softmax of something else than an output's sum")

    def _derivative(self, t: Expr, by: str, known: "Known") -> float:
        under = t.args[1]
        if under.head != "sym":
            raise NoValue("derivative with respect to an expression")
        if by:
            raise NoValue("a derivative inside a derivative")
        if under.name not in self.values:
            raise NoValue(f"unknown name {under.name}")
        return self._dual(t.args[0], under.name, known)[1]


Known = dict[tuple[int, str], tuple[float, float]]


def _combined(head: str, a: float, da: float, b: float, db: float) -> tuple[float, float]:
    if head == "/":
        return a / b, (da * b - a * db) / (b * b)
    if head == "^":
        power = a**b
        if isinstance(power, complex):
            raise NoValue("a root of a negative number")
        slope = b * a ** (b - 1.0) * da if da else 0.0
        return power, slope + (power * math.log(a) * db if db else 0.0)
    raise NoValue(f"no value for {head}")


_ACTIVATIONS = {"sigma": Activation.SIGMOID, "tanh": Activation.TANH, "relu": Activation.RELU}


def _applied(name: str, a: float, da: float) -> tuple[float, float]:
    if name in _ACTIVATIONS:
        kind = _ACTIVATIONS[name]
        s: float = activated(kind, a, FLOATS)
        return s, activation_slope(kind, a, s, FLOATS) * da
    if name == "sigmaprime":
        s = FLOATS.sigmoid(a)
        return s * (1.0 - s), s * (1.0 - s) * (1.0 - 2.0 * s) * da
    if name == "tanhprime":
        s = math.tanh(a)
        return 1.0 - s * s, -2.0 * s * (1.0 - s * s) * da
    if name == "reluprime":
        return FLOATS.positive(a), 0.0
    if name == "exp":
        e = math.exp(a)
        return e, e * da
    if name == "ln":
        return math.log(a), da / a
    raise NoValue(f"unknown function {name}")


def points(convention: Convention = STANDARD) -> tuple[Point, ...]:
    """Four fixed random points of the network under a convention."""
    return made(_points)(convention)


def _points(assigned: AssignedNetwork) -> Callable[[Convention], tuple[Point, ...]]:
    leaves = random_points(assigned)

    @cache
    def under(convention: Convention) -> tuple[Point, ...]:
        own = wired(assigned, convention)
        return tuple(Point(setting, own) for setting in leaves)

    return under
