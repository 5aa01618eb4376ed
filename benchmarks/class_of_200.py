"""Grades a class made of our samples, one in ten of it broken or hostile, and checks that nobody pays for another's fault.

    python benchmarks/class_of_200.py                         # 200 submissions, nothing executed
    python benchmarks/class_of_200.py --size 16 --broken 0.5 --execute     # notebooks run in the sandbox, nothing is retrained

Checked from the files that the batch leaves: every sound submission has the verdict and the score that `grader grade` gives the
sample alone, every broken one is refused or waits for a person with a reason, and one that looks like another is told to the
instructor alone. Measured: CPU seconds a submission, the peak memory of the process tree, an unchanged second run, `grader report`.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from make_class import BROKEN, SAMPLES, make_class
from process_tree import Cost, run

CPU_PER_SUBMISSION = 0.8
PEAK_MIB = 600.0
AGAIN_SECONDS = 2.0


def batch(school: Path, out: Path, given: argparse.Namespace) -> Cost:
    mode = ["--no-retrain"] if given.execute else ["--no-exec"]
    return run(
        [sys.executable, "-m", "grader", "batch", str(school), "-o", str(out), "-j", str(given.jobs), *mode]
    )


def results(out: Path) -> dict[str, dict[str, Any]]:
    """Every result.json by submission id."""
    found = [json.loads(p.read_text("utf-8")) for p in out.glob("*/result.json")]
    return {r["submission"]["id"]: r for r in found}


def refusals(out: Path) -> dict[str, str]:
    connection = sqlite3.connect(out / ".grader" / "store.sqlite")
    found = dict(
        connection.execute("SELECT name, reason FROM refusals WHERE run = (SELECT MAX(id) FROM runs)")
    )
    connection.close()
    return found


def marks(result: dict[str, Any]) -> tuple[object, ...]:
    return (
        result["verdict"],
        result["score"],
        tuple((o["criterion"], o["verdict"], o["points"]) for o in result["outcomes"]),
    )


def alone(out: Path, wanted: set[str], given: argparse.Namespace) -> dict[str, tuple[object, ...]]:
    """The marks of each sample, graded by itself."""
    mode = "--no-retrain" if given.execute else "--no-exec"
    found = {}
    for sample in sorted(p for p in SAMPLES.iterdir() if p.name in wanted):
        run([sys.executable, "-m", "grader", "grade", str(sample), "-o", str(out), mode, "--quiet"])
        found[sample.name] = marks(results(out)[sample.name])
    return found


def check(kinds: dict[str, str], out: Path, expected: dict[str, tuple[object, ...]]) -> list[str]:
    """Return what is wrong with the result files, one sentence each."""
    graded, refused = results(out), refusals(out)
    broken = {make.__name__.strip("_") for make in BROKEN}
    wrong: list[str] = []
    named: Counter[str] = Counter()
    for name, kind in sorted(kinds.items()):
        result = graded.get(name)
        if kind not in broken:
            if result is None:
                wrong.append(f"{name} ({kind}) is sound and was not graded: {refused.get(name, 'no word')}")
            elif marks(result) != expected[kind]:
                wrong.append(f"{name} ({kind}) has other marks than {kind} alone")
        elif result is not None:
            reasons = [o["summary"] for o in result["outcomes"] if o["verdict"] != "pass"]
            named[kind] += 1
            if not reasons or not all(reasons):
                wrong.append(f"{name} ({kind}) is broken and has no reason")
            if result["verdict"] == "pass" or any(o["verdict"] == "error" for o in result["outcomes"]):
                wrong.append(f"{name} ({kind}) is broken: {result['verdict']}")
        elif not refused.get(name, ""):
            wrong.append(f"{name} ({kind}) was lost in silence")
        else:
            named[kind] += 1
            print(f"  refused {name} ({kind}): {refused[name][-90:]}")
    print(
        f"sound: {sum(k not in broken for k in kinds.values())}; broken, each named: {dict(sorted(named.items()))}"
    )
    page = (out / "index.html").read_text("utf-8")
    wrong += [f"{name} does not stand on the class page" for name in kinds if name not in page]
    for student in out.glob("*/index.html"):
        if "look alike" in student.read_text("utf-8"):
            wrong.append(f"{student.parent.name}: a student's page tells what looks alike")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", type=float, default=0.1, help="share of broken or hostile hand-ins")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--execute", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        school, out = Path(folder) / "class", Path(folder) / "out"
        kinds = make_class(school, given.size, given.seed, given.broken)
        expected = alone(Path(folder) / "alone", set(kinds.values()), given)
        cost = batch(school, out, given)
        print(
            f"{given.size} submissions, {given.jobs} workers: exit {cost.status}, {cost.wall:.0f} s, {cost.cpu / given.size:.2f} CPU s "
            f"each, peak {cost.peak_mib:.0f} MiB"
        )
        wrong = check(kinds, out, expected)
        again = batch(school, out, given)
        print(f"the same again: {again.wall:.1f} s, {again.cpu:.1f} CPU s, peak {again.peak_mib:.0f} MiB")
        report = run([sys.executable, "-m", "grader", "report", "-o", str(out)])
        print(f"grader report: {report.wall:.1f} s, {report.cpu:.1f} CPU s")
        if results(out).keys() != {n for n in kinds if n not in refusals(out)}:
            wrong.append("the second run lost somebody")
        if not given.execute:
            for what, value, limit in (
                ("CPU seconds a submission", cost.cpu / given.size, CPU_PER_SUBMISSION),
                ("MiB at the peak", cost.peak_mib, PEAK_MIB),
                ("CPU seconds for an unchanged class", again.cpu, AGAIN_SECONDS * given.size / 100),
            ):
                print(f"{what}: {value:.2f} of {limit:.2f} allowed ({value / limit:.0%})")
                if value > limit:
                    wrong.append(f"too much: {what}")
    for line in wrong:
        print(f"WRONG {line}")
    print("as it should be" if not wrong else f"{len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
