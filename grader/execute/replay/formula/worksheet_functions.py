"""The worksheet functions that are evaluated, over floats and NumPy arrays of settings.

Everything that 89 real Part-1 workbooks use (EXP, POWER, POW, SUM) and what a careful student might. Anything
else keeps its cached value and is named. Volatile functions (RAND, NOW) are left out on purpose.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

from grader.backprop.tokens import Unsupported
from grader.core.evidence.workbook import written_number

MAX_ELEMENTS = 2_000
"""Elements of one array; a layer of this network has two."""


class Block(list["Value"]):
    """The values of a range or an array, row by row; an empty cell is an empty text, which counts as 0 in
    arithmetic.
    """

    def __init__(self, values: "Iterable[Value]", width: int) -> None:
        super().__init__(values)
        self.width = width

    @property
    def height(self) -> int:
        """How many rows."""
        return len(self) // self.width if self.width else 0


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


def _one(function: Callable[[Number], object]) -> Callable[[Sequence[Argument]], Argument]:
    def one(value: Value) -> Value:
        return np.asarray(function(as_number(value)), dtype=np.float64)

    def run(arguments: Sequence[Argument]) -> Argument:
        if len(arguments) != 1:
            return math.nan
        given = arguments[0]
        return each(one, given) if isinstance(given, list) else one(given)

    return run


def each(function: Callable[..., Value], *arguments: Argument) -> Block:
    """A function of every element of arrays; numbers, single rows and single columns are repeated as Excel
    does.
    """
    blocks = [a if isinstance(a, Block) else Block(a if isinstance(a, list) else [a], 1) for a in arguments]
    width, height = max(b.width for b in blocks), max(b.height for b in blocks)
    if width * height > MAX_ELEMENTS:
        raise Unsupported(f"an array of more than {MAX_ELEMENTS:,} elements")
    found: list[Value] = []
    for row in range(height):
        for column in range(width):
            given = [_element(block, row, column) for block in blocks]
            found.append(function(*given))
    return Block(found, width)


def _element(block: Block, row: int, column: int) -> Value:
    row, column = 0 if block.height == 1 else row, 0 if block.width == 1 else column
    if row >= block.height or column >= block.width:
        return math.nan
    value = block[row * block.width + column]
    return 0.0 if isinstance(value, str) and value == "" else value


def _mmult(arguments: Sequence[Argument]) -> Argument:
    if len(arguments) != 2 or not all(isinstance(a, Block) for a in arguments):
        return math.nan
    one, other = arguments
    if not isinstance(one, Block) or not isinstance(other, Block) or one.width != other.height:
        return math.nan
    found: list[Value] = []
    for row in range(one.height):
        for column in range(other.width):
            total: Number = 0.0
            for k in range(one.width):
                total = total + as_number(_element(one, row, k)) * as_number(_element(other, k, column))
            found.append(total)
    return Block(found, other.width)


def _transpose(arguments: Sequence[Argument]) -> Argument:
    block = arguments[0] if len(arguments) == 1 else None
    if not isinstance(block, Block):
        return math.nan
    return Block(
        [block[r * block.width + c] for c in range(block.width) for r in range(block.height)], block.height
    )


def _index(arguments: Sequence[Argument]) -> Value:
    block = arguments[0] if arguments else None
    if not isinstance(block, Block) or not 2 <= len(arguments) <= 3:
        return math.nan
    places = [np.asarray(as_number(a)) for a in arguments[1:] if not isinstance(a, list)]
    if len(places) != len(arguments) - 1 or any(p.ndim or not np.isfinite(p) for p in places):
        return math.nan
    at = [int(p) - 1 for p in places]
    row, column = (0, at[0]) if len(at) == 1 and block.height == 1 else (at[0], at[1] if len(at) > 1 else 0)
    inside = 0 <= row < block.height and 0 <= column < block.width
    return _element(block, row, column) if inside else math.nan


def _ifs(arguments: Sequence[Argument]) -> Value:
    if len(arguments) < 2 or len(arguments) % 2 or any(isinstance(a, list) for a in arguments):
        return math.nan
    result: Value = math.nan
    for condition, value in reversed(list(zip(arguments[::2], arguments[1::2], strict=True))):
        result = _if([condition, value, result])
    return result


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


def _power(arguments: Sequence[Argument]) -> Argument:
    if len(arguments) != 2:
        return math.nan
    if any(isinstance(a, list) for a in arguments):
        return each(power, *arguments)
    return power(arguments[0], arguments[1])  # type: ignore[arg-type]


def _extreme(reduce: Callable[[Number, Number], object]) -> Callable[[Sequence[Argument]], Value]:
    def run(arguments: Sequence[Argument]) -> Value:
        numbers = _flat(arguments)
        best = numbers[0] if numbers else 0.0
        for number in numbers[1:]:
            best = np.asarray(reduce(best, number), dtype=np.float64)
        return best

    return run


def _to_digits(whole: Callable[[Number], Number]) -> Callable[[Sequence[Argument]], Value]:
    """A function that leaves some digits of a number, by what it makes of one without."""

    def run(arguments: Sequence[Argument]) -> Value:
        if not arguments or any(isinstance(a, list) for a in arguments):
            return math.nan
        digits = as_number(arguments[1]) if len(arguments) > 1 else 0.0  # type: ignore[arg-type]
        scale = np.power(10.0, np.trunc(np.asarray(digits, dtype=np.float64)))
        scaled = np.asarray(as_number(arguments[0])) * scale  # type: ignore[arg-type]
        return np.asarray(whole(scaled) / scale, dtype=np.float64)

    return run


_rounded = _to_digits(lambda scaled: np.sign(scaled) * np.floor(np.abs(scaled) + 0.5))


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


def _logical(both: Callable[[Number, Number], Number]) -> Callable[[Sequence[Argument]], Value]:
    """AND or OR of all arguments, 1 or 0 per setting."""

    def run(arguments: Sequence[Argument]) -> Value:
        truths = [np.asarray(number) != 0 for number in _flat(arguments)]
        return np.asarray(reduce(both, truths), dtype=np.float64) if truths else math.nan

    return run


FUNCTIONS: dict[str, Callable[[Sequence[Argument]], Argument]] = {
    "EXP": _one(np.exp), "POWER": _power, "POW": _power, "SUM": _sum, "PRODUCT": _product, "SUMSQ": _sumsq,
    "SUMPRODUCT": _sumproduct, "AVERAGE": _average, "SQRT": _one(np.sqrt), "ABS": _one(np.abs), "LN": _one(np.log),
    "LOG10": _one(np.log10), "LOG": _log, "TANH": _one(np.tanh), "SINH": _one(np.sinh), "COSH": _one(np.cosh),
    "SIGN": _one(np.sign), "MIN": _extreme(np.minimum), "MAX": _extreme(np.maximum), "ROUND": _rounded, "IF": _if,
    "PI": lambda _: math.pi, "INT": _one(np.floor),
    "IFERROR": _iferror, "TRUNC": _to_digits(np.trunc), "ROUNDDOWN": _to_digits(np.trunc), "SUMXMY2": _sumxmy2,
    "MMULT": _mmult, "TRANSPOSE": _transpose, "INDEX": _index, "IFS": _ifs, "SINGLE": lambda a: a[0] if len(a) == 1 else math.nan,
    "N": lambda a: _flat(a)[0] if len(_flat(a)) == 1 else 0.0, "AND": _logical(np.logical_and), "OR": _logical(np.logical_or),
    "ADD": _sum, "MULTIPLY": _product,
    "MINUS": lambda a: _sum([_flat(a)[0], -_flat(a)[1]]) if len(_flat(a)) == 2 else math.nan,
    "DIVIDE": lambda a: divide(_flat(a)[0], _flat(a)[1]) if len(_flat(a)) == 2 else math.nan,
    "UMINUS": lambda a: -_flat(a)[0] if len(_flat(a)) == 1 else math.nan,
}  # fmt: skip
