"""`grader batch` beside `nbgrader autograde` and `otter run`, on the same small notebooks, no two alike, and the
same 21 hostile or broken ones.

    python benchmarks/batch.py --nbgrader VENV/bin/nbgrader --otter VENV/bin/otter

Prints CPU seconds a notebook and the peak memory of the process tree for a class of 20, then what each grader
makes of each probe: `right` (an honest score), `said` (no score, and a reason for it), `WRONG` (a score that
is not earned, or earned and not given), `LOST` (no answer at all: it hung, or the whole batch ended). A
grader whose path is not given is left out.
"""

import argparse
import json
import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from broken_hand_ins import PROBES, Probe, make_class, make_probes
from process_tree import Cost, run

PER_CALL = 300.0
"""Seconds that one `otter run` may take; without Docker it has no limit of its own."""
PER_PASS = 900.0
"""Seconds that one batch of nbgrader may take, twenty times what it needs for these on an idle machine."""
PER_BATCH = 1800.0


class Answer(NamedTuple):
    """What a grader said of one hand-in: a score, or why there is none; neither where it gave no answer.

    `stopped` where this hand-in held up the others: the batch ended with it, or it would never have ended.
    """

    score: float | None = None
    reason: str = ""
    stopped: bool = False


def ours(root: Path, out: Path, *options: str) -> tuple[Cost, dict[str, Answer]]:
    command = [sys.executable, "-m", "grader", "batch", str(root / "class"), "-r", str(root / "rubric.toml")]
    cost = run([*command, "-o", str(out), "--no-retrain", *options], limit=PER_BATCH)
    found: dict[str, Answer] = {}
    for path in out.glob("*/result.json"):
        result = json.loads(path.read_text("utf-8"))
        open_ones = [
            o["summary"] for o in result["outcomes"] if o["verdict"] in ("unknown", "error", "skipped")
        ]
        found[result["submission"]["id"]] = (
            Answer(reason=open_ones[0]) if open_ones else Answer(score=result["score"])
        )
    store = out / ".grader" / "store.sqlite"
    if store.exists():
        connection = sqlite3.connect(store)
        found |= {n: Answer(reason=r) for n, r in connection.execute("SELECT name, reason FROM refusals")}
        connection.close()
    return cost, found


def nbgrader(program: Path, root: Path) -> tuple[Cost, dict[str, Answer]]:
    """Run batches until each hand-in has its answer: one that ends a batch, or that a batch never gets past,
    has stopped it, and is taken out of the next.
    """
    course = root / "nbgrader"
    # nbgrader starts `alembic`, which it looks for on the PATH.
    environment = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    run(
        [str(program), "generate_assignment", "ps1", "--create", "--force"],
        cwd=course,
        environment=environment,
    )
    found: dict[str, Answer] = {}
    while True:
        cost = run([str(program), "autograde", "ps1"], cwd=course, environment=environment, limit=PER_PASS)
        found |= _gradebook(course) | _named_as_failed(cost.output)
        at = re.findall(r"submitted/([^/\s]+)/ps1", cost.output)
        left = {path.name for path in (course / "submitted").iterdir()} - found.keys()
        if not left or not at:
            return cost, found
        found[at[-1]] = Answer(stopped=True)
        shutil.rmtree(course / "submitted" / at[-1], ignore_errors=True)
        print(f"nbgrader: {at[-1]} ended the batch, which is started again without it", file=sys.stderr)


def _named_as_failed(output: str) -> dict[str, Answer]:
    """Hand-ins that the batch says it could not grade, and went on."""
    names = re.findall(r"error processing assignment: \S*submitted/([^/\s]+)/ps1", output)
    return {name: Answer(reason="named as failed by the batch") for name in names}


def _gradebook(course: Path) -> dict[str, Answer]:
    connection = sqlite3.connect(course / "gradebook.db")
    rows = connection.execute(
        "SELECT student.id, SUM(COALESCE(grade.manual_score, grade.auto_score, 0)) FROM "
        "submitted_assignment AS a "
        "JOIN student ON student.id = a.student_id JOIN submitted_notebook AS n ON n.assignment_id = a.id "
        "JOIN grade ON grade.notebook_id = n.id GROUP BY student.id"
    ).fetchall()
    connection.close()
    return {
        name: Answer(score=float(score))
        for name, score in rows
        if (course / "autograded" / name / "ps1" / "p1.ipynb").exists()
    }


def otter(program: Path, root: Path) -> tuple[Cost, dict[str, Answer]]:
    """One call a notebook: without Docker otter has no batch."""
    environment = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    folder = root / "otter"
    flags = ["--no-config", "--no-requirements", "--no-environment"]
    run(
        [str(program), "generate", "-t", "tests", "-o", "autograder.zip", *flags],
        cwd=folder,
        environment=environment,
    )
    found: dict[str, Answer] = {}
    costs: list[Cost] = []
    for student in sorted((root / "class").iterdir()):
        out = folder / "out" / student.name
        out.mkdir(parents=True)
        command = [
            str(program),
            "run",
            "-a",
            str(folder / "autograder.zip"),
            "-o",
            str(out),
            "--no-logo",
            str(student / "S4.ipynb"),
        ]
        cost = run(command, limit=PER_CALL, cwd=out, environment=environment)
        costs.append(cost)
        result = out / "results.json"
        if result.exists():
            tests = json.loads(result.read_text("utf-8"))["tests"]
            found[student.name] = Answer(score=sum(float(t.get("score") or 0) for t in tests))
        elif cost.late:
            found[student.name] = Answer(stopped=True)
        else:
            found[student.name] = Answer(reason=cost.output.strip().splitlines()[-1] if cost.output else "")
    return Cost(
        max(c.status for c in costs),
        sum(c.wall for c in costs),
        sum(c.cpu for c in costs),
        max(c.peak_mib for c in costs),
        any(c.late for c in costs),
        "",
        all(c.whole for c in costs),
    ), found


def judge(answers: dict[str, Answer], probes: Mapping[str, Probe] = PROBES) -> dict[str, str]:
    """Return the verdict on each answer; nothing to grade and a reason for it is as good as a zero."""
    verdicts = {}
    for name, probe in probes.items():
        answer = answers.get(name)
        if answer is None or (answer.score is None and not answer.reason):
            verdicts[name] = "LOST"
        elif answer.score is None:
            verdicts[name] = "said"
        else:
            verdicts[name] = "right" if answer.score in probe.honest else f"WRONG {answer.score:g}"
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=20)
    parser.add_argument("--nbgrader", type=Path, help="path of the program nbgrader")
    parser.add_argument("--otter", type=Path, help="path of the program otter")
    parser.add_argument("--no-probes", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "class"
        scores = make_class(root, given.size)
        print(f"{given.size} small notebooks, 1-minute load {os.getloadavg()[0]:.1f}")
        rows = [
            (f"grader batch, {j} at a time", ours(root, Path(folder) / f"out{j}", "-j", str(j)))
            for j in (1, 2)
        ]
        rows.append(("grader batch, unchanged", ours(root, Path(folder) / "out1", "-j", "1")))
        rows.append(("grader batch --no-exec", ours(root, Path(folder) / "static", "-j", "2", "--no-exec")))
        if given.nbgrader:
            rows.append(("nbgrader autograde", nbgrader(given.nbgrader.absolute(), root)))
        if given.otter:
            rows.append(("otter run, one by one", otter(given.otter.absolute(), root)))
        base = rows[0][1][0].cpu
        if not all(cost.whole for _, (cost, _) in rows):
            print(
                "no control group can be made here: what a sandbox starts is counted only as far as it was seen"
            )
        for label, (cost, answers) in rows:
            right = sum(answers.get(n, Answer()).score == s for n, s in scores.items())
            print(
                f"{label:26} {cost.wall:6.1f} s  {cost.cpu / given.size:5.2f} CPU s each "
                f"({cost.cpu / base:4.2f} x)  "
                f"peak {cost.peak_mib:4.0f} MiB  {right} of {given.size} scores right"
            )
        if given.no_probes:
            return 0
        root = Path(folder) / "probes"
        make_probes(root)
        judged = {"grader": ours(root, Path(folder) / "probed", "-j", "2")}
        if given.nbgrader:
            judged["nbgrader"] = nbgrader(given.nbgrader.absolute(), root)
        if given.otter:
            judged["otter"] = otter(given.otter.absolute(), root)
        verdicts = {who: judge(answers) for who, (_, answers) in judged.items()}
        print(f"\n{'probe':20}" + "".join(f"{who:14}" for who in verdicts))
        for name in PROBES:
            print(f"{name:20}" + "".join(f"{v[name]:14}" for v in verdicts.values()))
        for who, found in verdicts.items():
            counts = Counter(v.partition(" ")[0] for v in found.values())
            cost, answers = judged[who]
            print(
                f"{who}: {dict(counts)} of {len(PROBES)}; {cost.cpu:.0f} CPU s, peak {cost.peak_mib:.0f} MiB"
            )
            for name, verdict in found.items():
                if verdict == "said":
                    print(f"    {name}: {answers[name].reason[:150]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
