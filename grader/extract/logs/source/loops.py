"""Loops that train, as they are followed in the code of some cells."""

import ast
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from grader.extract.documents.cell_names import nodes_of

_STARTS_AGAIN = re.compile(
    r"Sequential|load_state_dict|load|deepcopy|apply|reset\w*|init\w*|(?:make|build|create|get)_\w*"
)
"""Names of calls after which a network may be another one, or untrained again."""
_EPOCH = re.compile(r"e|ep|.*epoch.*|ep_.*", re.IGNORECASE)


class Loop(NamedTuple):
    """What the loops of some cells announce; None where it is not clear."""

    length: int | None
    first: int | None
    """The number that the loop gives its first epoch."""
    before: int = 0
    """Calls before the one loop of a test that is called in it, too: of an untrained network."""
    after: int = 0
    """Such calls after it: a last evaluation."""
    some: bool = False
    """Whether it tests after some of its epochs alone: `if epoch % 5 == 0: test()`."""


class Epochs(NamedTuple):
    """A loop that trains, with the names of what is called in it."""

    length: int | None
    first: int | None
    calls: frozenset[str]
    some: bool
    tests: bool
    """Whether anything in it tests."""
    counts: bool
    """Whether its turns are epochs and no batches."""
    names: frozenset[str]
    """Names of variables that it uses."""


def is_over_epochs(loop: ast.For | ast.While, within: Iterable[ast.AST]) -> bool:
    """Whether the turns of a loop are epochs: its variable says so, or another loop runs in it."""
    target = loop.target if isinstance(loop, ast.For) else loop.test
    named = any(isinstance(n, ast.Name) and _EPOCH.fullmatch(n.id) for n in nodes_of(target))
    return named or any(isinstance(n, ast.For | ast.While) for n in within)


def silent_before(found: Sequence[Epochs | str], classes: frozenset[str], networks: frozenset[str]) -> int:
    """How many epochs loops that test nothing make before the first that does, of the network that it trains.

    `found` are loops and the names of calls outside them, in order. A call after which the network may be
    another, or untrained again, starts anew.
    """
    shown = next((f for f in found if isinstance(f, Epochs) and f.tests), None)
    count = 0
    for one in found if shown is not None else ():
        if one is shown:
            break
        if isinstance(one, str):
            count = 0 if one in classes or _STARTS_AGAIN.fullmatch(one) else count
        elif one.counts:
            own, other = one.names & networks, shown.names & networks if shown else frozenset()
            count += 0 if own and other and not own & other else one.length or 0
    return count
