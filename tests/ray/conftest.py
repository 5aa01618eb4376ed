"""Two small nodes on this machine; without Ray every test here is skipped for one reason."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grader.schedule.ray_cluster import installed

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # 15 else: on a busy machine a worker waits for minutes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason="Ray is not installed: `make test-ray` brings it")
    for item in items:
        if "ray" in item.path.parent.parts[-1:] and not installed():
            item.add_marker(missing)


def joined(start: Callable[[], Any]) -> Any:
    """Start a node; Ray gives one up that is not there within half a minute, which a loaded machine is not."""
    for _ in range(9):
        try:
            return start()
        except Exception:  # Ray raises no other
            continue
    return start()


SMALL = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
HEAD = {**SMALL, "include_dashboard": False, "no_monitor": True}
"""Without what would ask a cloud for more nodes: nothing of grader speaks to it."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """One for all tests of a file: to start and end one takes some 13 CPU seconds. What loses nodes comes last."""
    from ray.cluster_utils import Cluster

    two = joined(lambda: Cluster(initialize_head=True, head_node_args=HEAD))
    two.second = joined(lambda: two.add_node(**SMALL))
    yield two
    two.shutdown()
