"""The network that a document is read for: every rule of the reader asks it for names, points and slips.

A document is read for one network from its first line to its last judgement, in some sixty small functions;
the network is set once around that, and is the class sheet's where nobody sets another.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork

T = TypeVar("T")


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


@contextmanager
def reading_for(assigned: AssignedNetwork) -> Iterator[None]:
    """Read for a network while the block runs."""
    token = _current.set(_assigned(assigned))
    try:
        yield
    finally:
        _current.reset(token)
