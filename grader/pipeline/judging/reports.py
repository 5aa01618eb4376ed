"""From a stored run to reports and pages, without touching a submission: what `grader report` does after a
rubric changed.

Evidence and replays whose inputs changed with the rubric (another profile) or with grader (a new version of a
provider) are computed again from the stored bytes. What must be executed is not: it is `unknown` and says
which command runs it.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from grader.core.decision import Decision
from grader.core.faults import GraderFault
from grader.core.memory import key
from grader.core.progress import tell
from grader.core.report import Note, Report
from grader.pipeline.classroom.stored import Held
from grader.pipeline.grade.file_views import renderer
from grader.pipeline.grade.grade_one import report_again, report_on
from grader.pipeline.grade.products import Known, keys_of
from grader.pipeline.grade.publish import Shown, publish, shown
from grader.pipeline.judging.kept_reports import KeptReports
from grader.pipeline.judging.shared_outcomes import outcomes_in, shared_criteria, wanted_by_others
from grader.pipeline.plan.plan import MarkSheet
from grader.score.marks import remarked
from grader.score.overrides import decided
from grader.store.runs import PhaseRecord, Run, Store

log = logging.getLogger(__name__)

_Decisions = Mapping[str, Sequence[Decision]]

OUR_FAILURE = "grader failed"
"""How every reason begins that is our fault."""


def reports_of(store: Store, run: Run, sheet: MarkSheet, failed: dict[str, str]) -> Iterator[Report]:
    """Judge every submission of a run with a rubric, from what its finished phases left; sorted by id.

    One that we crash on is left out, and `failed` says why.
    """
    yield from Judge(store, run, sheet).reports(store.delivered(run.id), failed)


class Judge:
    """Judges submissions of one run with one rubric; with that of another judge before, whose outcomes stand
    where both rubrics ask the same.
    """

    def __init__(self, store: Store, run: Run, sheet: MarkSheet, before: "Judge | None" = None) -> None:
        self._store = store
        self.run = run
        self.sheet = sheet
        self._kept = KeptReports(store, run, sheet)
        self._found: dict[str, tuple[Report, float]] = {}
        """Reports that the next judge asked for, by submission, and the days that it was late."""
        self._before = before
        same_options = before is not None and before.run.settings == run.settings
        self._shared = shared_criteria(sheet, before.sheet) if before is not None and same_options else {}
        self._wanted: dict[frozenset[str], frozenset[str]] = {}
        """The products that are asked for besides, by the criteria that are told: the same for most."""
        self._again = _Once(
            f"grader or the values of the rubric changed since run {run.id} was read: what that can "
            "have changed is read "
            "again from the stored files; nothing is run"
        )

    def judged(self, names: Iterable[str], failed: dict[str, str]) -> Iterator[tuple[Report, Held]]:
        """Judge some submissions as `reports_of` does; yield each report with what it rests on."""
        decisions = self._decisions()
        for name in names:
            with culprit(name, "judged it", failed):
                yield self._one(name, decisions)
        self._kept.write()

    def reports(self, names: Iterable[str], failed: dict[str, str]) -> Iterator[Report]:
        """Yield the reports alone; those that another judge asked for are at hand."""
        decisions = self._decisions()
        for name in names:
            with culprit(name, "judged it", failed):
                found = self._found.pop(name, None)
                yield self._ruled(*found, decisions) if found else self._one(name, decisions)[0]
        self._kept.write()

    def _one(self, name: str, decisions: _Decisions) -> tuple[Report, Held]:
        held = self._held(name)
        return self._ruled(self._report(held), held.delivery.late_days, decisions), held

    def _decisions(self) -> _Decisions:
        found: dict[str, list[Decision]] = {}
        for decision in self._store.decisions():
            found.setdefault(decision.submission, []).append(decision)
        return found

    def _ruled(self, report: Report, late_days: float, decisions: _Decisions) -> Report:
        """The report with what persons decided about this submission."""
        own = decisions.get(report.submission.id)
        outcomes = decided(report, own) if own else report.outcomes
        if outcomes == report.outcomes:
            return report
        return remarked(report, self.sheet.loaded.rubric, outcomes, late_days)

    def _held(self, name: str) -> Held:
        own = self.sheet.loaded.rubric.profile_of(name)
        delivery = self._store.delivery(self.run.id, name)
        return Held(self._store, self.run, delivery, plan=self.sheet.plan, profile=own)

    def _report(self, held: Held) -> Report:
        """The report without what persons decided."""
        name = self._kept.key_of(held)
        if (found := self._kept.get(name)) is not None:
            return found
        before = self._before.lasting(held) if self._before is not None and self._shared else None
        report, known = self._whole(held) if before is None else self._shared_report(held, before)
        return self._kept.keep(name, report, known, held)

    def lasting(self, held: Held) -> Report | None:
        """Return what this rubric says of a submission as another run holds it, where that is told apart from
        no run and from no fault of ours: kept, or judged now where this run holds the same.
        """
        delivery = held.delivery
        name = self._kept.key_of(held) if self._kept.whole(held) else ""
        found = self._kept.get(name)
        if found is None and name:
            own = self._held(delivery.submission.id)
            if self._kept.key_of(own) == name:
                self._report(own)
                found = self._kept.get(name)
        if found is not None:
            self._found[delivery.submission.id] = (found, delivery.late_days)
        return found

    def _whole(self, held: Held) -> tuple[Report, Known]:
        """The report as all the checks say it, and what it rests on."""
        sheet = self.sheet
        # Where code ran and what trained stands in the provenance, whether a check asks for it or not.
        told = {"NotebookRun", "RetrainFacts"} & made_of(held.records)
        known = held.known(sheet.wanted | told, self._again)
        notes: tuple[Note, ...] = tuple(n for record in held.records for n in record.notes)
        days = held.delivery.late_days
        return report_on(known, sheet.loaded, sheet.rules, self.run.settings, notes, late_days=days), known

    def _shared_report(self, held: Held, before: Report) -> tuple[Report, Known]:
        """The report as the checks say it whose outcomes are not those of the rubric before."""
        sheet, told = self.sheet, outcomes_in(before, self._shared)
        if (wanted := self._wanted.get(frozenset(told))) is None:
            wanted = self._wanted[frozenset(told)] = wanted_by_others(sheet, told)
        known = held.known(wanted, self._again)
        days = held.delivery.late_days
        return report_again(before, known, sheet.loaded, sheet.rules, told, late_days=days), known


class _Once:
    """Tells one sentence, the first time that it is called."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __call__(self, _: str) -> None:
        if self._sentence:
            tell(self._sentence)
        self._sentence = ""


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


def publish_one(store: Store, sheet: MarkSheet, report: Report, held: Held, out: Path) -> None:
    """Write the pages of one submission under `out`, unless they show that already."""
    products = held.products()
    shows = key(report=report, products=keys_of(products, products), code=renderer())
    before = shown(report.submission, out)
    if before.shows == shows:
        return
    publish(
        *(report, products, out, sheet.loaded.rubric, store.objects.get),
        late_days=held.delivery.late_days,
        kept=store,
        shows=Shown(shows=shows, pages=before.pages),
    )
