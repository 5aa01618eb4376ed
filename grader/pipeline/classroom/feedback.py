"""What each student of a class gets back, drawn from the store: the student's view alone."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader.core.report import Report
from grader.pipeline.grade.annotate import Annotated, annotate
from grader.pipeline.grade.publish import publish, student_files
from grader.pipeline.judging.reports import Judge, culprit
from grader.pipeline.plan.plan import MarkSheet
from grader.render.summary import for_student
from grader.score.marks import student_view
from grader.store.runs import Run, Store


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """One student's report and files, without what the rubric hides or only instructors may see."""

    report: Report
    score: float
    """The mark, in which criteria that the report leaves out count."""
    files: dict[str, bytes]
    """By name: `index.html`, `result.json`, the pages of files and the copies with findings where they were
    asked for.
    """
    notes: tuple[str, ...] = ()
    """Why a copy is missing or holds less."""


def feedback_of(
    store: Store, run: Run, sheet: MarkSheet, failed: dict[str, str], *, beside: bool, copies: bool = False
) -> Iterator[Feedback]:
    """Yield the feedback of every submission of a run, sorted by id; `beside`: with the pages of its files;
    `copies`: with copies of its notebooks and workbooks with the findings in them.

    Without them the page stands alone and links to nothing. One that we crash on is left out, and `failed`
    says why.
    """
    rubric = sheet.loaded.rubric
    for report, held in Judge(store, run, sheet).judged(store.delivered(run.id), failed):
        days = held.delivery.late_days
        with culprit(report.submission.id, "drew its feedback", failed):
            products = held.products()
            if beside:
                with tempfile.TemporaryDirectory(prefix="grader-") as folder:
                    publish(
                        *(report, products, Path(folder), rubric, store.objects.get),
                        late_days=days,
                        kept=store,
                    )
                    files = {p.name: p.read_bytes() for p in sorted(Path(folder).glob("*/*")) if p.is_file()}
            else:
                files = student_files(report, products, rubric, {}, late_days=days, kept=store)
            view = for_student(student_view(report, rubric, days))
            made = annotate(view, store.objects.get) if copies else Annotated()
            yield Feedback(report=view, score=report.score, files=files | made.files, notes=made.notes)
