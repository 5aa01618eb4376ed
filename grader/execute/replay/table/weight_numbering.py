"""Which way round a book numbers its weights.

Some classes count a layer's weights by their target (w1 and w2 lead to h1), others by their source (w1 and w2
leave i1). Both draw the same network. The replay speaks the first; a book of the second is read with the
names exchanged and answered in its own.
"""

import re
from itertools import pairwise
from typing import NamedTuple

import msgspec

from grader.backprop.assigned import made, network
from grader.core.assigned_network import AssignedNetwork
from grader.core.facts.replay import CellFault, QuantityFacts, Severity

Numbering = tuple[tuple[str, str], ...]
"""The pairs of a table that are exchanged; empty where it counts as the class sheet does."""


class Turnable(NamedTuple):
    """Two weights that the two countings of a layer exchange, and the sums that show which one is meant."""

    pair: tuple[str, str]
    sums: tuple[str, str]


def turnable() -> tuple[Turnable, ...]:
    """Return the layers that can be counted the other way round: those of two units on both sides."""
    return made(_turnable)


def _turnable(assigned: AssignedNetwork) -> tuple[Turnable, ...]:
    unit, found = 0, []
    for before, after in pairwise(assigned.layers):
        if before == after == 2:
            one, other = assigned.units[unit : unit + 2]
            found.append(Turnable((one.terms[1][0], other.terms[0][0]), (one.sum, other.sum)))
        unit += after
    return tuple(found)


def _leads(weight: str) -> str:
    """Where the first weight of a pair leads under the other counting: w2 from i1 to h2."""
    before = next(unit for unit in network().units if unit.terms[-1][0] == weight)
    after = network().units[network().units.index(before) + 1]
    return f"from {before.terms[0][1]} to {after.sum}"


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
    return re.sub(r"(?<![A-Za-z_])w\d+\b", lambda match: own_name(match[0], numbering), text)


def note(sheet: str, cells: str, pair: tuple[str, str]) -> CellFault:
    """What the reader is told of a pair that counts the other way round."""
    one, other = pair
    return CellFault(
        sheet=sheet,
        cells=cells,
        quantity=one,
        diagnosis="other-numbering",
        severity=Severity.NOTE,
        message=f"{one} leads {_leads(one)} in this table, so that {one} and {other} are numbered the "
        "other way round than in the class sheet; it is judged as it numbers them",
    )
