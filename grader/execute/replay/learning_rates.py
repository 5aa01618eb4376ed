"""Learning rates that texts claim: sheet names, titles, headers, file names."""

import re

from grader.core.evidence.workbook import Book
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import ROW, sheet_of

_NUMBER = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)(?![\d%])"
_LABELLED = re.compile(
    r"(?:η|ɳ|ƞ|ͷ|ⴄ|\beta\b|(?<![a-z])l\.?\s?r\.?(?![a-z])|learn\w*[\s_.-]*rate\w*|α|alpha|(?<![a-z])n(?=\s*=))"
    r"[\s=:_()\[\]{}→>-]*(?:(?:of|is|to|at|as|with|set to)\s+)?"
    rf"({_NUMBER}(?:(?:\s*(?:[,;/&|]|and|or|to|vs\.?|-|–)\s*)+{_NUMBER})*)",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\W*(?:η|ɳ|ƞ|ͷ|ⴄ|eta|l\.?\s?r\.?|learn\w*[\s_.-]*rate|α|alpha)(?:\s*\(?(?:η|eta|l\.?r\.?|α|alpha)\)?)?\W*",
    re.IGNORECASE,
)
_ONE = re.compile(_NUMBER)
_BARE = re.compile(rf"\s*({_NUMBER})\s*")


def claimed_rates(text: str, *, bare: bool = False) -> tuple[float, ...]:
    """Every learning rate that a text names, in order (`η = 0.1, 0.2 and 0.5`); with `bare` a lone number
    counts.
    """
    plain = text.replace("_", " ")
    found = [number for match in _LABELLED.finditer(plain) for number in _ONE.findall(match[1])]
    if not found and bare and (alone := _BARE.fullmatch(plain)):
        found = [alone[1]]
    numbers = (float(number.replace(",", ".")) for number in found)
    return tuple(dict.fromkeys(number for number in numbers if 0 < number <= 10_000))


def claimed_rate(text: str, *, bare: bool = False) -> float | None:
    """The learning rate that a text names (`η = 0.5`, `LR_0.1`, `learning rate : 2`), the first of
    several.
    """
    return next(iter(claimed_rates(text, bare=bare)), None)


def named_rates(book: Book, sheet: int) -> tuple[float, ...]:
    """Every learning rate that the name of a sheet says; a lone number is one unless it counts the sheets."""
    bare = {float(match[1].replace(",", ".")) for s in book.sheets if (match := _BARE.fullmatch(s.name))}
    counts = bare == set(map(float, range(1, len(bare) + 1)))
    return claimed_rates(book.sheets[sheet].name, bare=not counts)


def said_rates(model: Model, sheet: int) -> set[float]:
    """Every learning rate that the name or a cell of a sheet says: `η = 1`, `LR` beside or above a number."""
    found = set(named_rates(model.book, sheet))
    for key, text in model.constants.items():
        if sheet_of(key) != sheet or not isinstance(text, str):
            continue
        found.update(claimed_rates(text))
        if _NAME.fullmatch(text):
            beside = (model.shown(key + 1), model.shown(key + ROW))
            found.update([value for value in beside if isinstance(value, float)][:1])
    return found


def same_rate(one: float, other: float) -> bool:
    """Whether two learning rates are the same number as typed."""
    return abs(one - other) <= 1e-9 * max(1.0, abs(other))
