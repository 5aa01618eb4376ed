"""How a class that waits scales over nodes of Ray, and what Ray costs a job: `make test-ray` first, which brings it.

    python -m benchmarks cluster_scaling --jobs 240 --seconds 0.1
    python -m benchmarks cluster_scaling --jobs 2000 --seconds 0     # nothing but the way there and back

Jobs sleep, so that nodes on one machine do not take one another's cores. One, two and four nodes, in blocks and
each job alone, and each time as many processes of this machine (`LocalProcesses`) right after, under the same
load. Time counts from when each node had its first end: what starts a process is not in it. CPU is the driver's.
"""

import argparse
import os
import sys
import time
from functools import partial
from typing import Any, NamedTuple

from grader.schedule.base import Backend, Needs
from grader.schedule.dispatch import Dispatch
from grader.schedule.local import LocalProcesses
from grader.schedule.ray_cluster import RayCluster

NODES = (1, 2, 4)


def rest(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return number


class Took(NamedTuple):
    """Seconds by the clock and of the driver's CPU for all jobs."""

    wall: float
    cpu: float

    def beyond(self, given: argparse.Namespace, nodes: int) -> str:
        """Say what a job took beyond its sleep."""
        way = self.wall * nodes / given.jobs - given.seconds
        return f"{1000 * way:.2f} ms a job beyond its sleep, {1000 * self.cpu / given.jobs:.2f} CPU ms of the driver"


def took(backend: Backend, given: argparse.Namespace, block: int) -> Took:
    """Run so many jobs after the first of each worker."""
    jobs = range(backend.workers + given.jobs)
    ended = []
    begin = Took(0.0, 0.0)
    for end in backend.map(partial(rest, given.seconds), jobs, needs=Needs(block=block)):
        ended.append(end.result)
        if len(ended) == backend.workers:
            begin = Took(time.monotonic(), time.process_time())
    assert sorted(n for n in ended if n is not None) == list(jobs)
    return Took(time.monotonic() - begin.wall, time.process_time() - begin.cpu)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=0.1)
    given = parser.parse_args()
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")  # 15 else: those of here have 0
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    head = {**small, "num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    first: dict[int, float] = {}
    for nodes in NODES:
        while len(cluster.list_all_nodes()) < nodes + 1:
            cluster.add_node(**small)
        with RayCluster(cluster.address, dict) as far:
            everywhere = Dispatch(far)
            while everywhere.workers < nodes:
                time.sleep(0.5)
            for block in (32, 1):
                spent, here = took(everywhere, given, block), took(LocalProcesses(nodes), given, 1)
                one = first.setdefault(block, spent.wall)
                print(
                    f"{nodes} nodes, {'blocks' if block > 1 else 'alone'}: {spent.wall:.2f} s, scaling "
                    f"{one / spent.wall / nodes:.2f}, {spent.beyond(given, nodes)}\n    as many processes here: "
                    f"{here.wall:.2f} s ({spent.wall / here.wall - 1:+.1%}), {here.beyond(given, nodes)}; "
                    f"1-minute load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    cluster.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
