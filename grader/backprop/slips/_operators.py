"""Slips of one operator for another, with the same two in a text and in a cell."""

from collections.abc import Callable, Iterator

from grader.backprop.cell_formula import operator
from grader.backprop.edits import NO_WHOLE, Edit, Slip
from grader.backprop.expression import Expr, Spot, binary, put


def operator_slip(
    code: str,
    sentence: str,
    *,
    rank: int,
    wrote: str,
    meant: str,
    cost: float,
    all_through: Callable[[Expr], Iterator[Edit]] = NO_WHOLE,
) -> Slip:
    """The slip of an operator that stands where another one belongs."""

    def in_text(t: Expr, spot: Spot) -> Iterator[Edit]:
        path, node = spot
        if node.head == wrote:
            new = binary(meant, *node.args)
            yield Edit(cost, put(t, path, new), node, new)

    return Slip(
        code, sentence, rank, in_text, all_through, in_cell=lambda tokens: operator(tokens, wrote, meant)
    )
