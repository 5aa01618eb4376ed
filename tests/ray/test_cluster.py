"""A class over two real nodes of Ray: whatever is lost meanwhile, the store and the pages are those of a quiet
run on one machine.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ray.conftest import SMALL, joined
from tests.ray.warm_jobs import ping
from tests.ray.whole_store import content, pages

pytestmark = [pytest.mark.ray, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
STATIC = ("--no-exec",)


def command(school: Path, out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "grader", "batch", str(school), "-o", str(out), *options]


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=600)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight hand-ins: a zip, a broken one, two that share a workbook, and a link that only this machine reads."""
    root, samples = tmp_path_factory.mktemp("school") / "class", ROOT / "submissions"
    for name in ("perfect", "no-notebook", "wrong-gradient", "mojibake", "truncated-notebook"):
        shutil.copytree(samples / name, root / name)
    shutil.copytree(samples / "perfect", root / "perfect-too")
    (root / "perfect-too" / "README.md").write_text("# mine\nh1 = w1*i1 + w2*i2\n", "utf-8")
    shutil.make_archive(str(root / "zipped"), "zip", samples / "hostile")
    (root / "broken.zip").write_bytes(b"PK\x03\x04")
    shutil.copytree(samples / "no-notebook", root / "linked")
    (root / "linked" / "link.md").symlink_to("README.md")
    return root


@pytest.fixture(scope="module")
def quiet(school: Path) -> Path:
    """The store of that class as two processes of this machine make it."""
    out = school.with_name("quiet")
    assert run(command(school, out, *STATIC, "-j", "2")).returncode == 4, "one is broken"
    return out


@pytest.mark.sandbox
def test_student_code_runs_in_the_same_sandbox_on_a_node(tmp_path: Path, cluster: Any) -> None:
    school = tmp_path / "class"
    for name in ("perfect", "over-budget"):
        shutil.copytree(ROOT / "submissions" / name, school / name)
    quiet, far = tmp_path / "quiet", tmp_path / "far"
    run(command(school, quiet, "--no-retrain", "-j", "1"))
    where = ("--backend", f"ray://{cluster.address}", "--objects", f"local://{tmp_path}/shared")
    ended = run(command(school, far, "--no-retrain", *where))
    assert content(far) == content(quiet), ended.stderr
    how = json.loads((far / "perfect" / "result.json").read_text("utf-8"))["provenance"]["isolation"]
    assert "no network" in how, how
    told = run([sys.executable, "-m", "grader", "doctor", "--backend", cluster.address])
    assert told.returncode == 0, told.stdout
    assert told.stdout.count("ok      ") == 2
    for word in ("cores", "memory", "isolation holds", "torch", "MNIST", "GPU"):
        assert told.stdout.count(word) >= 2, told.stdout


def test_three_commands_beside_one_another_do_no_harm(
    school: Path, quiet: Path, tmp_path: Path, cluster: Any
) -> None:
    """Two stores, and one store of two commands with students of their own; all begin in an empty folder."""
    where = ("--backend", f"ray://{cluster.address}", "--objects", str(tmp_path / "shared"))
    names = sorted(p.name.removesuffix(".zip") for p in school.iterdir())
    halves = [[word for name in half for word in ("--only", name)] for half in (names[:4], names[4:])]
    one, two = tmp_path / "one", tmp_path / "two"
    words = [command(school, one, *STATIC, *where)]
    words += [command(school, two, *STATIC, *where, *only) for only in halves]
    going = [
        subprocess.Popen(w, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT)
        for w in words
    ]
    told = [driver.communicate(timeout=600)[1] for driver in going]
    assert {driver.returncode for driver in going} <= {0, 1, 4}, told
    assert not any("takes none" in text or "was lost" in text for text in told), told
    assert content(one) == content(quiet)
    results = {name for name in content(quiet) if (quiet / name / "result.json").exists()}
    assert {name: content(two)[name] for name in results} == {name: content(quiet)[name] for name in results}
    assert list((tmp_path / "shared" / "parcels").iterdir()) == [], "each forgets what it laid down"


@pytest.mark.sandbox
def test_a_worker_starts_its_jobs_warm_and_what_is_warm_ends_with_it(cluster: Any) -> None:
    from grader.schedule.dispatch import Dispatch
    from grader.schedule.ray_cluster import RayCluster

    with RayCluster(cluster.address, dict) as far:
        ended = [e.result or e.fault for e in Dispatch(far).map(ping, range(4))]
        workers, below, places = ({found[n] for found in ended} for n in range(3))
        assert len(places) == len(workers) < 4, ended
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        warm = [Path("/proc", str(pid)) for pids in below for pid in pids]
        assert warm
        deadline = time.monotonic() + 60
        while any(p.exists() for p in (*warm, *map(Path, places))) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [p for p in (*warm, *(Path(p).parent for p in places)) if p.exists()] == []


def test_a_node_of_four_is_lost_and_the_driver_killed_and_the_store_is_that_of_a_quiet_run(
    school: Path, quiet: Path, tmp_path: Path, cluster: Any
) -> None:
    disturbed = tmp_path / "disturbed"
    for _ in range(2):
        joined(lambda: cluster.add_node(**SMALL))
    words = command(school, disturbed, *STATIC, "--backend", f"ray://{cluster.address}")
    driver = subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT, start_new_session=True
    )
    assert driver.stderr is not None
    told: list[str] = []
    for line in driver.stderr:
        told.append(line)
        if line.startswith("read 1/"):
            cluster.remove_node(cluster.second, allow_graceful=False)
        if line.startswith("read 4/"):
            os.killpg(driver.pid, signal.SIGKILL)
            break
    driver.wait()
    cluster.second = joined(lambda: cluster.add_node(**SMALL))
    ended = run(words)
    assert ended.returncode == 4, ended.stderr
    assert content(disturbed) == content(quiet)
    assert pages(disturbed) == pages(quiet)
    totals = {int(n) for n in re.findall(r"^read \d+/(\d+) ", ended.stderr, re.MULTILINE)}
    assert max(totals, default=0) <= 9 - 4, "what was kept is not done again"


def test_a_cluster_of_this_machine_says_nothing_of_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    school = tmp_path / "class"
    shutil.copytree(ROOT / "submissions" / "no-notebook", school / "ann")
    here = run(command(school, tmp_path / "here", *STATIC, "-j", "1"))
    far = run(command(school, tmp_path / "far", *STATIC, "-j", "1", "--backend", "ray"))
    assert far.stdout.replace("far", "here") == here.stdout
    assert far.stderr == here.stderr
    assert (far.returncode, content(tmp_path / "far")) == (here.returncode, content(tmp_path / "here"))


def test_where_no_cluster_is_the_command_says_how_to_join_one(tmp_path: Path) -> None:
    (tmp_path / "class" / "ann").mkdir(parents=True)
    lost = run(command(tmp_path / "class", tmp_path / "out", *STATIC, "--backend", "ray://127.0.0.1:1"))
    assert lost.returncode == 2
    assert "no cluster of Ray at 127.0.0.1:1" in lost.stderr
    assert "ray start --address=" in lost.stderr
