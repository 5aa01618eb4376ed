"""Learning rates that texts claim: sheet names, titles, headers, file names."""

import re

_LABELLED = re.compile(
    r"(?:η|ɳ|ƞ|ͷ|ⴄ|\beta\b|(?<![a-z])l\.?\s?r\.?(?![a-z])|learn\w*[\s_.-]*rate\w*|α|alpha|(?<![a-z])n(?=\s*=))"
    r"[\s=:_()\[\]-]*(\d+(?:[.,]\d+)?|[.,]\d+)",
    re.IGNORECASE,
)
_BARE = re.compile(r"\s*(\d+(?:[.,]\d+)?|[.,]\d+)\s*")


def claimed_rate(text: str, *, bare: bool = False) -> float | None:
    """The learning rate that a text names (`η = 0.5`, `LR_0.1`, `learning rate : 2`); with `bare` a lone number counts."""
    match = _LABELLED.search(text.replace("_", " ")) or (_BARE.fullmatch(text) if bare else None)
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    return number if 0 < number <= 10_000 else None


def same_rate(one: float, other: float) -> bool:
    """Whether two learning rates are the same number as typed."""
    return abs(one - other) <= 1e-9 * max(1.0, abs(other))
