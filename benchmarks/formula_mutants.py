"""Single-edit mutants of a canonical reading, made on its text; knows nothing of the diagnosis.

The oracle beside it evaluates texts with Python's own grammar and numeric derivatives, not with grader's
parser.
"""

import math
import random
import re
from typing import NamedTuple


class Mutant(NamedTuple):
    """The kind of slip and the changed statement."""

    name: str
    text: str


_SYMBOL = re.compile(r"(?<![A-Za-z0-9_])(a_h|a_o|h|o|i|t|E|w)([1-8])(?![0-9])")
_FACTOR = re.compile(r" \* (?:\([^()]*\)|[A-Za-z_0-9∂/]+)(?= \*| \+|$|\)| =)")
_NUMBER = re.compile(r"(?<![A-Za-z_0-9.])([123])(?![0-9.])")


def mutants(statement: str) -> list[Mutant]:
    """Every single edit of the sides after the first `=`, and index swaps of the left side."""
    left, _, right = statement.partition(" = ")
    found: list[Mutant] = []
    for match in _SYMBOL.finditer(right):
        base, k = match.groups()
        for name, new in _other_symbols(base, k):
            found.append(Mutant(name, f"{left} = {right[: match.start()]}{new}{right[match.end() :]}"))
    for match in _SYMBOL.finditer(left):
        base, k = match.groups()
        for name, new in _other_symbols(base, k)[:1]:
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


def _other_symbols(base: str, k: str) -> list[tuple[str, str]]:
    if base == "w":
        n = int(k)
        return [("weight", f"w{n % 8 + 1}"), ("weight", f"w{(n + 1) % 8 + 1}")]
    swapped = base + ("2" if k == "1" else "1")
    found = [("index", swapped)]
    twin = {"a_h": "h", "h": "a_h", "a_o": "o", "o": "a_o"}.get(base)
    if twin:
        found.append(("activation", twin + k))
    return found


_DERIVATIVE = re.compile(r"∂(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\w+)/∂(\w+)")


def value_differs(before: str, after: str) -> bool:
    """Whether some side of a true statement became unequal to its first side, by numeric differentiation."""
    return _true(before) is True and _true(after) is False


def _true(statement: str) -> bool | None:
    try:
        return all(_agrees(statement, seed) for seed in (1, 2))
    except (SyntaxError, NameError, ZeroDivisionError, OverflowError, TypeError, ValueError):
        return None


def _agrees(statement: str, seed: int) -> bool:
    rng = random.Random(seed)
    leaves = {n: rng.uniform(0.3, 1.3) * rng.choice((-1, 1) if n[0] == "w" else (1,)) for n in _LEAVES}
    leaves["η"] = rng.uniform(0.3, 1.7)
    sides = [_value(side, leaves) for side in statement.split(" = ")]
    if re.fullmatch(r"w[1-8]", statement.split(" = ", maxsplit=1)[0]):
        name = statement.split(" = ", maxsplit=1)[0]
        sides[0] = leaves[name] - leaves["η"] * _slope("E", name, leaves)
    return all(abs(sides[0] - s) <= 1e-4 * max(1e-3, abs(sides[0])) for s in sides[1:])


_LEAVES = (*(f"w{k}" for k in range(1, 9)), "i1", "i2", "t1", "t2")


def _net(leaves: dict[str, float], cut: dict[str, float]) -> dict[str, float]:
    v = {**leaves, **{k: x for k, x in cut.items() if k in leaves}}

    def put(name: str, value: float) -> None:
        v[name] = cut.get(name, value)

    put("h1", v["w1"] * v["i1"] + v["w2"] * v["i2"])
    put("h2", v["w3"] * v["i1"] + v["w4"] * v["i2"])
    for k in "12":
        put("a_h" + k, 1 / (1 + math.exp(-v["h" + k])))
    put("o1", v["w5"] * v["a_h1"] + v["w6"] * v["a_h2"])
    put("o2", v["w7"] * v["a_h1"] + v["w8"] * v["a_h2"])
    for k in "12":
        put("a_o" + k, 1 / (1 + math.exp(-v["o" + k])))
        put("E" + k, 0.5 * (v["t" + k] - v["a_o" + k]) ** 2)
    put("E", v["E1"] + v["E2"])
    return v


def _slope(expression: str, by: str, leaves: dict[str, float]) -> float:
    step = 1e-5
    here = _net(leaves, {})[by]
    return (
        _plain(expression, _net(leaves, {by: here + step}))
        - _plain(expression, _net(leaves, {by: here - step}))
    ) / (2 * step)


def _value(side: str, leaves: dict[str, float]) -> float:
    slopes: dict[str, float] = {}

    def take(match: re.Match[str]) -> str:
        key = f"d{len(slopes)}_"
        slopes[key] = _slope(match.group(1), match.group(2), leaves)
        return f"({key})"

    return _plain(_DERIVATIVE.sub(take, side), {**_net(leaves, {}), **slopes})


def _plain(expression: str, values: dict[str, float]) -> float:
    code = expression.replace("^", "**").replace("σ'", "dsig").replace("σ", "sig")
    sig = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    names = {"sig": sig, "dsig": lambda x: sig(x) * (1 - sig(x)), "exp": math.exp, "__builtins__": {}}
    # Only readings that grader printed itself reach this eval, never a student's text.
    return float(eval(code, names, dict(values)))
