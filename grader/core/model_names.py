"""Words of a file's name, a heading or a class, in which the name of a network is looked for."""

import re
from collections.abc import Iterable
from functools import cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@cache
def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in small letters; `S7_Step1-BN` and `s7 step 1 bn` have the same.

    A word ends where a letter is followed by a digit or a small letter by a capital one.
    """
    return tuple(word.lower() for word in _WORD.findall(text))


def named_in(text: str, names: Iterable[str]) -> bool:
    """Whether a text has all words of one of the names, one after another: `step 1` is in `Step1.ipynb` and
    not in `Step10.ipynb`.
    """
    has = words(text)
    return any(
        has[at : at + len(name)] == name
        for name in map(words, names)
        for at in range(len(has) - len(name) + 1)
        if name
    )
