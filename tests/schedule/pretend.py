"""A cluster without machines: blocks run in this process, in order, a word at a time, and what dies is
said beforehand.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from grader.schedule.cluster import Node, Share, Told, Word
from grader.schedule.serve import serve


def node(name: str, cores: float = 1.0, **more: Any) -> Node:
    return Node(id=name, name=name, cores=cores, memory=8 * 2**30, **more)


class Pretend:
    """`deaths` names, by the number of words that were heard, a node that is lost then or a process of it."""

    def __init__(
        self, *nodes: Node, gone: dict[int, str] | None = None, died: dict[int, str] | None = None
    ) -> None:
        self.there = {n.id: n for n in nodes}
        self.gone, self.died = dict(gone or {}), dict(died or {})
        self.flights: dict[int, tuple[str, Iterator[Any]]] = {}
        self.sent: list[tuple[str, Share, list[Any]]] = []
        self.words = 0
        self.turn: deque[int] = deque()

    def nodes(self) -> Sequence[Node]:
        return tuple(self.there.values())

    def send(self, to: Node, share: Share, function: Callable[[Any], Any], jobs: Sequence[Any]) -> int:
        self.sent.append((to.id, share, list(jobs)))
        number = len(self.sent)
        self.flights[number] = (to.id, chain.from_iterable(serve(function, list(jobs), talks=share.talks)))
        self.turn.append(number)
        return number

    def hear(self, seconds: float) -> Sequence[Told]:
        self.words += 1
        if (name := self.gone.pop(self.words, None)) is not None:
            self.there.pop(name, None)
            lost = [n for n, (at, _) in self.flights.items() if at == name]
            self.drop(lost)
            return [Told(n, Word.GONE, "unplugged") for n in lost]
        if (name := self.died.pop(self.words, None)) is not None:
            for number, (at, _) in self.flights.items():
                if at == name:
                    self.drop([number])
                    return [Told(number, Word.DIED, "signal 9")]
        while self.turn:
            number = self.turn.popleft()
            if number not in self.flights:
                continue
            said = next(self.flights[number][1], None)
            if said is None:
                self.drop([number])
                return [Told(number, Word.OVER)]
            self.turn.append(number)
            word, value, name = said
            return [Told(number, Word(word), value, name)]
        return []

    def drop(self, flights: Sequence[int]) -> None:
        for number in list(flights):
            self.flights.pop(number, None)
