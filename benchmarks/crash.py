"""Kills a batch at random moments and checks that going on ends in the same store as a run that nobody
disturbed.

    python benchmarks/crash.py --seed 1 --kills 20 --size 12
    python benchmarks/crash.py --seed 1 --kills 20 --size 12 --backend ray

Every kill is a SIGKILL to the whole process group. With `--backend ray` there is a cluster of two small nodes, and
each kill is of the driver, of one worker, or of a node, in whose place a fresh one joins; the undisturbed run is
that of one machine. Compared are all rows of the store except times, and every
page's result.json.
"""

import argparse
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from make_class import make_class
from process_tree import tree

TABLES = {
    "deliveries": "id, slug, sha256, late_days, submission",
    "refusals": "name, reason",
    "products": "key, product, payload",
    "phases": "id, phase, products, missing, notes",
    "overrides": "submission, code, verdict, credit, reason, who",
}
"""Everything that a run writes, but the clock."""


def command(school: Path, out: Path, extra: list[str]) -> list[str]:
    return [sys.executable, "-m", "grader", "batch", str(school), "-o", str(out), *extra]


def content(out: Path) -> dict[str, str]:
    """Digest of every row of the newest run of a store, of its cache, and of every result.json.

    A kill after the last phase leaves a finished run; the same command then makes a second one from the
    cache.
    """
    connection = sqlite3.connect(out / ".grader" / "store.sqlite")
    newest = connection.execute("SELECT MAX(id) FROM runs").fetchone()[0]
    found: dict[str, str] = {}
    for table, columns in TABLES.items():
        where = f" WHERE run = {newest}" if table in {"deliveries", "refusals", "phases"} else ""
        rows = sorted(repr(row) for row in connection.execute(f"SELECT {columns} FROM {table}{where}"))
        found[table] = f"{len(rows)} rows {hashlib.sha256(''.join(rows).encode()).hexdigest()[:16]}"
    connection.close()
    for path in sorted(out.glob("*/result.json")):
        found[path.parent.name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def run(arguments: list[str], kill_after: float | None) -> bool:
    """Run to the end, or kill after some seconds; returns whether it was killed."""
    process = subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--size", type=int, default=12)
    parser.add_argument("--execute", action="store_true", help="execute notebooks too (slow)")
    parser.add_argument("--backend", choices=["local", "ray"], default="local")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    extra = ["--no-retrain"] if given.execute else ["--no-exec"]
    if given.backend == "ray":
        return _over_nodes(given, rng, extra)
    extra += ["-j", "2"]
    with tempfile.TemporaryDirectory() as folder:
        school, plain, disturbed = (Path(folder) / n for n in ("class", "plain", "disturbed"))
        make_class(school, given.size, given.seed)
        begin = time.monotonic()
        run(command(school, plain, extra), None)
        whole = time.monotonic() - begin
        print(f"undisturbed: {given.size} submissions in {whole:.1f} s")
        kills = 0
        while kills < given.kills:
            moment = rng.uniform(0.05, whole)
            if run(command(school, disturbed, extra), moment):
                kills += 1
                print(f"kill {kills:2} after {moment:5.2f} s")
            elif kills < given.kills:
                # The run reached its end before the kill: that round is over. A fresh one goes on with the
                # rest.
                if content(disturbed) != content(plain):
                    return _differs(plain, disturbed)
                disturbed = Path(folder) / f"disturbed{kills}"
        run(command(school, disturbed, extra), None)
        if content(disturbed) != content(plain):
            return _differs(plain, disturbed)
    print(f"{kills} kills: the same store, byte for byte except times")
    return 0


def _over_nodes(given: argparse.Namespace, rng: random.Random, extra: list[str]) -> int:
    """Kill drivers, workers and nodes of a cluster of two."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    second = _joined(cluster, small)
    with tempfile.TemporaryDirectory() as folder:
        school, plain, disturbed = (Path(folder) / n for n in ("class", "plain", "disturbed"))
        make_class(school, given.size, given.seed)
        run(command(school, plain, [*extra, "-j", "2"]), None)
        far = [*extra, "--backend", cluster.address]
        begin = time.monotonic()
        run(command(school, Path(folder) / "quiet", far), None)
        whole = time.monotonic() - begin
        print(f"undisturbed over two nodes: {given.size} submissions in {whole:.1f} s", flush=True)
        kills = rounds = 0
        while kills < given.kills:
            driver = subprocess.Popen(
                command(school, disturbed, far),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            while kills < given.kills and driver.poll() is None:
                time.sleep(rng.uniform(0.1, whole / 3))
                kind = rng.choice(("driver", "worker", "worker", "node"))
                if kind == "driver":
                    os.killpg(driver.pid, signal.SIGKILL)
                    driver.wait()
                elif kind == "worker":
                    busy = _workers()
                    if not busy:
                        continue
                    os.kill(rng.choice(busy), signal.SIGKILL)
                else:
                    cluster.remove_node(second, allow_graceful=False)
                    second = _joined(cluster, small)
                kills += 1
                print(f"kill {kills:2}: {kind}", flush=True)
            driver.wait()
            if (driver.returncode >= 0 or kills >= given.kills) and not _same(school, disturbed, plain, far):
                return 1
            if driver.returncode >= 0:
                rounds += 1
                disturbed = Path(folder) / f"disturbed{rounds}"
        if disturbed.exists() and not _same(school, disturbed, plain, far):
            return 1
    cluster.shutdown()
    print(f"{kills} kills over {rounds + 1} classes: the store of one quiet machine, but for times")
    return 0


def _joined(cluster: Any, small: dict[str, int]) -> Any:
    """Let a node join; Ray gives one up that is not there within half a minute, which a loaded machine is not."""
    for _ in range(9):
        try:
            return cluster.add_node(**small)
        except Exception as fault:
            print(f"a node did not join: {fault}", flush=True)
    return cluster.add_node(**small)


def _workers() -> list[int]:
    """Processes of this cluster, which this process has started, that are at a block."""
    return sorted(pid for pid in tree(os.getpid()) if _command(pid).startswith(b"ray::serve"))


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def _same(school: Path, disturbed: Path, plain: Path, far: list[str]) -> bool:
    """Go on to the end, and compare."""
    run(command(school, disturbed, far), None)
    return content(disturbed) == content(plain) or _differs(plain, disturbed) == 0


def _differs(plain: Path, disturbed: Path) -> int:
    a, b = content(plain), content(disturbed)
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) != b.get(name):
            print(f"DIFFERS {name}: {a.get(name)} against {b.get(name)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
