"""Where jobs run: one protocol, so that the batch does not know whether a job ran here, in a process or on
another machine.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from enum import Enum
from typing import Final, Generic, Literal, Protocol, TypeVar

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


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What one job of a phase takes of a machine while it runs; what a machine of ours cannot give is not
    asked for.
    """

    cores: float = 1.0
    memory: int = 0
    """Bytes, its sandbox included."""
    gpus: float = 0.0
    """Share of a GPU, where the machine has one."""
    block: int = 1
    """At most so many jobs go to another machine together: cheap ones, whose dispatch would cost more."""
    isolated: bool = False
    """Whether it runs student code, which only a machine that isolates may."""
    loads: tuple[str, ...] = ()
    """Modules that every job imports, and that are large."""


ONE: Final = Needs()


class Later(Enum):
    """In the place of a job: there are more, and which one may begin is known once another has ended."""

    LATER = "later"


LATER: Final[Literal[Later.LATER]] = Later.LATER


class Backend(Protocol):
    """Runs one function over many jobs and yields each as it ends, in any order. A job that dies costs only
    itself.
    """

    @property
    def workers(self) -> int:
        """How many jobs run at the same time."""
        ...

    def ready(self, jobs: int) -> AbstractContextManager[None]:
        """Expect so many jobs inside the block: what this process has imported and computed by now may be
        shared with who does them. It has no store open yet.
        """
        ...

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J | Later], at_most: int = 0, needs: Needs = ONE
    ) -> Iterator[Ended[J, R]]:
        """Run the jobs; `at_most` so many at a time on one machine where it is not 0.

        An end is yielded before the next job is asked for. `LATER` is answered by asking again after the next
        end; it must not come while nothing runs.
        """
        ...
