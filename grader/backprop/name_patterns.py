"""Patterns in which the numbers of a network's quantities stand: made for the network that is read for."""

import re
from typing import Final, NamedTuple

from grader.backprop.assigned import made
from grader.core.assigned_network import AssignedNetwork, up_to


class Numbers(NamedTuple):
    """Patterns of the numbers that each kind of quantity of a network has."""

    hidden: str
    outputs: str
    inputs: str
    weights: str
    units: str
    """Of hidden units or outputs."""


def numbers(assigned: AssignedNetwork) -> Numbers:
    """Return the patterns of a network's numbers."""
    hidden, outputs = len(assigned.hidden), len(assigned.outputs)
    many = (hidden, outputs, len(assigned.inputs), len(assigned.weights), max(hidden, outputs))
    return Numbers(*map(up_to, many))


_PLACE: Final = re.compile(r"@(hidden|outputs|inputs|weights|units)@")


class Named:
    """A pattern with places for numbers, `w_?@weights@`; called, it is that of the network read for."""

    def __init__(self, template: str, flags: int = 0) -> None:
        self.template, self._flags = template, flags
        self._make = self.of  # one function, so that it is called once for each network

    def __call__(self) -> re.Pattern[str]:
        """Return the pattern of the network that is read for."""
        return made(self._make)

    def of(self, assigned: AssignedNetwork) -> re.Pattern[str]:
        """Return the pattern of a network."""
        known = numbers(assigned)
        return re.compile(_PLACE.sub(lambda m: str(getattr(known, m[1])), self.template), self._flags)
