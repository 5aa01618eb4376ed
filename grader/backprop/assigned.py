"""The network that a document is read for: every rule of the reader asks it for names, points and slips.

A document is read for one network from its first line to its last judgement, in some sixty small functions;
the network is set once around that, and is the class sheet's where nobody sets another.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork

T = TypeVar("T")
P = ParamSpec("P")


class _Assigned(NamedTuple):
    network: AssignedNetwork
    made: dict[Callable[[AssignedNetwork], Any], Any]


@lru_cache(maxsize=64)
def _assigned(network: AssignedNetwork) -> _Assigned:
    return _Assigned(network, {})


_CLASS = _assigned(CLASS_NETWORK)
_current: ContextVar[_Assigned] = ContextVar("assigned", default=_CLASS)


def network() -> AssignedNetwork:
    """Return the network that is read for."""
    return _current.get().network


def made(make: Callable[[AssignedNetwork], T]) -> T:
    """Return what a function makes from the network that is read for; it is called once for each network."""
    assigned = _current.get()
    found: T | None = assigned.made.get(make)
    if found is None:
        found = assigned.made[make] = make(assigned.network)
    return found


def remembered(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function whose answer follows from its arguments and the network that is read for: the last
    `most` answers are kept for each network. Classmates write the same lines: of 972 formulas of real READMEs
    736 are, letter by letter, an earlier one.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        def kept(_: AssignedNetwork) -> Callable[P, T]:
            return lru_cache(maxsize=most)(function)  # type: ignore[return-value]

        @wraps(function)
        def asked(*given: P.args, **named: P.kwargs) -> T:
            return made(kept)(*given, **named)

        return asked

    return decorate


@contextmanager
def reading_for(assigned: AssignedNetwork) -> Iterator[None]:
    """Read for a network while the block runs."""
    token = _current.set(_assigned(assigned))
    try:
        yield
    finally:
        _current.reset(token)
