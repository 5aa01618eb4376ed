"""From a stored run to reports and pages, without touching a submission: what `grader report` does after a rubric changed.

Evidence and replays whose inputs changed with the rubric (another profile) or with grader (a new version of a provider)
are computed again from the stored bytes. What must be executed is not: it is `unknown` and says which command runs it.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.faults import GraderFault, StoreFault
from grader.core.memory import key
from grader.core.outcome import Verdict
from grader.core.report import Note, Report
from grader.core.rubric import Profile
from grader.core.submission import Sources
from grader.pipeline.comparison import cohort_of
from grader.pipeline.file_views import planned, renderer
from grader.pipeline.grade import report_on
from grader.pipeline.keys import key_of
from grader.pipeline.known import Known, Missing
from grader.pipeline.plan import Plan, Step, make_plan, needed, product_types
from grader.pipeline.providers import STATIC
from grader.pipeline.publish import publish, publish_class
from grader.pipeline.rubrics import LoadedRubric
from grader.pipeline.work import recall, restore, stored_sources
from grader.score.marks import remarked
from grader.score.overrides import Decision, decided
from grader.store.runs import Delivery, PhaseRecord, Run, Store

log = logging.getLogger(__name__)

OUR_FAILURE = "grader failed"
"""How every reason begins that is our fault."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What was published of a run."""

    reports: tuple[Report, ...] = ()
    failed: dict[str, str] = {}
    """Submissions that we crashed on, each with the reason: nobody else is the worse for it."""


def reports_of(store: Store, run: Run, loaded: LoadedRubric, failed: dict[str, str]) -> Iterator[Report]:
    """Judge every submission of a run with a rubric, from what its finished phases left; sorted by id.

    One that we crash on is left out, and `failed` says why.
    """
    from grader.checks.catalogue import catalogue

    decisions = _decisions(store)
    plan = make_plan(loaded.rubric, catalogue())
    for name, delivery in store.deliveries(run.id).items():
        with _culprit(name, "judged it", failed):
            yield _report_of(store, run, loaded, delivery, plan=plan, decisions=decisions)


@contextmanager
def _culprit(name: str, doing: str, failed: dict[str, str]) -> Iterator[None]:
    """Let a crash of ours cost one submission, and name it; what is wrong with the store or the output costs the run."""
    try:
        yield
    except (GraderFault, sqlite3.Error):
        raise
    except Exception as crash:
        log.exception("%s: grader crashed while it %s", name, doing)
        failed[name] = f"{OUR_FAILURE} while it {doing} ({type(crash).__name__}: {crash})"


def _report_of(
    store: Store,
    run: Run,
    loaded: LoadedRubric,
    delivery: Delivery,
    *,
    plan: Plan,
    decisions: tuple[Decision, ...],
) -> Report:
    from grader.checks.catalogue import catalogue

    records = store.phase_records(run.id, delivery.submission.id)
    known = _recall(store, run, loaded, delivery, plan=plan, records=records)
    notes: tuple[Note, ...] = tuple(n for record in records for n in record.notes)
    report = report_on(known, loaded, catalogue(), run.settings, notes, late_days=delivery.late_days)
    outcomes = decided(report, decisions)
    return (
        report
        if outcomes == report.outcomes
        else remarked(report, loaded.rubric, outcomes, delivery.late_days)
    )


def publish_run(store: Store, run: Run, loaded: LoadedRubric, out: Path) -> Published:
    """Write the pages of a run; a page whose content did not change is not drawn again."""
    shown = store.published()
    deliveries = store.deliveries(run.id)
    reports: list[Report] = []
    failed: dict[str, str] = {}
    for report in reports_of(store, run, loaded, failed):
        with _culprit(report.submission.id, "drew its page", failed):
            delivery = deliveries[report.submission.id]
            _publish_one(store, run, loaded, out, report=report, delivery=delivery, shown=shown)
            reports.append(report)
    spent, cohort = store.durations(run.id), cohort_of(store, run)
    publish_class(reports, store.refusals(run.id) | failed, out, spent, cohort)
    return Published(reports=tuple(reports), failed=failed)


def _publish_one(
    store: Store,
    run: Run,
    loaded: LoadedRubric,
    out: Path,
    *,
    report: Report,
    delivery: Delivery,
    shown: Mapping[str, str],
) -> None:
    slug = report.submission.slug
    records = store.phase_records(run.id, report.submission.id)
    products = sorted(k for r in records for k in r.products.values())
    # The store remembers one folder; of pages that lie in another it knows nothing.
    digest = key(out=str(out.resolve()), report=report, products=products, code=renderer())
    names = ("index.html", "result.json", *planned(report.submission))
    there = all((out / slug / name).is_file() for name in names)
    if shown.get(slug) == digest and there:
        return
    publish(
        report,
        _pictured(store, run, delivery, records),
        out,
        loaded.rubric,
        store.objects.get,
        late_days=delivery.late_days,
    )
    store.set_published(slug, digest)


def _recall(
    store: Store,
    run: Run,
    loaded: LoadedRubric,
    delivery: Delivery,
    *,
    plan: Plan,
    records: tuple[PhaseRecord, ...],
) -> Known:
    from grader.checks.catalogue import catalogue

    rules = catalogue()
    wanted = {product.__name__ for _, product in needed(loaded.rubric, rules)}
    # Judging needs no bytes; they are fetched only where something must be computed again.
    known = Known(Sources(submission=delivery.submission, items=()), run.settings, loaded.rubric.profile)
    keys = {name: key for record in records for name, key in record.products.items()}
    lost = {name: missing for record in records for name, missing in record.missing.items()}
    # Where code ran and what trained stands in the provenance, whether a check asks for it or not.
    wanted |= {"NotebookRun", "RetrainFacts"} & keys.keys()
    done = len(records)
    with_bytes: Known | None = None
    for step in plan.steps:
        name = step.provider.product
        if name not in wanted and with_bytes is None:
            continue
        static = step.provider.phase in STATIC
        made_as = (
            key_of(step.provider, delivery.submission, run.settings, loaded.rubric.profile, plan.retraining)
            if static
            else keys.get(name, "")
        )
        payload = store.payload(made_as) if made_as else None
        if payload is not None:
            recall(known, step.product, payload)
        elif name in lost:
            missing = lost[name]
            known.miss(name, Missing(reason=missing.reason, verdict=missing.verdict, trace=missing.trace))
        elif static and done:
            try:
                with_bytes = with_bytes or Known(
                    stored_sources(store, delivery), run.settings, loaded.rubric.profile
                )
            except StoreFault as fault:
                known.miss(name, Missing(reason=str(fault), verdict=Verdict.ERROR))
                continue
            _again(with_bytes, step, known, plan)
            if known.found(step.product):
                store.keep(made_as, name, msgspec.msgpack.encode(known.get(step.product)))
        elif run.finished:
            reason = f"{name} was not computed in run {run.id}; `grader batch` with this rubric computes it"
            known.miss(name, Missing(reason=reason, verdict=Verdict.UNKNOWN))
        else:
            known.miss(name, Missing(reason=f"not run yet: {step.provider.name}", verdict=Verdict.SKIPPED))
    return known


def _again(with_bytes: Known, step: Step, known: Known, plan: Plan) -> None:
    for earlier in plan.steps:
        if earlier.provider.phase in STATIC:
            with_bytes.provide(earlier)
        if earlier.provider.product == step.provider.product:
            break
    found = with_bytes.get(step.product)
    if isinstance(found, Missing):
        known.miss(step.provider.product, found)
    else:
        assert isinstance(found, Evidence | Fact)
        known.put(found)


def _decisions(store: Store) -> tuple[Decision, ...]:
    return tuple(
        Decision(
            submission=o.submission,
            code=o.code,
            verdict=o.verdict,
            credit=o.credit,
            reason=o.reason,
            who=o.who,
        )
        for o in store.overrides()
    )


def _pictured(
    store: Store, run: Run, delivery: Delivery, records: tuple[PhaseRecord, ...]
) -> Mapping[str, Evidence | Fact]:
    names = {name for record in records for name in record.products}
    known = Known(Sources(submission=delivery.submission, items=()), run.settings, Profile())
    restore(known, store, run.id, delivery.submission.id, product_types(names))
    return known.products()
