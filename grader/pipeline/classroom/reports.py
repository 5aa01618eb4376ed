"""From a stored run to reports and pages, without touching a submission: what `grader report` does after a
rubric changed.

Evidence and replays whose inputs changed with the rubric (another profile) or with grader (a new version of a
provider) are computed again from the stored bytes. What must be executed is not: it is `unknown` and says
which command runs it.
"""

import gc
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from grader.core.decision import Decision
from grader.core.faults import GraderFault
from grader.core.memory import code_of, key
from grader.core.progress import tell
from grader.core.report import Note, Report
from grader.core.spool import Spool
from grader.pipeline.classroom.class_page import publish_class
from grader.pipeline.classroom.cohort_run import cohort_of
from grader.pipeline.classroom.other_class import notices_of
from grader.pipeline.classroom.stored import stored_known
from grader.pipeline.grade.grade_one import report_on
from grader.pipeline.grade.publish import is_whole, publish
from grader.pipeline.plan.plan import MarkSheet
from grader.score.marks import remarked
from grader.score.overrides import decided
from grader.store.runs import Delivery, PhaseRecord, Run, Store

log = logging.getLogger(__name__)

OUR_FAILURE = "grader failed"
"""How every reason begins that is our fault."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What was published of a run."""

    reports: Sequence[Report] = ()
    """Sorted by id; those of a class are held on disk."""
    notices: tuple[str, ...] = ()
    """What concerns the whole class, for the instructor."""
    failed: dict[str, str] = {}
    """Submissions that we crashed on, each with the reason: nobody else is the worse for it."""


def reports_of(store: Store, run: Run, sheet: MarkSheet, failed: dict[str, str]) -> Iterator[Report]:
    """Judge every submission of a run with a rubric, from what its finished phases left; sorted by id.

    One that we crash on is left out, and `failed` says why.
    """
    decisions = store.decisions()
    again = _Once(
        f"grader or the values of the rubric changed since run {run.id} was read: what that can "
        "have changed is read "
        "again from the stored files; nothing is run"
    )
    for name, delivery in store.deliveries(run.id):
        with culprit(name, "judged it", failed):
            yield _report_of(store, run, sheet, delivery, decisions, again)


class _Once:
    """Tells one sentence, the first time that it is called."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __call__(self, _: str) -> None:
        if self._sentence:
            tell(self._sentence)
        self._sentence = ""


def _report_of(
    store: Store,
    run: Run,
    sheet: MarkSheet,
    delivery: Delivery,
    decisions: tuple[Decision, ...],
    again: Callable[[str], None],
) -> Report:
    records = store.phase_records(run.id, delivery.submission.id)
    rubric = sheet.loaded.rubric
    # Where code ran and what trained stands in the provenance, whether a check asks for it or not.
    wanted = sheet.wanted | ({"NotebookRun", "RetrainFacts"} & made_of(records))
    own = rubric.profile_of(delivery.submission.id)
    known = stored_known(store, run, delivery, plan=sheet.plan, profile=own, wanted=wanted, progress=again)
    notes: tuple[Note, ...] = tuple(n for record in records for n in record.notes)
    report = report_on(known, sheet.loaded, sheet.rules, run.settings, notes, late_days=delivery.late_days)
    outcomes = decided(report, decisions)
    return report if outcomes == report.outcomes else remarked(report, rubric, outcomes, delivery.late_days)


def made_of(records: Iterable[PhaseRecord]) -> frozenset[str]:
    """Return the names of the products that finished phases left."""
    return frozenset(name for record in records for name in record.products)


@contextmanager
def culprit(name: str, doing: str, failed: dict[str, str]) -> Iterator[None]:
    """Let a crash of ours cost one submission, and name it; what is wrong with the store or the output costs
    the run.
    """
    try:
        yield
    except (GraderFault, sqlite3.Error):
        raise
    except Exception as crash:
        log.exception("%s: grader crashed while it %s", name, doing)
        failed[name] = f"{OUR_FAILURE} while it {doing} ({type(crash).__name__}: {crash})"


def publish_run(store: Store, run: Run, sheet: MarkSheet, out: Path) -> Published:
    """Write the pages of a run; a page whose content did not change is not drawn again."""
    reports = Spool[Report](Report, folder=store.path.parent)
    failed: dict[str, str] = {}
    for report in reports_of(store, run, sheet, failed):
        name = report.submission.id
        with culprit(name, "drew its page", failed):
            _publish_one(store, run, sheet, out, report=report, delivery=store.delivery(run.id, name))
            reports.append(report)
    cohort = cohort_of(store, run, sheet.loaded.rubric)
    notices = _courtesy(lambda: notices_of(store, run, sheet.loaded.rubric))
    refused = store.refusals(run.id) | failed
    publish_class(reports, refused, out, partial(store.durations, run.id), cohort, run, notices)
    store.show(run.id)
    return Published(reports=reports, failed=failed, notices=notices)


def _courtesy(make: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """What is said beside the marks; a crash of ours costs that alone."""
    try:
        return make()
    except (GraderFault, sqlite3.Error):
        raise
    except Exception:
        log.exception("what concerns the whole class cannot be said")
        return ()


def _publish_one(
    store: Store,
    run: Run,
    sheet: MarkSheet,
    out: Path,
    *,
    report: Report,
    delivery: Delivery,
) -> None:
    slug = report.submission.slug
    records = store.phase_records(run.id, report.submission.id)
    keys = sorted(k for r in records for k in r.products.values())
    # The store remembers one folder; of pages that lie in another it knows nothing.
    digest = key(
        out=str(out.resolve()), report=report, products=keys, code=code_of("grader.pipeline.grade.publish")
    )
    if store.published(slug) == digest and is_whole(report.submission, out):
        return
    rubric = sheet.loaded.rubric
    own = rubric.profile_of(report.submission.id)
    pictured = stored_known(store, run, delivery, plan=sheet.plan, profile=own, wanted=made_of(records))
    publish(report, pictured.products(), out, rubric, store.objects.get, late_days=delivery.late_days)
    store.set_published(slug, digest)
    gc.collect(0)  # Jinja's macros are circles, in which the page would outlast a thousand others
