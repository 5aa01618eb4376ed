"""Single-edit mutants of a canonical reading, made on its text; knows nothing of the diagnosis.

The oracle beside it evaluates texts with Python's own grammar and numeric derivatives, not with grader's
parser.
"""

import math
import random
import re
from collections.abc import Callable
from typing import NamedTuple

from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork


class Mutant(NamedTuple):
    """The kind of slip and the changed statement."""

    name: str
    text: str


_SYMBOL = re.compile(r"(?<![A-Za-z0-9_])(a_h|a_o|h|o|i|t|E|w|b)([1-9]\d?)(?![0-9])")
_FACTOR = re.compile(r" \* (?:\([^()]*\)|[A-Za-z_0-9∂/]+)(?= \*| \+|$|\)| =)")
_NUMBER = re.compile(r"(?<![A-Za-z_0-9.])([123])(?![0-9.])")


def mutants(statement: str, network: AssignedNetwork = CLASS_NETWORK) -> list[Mutant]:
    """Every single edit of the sides after the first `=`, and index swaps of the left side."""
    left, _, right = statement.partition(" = ")
    found: list[Mutant] = []
    for match in _SYMBOL.finditer(right):
        base, k = match.groups()
        for name, new in _other_symbols(base, k, network):
            found.append(Mutant(name, f"{left} = {right[: match.start()]}{new}{right[match.end() :]}"))
    for match in _SYMBOL.finditer(left):
        base, k = match.groups()
        for name, new in _other_symbols(base, k, network)[:1]:
            found.append(
                Mutant("left " + name, f"{left[: match.start()]}{new}{left[match.end() :]} = {right}")
            )
    found += [
        Mutant("factor dropped", f"{left} = {right[: match.start()]}{right[match.end() :]}")
        for match in _FACTOR.finditer(right)
    ]
    for match in re.finditer(r" ([+-]) ", right):
        other = "-" if match.group(1) == "+" else "+"
        found.append(Mutant("sign", f"{left} = {right[: match.start()]} {other} {right[match.end() :]}"))
    for match in re.finditer(r"\((\w+) - (\w+)\)", right):
        swapped = f"({match.group(2)} - {match.group(1)})"
        found.append(
            Mutant("difference turned", f"{left} = {right[: match.start()]}{swapped}{right[match.end() :]}")
        )
    found += [
        Mutant("* to +", f"{left} = {right[: match.start()]} + {right[match.end() :]}")
        for match in re.finditer(r"(?<=\S) \* (?=\S)", right)
    ]
    for match in re.finditer(r"(?<![σp'])\(([^()]*[+-][^()]*)\)(?!/∂)", right):
        before = right[: match.start()]
        if before.endswith("∂"):
            continue
        found.append(Mutant("brackets dropped", f"{left} = {before}{match.group(1)}{right[match.end() :]}"))
    for match in _NUMBER.finditer(right):
        new = {"1": "2", "2": "3", "3": "2"}[match.group(1)]
        found.append(Mutant("number", f"{left} = {right[: match.start()]}{new}{right[match.end() :]}"))
    return found


def _other_symbols(base: str, k: str, network: AssignedNetwork) -> list[tuple[str, str]]:
    if base == "w":
        n, many = int(k), len(network.weights)
        return [("weight", f"w{n % many + 1}"), ("weight", f"w{(n + 1) % many + 1}")]
    swapped = base + ("2" if k == "1" else "1")
    found = [("index", swapped)] if swapped in network.quantities else []
    twin = {"a_h": "h", "h": "a_h", "a_o": "o", "o": "a_o"}.get(base)
    if twin:
        found.append(("activation", twin + k))
    return found


_DERIVATIVE = re.compile(r"∂(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\w+)/∂(\w+)")


def value_differs(before: str, after: str, network: AssignedNetwork = CLASS_NETWORK) -> bool:
    """Whether some side of a true statement became unequal to its first side, by numeric differentiation."""
    return _true(before, network) is True and _true(after, network) is False


def _true(statement: str, network: AssignedNetwork) -> bool | None:
    try:
        return all(_agrees(statement, seed, network) for seed in (1, 2, 3, 4))
    except (SyntaxError, NameError, ZeroDivisionError, OverflowError, TypeError, ValueError):
        return None


def _agrees(statement: str, seed: int, network: AssignedNetwork) -> bool:
    rng = random.Random(seed)
    leaves = {
        n: rng.uniform(0.3, 1.3) * rng.choice((-1, 1) if n[0] in "wb" else (1,)) for n in network.leaves
    }
    if network.softmax:
        whole = sum(leaves[t] for t in network.targets)
        leaves.update({t: leaves[t] / whole for t in network.targets})
    leaves["η"] = rng.uniform(0.3, 1.7)
    sides = [_value(side, leaves, network) for side in statement.split(" = ")]
    if re.fullmatch(r"w\d+", statement.split(" = ", maxsplit=1)[0]):
        name = statement.split(" = ", maxsplit=1)[0]
        sides[0] = leaves[name] - leaves["η"] * _slope("E", name, leaves, network)
    return all(abs(sides[0] - s) <= 1e-4 * max(1e-3, abs(sides[0])) for s in sides[1:])


def _net(leaves: dict[str, float], cut: dict[str, float], network: AssignedNetwork) -> dict[str, float]:
    v = {**leaves, **{k: x for k, x in cut.items() if k in leaves}}

    def put(name: str, value: float) -> None:
        v[name] = cut.get(name, value)

    for unit in network.units:
        put(unit.sum, sum(v[w] * v[x] for w, x in unit.terms) + (v[unit.bias] if unit.bias else 0.0))
        kind = network.activation(unit).value
        if kind != "softmax":
            put(unit.output, _FUNCTIONS[kind](v[unit.sum]))
    if network.softmax:
        whole = sum(math.exp(v[unit.sum]) for unit in network.outputs)
        for unit in network.outputs:
            put(unit.output, math.exp(v[unit.sum]) / whole)
    for name, unit, t in zip(network.losses, network.outputs, network.targets, strict=True):
        put(name, _loss(network, v[t], v[unit.output]))
    put("E", sum(v[name] for name in network.losses))
    return v


def _loss(network: AssignedNetwork, t: float, a: float) -> float:
    if network.loss.value == "cross-entropy":
        rest = 0.0 if network.softmax else (1 - t) * math.log(1 - a)
        return -(t * math.log(a) + rest)
    share = {"half-squared": 0.5, "squared": 1.0, "mean-squared": 1 / len(network.outputs)}
    return share[network.loss.value] * (t - a) ** 2


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sigmoid": _sigmoid,
    "tanh": math.tanh,
    "relu": lambda x: max(0.0, x),
    "linear": lambda x: x,
}


def _slope(expression: str, by: str, leaves: dict[str, float], network: AssignedNetwork) -> float:
    step = 1e-5
    here = _net(leaves, {}, network)[by]
    return (
        _plain(expression, _net(leaves, {by: here + step}, network))
        - _plain(expression, _net(leaves, {by: here - step}, network))
    ) / (2 * step)


def _value(side: str, leaves: dict[str, float], network: AssignedNetwork) -> float:
    slopes: dict[str, float] = {}

    def take(match: re.Match[str]) -> str:
        key = f"d{len(slopes)}_"
        slopes[key] = _slope(match.group(1), match.group(2), leaves, network)
        return f"({key})"

    return _plain(_DERIVATIVE.sub(take, side), {**_net(leaves, {}, network), **slopes})


def _plain(expression: str, values: dict[str, float]) -> float:
    code = expression.replace("^", "**").replace("relu'", "drelu").replace("σ'", "dsig").replace("σ", "sig")
    names = {
        "sig": _sigmoid,
        "dsig": lambda x: _sigmoid(x) * (1 - _sigmoid(x)),
        "relu": _FUNCTIONS["relu"],
        "drelu": lambda x: float(x > 0),
        "tanh": math.tanh,
        "max": max,
        "ln": math.log,
        "exp": math.exp,
        "__builtins__": {},
    }
    # Only readings that grader printed itself reach this eval, never a student's text.
    return float(eval(code, names, dict(values)))
