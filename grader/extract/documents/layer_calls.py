"""Layer constructor calls in code that is shown, not run: `nn.Conv2d(8, 16, 3)` -> 1,168 parameters."""

import ast
import itertools
import re
from typing import NamedTuple

MAX_CALLS = 300
"""Calls of one text that are counted; a network of this assignment has about twenty."""


class LayerCall(NamedTuple):
    """One constructor call. `parameters` is None where an argument is not a literal number."""

    type: str
    parameters: int | None
    line: int
    weighted: bool
    """Whether it is a convolution or a linear layer."""


_CALL = re.compile(r"\bnn\.(Conv2d|Linear|BatchNorm2d|BatchNorm1d|GroupNorm|LayerNorm|PReLU)\s*\(")


def layer_calls(text: str) -> list[LayerCall]:
    """Find the calls that make parameters, in order; commented-out ones are left out. Lines count from 1."""
    found: list[LayerCall] = []
    for match in itertools.islice(_CALL.finditer(text), MAX_CALLS):
        begin = text.rfind("\n", 0, match.start()) + 1
        if "#" in text[begin : match.start()]:
            continue
        end = _closing(text, match.end())
        if end is None:
            continue
        kind = match.group(1)
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            LayerCall(kind, _parameters(kind, text[match.end() : end]), line, kind in ("Conv2d", "Linear"))
        )
    return found


def _closing(text: str, start: int) -> int | None:
    depth = 1
    for at in range(start, min(len(text), start + 400)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return None


def _parameters(kind: str, arguments: str) -> int | None:
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(call, ast.Call):
        return None
    try:
        given = [_literal(a) for a in call.args]
        named = {k.arg: _literal(k.value) for k in call.keywords if k.arg}
    except (ValueError, TypeError, RecursionError):
        return None
    if kind == "Conv2d":
        return _conv(given, named)
    if kind == "Linear":
        wide = _get(given, named, 0, "in_features"), _get(given, named, 1, "out_features")
        if not all(isinstance(w, int) for w in wide):
            return None
        fan_in, fan_out = wide
        assert isinstance(fan_in, int)
        assert isinstance(fan_out, int)
        return fan_in * fan_out + (fan_out if _get(given, named, 2, "bias", True) else 0)
    if kind.startswith("BatchNorm"):
        width = _get(given, named, 0, "num_features")
        return 2 * width if isinstance(width, int) and _get(given, named, 3, "affine", True) else None
    return None


def _conv(given: list[object], named: dict[str, object]) -> int | None:
    fan_in, fan_out = _get(given, named, 0, "in_channels"), _get(given, named, 1, "out_channels")
    kernel, groups = _get(given, named, 2, "kernel_size"), _get(given, named, 6, "groups", 1)
    sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    numbers = (fan_in, fan_out, groups, *sides)
    if len(sides) != 2 or not all(isinstance(n, int) and n > 0 for n in numbers):
        return None
    a, b, g, h, w = (n for n in numbers if isinstance(n, int))
    return a // g * b * h * w + (b if _get(given, named, 7, "bias", True) else 0)


def _get(given: list[object], named: dict[str, object], at: int, name: str, default: object = None) -> object:
    return given[at] if at < len(given) else named.get(name, default)


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):  # nn.Linear(16 * 4 * 4, 10)
        left, right = _literal(node.left), _literal(node.right)
        if isinstance(left, int) and isinstance(right, int) and abs(left) < 10**6 and abs(right) < 10**6:
            return left * right
        raise ValueError("no literal")
    return ast.literal_eval(node)
