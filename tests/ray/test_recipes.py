"""The recipes are what their tools read; what of them was run stands on their page."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.ray

RECIPES = Path(__file__).parents[2] / "docs" / "how-to" / "cluster"


def documents(name: str) -> list[Any]:
    import yaml  # Ray brings it

    return list(yaml.safe_load_all((RECIPES / name).read_text("utf-8")))


def test_compose_has_a_head_that_takes_no_work_and_nodes_that_join_it() -> None:
    (found,) = documents("compose.yaml")
    head, worker, driver = (found["services"][name] for name in ("head", "worker", "driver"))
    assert "--num-cpus=0" in head["entrypoint"]
    assert "--address=head:6379" in worker["entrypoint"]
    assert "--backend ray://head:6379" in driver["command"][0]
    assert found["networks"]["cluster"]["internal"] is True
    for service in (head, worker, driver):
        assert service["environment"]["RAY_AUTH_MODE"] == "token"
        assert "seccomp=unconfined" in service["security_opt"]


def test_the_manifest_is_a_cluster_and_a_job_of_the_same_image() -> None:
    cluster, job = documents("kuberay.yaml")
    assert (cluster["kind"], job["kind"]) == ("RayCluster", "Job")
    assert cluster["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    (workers,) = cluster["spec"]["workerGroupSpecs"]
    (pod,), (driver,) = (group["template"]["spec"]["containers"] for group in (workers, job["spec"]))
    assert pod["image"] == driver["image"]
    assert pod["volumeMounts"] == driver["volumeMounts"][:-1]
    assert pod["env"] == driver["env"]
    for probe in ("livenessProbe", "readinessProbe"):
        assert "raylet" in pod[probe]["exec"]["command"][-1], (
            "KubeRay's own ask a dashboard that there is none of"
        )


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_slurm_is_a_script() -> None:
    done = subprocess.run(
        ["bash", "-n", str(RECIPES / "slurm.sh")], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
