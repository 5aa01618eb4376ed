"""How a class that waits scales over nodes of Ray, and what Ray costs a job: `make test-ray` first, which brings it.

    python -m benchmarks cluster_scaling --jobs 240 --seconds 0.1

Jobs sleep, so that nodes on one machine do not take one another's cores; what is measured is the way there and
back. One node beside `LocalProcesses` with one process, then two and four nodes; in blocks, and each alone.
"""

import argparse
import os
import sys
import time
from functools import partial
from typing import Any

from grader.schedule.base import Backend, Needs
from grader.schedule.dispatch import Dispatch
from grader.schedule.local import LocalProcesses
from grader.schedule.ray_cluster import RayCluster

NODES = (1, 2, 4)


def rest(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return number


def took(backend: Backend, given: argparse.Namespace, block: int) -> float:
    """Wall seconds for all jobs, after a first round that starts the processes."""
    work, needs = partial(rest, given.seconds), Needs(block=block)
    for jobs in (range(2 * backend.workers), range(given.jobs)):
        begin = time.monotonic()
        ended = sorted(e.result for e in backend.map(work, jobs, needs=needs) if e.result is not None)
        spent = time.monotonic() - begin
        assert ended == list(jobs)
    return spent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=0.1)
    given = parser.parse_args()
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    head = {**small, "num_cpus": 0, "include_dashboard": False}
    here = took(LocalProcesses(1), given, 1)
    print(f"1-minute load {os.getloadavg()[0]:.1f}; one process of this machine: {here:.2f} s")
    cluster = Cluster(initialize_head=True, head_node_args=head)
    first: dict[int, float] = {}
    for nodes in NODES:
        while len(cluster.list_all_nodes()) < nodes + 1:
            cluster.add_node(**small)
        with RayCluster(cluster.address, dict) as far:
            for block in (32, 1):
                spent = took(Dispatch(far), given, block)
                first.setdefault(block, spent)
                way = (spent * nodes - given.seconds * given.jobs) / given.jobs
                print(
                    f"{nodes} nodes, {'blocks' if block > 1 else 'alone '}: {spent:.2f} s, scaling "
                    f"{first[block] / spent / nodes:.2f}, {1000 * way:.1f} ms a job beyond its sleep"
                    + (f", {spent / here - 1:+.1%} beside one process here" if nodes == 1 else ""),
                    flush=True,
                )
    cluster.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
