"""What the quantities of the 2-2-2 network are worth at random points, and their derivatives by forward-mode duals.

The forward pass of the standard convention is `reference.backprop`'s; the other conventions only rewire it.
"""

import math
import random
from functools import lru_cache
from typing import NamedTuple

from grader.extract.formulas.reading.expression import Expr, nodes

WEIGHTS = tuple(f"w{k}" for k in range(1, 9))
LEAVES = (*WEIGHTS, "i1", "i2", "t1", "t2")
NODES = (*LEAVES, "h1", "h2", "a_h1", "a_h2", "o1", "o2", "a_o1", "a_o2", "E1", "E2", "E")
TOLERANCE = 1e-9
"""Relative: the gradients are of order 1e-3, where an absolute tolerance accepts wrong ones."""


class Convention(NamedTuple):
    """How a document numbers the weights (w2 and w3, w6 and w7 may change places) and whether its loss carries ½."""

    hidden_transposed: bool = False
    output_transposed: bool = False
    half: bool = True


STANDARD = Convention()
CONVENTIONS = tuple(
    Convention(hidden, output, half)
    for half in (True, False)
    for hidden in (False, True)
    for output in (False, True)
)


class NoValue(Exception):
    """A tree that has no value at a point; the message says why."""


class Dual(NamedTuple):
    """A value and its derivative with respect to one node."""

    value: float
    dot: float


def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


class Point:
    """Forward values at one random point, and derivatives of every node by any node cut loose from its own inputs."""

    def __init__(self, leaves: dict[str, float], convention: Convention) -> None:
        w2, w3 = ("w3", "w2") if convention.hidden_transposed else ("w2", "w3")
        w6, w7 = ("w7", "w6") if convention.output_transposed else ("w6", "w7")
        self._sums = {
            "h1": ("w1", "i1", w2, "i2"),
            "h2": (w3, "i1", "w4", "i2"),
            "o1": ("w5", "a_h1", w6, "a_h2"),
            "o2": (w7, "a_h1", "w8", "a_h2"),
        }
        self._scale = 0.5 if convention.half else 1.0
        self._leaves = leaves
        self._duals: dict[str, dict[str, float]] = {}
        self.values, _ = self._run("")

    def _run(self, loose: str) -> tuple[dict[str, float], dict[str, float]]:
        value = dict(self._leaves)
        dot = dict.fromkeys((*self._leaves, *NODES), 0.0)
        dot[loose] = 1.0

        def put(name: str, new: float, slope: float) -> None:
            value[name] = new
            dot[name] = 1.0 if name == loose else slope

        for layer in "ho":
            for k in "12":
                name = layer + k
                a, x, b, y = self._sums[name]
                slope = dot[a] * value[x] + value[a] * dot[x] + dot[b] * value[y] + value[b] * dot[y]
                put(name, value[a] * value[x] + value[b] * value[y], slope)
                s = _sigmoid(value[name])
                put("a_" + name, s, s * (1.0 - s) * dot[name])
        for k in "12":
            rest = value["t" + k] - value["a_o" + k]
            slope = 2.0 * self._scale * rest * (dot["t" + k] - dot["a_o" + k])
            put("E" + k, self._scale * rest * rest, slope)
        put("E", value["E1"] + value["E2"], dot["E1"] + dot["E2"])
        return value, dot

    def slopes(self, by: str) -> dict[str, float]:
        """∂(every node)/∂by."""
        found = self._duals.get(by)
        if found is None:
            found = self._duals[by] = self._run(by)[1]
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
        if known:
            found = known.get((id(t), by))
            if found is not None:
                return found
        head = t.head
        if head == "sym":
            if t.name not in self.values:
                raise NoValue(f"unknown name {t.name}")
            return self.values[t.name], (self.slopes(by)[t.name] if by else 0.0)
        if head == "num":
            return t.value, 0.0
        if head == "deriv":
            return self._derivative(t, by, known), 0.0
        if head == "neg":
            a, da = self._dual(t.args[0], by, known)
            return -a, -da
        a, da = self._dual(t.args[0], by, known) if t.args else (0.0, 0.0)
        b, db = self._dual(t.args[1], by, known) if len(t.args) == 2 else (0.0, 0.0)
        if head == "*":
            return a * b, da * b + a * db
        if head == "+":
            return a + b, da + db
        if head == "-":
            return a - b, da - db
        try:
            if head == "call":
                return _applied(t.name, a, da)
            if len(t.args) == 2:
                return _combined(head, a, da, b, db)
        except OverflowError as error:
            raise NoValue("its value is too large to be a number") from error
        except (ZeroDivisionError, ValueError) as error:
            raise NoValue(f"it has no value: {error}") from error
        raise NoValue(f"no value for {head}")

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


def _applied(name: str, a: float, da: float) -> tuple[float, float]:
    if name == "sigma":
        s = _sigmoid(a)
        return s, s * (1.0 - s) * da
    if name == "sigmaprime":
        s = _sigmoid(a)
        return s * (1.0 - s), s * (1.0 - s) * (1.0 - 2.0 * s) * da
    if name == "exp":
        e = math.exp(a)
        return e, e * da
    if name == "ln":
        return math.log(a), da / a
    raise NoValue(f"unknown function {name}")


@lru_cache(maxsize=len(CONVENTIONS))
def points(convention: Convention = STANDARD) -> tuple[Point, ...]:
    """Four fixed random points: weights of either sign, everything else positive and away from 0."""
    rng = random.Random(7)  # noqa: S311
    found = []
    for _ in range(4):
        leaves = {
            name: rng.uniform(0.2, 1.4) * (rng.choice((-1, 1)) if name[0] == "w" else 1) for name in LEAVES
        }
        leaves["eta"] = rng.uniform(0.3, 1.7)
        found.append(Point(leaves, convention))
    return tuple(found)


def close(a: float, b: float) -> bool:
    """Equal up to `TOLERANCE`, relative to the larger of the two."""
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1e-6)
