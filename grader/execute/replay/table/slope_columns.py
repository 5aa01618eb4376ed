"""What a column of gradients holds: the gradient, its negative, or the step that an update adds."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from grader.backprop.sheet_names import names
from grader.execute.replay.reference_network import Array

ROUNDED = 2e-3
"""Relative difference up to which a typed value counts as rounded by hand."""
Number = TypeVar("Number", float, Array)


class SlopeColumns(Enum):
    """∂E/∂w, -∂E/∂w, η ∂E/∂w or -η ∂E/∂w; `w + Δw` is right beside the last."""

    SLOPES = ""
    NEGATIVE = "-"
    STEPS = "η"
    CHANGES = "-η"

    def times(self, slope: Number, eta: Number) -> Number:
        """What such a column holds for a gradient."""
        held = -slope if self in (SlopeColumns.NEGATIVE, SlopeColumns.CHANGES) else slope
        return eta * held if self in (SlopeColumns.STEPS, SlopeColumns.CHANGES) else held

    def step(self, held: float, eta: float) -> float:
        """What an update subtracts by what such a column holds."""
        return eta * self.times(held, 1.0 / eta) if eta else 0.0


Held = tuple[SlopeColumns, ...]
"""What each column of the gradients holds, in their order; empty where all hold the gradients."""


def all_of(kind: SlopeColumns) -> Held:
    """All columns of one kind."""
    return () if kind is SlopeColumns.SLOPES else (kind,) * len(names().gradients)


def column_values(state: Mapping[str, Array], held: Held, eta: Array) -> dict[str, Array]:
    """A state with what its columns hold; `eta` broadcasts against its values."""
    kinds = dict(zip(names().gradients, held, strict=True)) if held else {}
    changed = {
        name: kind.times(state[name], eta)
        for name, kind in kinds.items()
        if kind is not SlopeColumns.SLOPES and name in state
    }
    return {**state, **changed}


_STEP = r"[Δ∆]\s*w|delta|step|change|update|η|(?<![a-z])(?:eta|lr)(?![a-z])|learning|rate"
_SAYS = {
    SlopeColumns.NEGATIVE: re.compile(
        r"^\W*[-−–]|[Δ∆]\s*w|delta|step|change|neg|minus|descent", re.IGNORECASE
    ),
    SlopeColumns.STEPS: re.compile(_STEP, re.IGNORECASE),
    SlopeColumns.CHANGES: re.compile(_STEP, re.IGNORECASE),
}
_SLOPE = re.compile(
    r"rates?\s+of\s+change(?:\s+(?:in|of))?"
    r"|(?:[Δ∆]|delta|change\s+(?:in|of))[\s_({]*(?:error|loss|cost|e)(?:[\s_]*(?:total|tot|t))?[\s_)}]*"
    r"(?:[/÷∕⁄]|by|wrt|w\.?\s?r\.?\s?t\.?|with(?:\s+respect\s+to)?)"
    r"[\s_({]*(?:[Δ∆]|delta|change\s+(?:in|of))?",
    re.IGNORECASE,
)
"""A slope in words of change: `rate of change of E with w1`, `ΔE/Δw1` are ∂E/∂w1, whatever sign comes before
them.
"""


def _bare(header: str) -> str:
    """A header without the words by which it calls a slope a change."""
    return _SLOPE.sub(" ∂ ", header)


def says(header: str, held: SlopeColumns) -> bool:
    """Whether a header says that its column holds no gradient but that: `-∂E/∂w1`, `Δw1`."""
    said = _SAYS.get(held)
    return said is None or said.search(_bare(header)) is not None


def said_kinds(header: str) -> tuple[SlopeColumns, ...]:
    """What a header may say that its column holds but gradients."""
    bare = _bare(header)
    return tuple(kind for kind, said in _SAYS.items() if said.search(bare))


def says_steps(header: str) -> bool:
    """Whether a header says that its column holds steps, of whatever sign."""
    return says(header, SlopeColumns.STEPS)
