"""Where jobs run: one protocol, so that the batch does not know whether a job ran here, in a process or on
another machine.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

J = TypeVar("J")
R = TypeVar("R")


class Ended(msgspec.Struct, Generic[J, R], frozen=True, kw_only=True):
    """A job that ended: with a result, with an exception that its function raised, or because its process
    died.
    """

    job: J
    result: R | None = None
    fault: str = ""
    fault_type: str = ""
    died: bool = False


class Backend(Protocol):
    """Runs one function over many jobs and yields each as it ends, in any order. A job that dies costs only
    itself.
    """

    @property
    def workers(self) -> int:
        """How many jobs run at the same time."""
        ...

    def map(self, function: Callable[[J], R], jobs: Iterable[J], at_most: int = 0) -> Iterator[Ended[J, R]]:
        """Run the jobs; `at_most` so many at a time where it is not 0."""
        ...
