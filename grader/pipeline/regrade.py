"""From a stored run to reports and pages, without touching a submission: what `grader report` does after a rubric changed."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import grader
from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.report import Report
from grader.core.rubric import Profile
from grader.core.submission import Sources
from grader.pipeline.grade import report_on
from grader.pipeline.known import Known
from grader.pipeline.publish import publish, publish_class
from grader.pipeline.rubrics import LoadedRubric
from grader.pipeline.work import restore
from grader.score.marks import remarked
from grader.score.overrides import Decision, decided
from grader.store.runs import Delivery, Run, Store


def reports_of(store: Store, run: Run, loaded: LoadedRubric) -> Iterator[Report]:
    """Judge every submission of a run with a rubric, from what its finished phases left; sorted by id."""
    for delivery in store.deliveries(run.id).values():
        yield report_of(store, run, loaded, delivery)


def report_of(store: Store, run: Run, loaded: LoadedRubric, delivery: Delivery) -> Report:
    """Judge one submission from the store."""
    from grader.checks.catalogue import catalogue

    rules = catalogue()
    # The bytes are not needed to judge: checks see evidence and facts only.
    known = Known(Sources(submission=delivery.submission, items=()), run.settings, loaded.rubric.profile)
    needed = {n.type.__name__: n.type for c in loaded.rubric.criterion for n in rules[c.check].needs}
    restore(known, store, run.id, delivery.submission.id, needed)
    notes = tuple(n for record in store.phase_records(run.id, delivery.submission.id) for n in record.notes)
    report = report_on(known, loaded, rules, run.settings, notes, late_days=delivery.late_days)
    decisions = tuple(
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
    outcomes = decided(report, decisions)
    return (
        report
        if outcomes == report.outcomes
        else remarked(report, loaded.rubric, outcomes, delivery.late_days)
    )


def publish_run(store: Store, run: Run, loaded: LoadedRubric, out: Path) -> tuple[Report, ...]:
    """Write the pages of a run; a page whose content did not change is not drawn again."""
    from grader.render.result_json import encode

    shown = store.published()
    reports: list[Report] = []
    for delivery in store.deliveries(run.id).values():
        report = report_of(store, run, loaded, delivery)
        reports.append(report)
        slug = report.submission.slug
        keys = [k for r in store.phase_records(run.id, report.submission.id) for k in r.products.values()]
        digest = hashlib.sha256(
            encode(report) + "".join(sorted(keys)).encode() + grader.__version__.encode()
        ).hexdigest()
        if (
            shown.get(slug) == digest
            and (out / slug / "index.html").is_file()
            and (out / slug / "result.json").is_file()
        ):
            continue
        publish(report, _products(store, run, report.submission.id), out)
        store.set_published(slug, digest)
    publish_class(reports, out)
    return tuple(reports)


def _products(store: Store, run: Run, submission: str) -> Mapping[str, Evidence | Fact]:
    from grader.pipeline.plan import product_types

    delivery = store.deliveries(run.id)[submission]
    known = Known(Sources(submission=delivery.submission, items=()), run.settings, Profile())
    restore(known, store, run.id, submission, product_types())
    return known.products()
