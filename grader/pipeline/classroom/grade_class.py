"""Grades a class: phases for everybody, cheap first; each finished phase is kept; one bad submission costs
nobody else anything.
"""

import glob
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from grader.core.machine import usable_cores
from grader.core.outcome import Verdict
from grader.core.progress import tell
from grader.core.report import Report
from grader.core.settings import Device, Settings
from grader.ingest.classes import list_class
from grader.ingest.forms.entries import Entry, Listing
from grader.pipeline.classroom.fingerprint import basis_of, raw_digest
from grader.pipeline.classroom.job import Done, Job, died, work
from grader.pipeline.classroom.reports import OUR_FAILURE, Published, publish_run, reports_of
from grader.pipeline.plan.plan import MarkSheet, Stage, mark_sheet
from grader.pipeline.plan.providers import STATIC, Phase
from grader.pipeline.plan.rubrics import LoadedRubric
from grader.schedule.base import Backend, Ended
from grader.store.carry_over import carry, forget_changed
from grader.store.runs import Delivery, Run, Store

log = logging.getLogger(__name__)

BYTES_PER_WORKER = 3 * 2**30
"""Memory that an executing worker with its sandbox may take; bounds the number of workers."""

TRAININGS_PER_GPU = 4
"""Processes that share one GPU. Unmeasured: a network of this size is bound by the launch of its kernels,
which fills no GPU.
"""
GPUS = "/dev/nvidia[0-9]*"
"""What the driver makes for each GPU on Linux; asking torch would load it into a process that needs it for
nothing else.
"""


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
    train_only: tuple[str, ...] = ()
    """Submissions whose networks are trained again now; empty for all. The rest is left for the same request
    without this.
    """


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run, for the terminal."""

    phase: str
    done: int
    total: int
    id: str
    seconds_left: float
    """Of this phase and, from what they took in an earlier run, of those that follow."""
    not_counted: tuple[str, ...] = ()
    """Phases that follow and were never measured."""


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a class."""

    run: int
    resumed: bool
    reports: tuple[Report, ...]
    refused: dict[str, str]
    page: Path
    notices: tuple[str, ...] = ()
    """What concerns the whole class, for the instructor."""
    failed: tuple[str, ...] = ()
    """Submissions that nobody could read, or on which grader failed: those to try again, sorted."""
    left: int = 0
    """How many were not retrained, because the budget was spent or only others were wanted."""
    absent: int = 0
    """How many of the class stand on no page, because only others were ever graded with this rubric and these
    options.
    """


def grade_class(
    request: Request, backend: Backend, progress: Callable[[Progress], None] = lambda _: None
) -> Graded:
    """Run every phase that the rubric needs over the class, and publish after each.

    The same call after a kill goes on where it stopped: finished phases are in the store, and products in its
    cache.
    """
    scratch = request.store.parent / "unpacked"
    try:
        return _grade(request, list_class(request.path, scratch), backend, progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _grade(
    request: Request, whole: Listing, backend: Backend, progress: Callable[[Progress], None]
) -> Graded:
    for note in whole.notes:
        tell(note)
    listing = _chosen(whole, request.only)
    sheet = mark_sheet(request.loaded, request.settings)
    with Store(request.store) as store:
        run, resumed = store.begin(
            request.path.resolve().name,
            request.loaded.path,
            request.rubric_bytes,
            request.settings,
            _fingerprint(request, listing),
        )
        bases = {e.id: _basis(e, request) for e in listing.entries}
        if resumed:
            forget_changed(store, run, bases)
        if request.only:
            # The rest of the class stays on the page and in the marks.
            carry(store, run, [e.id for e in whole.entries if e.id not in request.only])
        for name, reason in listing.refused:
            store.refuse(run.id, name, reason)
        going = _Going(
            request=request,
            sheet=sheet,
            store=store,
            run=run,
            entries=listing.entries,
            bases=bases,
            backend=backend,
            progress=progress,
            means=store.mean_seconds(),
        )
        published = Published()
        left = 0
        for number, stage in enumerate(sheet.stages):
            left += _stage(going, stage, tuple(_label(s.phases) for s in sheet.stages[number + 1 :]))
            published = publish_run(store, run, sheet, request.out)
        if not left:
            store.finish(run.id)
        reports = published.reports
        refused = store.refusals(run.id) | published.failed
        by_us = {r.submission.id for r in reports if any(m.verdict is Verdict.ERROR for m in r.outcomes)}
        return Graded(
            run=run.id,
            resumed=resumed,
            reports=reports,
            refused=refused,
            page=request.out / "index.html",
            notices=published.notices,
            failed=tuple(sorted(by_us | (refused.keys() & {e.id for e in whole.entries}))),
            left=left,
            absent=len({e.id for e in whole.entries} - {r.submission.id for r in reports} - refused.keys()),
        )


def workers_for(wanted: int) -> int:
    """Return a number of workers bounded by the cores and the memory of this machine; `wanted` 0 takes the
    bound.
    """
    cores = bound = usable_cores()
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        bound = max(1, min(cores, memory // BYTES_PER_WORKER))
    return min(wanted, bound) if wanted else bound


def trainings_at_once(settings: Settings) -> int:
    """Return how many trainings the GPUs of this machine hold; 0 for no bound, where there is none or none is
    wanted.
    """
    return 0 if settings.device is Device.CPU else TRAININGS_PER_GPU * len(glob.glob(GPUS))  # noqa: PTH207


def _basis(entry: Entry, request: Request) -> str:
    """Return the digest of all that decides what is read of an entry; empty, which is like nothing, where we
    crash on it.
    """
    try:
        return basis_of(raw_digest(entry.paths, entry.layout), request.loaded.sha256, request.settings)
    except Exception:  # the worker that reads this submission meets the same, and says so
        log.exception("%s has no fingerprint", entry.id)
        return ""


def _label(phases: tuple[Phase, ...]) -> str:
    return phases[0].value


class _Going(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is going on, with everything that its stages share."""

    request: Request
    sheet: MarkSheet
    store: Store
    run: Run
    entries: tuple[Entry, ...]
    bases: dict[str, str]
    """Digest of all that decides what is read of each entry, as it lay there when the run began."""
    backend: Backend
    progress: Callable[[Progress], None]
    means: dict[str, float]


def _stage(going: _Going, stage: Stage, later: tuple[str, ...]) -> int:
    """Run one stage; return how many submissions it left out."""
    request, store, run, phases = going.request, going.store, going.run, stage.phases
    finished = store.finished_phases(run.id)
    delivered = store.deliveries(run.id)
    refused = store.refusals(run.id)
    by_id = {e.id: e for e in going.entries}
    static = phases[0] in STATIC
    label = _label(phases)
    todo = [
        e
        for e in by_id.values()
        if (e.id, label) not in finished and e.id not in refused and (static or e.id in delivered)
    ]
    if static:
        todo = _not_seen_before(going, todo, label)
    wanted = len(todo)
    if phases == (Phase.RETRAIN,):
        todo = _by_what_can_change(going, todo)
        todo = [e for e in todo if not request.train_only or e.id in request.train_only]
    jobs = [
        Job(
            store=str(request.store),
            run=run.id,
            id=e.id,
            paths=e.paths,
            layout=e.layout,
            plan=going.sheet.plan,
            profile=request.loaded.rubric.profile,
            settings=request.settings,
            stage=stage,
            fresh=static,
            rubric_sha256=request.loaded.sha256,
        )
        for e in todo
    ]
    after = sum(going.means.get(p, 0.0) for p in later) * len(by_id) / going.backend.workers
    unknown = tuple(p for p in later if p not in going.means)
    clock = _Clock(budget=request.budget_seconds if phases == (Phase.RETRAIN,) else 0.0)
    bound = trainings_at_once(request.settings) if phases == (Phase.RETRAIN,) else 0
    for ended in going.backend.map(work, clock.within(jobs), bound):
        clock.ended += 1
        _keep(going, by_id[ended.job.id], ended, label)
        going.progress(
            Progress(
                phase=label,
                done=clock.ended,
                total=len(jobs),
                id=ended.job.id,
                seconds_left=clock.left(len(jobs)) + after,
                not_counted=unknown,
            )
        )
    return wanted - clock.ended


class _Clock:
    """Time since a stage began: stops handing out jobs when the budget is spent, and tells how long the rest
    takes.
    """

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.begin = time.monotonic()
        self.ended = 0

    def within(self, jobs: Iterable[Job]) -> Iterator[Job]:
        for job in jobs:
            if self.budget and time.monotonic() - self.begin > self.budget:
                return  # no phase row is written for the rest, so the same command picks them up
            yield job

    def left(self, total: int) -> float:
        spent = time.monotonic() - self.begin
        rest = spent / max(self.ended, 1) * (total - self.ended)
        return min(rest, max(self.budget - spent, 0.0)) if self.budget else rest


def _not_seen_before(going: _Going, todo: list[Entry], label: str) -> list[Entry]:
    """Copy what an earlier run found from the same bytes with the same rubric, options and grader; return the
    rest.
    """
    wanted = [(e.id, going.bases[e.id], e.late_days) for e in todo]
    seen = going.store.reuse(going.run.id, wanted, label)
    left = [e for e in todo if e.id not in seen]
    again = {e.id for e in left} & going.store.graded_before(going.run.id)
    if again:
        tell(
            f"{len(again)} of {len(todo)} were graded before with other files, options, rubric or "
            "another grader: what "
            "that can have changed is made again, read or run; decisions of persons stay"
        )
    return left


def _keep(going: _Going, entry: Entry, ended: Ended[Job, Done], label: str) -> None:
    store, run, job = going.store, going.run, ended.job
    if ended.fault_type == "IngestFault":
        # An archive that was still being copied must not stand for what it became.
        basis = _basis(entry, going.request)
        store.refuse(run.id, entry.id, ended.fault, basis if basis == going.bases[entry.id] else "")
        return
    done = ended.result
    if done is None:
        if job.fresh:
            store.refuse(run.id, entry.id, f"{OUR_FAILURE} while it read this submission: {ended.fault}")
            return
        done = died(job, f"{OUR_FAILURE} in this phase: {ended.fault}")
    if done.submission is not None:
        store.deliver(run.id, Delivery(submission=done.submission, late_days=entry.late_days))
    store.finish_phase(run.id, done.id, label, done.record, basis=done.basis, spent=done.spent)


def _by_what_can_change(going: _Going, todo: list[Entry]) -> list[Entry]:
    reports = reports_of(going.store, going.run, going.sheet, {})
    pending = {r.submission.id: r.pending_points for r in reports}
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
    """What a run must share to go on with another: before the dot class, rubric and options, behind it the
    entries.
    """
    kind = (
        # How phases are grouped: a run that an older version left half done is not mixed with this one's.
        "3",
        str(request.path.resolve()),
        request.loaded.sha256,
        msgspec.json.encode(request.settings).decode(),
    )
    parts = (kind, [f"{e.id} {e.paths} {e.late_days}" for e in listing.entries])
    return ".".join(
        hashlib.sha256("\n".join(part).encode("utf-8", "surrogatepass")).hexdigest() for part in parts
    )
