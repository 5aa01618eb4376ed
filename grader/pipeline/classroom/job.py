"""One phase of one submission, as a job that any process can do: it reads the store, and returns what the
caller writes.
"""

import os
import sys
import time
from pathlib import Path

import msgspec

from grader.core.machine import give_back
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.progress import named
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Submission
from grader.ingest.read import Layout, read_entry
from grader.pipeline.classroom.cohort_run import PRODUCT, packed_traits, traits_key
from grader.pipeline.classroom.fingerprint import basis_of, raw_digest
from grader.pipeline.classroom.stored import Shelf, Stored, stored_sources
from grader.pipeline.grade.notes import read_notes
from grader.pipeline.grade.products import Known, fill
from grader.pipeline.plan.plan import Plan, Stage
from grader.sandbox.reader import cpu_spent
from grader.store.runs import Delivery, PhaseRecord, Spent, Store


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Phases of one submission. `paths` are read where the store does not hold the hand-in yet."""

    store: str
    run: int
    id: str
    paths: tuple[str, ...]
    layout: Layout = Layout()
    plan: Plan
    profile: Profile
    settings: Settings
    stage: Stage
    rubric_sha256: str = ""
    delivery: Delivery | None = None
    """The hand-in, where it is in the store."""
    records: tuple[PhaseRecord, ...] = ()
    """What its finished phases left, without payloads."""
    folder: str = ""
    """The object folder that stands for the store on another machine; empty on this one."""
    parcel: str = ""
    """Under which name the files of `paths` lie there; empty where the store holds them."""
    cache: str = ""
    """Where finished trainings lie there, in the place of the option of that name."""
    warm: bool = False
    """Whether the worker that does it there should have a process with torch, for others of its kind follow.
    """

    @property
    def fresh(self) -> bool:
        """Whether the hand-in must be read from `paths`, and is not in the store yet."""
        return self.delivery is None

    @property
    def options(self) -> Settings:
        """The options under which its work is done where it is done."""
        return msgspec.structs.replace(self.settings, cache=self.cache) if self.cache else self.settings


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a job found; `submission` is set where it was read afresh."""

    id: str
    record: PhaseRecord
    submission: Submission | None = None
    basis: str = ""
    """Digest of all that decides the record; empty where something else may: code that ran, a fault of ours.
    """
    spent: Spent | None = None
    """None where everything came from the cache."""
    left: tuple[str, ...] = ()
    """Keys of payloads that another machine left in the object folder."""


def work(job: Job) -> Done:
    """Compute what the job's phases add, and measure it. Raises IngestFault where `paths` are no
    submission.
    """
    with Store(Path(job.store)) as store:
        done = work_from(job, store)
    if "torch" in sys.modules:  # what its maps took; nothing else frees that much
        give_back()
    return done


def work_from(job: Job, shelf: Shelf) -> Done:
    """Do a job with what a shelf keeps; see `work`."""
    raw = raw_digest(job.paths, job.layout) if job.fresh else ""
    begin, used, apart = time.perf_counter(), os.times(), cpu_spent()
    done = _work(job, shelf)
    wall, now = time.perf_counter() - begin, os.times()
    cpu = sum(now[:4]) - sum(used[:4]) + cpu_spent() - apart
    # A file that changed while it was read must not stand for what it became.
    ours = any(lost.verdict is Verdict.ERROR for lost in done.record.missing.values())
    certain = raw and raw == raw_digest(job.paths, job.layout) and not ours
    return msgspec.structs.replace(
        done,
        basis=basis_of(raw, job.rubric_sha256, job.settings) if certain else "",
        spent=Spent(wall=wall, cpu=cpu) if done.record.payloads else None,
    )


def _work(job: Job, shelf: Shelf) -> Done:
    if job.delivery is None:
        sources = read_entry([Path(p) for p in job.paths], job.id, job.layout)
        for source in sources.items:
            shelf.objects.put(source.data)
        known = Known(sources, job.options, job.profile, job.plan.retraining, execution=job.plan.execution)
    else:
        delivery = job.delivery
        known = Known(
            lambda: stored_sources(shelf, delivery),
            job.options,
            job.profile,
            job.plan.retraining,
            execution=job.plan.execution,
            submission=delivery.submission,
        )
    kept = Stored(shelf, known, job.records, makes=job.stage.phases)
    ours = job.stage.products
    with named(job.id):
        fill(job.plan, known, kept, wanted=ours)
    inner = (f"{model}/{n}" for model, k in known.models.items() for n in (*k.products(), *k.missing()))
    others = {*known.products(), *known.missing(), *inner} - ours
    notes = read_notes(known, skip=others)
    products, payloads = kept.products, kept.payloads
    if job.fresh:
        key = traits_key(products, known.submission.sha256)
        if shelf.payload(key) is not None:
            products[PRODUCT] = key
        elif traits := packed_traits(known):
            products[PRODUCT], payloads[key] = key, traits
    record = PhaseRecord(products=products, payloads=payloads, missing=kept.missing, notes=notes)
    return Done(id=job.id, record=record, submission=known.submission if job.fresh else None)


def died(job: Job, reason: str) -> Done:
    """What stands for a job whose process died: our fault, for whatever needed its products."""
    lost = {name: Missing(reason=reason, verdict=Verdict.ERROR) for name in sorted(job.stage.products)}
    return Done(id=job.id, record=PhaseRecord(products={}, payloads={}, missing=lost, notes=()))
