"""Words for a person who waits, from wherever work is done to wherever somebody shows them. Nobody listening
is no fault.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def tell(text: str) -> None:
    """Say one line to whoever listens."""
    listener = _listener.get()
    if listener is not None:
        listener(text)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Hear everything that is told inside the block, in place of an outer listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def once() -> Iterator[None]:
    """Let what is told several times inside the block, by several processes, be told once."""
    outer = _listener.get()
    told: set[str] = set()

    def first(text: str) -> None:
        if outer is not None and text not in told:
            told.add(text)
            outer(text)

    with listening(first):
        yield


@contextmanager
def named(whose: str) -> Iterator[None]:
    """Put a name before everything that is told inside the block."""
    outer = _listener.get()
    with listening(lambda text: outer(f"{whose}: {text}") if outer is not None else None):
        yield
