"""Which way round a book numbers its weights.

Some classes count a layer's weights by their target (w1 and w2 lead to h1), others by their source (w1 and w2
leave i1). Both draw the same network. The replay speaks the first; a book of the second is read with the
names exchanged and answered in its own.
"""

import re

import msgspec

from grader.core.facts.replay import CellFault, QuantityFacts, Severity

PAIRS = (("w2", "w3"), ("w6", "w7"))
"""Weights of the hidden and of the output layer that the two countings exchange."""
_LEADS = {"w2": "from i1 to h2", "w6": "from a_h1 to o2"}

Numbering = tuple[tuple[str, str], ...]
"""The pairs of a table that are exchanged; empty where it counts as the class sheet does."""


def exchanged(columns: dict[str, int], numbering: Numbering) -> dict[str, int] | None:
    """The columns under another counting; None where one of the weights or gradients has no column."""
    found = dict(columns)
    for one, other in numbering:
        for a, b in ((one, other), ("d" + one, "d" + other)):
            if a not in columns or b not in columns:
                return None
            found[a], found[b] = columns[b], columns[a]
    return found


def own_name(quantity: str, numbering: Numbering) -> str:
    """A quantity of the replay (`w2`, `dw2`) as the book counts it."""
    for one, other in numbering:
        for a, b in ((one, other), ("d" + one, "d" + other)):
            if quantity in (a, b):
                return b if quantity == a else a
    return quantity


def own_quantity(facts: QuantityFacts, numbering: Numbering) -> QuantityFacts:
    """A column's facts under the name that the book gives it."""
    return msgspec.structs.replace(facts, quantity=own_name(facts.quantity, numbering))


def own_words(fault: CellFault, numbering: Numbering) -> CellFault:
    """A fault with every weight named as the book names it."""
    if not numbering:
        return fault
    return msgspec.structs.replace(
        fault,
        quantity=own_name(fault.quantity, numbering),
        message=_spoken(fault.message, numbering),
        expected=_spoken(fault.expected, numbering),
        found=_spoken(fault.found, numbering),
        hint=_spoken(fault.hint, numbering),
    )


def _spoken(text: str, numbering: Numbering) -> str:
    return re.sub(r"(?<![A-Za-z_])w[2367]\b", lambda match: own_name(match[0], numbering), text)


def note(sheet: str, cells: str, pair: tuple[str, str]) -> CellFault:
    """What the reader is told of a pair that counts the other way round."""
    one, other = pair
    return CellFault(
        sheet=sheet,
        cells=cells,
        quantity=one,
        diagnosis="other-numbering",
        severity=Severity.NOTE,
        message=f"{one} leads {_LEADS[one]} in this table, so that {one} and {other} are numbered the "
        "other way round than in the class sheet; it is judged as it numbers them",
    )
