"""The worksheet functions that are evaluated, over floats and NumPy arrays of settings.

Everything that 89 real Part-1 workbooks use (EXP, POWER, POW, SUM) and what a careful student might. Anything else keeps
its cached value and is named. Volatile functions (RAND, NOW) are left out on purpose.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from grader.core.evidence.workbook import written_number

Number = float | npt.NDArray[np.float64]
Value = float | str | npt.NDArray[np.float64]
Argument = Value | list[Value]


def as_number(value: Value) -> Number:
    """Excel's coercion in arithmetic: text that looks like a number is one, other text is an error (NaN)."""
    if isinstance(value, str):
        number = written_number(value)
        return math.nan if number is None else number
    return value


def add(left: Value, right: Value) -> Number:
    """Sum of two operands."""
    return as_number(left) + as_number(right)


def divide(left: Value, right: Value) -> Number:
    """Quotient; division by zero is infinite or NaN, as `#DIV/0!` it can never equal a right value."""
    return np.asarray(np.divide(as_number(left), as_number(right)), dtype=np.float64)


def power(left: Value, right: Value) -> Number:
    """Power over reals."""
    return np.asarray(
        np.power(np.asarray(as_number(left), dtype=np.float64), as_number(right)), dtype=np.float64
    )


def concatenate(left: Value, right: Value) -> Value:
    """`&`; only texts are joined, a number in it has no use in arithmetic."""
    return f"{left}{right}" if isinstance(left, str) or isinstance(right, str) else math.nan


def compare(operator: str, left: Value, right: Value) -> Number:
    """1 or 0 per setting."""
    if isinstance(left, str) or isinstance(right, str):
        same = str(left).lower() == str(right).lower()
        return float(same if operator == "=" else not same) if operator in ("=", "<>") else math.nan
    tests: dict[str, Callable[[Number, Number], object]] = {
        "=": np.equal, "<>": np.not_equal, "<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal,
    }  # fmt: skip
    return np.asarray(tests[operator](left, right), dtype=np.float64)


def _flat(arguments: Sequence[Argument]) -> list[Number]:
    """Numbers of all arguments; text inside a range is skipped, as Excel does."""
    found: list[Number] = []
    for argument in arguments:
        if isinstance(argument, list):
            found += [value for value in argument if not isinstance(value, str)]
        else:
            found.append(as_number(argument))
    return found


def _one(function: Callable[[Number], object]) -> Callable[[Sequence[Argument]], Value]:
    def run(arguments: Sequence[Argument]) -> Value:
        if len(arguments) != 1 or isinstance(arguments[0], list):
            return math.nan
        return np.asarray(function(as_number(arguments[0])), dtype=np.float64)

    return run


def _sum(arguments: Sequence[Argument]) -> Value:
    total: Number = 0.0
    for number in _flat(arguments):
        total = total + number
    return total


def _product(arguments: Sequence[Argument]) -> Value:
    total: Number = 1.0
    for number in _flat(arguments):
        total = total * number
    return total


def _average(arguments: Sequence[Argument]) -> Value:
    numbers = _flat(arguments)
    return divide(_sum([*numbers]), float(len(numbers)))


def _sumsq(arguments: Sequence[Argument]) -> Value:
    return _sum([number * number for number in _flat(arguments)])


def _sumproduct(arguments: Sequence[Argument]) -> Value:
    columns = [argument if isinstance(argument, list) else [argument] for argument in arguments]
    if not columns or any(len(column) != len(columns[0]) for column in columns):
        return math.nan
    total: Number = 0.0
    for row in zip(*columns, strict=True):
        factor: Number = 1.0
        for value in row:
            factor = factor * (0.0 if isinstance(value, str) else value)
        total = total + factor
    return total


def _power(arguments: Sequence[Argument]) -> Value:
    if len(arguments) != 2 or any(isinstance(a, list) for a in arguments):
        return math.nan
    return power(arguments[0], arguments[1])  # type: ignore[arg-type]


def _extreme(reduce: Callable[[Number, Number], object]) -> Callable[[Sequence[Argument]], Value]:
    def run(arguments: Sequence[Argument]) -> Value:
        numbers = _flat(arguments)
        best = numbers[0] if numbers else 0.0
        for number in numbers[1:]:
            best = np.asarray(reduce(best, number), dtype=np.float64)
        return best

    return run


def _round(arguments: Sequence[Argument]) -> Value:
    if not arguments or any(isinstance(a, list) for a in arguments):
        return math.nan
    digits = as_number(arguments[1]) if len(arguments) > 1 else 0.0  # type: ignore[arg-type]
    scale = np.power(10.0, np.trunc(np.asarray(digits, dtype=np.float64)))
    scaled = np.asarray(as_number(arguments[0])) * scale  # type: ignore[arg-type]
    return np.asarray(np.sign(scaled) * np.floor(np.abs(scaled) + 0.5) / scale, dtype=np.float64)


def _if(arguments: Sequence[Argument]) -> Value:
    if len(arguments) not in (2, 3) or any(isinstance(a, list) for a in arguments):
        return math.nan
    condition, yes = as_number(arguments[0]), as_number(arguments[1])  # type: ignore[arg-type]
    no = as_number(arguments[2]) if len(arguments) == 3 else 0.0  # type: ignore[arg-type]
    return np.asarray(np.where(np.asarray(condition) != 0, yes, no), dtype=np.float64)


def _iferror(arguments: Sequence[Argument]) -> Value:
    if len(arguments) != 2 or any(isinstance(a, list) for a in arguments):
        return math.nan
    value, otherwise = as_number(arguments[0]), as_number(arguments[1])  # type: ignore[arg-type]
    return np.asarray(np.where(np.isfinite(value), value, otherwise), dtype=np.float64)


def _truncated(arguments: Sequence[Argument]) -> Value:
    if not arguments or any(isinstance(a, list) for a in arguments):
        return math.nan
    digits = as_number(arguments[1]) if len(arguments) > 1 else 0.0  # type: ignore[arg-type]
    scale = np.power(10.0, np.trunc(np.asarray(digits, dtype=np.float64)))
    return np.asarray(np.trunc(np.asarray(as_number(arguments[0])) * scale) / scale, dtype=np.float64)  # type: ignore[arg-type]


def _sumxmy2(arguments: Sequence[Argument]) -> Value:
    sides = [a if isinstance(a, list) else [a] for a in arguments]
    if len(sides) != 2 or len(sides[0]) != len(sides[1]):
        return math.nan
    return _sumsq([as_number(x) - as_number(y) for x, y in zip(*sides, strict=True)])


def _log(arguments: Sequence[Argument]) -> Value:
    numbers = _flat(arguments)
    if len(numbers) not in (1, 2):
        return math.nan
    base = numbers[1] if len(numbers) == 2 else 10.0
    return divide(np.log(np.asarray(numbers[0])), np.log(np.asarray(base)))


FUNCTIONS: dict[str, Callable[[Sequence[Argument]], Value]] = {
    "EXP": _one(np.exp), "POWER": _power, "POW": _power, "SUM": _sum, "PRODUCT": _product, "SUMSQ": _sumsq,
    "SUMPRODUCT": _sumproduct, "AVERAGE": _average, "SQRT": _one(np.sqrt), "ABS": _one(np.abs), "LN": _one(np.log),
    "LOG10": _one(np.log10), "LOG": _log, "TANH": _one(np.tanh), "SINH": _one(np.sinh), "COSH": _one(np.cosh),
    "SIGN": _one(np.sign), "MIN": _extreme(np.minimum), "MAX": _extreme(np.maximum), "ROUND": _round, "IF": _if,
    "PI": lambda _: math.pi, "INT": _one(np.floor),
    "IFERROR": _iferror, "TRUNC": _truncated, "ROUNDDOWN": _truncated, "SUMXMY2": _sumxmy2,
    "ADD": _sum, "MULTIPLY": _product,
    "MINUS": lambda a: _sum([_flat(a)[0], -_flat(a)[1]]) if len(_flat(a)) == 2 else math.nan,
    "DIVIDE": lambda a: divide(_flat(a)[0], _flat(a)[1]) if len(_flat(a)) == 2 else math.nan,
    "UMINUS": lambda a: -_flat(a)[0] if len(_flat(a)) == 1 else math.nan,
}  # fmt: skip
