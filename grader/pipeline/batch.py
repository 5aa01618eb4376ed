"""Grades a class: phases for everybody, cheap first; each finished phase is kept; one bad submission costs nobody else anything."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from grader.core.report import Report
from grader.core.settings import Settings
from grader.ingest.classes import Entry, Listing, list_class
from grader.pipeline.plan import Plan, make_plan
from grader.pipeline.providers import Phase
from grader.pipeline.regrade import publish_run, reports_of
from grader.pipeline.rubrics import LoadedRubric
from grader.pipeline.work import Done, Job, died, work
from grader.schedule.base import Backend, Ended
from grader.store.runs import Delivery, Run, Store

STATIC = (Phase.READ, Phase.REPLAY)
BYTES_PER_WORKER = 3 * 2**30
"""Memory that an executing worker with its sandbox may take; bounds the number of workers."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What `grader batch` was asked to do."""

    path: Path
    loaded: LoadedRubric
    rubric_bytes: bytes
    settings: Settings
    out: Path
    store: Path
    only: tuple[str, ...] = ()
    budget_seconds: float = 0.0
    """Wall time for the retraining phase; 0 for no bound."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run, for the terminal."""

    phase: str
    done: int
    total: int
    id: str
    seconds_left: float


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a class."""

    run: int
    resumed: bool
    reports: tuple[Report, ...]
    refused: dict[str, str]
    page: Path


def grade_class(
    request: Request, backend: Backend, progress: Callable[[Progress], None] = lambda _: None
) -> Graded:
    """Run every phase that the rubric needs over the class, and publish after each.

    The same call after a kill goes on where it stopped: finished phases are in the store, and products in its cache.
    """
    from grader.checks.catalogue import catalogue

    listing = _chosen(list_class(request.path), request.only)
    plan = make_plan(request.loaded.rubric, catalogue())
    store = Store(request.store)
    try:
        run, resumed = store.begin(
            request.path.resolve().name,
            request.loaded.path,
            request.rubric_bytes,
            request.settings,
            _fingerprint(request, listing),
        )
        for name, reason in listing.refused:
            store.refuse(run.id, name, reason)
        going = _Going(
            request=request, store=store, run=run, entries=listing.entries, backend=backend, progress=progress
        )
        for phases in _stages(plan):
            _stage(going, phases)
            publish_run(store, run, request.loaded, request.out)
        store.finish(run.id)
        reports = tuple(reports_of(store, run, request.loaded))
        return Graded(
            run=run.id,
            resumed=resumed,
            reports=reports,
            refused=store.refusals(run.id),
            page=request.out / "index.html",
        )
    finally:
        store.close()


def workers_for(wanted: int) -> int:
    """Return a number of workers bounded by the cores and the memory of this machine; `wanted` 0 takes the bound."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    bound = cores
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        bound = max(1, min(cores, memory // BYTES_PER_WORKER))
    return min(wanted, bound) if wanted else bound


def _stages(plan: Plan) -> tuple[tuple[Phase, ...], ...]:
    later = tuple((p,) for p in plan.phases() if p not in STATIC)
    return (STATIC, *later)


class _Going(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is going on, with everything that its stages share."""

    request: Request
    store: Store
    run: Run
    entries: tuple[Entry, ...]
    backend: Backend
    progress: Callable[[Progress], None]


def _stage(going: _Going, phases: tuple[Phase, ...]) -> None:
    request, store, run = going.request, going.store, going.run
    finished = store.finished_phases(run.id)
    delivered = store.deliveries(run.id)
    refused = store.refusals(run.id)
    by_id = {e.id: e for e in going.entries}
    static = phases is STATIC
    label = "read" if static else phases[-1].value
    todo = [
        e
        for e in by_id.values()
        if (e.id, label) not in finished and e.id not in refused and (static or e.id in delivered)
    ]
    if phases == (Phase.RETRAIN,):
        todo = _by_what_can_change(request, store, run, todo)
    begin = time.monotonic()
    jobs = [
        Job(
            store=str(request.store),
            run=run.id,
            id=e.id,
            paths=e.paths,
            rubric=request.loaded.rubric,
            settings=request.settings,
            phases=phases,
            fresh=static,
        )
        for e in todo
    ]
    for number, ended in enumerate(going.backend.map(work, _within(jobs, request, phases, begin)), 1):
        _keep(store, run, by_id[ended.job.id], ended, label)
        left = (time.monotonic() - begin) / number * (len(jobs) - number)
        going.progress(
            Progress(phase=label, done=number, total=len(jobs), id=ended.job.id, seconds_left=left)
        )


def _within(jobs: list[Job], request: Request, phases: tuple[Phase, ...], begin: float) -> Iterable[Job]:
    for job in jobs:
        spent = time.monotonic() - begin
        if phases == (Phase.RETRAIN,) and request.budget_seconds and spent > request.budget_seconds:
            # No phase row is written for the rest: the next run with a larger budget picks them up.
            return
        yield job


def _keep(store: Store, run: Run, entry: Entry, ended: Ended[Job, Done], label: str) -> None:
    if ended.fault_type == "IngestFault":
        store.refuse(run.id, entry.id, ended.fault)
        return
    done = ended.result
    if done is None:
        if ended.job.fresh:
            store.refuse(run.id, entry.id, f"grader failed while it read this submission: {ended.fault}")
            return
        done = died(ended.job, f"grader failed in this phase: {ended.fault}")
    if done.submission is not None:
        store.deliver(run.id, Delivery(submission=done.submission, late_days=entry.late_days))
    store.finish_phase(run.id, done.id, label, done.record)


def _by_what_can_change(request: Request, store: Store, run: Run, todo: list[Entry]) -> list[Entry]:
    pending = {r.submission.id: r.pending_points for r in reports_of(store, run, request.loaded)}
    return sorted(todo, key=lambda e: (-pending.get(e.id, 0.0), e.id))


def _chosen(listing: Listing, only: tuple[str, ...]) -> Listing:
    if not only:
        return listing
    from grader.core.faults import UsageFault

    have = {e.id for e in listing.entries}
    missing = [i for i in only if i not in have]
    if missing:
        raise UsageFault(f"--only {missing[0]}: no such submission; there are {', '.join(sorted(have)[:20])}")
    return Listing(
        form=listing.form, entries=tuple(e for e in listing.entries if e.id in only), refused=listing.refused
    )


def _fingerprint(request: Request, listing: Listing) -> str:
    parts = [
        str(request.path.resolve()),
        request.loaded.sha256,
        msgspec.json.encode(request.settings).decode(),
        *(f"{e.id} {e.paths}" for e in listing.entries),
    ]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
