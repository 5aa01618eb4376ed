"""A training goes on at its last whole epoch on another node, and ends with the bits of an undisturbed one."""

from pathlib import Path
from typing import Any

import pytest

from grader.core.progress import listening
from tests.ray.conftest import HEAD, SMALL, joined
from tests.ray.training import EPOCHS, train

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_a_training_goes_on_elsewhere_after_its_last_whole_epoch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from ray.cluster_utils import Cluster

    from grader.schedule.base import Needs
    from grader.schedule.dispatch import Dispatch
    from grader.schedule.ray_cluster import RayCluster

    cluster = joined(lambda: Cluster(initialize_head=True, head_node_args={**HEAD, "num_cpus": 0}))
    machines = {m.unique_id: m for m in (joined(lambda: cluster.add_node(**SMALL)) for _ in range(2))}
    heard: list[str] = []
    lost: list[str] = []

    def listen(line: str) -> None:
        heard.append(line)
        if line.startswith("epoch 3 on ") and not lost:
            lost.append(line.rpartition(" ")[2])
            cluster.remove_node(_machine(machines, lost[0]), allow_graceful=False)

    try:
        with RayCluster(cluster.address, dict) as far, listening(listen):
            (ended,) = Dispatch(far).map(train, [f"local://{tmp_path}/far"], needs=Needs())
    finally:
        cluster.shutdown()
    assert ended.result is not None, ended.fault
    assert any("was lost" in line and "1 job goes elsewhere" in line for line in heard), heard
    told = [(int(line.split()[1]), line.split()[3]) for line in heard if line.startswith("epoch ")]
    there, elsewhere = ([n for n, node in told if (node == lost[0]) is first] for first in (True, False))
    last = len(there)  # a node is not gone at once, and an epoch is told before its state is kept
    assert there == list(range(1, last + 1))
    assert 3 <= last < EPOCHS
    assert elsewhere in (list(range(last, EPOCHS + 1)), list(range(last + 1, EPOCHS + 1))), (
        "a whole epoch of the lost node is not done again"
    )
    assert len(ended.result.correct) == EPOCHS
    assert ended.result == train(str(tmp_path / "here"))


def _machine(machines: dict[str, Any], node: str) -> Any:
    import ray

    (found,) = (n for n in ray.nodes() if n["NodeID"] == node)
    return next(m for m in machines.values() if m.raylet_socket_name == found["RayletSocketName"])
