"""What the columns of the gradients hold: the gradient, its negative, or the step that an update adds."""

import re
from collections.abc import Mapping
from enum import Enum

from grader.backprop.sheet_names import names
from grader.execute.replay.reference_network import Array


class SlopeColumns(Enum):
    """∂E/∂w, -∂E/∂w, η ∂E/∂w or -η ∂E/∂w; `w + Δw` is right beside the last."""

    SLOPES = ""
    NEGATIVE = "-"
    STEPS = "η"
    CHANGES = "-η"

    def of(self, state: Mapping[str, Array], eta: Array) -> dict[str, Array]:
        """A state with what such columns hold; `eta` broadcasts against its values."""
        if self is SlopeColumns.SLOPES:
            return dict(state)
        factor = (1.0 if self is SlopeColumns.STEPS else -1.0) * (
            1.0 if self is SlopeColumns.NEGATIVE else eta
        )
        return {**state, **{name: state[name] * factor for name in names().gradients if name in state}}


_STEP = r"[Δ∆]\s*w|delta|step|change|update|η|(?<![a-z])(?:eta|lr)(?![a-z])|learning|rate"
_SAYS = {
    SlopeColumns.NEGATIVE: re.compile(r"^\W*[-−–]|[Δ∆]\s*w|delta|neg|minus|descent", re.IGNORECASE),
    SlopeColumns.STEPS: re.compile(_STEP, re.IGNORECASE),
    SlopeColumns.CHANGES: re.compile(_STEP, re.IGNORECASE),
}


def says(header: str, held: SlopeColumns) -> bool:
    """Whether a header says that its column holds no gradient but that: `-∂E/∂w1`, `Δw1`."""
    said = _SAYS.get(held)
    return said is None or said.search(header) is not None


def says_steps(header: str) -> bool:
    """Whether a header says that its column holds steps, of whatever sign."""
    return says(header, SlopeColumns.STEPS)
