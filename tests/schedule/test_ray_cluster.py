"""What `--backend` means, and what is said where it cannot be had; none of it needs Ray."""

from pathlib import Path

import pytest

from grader.cli.backend import opened
from grader.core.distribution import install_hint
from grader.core.faults import UsageFault
from grader.core.settings import Settings
from grader.schedule import ray_cluster
from grader.schedule.ray_cluster import address_of


def test_an_address_is_one_of_four_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "installed", lambda: True)
    assert address_of("ray") == ""
    assert address_of("ray://10.0.0.5:6379") == address_of("10.0.0.5:6379") == "10.0.0.5:6379"
    assert address_of("ray://[::1]:6379") == "[::1]:6379"
    assert address_of("auto") == "auto"
    for wrong in ("Ray", "slurm", "ray://", "ray://host", "ray://host:", "host:port", ":6379", ""):
        with pytest.raises(UsageFault, match=r"say local .* ray .* head of a cluster"):
            address_of(wrong)


def test_where_ray_is_not_installed_the_command_that_brings_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_cluster, "installed", lambda: False)
    with pytest.raises(UsageFault) as told:
        address_of("ray")
    assert install_hint("ray") in str(told.value)


def test_code_that_nothing_isolates_is_not_taken_to_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "installed", lambda: True)
    settings = Settings(unsafe_no_sandbox=True)
    with (
        pytest.raises(UsageFault, match="command the whole cluster"),
        opened("ray", 1, settings, tmp_path / "s"),
    ):
        pass


def test_a_folder_for_a_cluster_is_refused_where_there_is_none(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageFault, match="say --backend"),
        opened("local", 1, Settings(), tmp_path / "s", tmp_path),
    ):
        pass


def test_nobody_answering_is_told_at_once() -> None:
    with pytest.raises(OSError, match="refused"):
        ray_cluster._knock("127.0.0.1:1")
