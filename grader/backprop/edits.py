"""What a slip is, and an edit that undoes one: of the tree of a text, of the tokens of a cell."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from grader.backprop.expression import Expr, Spot
from grader.backprop.tokens import Token

T = TypeVar("T")
Tokens = tuple[Token, ...]


class Edit(NamedTuple):
    """A possible correction of one side of a formula. `wrote` is the guilty part, `should` what to write
    instead; `cost` ranks edits, about 1 for the commonest slips. `phrase` and `code` are the slip's own where
    they are empty.
    """

    cost: float
    tree: Expr
    wrote: Expr | None
    should: Expr | None
    phrase: str = ""
    code: str = ""


class Variant(NamedTuple):
    """An edited formula of a cell, what was done, and the token indices of the original that were touched.

    The whole formula is yielded, so that precedence is applied again.
    """

    tokens: Tokens
    what: str
    touched: tuple[int, ...]


def _none(*_: object) -> Iterator[Any]:
    return iter(())


NO_SPOT: Callable[[Expr, Spot], Iterator[Edit]] = _none
NO_WHOLE: Callable[[Expr], Iterator[Edit]] = _none
NO_SIDE: Callable[[Expr, Expr], Iterator[Edit]] = _none
NO_CELL: Callable[[Tokens], Iterator[Variant]] = _none
"""Of a slip that is not made so."""


class Slip(NamedTuple):
    """A mistake that people make: one code and one sentence, wherever it is made.

    `rank` orders the search: what is tried first is told where two edits explain a formula equally well.
    """

    code: str
    sentence: str
    rank: int = 0
    in_text: Callable[[Expr, Spot], Iterator[Edit]] = NO_SPOT
    """The edits of one node of a side."""
    all_through: Callable[[Expr], Iterator[Edit]] = NO_WHOLE
    """The edits of a whole side: the same mistake wherever it stands."""
    beside: Callable[[Expr, Expr], Iterator[Edit]] = NO_SIDE
    """The edits of a side that follow from what stands on the left: `beside(left, side)`."""
    in_cell: Callable[[Tokens], Iterator[Variant]] = NO_CELL
    of_names: bool = False
    """Whether it takes one quantity for another, as alone a left side can be wrong."""


def fitting(edits: Iterable[T], *tests: Callable[[T], bool]) -> Iterator[T]:
    """Search edits for those that make a formula right; the cheapest test comes first."""
    for test in tests:
        edits = filter(test, edits)
    return iter(edits)
