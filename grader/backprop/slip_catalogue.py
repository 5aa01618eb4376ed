"""The catalogue of slips: every file of `slips`, and the single edits that undo one in a text and in a cell.

The repairs of a README's lines (`extract/formulas/repair`) and the diagnosis of a sheet's formulas
(`execute/replay/faults`) search what stands here and name what they find by its code; a class counts them
together. A code that was called otherwise in results of earlier versions is read by its old name.

They stay two searches. A line may be wrong in any of its sides, and its edits, of trees, are ranked by cost.
A cell must give what its column says: its edits are of tokens, so that Excel's precedence is applied again to
the whole formula, and of references, thousands at a time, which in a text have neither a row above nor a
learning rate that drifts. Tried on 160 distinct wrong formulas of the labelled and of 42 generated sheets, of
which the diagnosis explains 115: the edits of trees name 28 of these the same, 22 otherwise, and 65 not at
all.
"""

import importlib
import pkgutil
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Final

import grader.backprop.slips
from grader.backprop.edits import NO_CELL, NO_SIDE, NO_SPOT, NO_WHOLE, Edit, Slip, Tokens, Variant
from grader.backprop.expression import Expr, spots


def _found() -> Iterator[Slip]:
    for info in pkgutil.iter_modules(grader.backprop.slips.__path__):
        if not info.name.startswith("_"):
            slip = importlib.import_module(f"{grader.backprop.slips.__name__}.{info.name}").slip
            if not isinstance(slip, Slip) or slip.code != info.name.replace("_", "-"):
                raise TypeError(f"slips/{info.name}.py: it must define `slip = Slip(...)` with its own code")
            yield slip


CATALOGUE: Final[tuple[Slip, ...]] = tuple(sorted(_found(), key=lambda slip: (slip.rank, slip.code)))
"""All slips, in the order in which they are tried."""
SLIPS: Final[Mapping[str, str]] = {slip.code: slip.sentence for slip in CATALOGUE}
FORMERLY: Final[Mapping[str, str]] = {
    "brackets-missing": "brackets",
    "missing-factor": "factor-missing",
    "missing-term": "term-missing",
    "preactivation-for-activation": "activation-confused",
    "wrong-factor": "wrong-constant",
}
"""Codes of earlier versions with today's."""
_AT_SPOTS = tuple(slip for slip in CATALOGUE if slip.in_text is not NO_SPOT)
_OF_NAMES = tuple(slip for slip in _AT_SPOTS if slip.of_names)
_ALL_THROUGH = tuple(slip for slip in CATALOGUE if slip.all_through is not NO_WHOLE)
_BESIDE = tuple(slip for slip in CATALOGUE if slip.beside is not NO_SIDE)
_IN_CELLS = tuple(slip for slip in CATALOGUE if slip.in_cell is not NO_CELL)


def current(code: str) -> str:
    """Return today's code of a slip that may carry an earlier one."""
    return FORMERLY.get(code, code)


def edits(t: Expr) -> Iterator[Edit]:
    """Return all single edits of one side of a formula, in a fixed order."""
    for spot in spots(t):
        for slip in _AT_SPOTS:
            yield from _named(slip, slip.in_text(t, spot))
    for slip in _ALL_THROUGH:
        yield from _named(slip, slip.all_through(t))


def left_edits(t: Expr) -> Iterator[Edit]:
    """Return the edits of a left side that is one quantity: the wrong one, but without slips inside."""
    for spot in spots(t):
        for slip in _OF_NAMES:
            yield from _named(slip, slip.in_text(t, spot))


def edits_beside(left: Expr, side: Expr) -> Iterator[Edit]:
    """Return the edits of a side that follow from what stands on the left."""
    for slip in _BESIDE:
        yield from _named(slip, slip.beside(left, side))


def cell_edits(tokens: Tokens, codes: Container[str] = SLIPS) -> Iterator[tuple[str, Variant]]:
    """Return the small edits of a cell's formula that undo one of some slips, with its code."""
    for slip in _IN_CELLS:
        if slip.code in codes:
            yield from ((slip.code, variant) for variant in slip.in_cell(tokens))


def _named(slip: Slip, found: Iterable[Edit]) -> Iterator[Edit]:
    return (Edit(e.cost, e.tree, e.wrote, e.should, e.phrase or slip.sentence, slip.code) for e in found)
