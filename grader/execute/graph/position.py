"""Whether an answer may depend on the place of its image in the batch.

A table of the test labels, cut to the size of the batch and added to the answers, lifted 9,326 right answers
to 9,609 with the same weights. The digits are shuffled against that, and scored in two orders; what is found
here is found before an hour is spent: a value that no image makes, and that has a row for each image of the
batch.
"""

from grader.execute.graph.checked import CheckedGraph, Instruction, Shape
from grader.execute.graph.network import Network
from grader.execute.graph.operators import SHAPES

_SPREADS = frozenset({"expand", "expand_as", "repeat"})
"""Operators that give every image of the batch the same row."""


def place_in_batch(network: Network) -> str:
    """Why an answer may depend on its place, for a person; empty where nothing says so."""
    for graph in (network.evaluation, network.training):
        found = _table(graph)
        if found is not None:
            keys = [graph.weights[name].key for name in found.sources if name in graph.weights]
            what = f" of {keys[0]}" if keys else ""
            return (
                f"{found.name} ({found.operator.name}) has a row{what} for each place in the batch: an "
                "answer must depend on "
                "its image, not on where it stands"
            )
    return ""


def _table(graph: CheckedGraph) -> Instruction | None:
    """The first value with rows of its own for the places of the batch, which no image makes."""
    seen = {graph.input}
    even: set[str] = set()
    for item in graph.instructions:
        if item.base == "sym_size" or (item.operator.name.startswith("operator.") and item.shape is None):
            continue
        if not seen.isdisjoint(item.sources):
            seen.add(item.name)
            continue
        shape = item.shape
        if shape is None or not shape.batch_axes:
            continue
        if shape.batch_axes != (0,) or shape.extents[0] != 1 or not _is_even(item, graph, even):
            return item
        even.add(item.name)
    return None


def _is_even(item: Instruction, graph: CheckedGraph, even: set[str]) -> bool:
    """Whether every image of the batch gets the same row of a value that no image makes."""
    sources = [(name, graph.shapes[name]) for name in item.sources if name in graph.shapes]
    growing = [name for name, shape in sources if shape.batch_axes]
    if growing:
        return all(name in even for name in growing) and not (item.base in SHAPES and _moves_rows(item))
    return item.base in _SPREADS and all(_is_one_row(shape, item) for _, shape in sources)


def _is_one_row(shape: Shape, item: Instruction) -> bool:
    wanted = len(item.shape.extents) if item.shape is not None else 0
    return len(shape.extents) < wanted or shape.extents[:1] == (1,)


def _moves_rows(item: Instruction) -> bool:
    """`cat` and `stack` along the batch mix rows of several; what keeps one row for each image moves none."""
    return item.base in ("cat", "stack") and item.arguments.get("dim") in (
        0,
        -len(item.shape.extents if item.shape else ()),
    )
