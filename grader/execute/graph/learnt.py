"""Whether a graph may hold in itself what was learnt elsewhere: a training of ours draws weights anew, and no
number that is written into the graph.

A table in a tensor is kept and told. The same table fits into the graph: as factors and thresholds, as many
as there are operators, or as the choice of which pixels are added and which taken off. Fifteen digits of the
test set known by ten pixels each take 400 operators of 1,000, and a network at 99.25 % needs fifteen.
Networks of this course write fewer than ten different numbers and pick a few slices.
"""

from collections.abc import Iterable, Iterator

from grader.execute.graph.checked import CheckedGraph, Instruction
from grader.execute.graph.network import Network
from grader.execute.graph.validate import SLICE_END

MOST_NUMBERS = 64
"""Different numbers in one graph that are no shape."""
MOST_PICKS = 128
"""Cuts, paddings and picks of a graph: 28 rows read one by one, with one state each, are 84."""
_PICKS = frozenset({"select", "slice", "narrow", "getitem", "constant_pad_nd", "pad", "flip"})
_NUMBERS = frozenset({"Tensor", "Optional[Tensor]", "number", "Optional[number]"})
"""Types of parameters for which a whole number is a value, and no shape or place."""


def learnt_elsewhere(network: Network) -> str:
    """Why the graph itself may hold what was learnt, for a person; empty where nothing says so."""
    for graph in (network.evaluation, network.training):
        numbers, picks = len(set(_numbers(graph))), sum(_picks(item) for item in graph.instructions)
        if numbers > MOST_NUMBERS:
            return _told(f"{numbers} different numbers are written", MOST_NUMBERS)
        if picks > MOST_PICKS:
            return _told(f"{picks} cuts and picks are written", MOST_PICKS)
    return ""


def _told(what: str, most: int) -> str:
    return (
        f"{what} into the network's own operations (up to {most} are usual): they may hold what was learnt "
        "elsewhere, and no training starts them afresh"
    )


def _numbers(graph: CheckedGraph) -> Iterator[float]:
    for item in graph.instructions:
        for parameter in item.operator.parameters:
            value = item.arguments.get(parameter.name)
            whole = parameter.type in _NUMBERS
            for number in value if isinstance(value, tuple) else (value,):
                if type(number) is float or (whole and type(number) is int):
                    yield float(number)


def _picks(item: Instruction) -> bool:
    """Whether an operator picks a part of what it reads; a slice of everything picks nothing."""
    if item.base not in _PICKS:
        return False
    return item.base != "slice" or not _is_whole(item.arguments.values())


def _is_whole(arguments: Iterable[object]) -> bool:
    numbers = [value for value in arguments if type(value) is int]
    return SLICE_END in numbers and all(number in (0, 1, SLICE_END) for number in numbers[1:])
