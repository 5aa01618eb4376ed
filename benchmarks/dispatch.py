"""A million simulated jobs through the scheduler that `--backend ray` uses: none stuck, none twice, and what each
costs the driver.

    python -m benchmarks dispatch --jobs 1000000 --nodes 40 --deaths 0.05

Everything but the cluster is the real code. The nodes have a clock of their own: a job takes what jobs of its
phase took when a class was measured, a process dies under a share of them, and nodes are lost and join.
"""

import argparse
import heapq
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from grader.core.progress import listening
from grader.schedule.base import Needs
from grader.schedule.cluster import Node, Share, Told, Word
from grader.schedule.dispatch import Dispatch, seats

SECONDS = (0.14, 0.21, 0.24, 0.29, 0.33, 0.41, 0.62, 1.9)
"""What static phases of the sample class took, recorded by a store."""


class Simulated:
    """Nodes whose blocks end in the order of a clock that nobody waits for."""

    def __init__(self, nodes: int, cores: int, deaths: float, losses: float, seed: int, needs: Needs) -> None:
        self.rng = random.Random(seed)
        self.deaths, self.losses = deaths, losses
        self.needs = needs
        self.numbers = itertools.count(1)
        self.now = 0.0
        self.there = {n.id: n for n in (self._node(cores) for _ in range(nodes))}
        self.free: dict[str, list[float]] = {}
        self.events: list[tuple[float, int, Told]] = []
        self.order = itertools.count()
        self.alive: dict[int, str] = {}
        self.killed: Counter[Any] = Counter()
        self.done = self.lost_nodes = 0

    def _node(self, cores: int) -> Node:
        return Node(id=f"n{next(self.numbers)}", name="node", cores=cores, memory=64 * 2**30)

    def nodes(self) -> Sequence[Node]:
        """Return the nodes that are there now."""
        return tuple(self.there.values())

    def send(self, node: Node, share: Share, function: Callable[[Any], Any], jobs: Sequence[Any]) -> int:
        """Decide at once when each job of a block ends, and whether its process dies first."""
        number = next(self.numbers)
        lanes = self.free.setdefault(node.id, [0.0] * seats(node, self.needs))
        at = max(heapq.heappop(lanes), self.now)
        self.alive[number] = node.id
        self._tell(at, Told(number, Word.BEGAN))
        for job in jobs:
            at += self.rng.choice(SECONDS)
            if self.killed[job] < 2 and self.rng.random() < self.deaths:
                self._tell(at, Told(number, Word.DIED, (job, "killed")))
                break
            self._tell(at, Told(number, Word.RESULT, job))
        else:
            self._tell(at, Told(number, Word.OVER))
        heapq.heappush(lanes, at)
        return number

    def _tell(self, at: float, told: Told) -> None:
        heapq.heappush(self.events, (at, next(self.order), told))

    def hear(self, seconds: float) -> Sequence[Told]:
        """Return what was told next, by the simulated clock."""
        if self.rng.random() < self.losses and len(self.there) > 1:
            return self._lose(self.rng.choice(sorted(self.there)))
        found: list[Told] = []
        while self.events and len(found) < 64:
            self.now, _, told = heapq.heappop(self.events)
            if told.flight not in self.alive:
                continue
            if told.word is Word.DIED:
                self.killed[told.value[0]] += 1
                told = told._replace(value=told.value[1])
            if told.word in (Word.DIED, Word.OVER):
                del self.alive[told.flight]
            found.append(told)
        return found

    def _lose(self, name: str) -> Sequence[Told]:
        node = self.there.pop(name)
        self.lost_nodes += 1
        fresh = self._node(int(node.cores))
        self.there[fresh.id] = fresh
        lost = [n for n, at in self.alive.items() if at == name]
        for number in lost:
            del self.alive[number]
        return [Told(n, Word.GONE, "preempted") for n in lost]

    def drop(self, flights: Sequence[int]) -> None:
        """Forget some blocks."""
        for number in flights:
            self.alive.pop(number, None)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=40)
    parser.add_argument("--cores", type=int, default=16)
    parser.add_argument("--deaths", type=float, default=0.05, help="share of jobs under which a process dies")
    parser.add_argument(
        "--losses", type=float, default=0.005, help="chance of a lost node, each time we listen"
    )
    parser.add_argument("--alone", action="store_true", help="dear jobs, each in a block of its own")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    needs = Needs(block=1 if given.alone else 32)
    cluster = Simulated(given.nodes, given.cores, given.deaths, given.losses, given.seed, needs)
    ended = bytearray(given.jobs)
    twice = given_up = 0
    told: Counter[str] = Counter()
    begin = time.process_time()
    with listening(lambda line: told.update([" ".join(line.split()[1:4])])):
        for end in Dispatch(cluster).map(int, range(given.jobs), needs=needs):
            twice += ended[end.job]
            ended[end.job] = 1
            given_up += end.died
    spent = time.process_time() - begin
    stuck = given.jobs - sum(ended)
    processes = sum(cluster.killed.values())
    print(
        f"{given.jobs:,} jobs, {given.nodes} nodes of {given.cores} cores: {stuck} stuck, {twice} twice, "
        f"{given_up} given up; {processes:,} processes died, {cluster.lost_nodes:,} nodes were lost; "
        f"{1000 * spent / given.jobs:.3f} ms of driver time a job, the simulation included; "
        f"{cluster.now / 3600:.2f} h on that cluster"
    )
    return 1 if stuck or twice or given_up else 0


if __name__ == "__main__":
    sys.exit(main())
