"""CPU seconds to score a stored class again after its rubric changed: `python benchmarks/report.py
[SUBMISSIONS]`.

Grades our samples once without executing anything, repeats what the store then holds under other names, and
judges it with a rubric whose points and thresholds were changed. The class page, with what looks alike, is
measured with it; students' pages apart.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from grader.checks.catalogue import catalogue
from grader.core.settings import Settings
from grader.core.submission import Submission
from grader.pipeline.classroom.class_page import publish_class
from grader.pipeline.classroom.cohort_run import cohort_of
from grader.pipeline.classroom.grade_class import grade_class
from grader.pipeline.drawing.whole_class import publish_run
from grader.pipeline.judging.reports import reports_of
from grader.pipeline.plan.plan import mark_sheet
from grader.pipeline.plan.rubrics import find, parse
from grader.pipeline.stages.request import Request
from grader.render.class_rows import ClassRow
from grader.schedule.local import LocalProcesses
from grader.store.database import transaction
from grader.store.runs import Store

SAMPLES = Path(__file__).resolve().parents[1] / "submissions"
ALLOWED = 10.0


def repeat(store: Store, run: int, count: int) -> None:
    """Fill a run up to `count` submissions with copies of its own under other names."""
    found = dict(store.deliveries(run))
    names = sorted(found)
    with transaction(store.connection) as c:
        for number in range(len(names), count):
            old, new = names[number % len(names)], f"copy{number:05}"
            made: Submission = msgspec.structs.replace(found[old].submission, id=new, slug=new)
            c.execute(
                "INSERT INTO deliveries (run, id, slug, sha256, late_days, submission, seen) VALUES "
                "(?, ?, ?, ?, 0, ?, '')",
                (run, new, new, made.sha256, msgspec.msgpack.encode(made)),
            )
            for table, columns in (
                ("phases", "phase, products, missing, notes, basis"),
                ("durations", "phase, wall, cpu"),
            ):
                c.execute(
                    f"INSERT INTO {table} (run, id, {columns}) SELECT run, ?, {columns} FROM {table} "
                    "WHERE run = ? AND id = ?",
                    (new, run, old),
                )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("submissions", type=int, nargs="?", default=1000)
    parser.add_argument("--pages", action="store_true", help="draw all the students' pages as well")
    given = parser.parse_args()
    rubric = find("default").read_bytes()
    changed = re.sub(rb"points = (\d+)", lambda m: b"points = " + str(int(m[1]) + 1).encode(), rubric)
    changed = changed.replace(b"below = 20_000", b"below = 19_000")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        request = Request(
            path=SAMPLES,
            loaded=parse(rubric, "default.toml", catalogue()),
            rubric_bytes=rubric,
            settings=Settings(execute=False, retrain=False),
            out=out,
            store=out / ".grader" / "store.sqlite",
        )
        graded = grade_class(request, LocalProcesses(2))
        store = Store(request.store)
        repeat(store, graded.run, given.submissions)
        run = store.run(graded.run)
        loaded = parse(changed, "default.toml", catalogue())
        begin, wall = time.process_time(), time.monotonic()
        reports = tuple(reports_of(store, run, mark_sheet(loaded), {}))
        judged = time.process_time() - begin
        publish_class(
            reports,
            map(ClassRow.of, reports),
            {},
            out,
            cohort_of(store, run, loaded.rubric.profile),
            run,
        )
        spent = time.process_time() - begin
        print(
            f"{len(reports)} submissions judged by a changed rubric in {judged:.1f} CPU s, with the class "
            f"page {spent:.1f} CPU s "
            f"({time.monotonic() - wall:.1f} s by the clock), {spent / ALLOWED:.0%} of what is allowed"
        )
        assert {r.max_score for r in reports} != {r.max_score for r in graded.reports}
        if given.pages:
            begin = time.process_time()
            publish_run(store, run, mark_sheet(loaded), out)
            print(f"with every student's page: {time.process_time() - begin:.1f} CPU s more")
        store.close()
    return 0 if spent <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
