"""All pages of a run: those of its students, then the class page and what belongs to it."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from grader.core.faults import GraderFault
from grader.core.report import Report
from grader.pipeline.classroom.class_page import publish_class
from grader.pipeline.classroom.cohort_run import cohort_of
from grader.pipeline.classroom.other_class import notices_of
from grader.pipeline.drawing.students import draw
from grader.pipeline.plan.plan import MarkSheet
from grader.store.runs import Run, Store

log = logging.getLogger(__name__)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What was published of a run."""

    reports: Sequence[Report] = ()
    """Sorted by id; those of a class are held on disk."""
    notices: tuple[str, ...] = ()
    """What concerns the whole class, for the instructor."""
    failed: dict[str, str] = {}
    """Submissions that we crashed on, each with the reason: nobody else is the worse for it."""
    before: Sequence[Report] = ()
    """The same submissions as another rubric judges them, where one was given."""


def publish_run(
    store: Store,
    run: Run,
    sheet: MarkSheet,
    out: Path,
    *,
    before: tuple[Run, MarkSheet] | None = None,
    workers: int = 0,
) -> Published:
    """Write the pages of a run, with `before` and `workers` as in `draw`; a page whose content did not change
    is not drawn again.
    """
    students = draw(store, run, sheet, out, before=before, workers=workers)
    reports, failed = students.reports, students.failed
    cohort = cohort_of(store, run, sheet.loaded.rubric)
    notices = _courtesy(lambda: notices_of(store, run, sheet.loaded.rubric))
    refused = store.refusals(run.id) | failed
    publish_class(reports, students.rows, refused, out, cohort, run, notices)
    store.show(run.id)
    return Published(reports=reports, failed=failed, notices=notices, before=students.before)


def _courtesy(make: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """What is said beside the marks; a crash of ours costs that alone."""
    try:
        return make()
    except (GraderFault, sqlite3.Error):
        raise
    except Exception:
        log.exception("what concerns the whole class cannot be said")
        return ()
