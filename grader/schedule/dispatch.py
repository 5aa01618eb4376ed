"""Jobs over the nodes of a cluster: cheap ones in blocks, dear ones alone; what a node or a process takes
down with it is done again elsewhere.

The driver holds every job until its end is told. So nothing can be "running" that nobody owns: a block whose
node vanished is back in the queue with the reason told, and a driver that is killed leaves what it had not
kept to the next one. Nothing here knows Ray: the same code is run over a simulated cluster of a million jobs.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from grader.core.faults import NodeFault
from grader.core.progress import tell
from grader.schedule.base import LATER, ONE, Ended, J, Later, Needs, R
from grader.schedule.cluster import Cluster, Node, Share, Told, Word

TRIES: Final = 3
"""Processes that one job may take down before it is given up: a student's file can be what kills them."""
LOSSES: Final = 20
"""Nodes that may be lost under one job before it is given up: none of that is the job's doing."""
IN_FLIGHT: Final = 10_000
"""Jobs that are with nodes at most; Ray stalls where a driver has a hundred thousand tasks."""
BLOCK_SECONDS: Final = 1.0
"""How long a block of cheap jobs should take: dispatch costs it nothing, its loss little, and the last one
does not hold up a short run.
"""
LOOK_AGAIN: Final = 2.0
"""Seconds between two looks at which nodes there are."""
PATIENCE: Final = 300.0
"""Seconds to wait for a node that takes the jobs, where there is none: one may be on its way."""


class Item:
    """A job that is not done, with what befell it."""

    __slots__ = ("alone", "deaths", "job", "losses")

    def __init__(self, job: Any) -> None:
        self.job = job
        self.deaths: list[str] = []
        self.losses = 0
        self.alone = False


class Flight:
    """A block that is with a node: the jobs whose end was not told yet, in their order."""

    __slots__ = ("began", "items", "node", "since")

    def __init__(self, node: Node, items: deque[Item]) -> None:
        self.node = node
        self.items = items
        self.began = False
        self.since = 0.0


class Dispatch:
    """The backend over a cluster."""

    def __init__(self, cluster: Cluster, patience: float = PATIENCE) -> None:
        self._cluster = cluster
        self._patience = patience

    @property
    def workers(self) -> int:
        """How many jobs of one core the nodes take at the same time, at least one."""
        return max(1, sum(seats(node, ONE) for node in self._cluster.nodes() if not node.refusal))

    def ready(self, jobs: int) -> AbstractContextManager[None]:
        """Do nothing: other machines share nothing with this process."""
        return nullcontext()

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J | Later], at_most: int = 0, needs: Needs = ONE
    ) -> Iterator[Ended[J, R]]:
        """Run the jobs. `at_most`, which counts the GPUs of this machine, says nothing of others: what a node
        holds is in `needs`.

        Raises NodeFault where no node takes them for as long as one waits for one.
        """
        going = _Going(self._cluster, function, jobs, needs, self._patience)
        try:
            while going.fill():
                for told in self._cluster.hear(1.0):
                    yield from going.take(told)
        finally:
            self._cluster.drop(list(going.flights))


def seats(node: Node, needs: Needs) -> int:
    """How many such jobs a node runs at the same time. One that is smaller than a job takes one all the same;
    a GPU that there is bounds them.
    """
    fits = [node.cores / needs.cores if needs.cores else IN_FLIGHT]
    if needs.memory:
        fits.append(node.memory / needs.memory)
    if needs.gpus and node.gpus:
        fits.append(node.gpus / needs.gpus)
    # A head that takes no work is started with no core at all.
    return 0 if node.cores <= 0 else max(1, int(min(fits) + 1e-9))


class _Going:
    """One `map` that goes on."""

    def __init__(
        self,
        cluster: Cluster,
        function: Callable[[Any], Any],
        jobs: Iterable[Any],
        needs: Needs,
        patience: float,
    ) -> None:
        self._cluster = cluster
        self._function = function
        self._jobs = iter(jobs)
        self._needs = needs
        self._patience = patience
        self.flights: dict[int, Flight] = {}
        self._again: deque[Item] = deque()
        self._ended = False
        self._in_flight = 0
        self._busy: dict[str, int] = {}
        self._nodes: dict[str, Node] = {}
        self._looked = -LOOK_AGAIN
        self._lonely_since = 0.0
        self._seconds = 0.0
        self._told: set[str] = set()
        self._false_starts: dict[str, int] = {}

    # -- what goes out

    def fill(self) -> bool:
        """Send out what the nodes have room for; False where everything has ended."""
        self._look()
        # A block that waits behind the one that runs hides the way there and back; a dear job gains nothing.
        for depth in range(1, 3 if self._needs.block > 1 else 2):
            for node in self._nodes.values():
                room = depth * seats(node, self._needs) - self._busy.get(node.id, 0)
                for _ in range(room):
                    if not self._send(node):
                        return bool(self.flights) or self._more()
        if not self.flights and self._more():
            self._wait_for_a_node()
        return True

    def _more(self) -> bool:
        return bool(self._again) or not self._ended

    def _send(self, node: Node) -> bool:
        block = self._block()
        if not block:
            return False
        needs = self._needs
        share = Share(
            cores=min(needs.cores, node.cores),
            memory=min(needs.memory, node.memory),
            gpus=min(needs.gpus, node.gpus),
            talks=needs.block == 1,
        )
        number = self._cluster.send(node, share, self._function, [item.job for item in block])
        self.flights[number] = Flight(node, block)
        self._in_flight += len(block)
        self._busy[node.id] = self._busy.get(node.id, 0) + 1
        return True

    def _block(self) -> deque[Item]:
        """The next jobs that go out together; none where there are none now."""
        wanted = 1
        if self._needs.block > 1 and self._seconds:
            wanted = max(1, min(self._needs.block, int(BLOCK_SECONDS / self._seconds)))
        wanted = min(wanted, IN_FLIGHT - self._in_flight)
        block: deque[Item] = deque()
        while len(block) < wanted:
            item = self._next(alone=not block)
            if item is None:
                break
            if item.alone and block:
                self._again.appendleft(item)
                break
            block.append(item)
            if item.alone:
                break
        return block

    def _next(self, *, alone: bool) -> Item | None:
        """The next job; None where none may begin now. `alone` where its block holds no other yet."""
        if self._again:
            return self._again.popleft()
        if self._ended:
            return None
        try:
            job = next(self._jobs)
        except StopIteration:
            self._ended = True
            return None
        if job is LATER:
            if alone and not self.flights:
                raise RuntimeError("a job was put off, and nothing runs that it could wait for")
            return None
        return Item(job)

    # -- which nodes there are

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_AGAIN:
            return
        self._looked = now
        there = self._cluster.nodes()
        for node in there:
            why = node.refusal or (self._needs.isolated and node.unfit)
            if why and (line := f"{node.name} takes none of these jobs: {why}") not in self._told:
                self._told.add(line)
                tell(line)
        able = [
            n
            for n in there
            if not n.refusal and seats(n, self._needs) and self._false_starts.get(n.id, 0) < TRIES
        ]
        if self._needs.isolated and any(not n.unfit for n in able):
            # Where nothing isolates, each job is refused by the sandbox itself, as on one machine.
            able = [n for n in able if not n.unfit]
        if self._needs.gpus and any(n.gpus for n in able):
            able = [n for n in able if n.gpus]
        self._nodes = {n.id: n for n in able}

    def _wait_for_a_node(self) -> None:
        now = time.monotonic()
        if not self._lonely_since:
            self._lonely_since = now
            tell("no node of the cluster takes these jobs; waiting for one")
        if now - self._lonely_since > self._patience:
            raise NodeFault(
                "no node of the cluster takes these jobs; what is done is kept, and the same command goes on"
            )

    # -- what comes back

    def take(self, told: Told) -> Iterator[Ended[Any, Any]]:
        """Yield the end of a job that a word tells of, if it does."""
        flight = self.flights.get(told.flight)
        if flight is None:
            return
        self._lonely_since = 0.0
        match told.word:
            case Word.BEGAN:
                flight.began, flight.since = True, time.monotonic()
                self._false_starts.pop(flight.node.id, None)
            case Word.SAID:
                tell(told.value)
            case Word.RESULT:
                yield Ended(job=self._done(flight).job, result=told.value)
            case Word.FAULT if told.fault_type == NodeFault.__name__:
                self._cluster.drop([told.flight])
                self._land(told.flight)
                self._false_starts[flight.node.id] = TRIES
                yield from self._lost(flight, str(told.value), node=True)
            case Word.FAULT:
                item = self._done(flight)
                yield Ended(job=item.job, fault=told.value, fault_type=told.fault_type)
            case Word.OVER:
                self._land(told.flight)
                if flight.items:  # a worker that stops halfway without a word has died, whatever it says
                    yield from self._lost(flight, "it ended before its jobs had", node=False)
            case Word.DIED | Word.GONE:
                self._land(told.flight)
                yield from self._lost(flight, str(told.value), node=told.word is Word.GONE)

    def _done(self, flight: Flight) -> Item:
        now = time.monotonic()
        seconds, flight.since = now - flight.since, now
        self._seconds = seconds if not self._seconds else 0.8 * self._seconds + 0.2 * seconds
        self._in_flight -= 1
        item = flight.items.popleft()
        if not flight.items:
            # With its last word its place is free: a next block that is there when the process has put the
            # former away goes to it at once, where Ray would else take it back and give it out again.
            self._busy[flight.node.id] -= 1
        return item

    def _land(self, number: int) -> None:
        flight = self.flights.pop(number)
        if flight.items:
            self._busy[flight.node.id] -= 1
            self._in_flight -= len(flight.items)

    def _lost(self, flight: Flight, reason: str, *, node: bool) -> Iterator[Ended[Any, Any]]:
        """Queue again what a node or process took down; give up a job that took down too many."""
        if node:
            self._looked = -LOOK_AGAIN
            self._nodes.pop(flight.node.id, None)
        if not flight.items:
            return
        count = len(flight.items)
        first = flight.items[0]
        what = f"{flight.node.name} {'was lost' if node else 'lost a process'} ({reason})"
        tell(f"{what}: {count} {'job goes' if count == 1 else 'jobs go'} elsewhere")
        if node:
            for item in flight.items:
                item.losses += 1
        elif flight.began:
            # The one at whose turn it was: alone from now on, so that a second death is surely its own.
            first.deaths.append(what)
            first.alone = True
        else:
            self._false_start(flight.node)
        for item in reversed(flight.items):
            if len(item.deaths) < TRIES and item.losses < LOSSES:
                self._again.appendleft(item)
        for item in flight.items:
            if len(item.deaths) >= TRIES:
                fault = f"the process that worked on it died {TRIES} times, last: {item.deaths[-1]}"
                yield Ended(job=item.job, fault=fault, died=True)
            elif item.losses >= LOSSES:
                fault = f"{LOSSES} nodes were lost under it, last: {what}"
                yield Ended(job=item.job, fault=fault, died=True)

    def _false_start(self, node: Node) -> None:
        """Count a process that died before its first job: no job's doing, and a node where all do is left."""
        self._false_starts[node.id] = count = self._false_starts.get(node.id, 0) + 1
        if count >= TRIES:
            self._nodes.pop(node.id, None)
            tell(f"{node.name} takes no more jobs: {count} processes in a row died there before they began")
