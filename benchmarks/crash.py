"""Kills a batch at random moments and checks that going on ends in the same store as a run that nobody
disturbed.

    python benchmarks/crash.py --seed 1 --kills 20 --size 12

Every kill is a SIGKILL to the whole process group. Compared are all rows of the store except times, and every
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

from make_class import make_class

TABLES = {
    "deliveries": "id, slug, sha256, late_days, submission",
    "refusals": "name, reason",
    "products": "key, product, payload",
    "phases": "id, phase, products, missing, notes",
    "overrides": "submission, code, verdict, credit, reason, who",
}
"""Everything that a run writes, but the clock."""


def command(school: Path, out: Path, extra: list[str]) -> list[str]:
    return [sys.executable, "-m", "grader", "batch", str(school), "-o", str(out), "-j", "2", *extra]


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
    given = parser.parse_args()
    rng = random.Random(given.seed)
    extra = ["--no-retrain"] if given.execute else ["--no-exec"]
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


def _differs(plain: Path, disturbed: Path) -> int:
    a, b = content(plain), content(disturbed)
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) != b.get(name):
            print(f"DIFFERS {name}: {a.get(name)} against {b.get(name)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
