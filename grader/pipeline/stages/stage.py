"""One stage of a class: the jobs that are left of it, their ends, and what is kept of each."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext

import msgspec

from grader.core.faults import StoreFault
from grader.core.machine import give_back
from grader.core.progress import tell
from grader.core.submission import Reads
from grader.execute.graph.provider import LOOKS
from grader.ingest.forms.entries import Entry
from grader.pipeline.classroom.job import Done, Job, died, work
from grader.pipeline.classroom.stored import Stored, stored_sources
from grader.pipeline.elsewhere.errand import work_elsewhere
from grader.pipeline.elsewhere.sending import Sending
from grader.pipeline.grade.products import Known
from grader.pipeline.judging.reports import OUR_FAILURE
from grader.pipeline.plan.plan import MarkSheet, Stage
from grader.pipeline.plan.providers import STATIC, Phase
from grader.pipeline.stages.appetite import needs_of, trainings_at_once
from grader.pipeline.stages.handed_in import HandedIn
from grader.pipeline.stages.request import Progress, Request
from grader.pipeline.stages.sameness import same_runs, same_trainings
from grader.pipeline.stages.turns import Turns
from grader.sandbox.choose import warm_jobs
from grader.sandbox.reader import stop as stop_reader
from grader.schedule.base import Backend, Ended, Later
from grader.schedule.local import LocalProcesses
from grader.store.carry_over import graded_before, reuse
from grader.store.runs import Delivery, Run, Store

log = logging.getLogger(__name__)


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is going on, with everything that its stages share."""

    request: Request
    sheet: MarkSheet
    store: Store
    run: Run
    entries: tuple[Entry, ...]
    handed_in: Mapping[str, HandedIn]
    """What lay there when the run began, by submission."""
    backend: Backend
    progress: Callable[[Progress], None]
    means: dict[str, float]
    pending: dict[str, float]
    """Points that are open, by submission, as the stages before left them."""


def run_stage(going: Going, stage: Stage, later: tuple[str, ...]) -> int:
    """Run one stage; return how many submissions it left out."""
    request, phases = going.request, stage.phases
    by_id = {e.id: e for e in going.entries}
    label = label_of(stage)
    todo = _todo(going, stage)
    wanted = len(todo)
    if phases == (Phase.RETRAIN,):
        todo = sorted(todo, key=lambda e: (-going.pending.get(e.id, 0.0), e.id))
        todo = [e for e in todo if not request.train_only or e.id in request.train_only]
    jobs = _jobs(going, stage, todo)
    turns = Turns(jobs, _shared(going, stage, jobs))
    if turns.shared:
        tell(f"{label}: {turns.shared} times something that another one has, too: worked on once")
    after = sum(going.means.get(p, 0.0) for p in later) * len(by_id) / going.backend.workers
    unknown = tuple(p for p in later if p not in going.means)
    clock = Clock(budget=request.budget_seconds if phases == (Phase.RETRAIN,) else 0.0)
    for ended in _ends(going, stage, jobs, turns, clock):
        clock.ended += 1
        keep(going, by_id[ended.job.id], ended, label)
        turns.ended(ended.job)
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


def label_of(stage: Stage) -> str:
    """Return the name under which a stage is kept and shown."""
    return stage.phases[0].value


def _todo(going: Going, stage: Stage) -> list[Entry]:
    """What is left of a stage: neither finished nor refused, nor found in an earlier run."""
    store, run, label = going.store, going.run, label_of(stage)
    finished, refused = store.finished_phases(run.id), store.refusals(run.id)
    left = [e for e in going.entries if (e.id, label) not in finished and e.id not in refused]
    if stage.phases[0] in STATIC:
        return _not_seen_before(going, left, label)
    delivered = {name for name, _ in finished}
    return [e for e in left if e.id in delivered]


def _jobs(going: Going, stage: Stage, todo: list[Entry]) -> list[Job]:
    request = going.request
    return [
        Job(
            store=str(request.store),
            run=going.run.id,
            id=e.id,
            paths=e.paths,
            layout=e.layout,
            plan=going.sheet.plan,
            profile=request.loaded.rubric.profile_of(e.id),
            settings=request.settings,
            stage=stage,
            rubric_sha256=request.loaded.sha256,
        )
        for e in todo
    ]


def _provided(going: Going, jobs: Iterable[Job | Later]) -> Iterator[Job | Later]:
    """Yield jobs with what the store has for them: a class of such records is not held in memory."""
    store, run = going.store, going.run.id
    for job in jobs:
        if isinstance(job, Later) or job.stage.phases[0] in STATIC:
            yield job
        else:
            yield msgspec.structs.replace(
                job, delivery=store.delivery(run, job.id), records=store.phase_records(run, job.id)
            )


def _shared(going: Going, stage: Stage, jobs: list[Job]) -> dict[str, tuple[str, ...]]:
    """What each job may share with another one of its stage."""
    if stage.phases[0] in STATIC:
        return {job.id: going.handed_in[job.id].files for job in jobs}
    if stage.phases == (Phase.RETRAIN,):
        return same_trainings(going.store, going.run, jobs)
    return same_runs(going.store, going.run, jobs)


def _ends(
    going: Going, stage: Stage, jobs: Sequence[Job], turns: Turns, clock: "Clock"
) -> Iterator[Ended[Job, Done]]:
    """Yield the end of each job of a stage, wherever it was done."""
    request, store = going.request, going.store
    needs = needs_of(stage, request.settings, going.sheet.stages)
    if needs.loads and request.afield is None and not _something_runs(store, going.run, jobs):
        needs = msgspec.structs.replace(needs, loads=())
    bound = trainings_at_once(request.settings) if stage.phases == (Phase.RETRAIN,) else 0
    begins = _provided(going, clock.within(turns))
    if request.afield is None:
        if needs.isolated:
            stop_reader()  # the next file that this process reads starts another; its memory is wanted now
            give_back()
        # One job alone would pay for the warm process what it saves.
        with warm_jobs(LOOKS) if needs.isolated and len(jobs) > 1 else nullcontext():
            yield from going.backend.map(work, begins, bound, needs)
        return
    sending = Sending(
        request.afield.folder,
        store,
        plan=going.sheet.plan,
        stage=stage,
        cache=request.afield.cache,
        # Each worker has a warm process of its own there: one that does a single job would pay for it.
        warm=needs.isolated and len(jobs) > going.backend.workers,
    )
    here: list[Job] = []

    def packed() -> Iterator[Job | Later]:
        for job in begins:
            if isinstance(job, Later):
                yield job
            elif job.fresh and not going.handed_in[job.id].basis:
                here.append(job)
                turns.ended(job)
            else:
                try:
                    yield sending.packed(job)
                except OSError:
                    here.append(job)
                    turns.ended(job)

    for ended in going.backend.map(work_elsewhere, packed(), bound, needs):
        try:
            yield msgspec.structs.replace(ended, result=sending.unpacked(ended.job, ended.result))
        except (StoreFault, OSError) as fault:
            yield Ended(job=ended.job, fault=str(fault), died=True)
    if here:
        tell(f"{len(here)} can only be read on this machine: a link, a pipe, or more than is read")
        yield from LocalProcesses(1).map(work, here)


def _something_runs(store: Store, run: Run, jobs: Sequence[Job]) -> bool:
    """Whether some job runs a notebook whose run is not kept yet; else nothing large is imported for it."""
    for job in jobs:
        if job.plan.models:  # kept by names of their own
            return True
        delivery = store.delivery(run.id, job.id)
        if not delivery.submission.only(Reads.RUNS).artefacts:
            continue
        known = Known(
            lambda delivery=delivery: stored_sources(store, delivery),  # type: ignore[misc]
            job.settings,
            job.profile,
            job.plan.retraining,
            execution=job.plan.execution,
            submission=delivery.submission,
        )
        kept = Stored(store, known, store.phase_records(run.id, job.id), makes=job.stage.phases)
        runs = [step for step in job.plan.steps if step.provider.reads is Reads.RUNS]
        if any(kept.recall(s) is None for s in runs if s.provider.phase in job.stage.phases):
            return True
    return False


class Clock:
    """Time since a stage began: stops handing out jobs when the budget is spent, and tells how long the rest
    takes.
    """

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.begin = time.monotonic()
        self.ended = 0

    def within(self, jobs: Iterable[Job | Later]) -> Iterator[Job | Later]:
        """Yield jobs as long as the budget lasts."""
        for job in jobs:
            if self.budget and time.monotonic() - self.begin > self.budget:
                return  # no phase row is written for the rest, so the same command picks them up
            yield job

    def left(self, total: int) -> float:
        """Return the seconds that the rest of so many takes."""
        spent = time.monotonic() - self.begin
        rest = spent / max(self.ended, 1) * (total - self.ended)
        return min(rest, max(self.budget - spent, 0.0)) if self.budget else rest


def _not_seen_before(going: Going, todo: list[Entry], label: str) -> list[Entry]:
    """Copy what an earlier run found from the same bytes with the same rubric, options and grader; return the
    rest.
    """
    wanted = [(e.id, going.handed_in[e.id].basis, e.late_days) for e in todo]
    seen = reuse(going.store, going.run.id, wanted, label)
    left = [e for e in todo if e.id not in seen]
    again = graded_before(going.store, going.run.id, [e.id for e in left])
    if again:
        tell(
            f"{len(again)} of {len(todo)} were graded before with other files, options, rubric or "
            "another grader: what "
            "that can have changed is made again, read or run; decisions of persons stay"
        )
    return left


def keep(going: Going, entry: Entry, ended: Ended[Job, Done], label: str) -> None:
    """Write what became of a job: the one place where results enter the store."""
    store, run, job = going.store, going.run, ended.job
    if ended.fault_type == "IngestFault":
        # An archive that was still being copied must not stand for what it became.
        before = going.handed_in[entry.id].basis
        store.refuse(
            run.id, entry.id, ended.fault, before if before == HandedIn.of(entry, going.request).basis else ""
        )
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
