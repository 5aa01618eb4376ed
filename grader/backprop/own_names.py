"""The names that a rubric gives to weights and biases: read as w1, b1, …, and told as the rubric calls them.

Everything inside speaks of w1, w2, …; a text, a head of a column and a message are where names are seen.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from grader.backprop.assigned import made
from grader.core.assigned_network import GREEK, AssignedNetwork

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_PARTS = re.compile(r"([^\W\d_]+)_?(\d+)(?:_(\d+))?")


class Own(NamedTuple):
    """The rubric's names: a pattern of their spellings, the canonical name of each, and the way back."""

    spelled: re.Pattern[str]
    canonical: Mapping[str, str]
    """By the name of the pattern's group."""
    told: Mapping[str, str]


def own(assigned: AssignedNetwork) -> Own | None:
    """Return the names that a network's rubric gives; None where it keeps w1, w2, … and b1, b2, …."""
    told = {
        canonical: name
        for names, given in (
            (assigned.weights, assigned.weight_names),
            (assigned.biases, assigned.bias_names),
        )
        for canonical, name in zip(names, given, strict=bool(given))
        if canonical != name
    }
    if not told:
        return None
    spelled = "|".join(f"(?P<{canonical}>{_spellings(name)})" for canonical, name in told.items())
    before = r"(?:(?<![A-Za-z\\])|(?<=(?<![A-Za-z])[dD])|(?=\\))"
    return Own(re.compile(f"{before}(?:{spelled})(?![0-9₀-₉])", re.IGNORECASE), {c: c for c in told}, told)


def _spellings(name: str) -> str:
    """A pattern of the ways to write a name: `v11`, `v_11`, `v_{1,1}`, `v₁₁`, `\\theta_1`."""
    match = _PARTS.fullmatch(name)
    if match is None:
        return re.escape(name)
    letters, first, second = match.groups()
    symbol = {word: sign for sign, word in GREEK.items()}.get(letters.lower())
    word = GREEK.get(letters, letters)
    stem = rf"\\?(?:{word}|{symbol or letters})" if symbol or letters in GREEK else re.escape(letters)
    digits = r"[,;_\s]?".join(f"[{d}{d.translate(_SUBSCRIPTS)}]" for d in first + (second or ""))
    forms = (digits, rf"\{{\s*{digits}\s*\}}", rf"\[{digits}\]", rf"\({digits}\)", rf"<sub>{digits}</sub>")
    return rf"{stem}\s?\\?_?(?:{'|'.join(forms)})"


def canonical_of(match: re.Match[str]) -> str:
    """Return what stands for a spelling of an own name; apart from a command of TeX before it."""
    name = match.lastgroup or match[0]
    return f" {name}" if match[0].startswith("\\") else name


def spelled() -> re.Pattern[str] | None:
    """Return the pattern of the own names of the network that is read for, if it has any."""
    found = made(_known)
    return found[0].spelled if found else None


def _known(assigned: AssignedNetwork) -> tuple[Own, ...]:
    found = own(assigned)
    return () if found is None else (found,)


def in_canonical(text: str) -> str:
    """Return a text with the rubric's own names as w1, b1, …."""
    pattern = spelled()
    return text if pattern is None else pattern.sub(canonical_of, text)


_CANONICAL = re.compile(r"(?<![A-Za-z0-9_])[wb]\d+(?![0-9A-Za-z_])")


def told(text: str, names: Own) -> str:
    """Return a sentence with weights and biases as the rubric calls them."""
    return _CANONICAL.sub(lambda m: names.told.get(m[0], m[0]), text)
