"""What a cluster of machines must be able to do for `Dispatch`: name its nodes, take a block of jobs to one
of them, and tell what becomes of it.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a cluster, as it was examined before it took anything."""

    id: str
    name: str
    """How a person knows it: its address, with the beginning of its id where several share one."""
    cores: float
    memory: int
    gpus: float = 0.0
    refusal: str = ""
    """Why it takes no job at all; empty where it does."""
    unfit: str = ""
    """Why it takes no job that runs student code; empty where it does."""


class Word(Enum):
    """What is told of a block."""

    BEGAN = "began"
    SAID = "said"
    """A line for the person who waits."""
    RESULT = "result"
    FAULT = "fault"
    OVER = "over"
    """Nothing more comes."""
    DIED = "died"
    """The process that worked on it died."""
    GONE = "gone"
    """Its node was lost."""


class Told(NamedTuple):
    """One word of one block. Results and faults come in the order of its jobs, one for each."""

    flight: int
    word: Word
    value: Any = None
    fault_type: str = ""


class Cluster(Protocol):
    """Machines, as `Dispatch` sees them."""

    def nodes(self) -> Sequence[Node]:
        """Return the nodes that are there now and were examined."""
        ...

    def send(self, node: Node, share: "Share", function: Callable[[Any], Any], jobs: Sequence[Any]) -> int:
        """Take a block of jobs to a node; return the number under which it is spoken of."""
        ...

    def hear(self, seconds: float) -> Sequence[Told]:
        """Return what was told since, after waiting for at most so many seconds; none where all is silent."""
        ...

    def drop(self, flights: Sequence[int]) -> None:
        """Give up some blocks: nobody asks for them any more."""
        ...


class Share(NamedTuple):
    """What a block is granted of its node."""

    cores: float
    memory: int
    gpus: float
    talks: bool
    """Whether words are told while a job goes on: threads, for jobs that take minutes."""
