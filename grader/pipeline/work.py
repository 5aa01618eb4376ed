"""One phase of one submission, as a job that any process can do: it reads the store, and returns what the caller writes."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.faults import StoreFault
from grader.core.outcome import Verdict
from grader.core.progress import named
from grader.core.rubric import Rubric
from grader.core.settings import Settings
from grader.core.submission import Source, Sources, Submission
from grader.ingest.read import read_entry
from grader.pipeline.basis import basis_of, raw_digest
from grader.pipeline.comparison import PRODUCT, packed_traits, traits_key
from grader.pipeline.keys import key_of
from grader.pipeline.known import Known, Missing
from grader.pipeline.plan import make_plan
from grader.pipeline.providers import Phase
from grader.pipeline.reading import read_notes
from grader.pipeline.rubrics import LoadedRubric
from grader.store.runs import Delivery, Lost, PhaseRecord, Spent, Store


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Phases of one submission. `paths` are read where the store does not hold the hand-in yet."""

    store: str
    run: int
    id: str
    paths: tuple[str, ...]
    rubric: Rubric
    settings: Settings
    phases: tuple[Phase, ...]
    fresh: bool
    """Whether the hand-in must be read from `paths`, and is not in the store yet."""
    rubric_sha256: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a job found; `submission` is set where it was read afresh."""

    id: str
    record: PhaseRecord
    submission: Submission | None = None
    basis: str = ""
    """Digest of all that decides the record; empty where something else may: code that ran, a fault of ours."""
    spent: Spent | None = None
    """None where everything came from the cache."""


def work(job: Job) -> Done:
    """Compute what the job's phases add, and measure it. Raises IngestFault where `paths` are no submission."""
    raw = raw_digest(job.paths) if job.fresh else ""
    begin, used = time.perf_counter(), os.times()
    done = _work(job)
    wall, now = time.perf_counter() - begin, os.times()
    cpu = sum(now[:4]) - sum(used[:4])
    # A file that changed while it was read must not stand for what it became.
    ours = any(lost.verdict is Verdict.ERROR for lost in done.record.missing.values())
    certain = raw and raw == raw_digest(job.paths) and not ours
    return msgspec.structs.replace(
        done,
        basis=basis_of(raw, job.rubric_sha256, job.settings) if certain else "",
        spent=Spent(wall=wall, cpu=cpu) if done.record.payloads else None,
    )


def _work(job: Job) -> Done:
    from grader.checks.catalogue import catalogue

    with Store(Path(job.store)) as store:
        if job.fresh:
            sources = read_entry([Path(p) for p in job.paths], job.id)
            for source in sources.items:
                store.objects.put(source.data)
        else:
            sources = stored_sources(store, store.deliveries(job.run)[job.id])
        plan = make_plan(job.rubric, catalogue())
        known = Known(sources, job.settings, job.rubric.profile, plan.retraining)
        if not job.fresh:
            restore(known, store, job.run, job.id, needed={s.product.__name__: s.product for s in plan.steps})
        before = set(known.products()) | set(known.missing())
        keys: dict[str, str] = {}
        payloads: dict[str, bytes] = {}
        for step in plan.steps:
            name = step.provider.product
            if step.provider.phase not in job.phases or name in before:
                continue
            key = key_of(step.provider, sources.submission, job.settings, job.rubric.profile, plan.retraining)
            cached = store.payload(key)
            if cached is not None:
                known.put(decode(cached, step.product))
            else:
                with named(job.id):
                    known.provide(step)
                if known.found(step.product):
                    payloads[key] = msgspec.msgpack.encode(known.get(step.product))
            if known.found(step.product):
                keys[name] = key
        if job.fresh:
            key = traits_key(keys, sources.submission)
            if store.payload(key) is not None:
                keys[PRODUCT] = key
            elif traits := packed_traits(known):
                keys[PRODUCT], payloads[key] = key, traits
        lost = {
            n: Lost(reason=m.reason, verdict=m.verdict, trace=m.trace)
            for n, m in known.missing().items()
            if n not in before
        }
        record = PhaseRecord(
            products=keys, payloads=payloads, missing=lost, notes=read_notes(known, skip=before)
        )
        return Done(id=job.id, record=record, submission=sources.submission if job.fresh else None)


def stored_sources(store: Store, delivery: Delivery) -> Sources:
    """Return a hand-in with its bytes from the store. Raises StoreFault where they are missing or damaged."""
    items: list[Source] = []
    for artefact in delivery.submission.artefacts:
        try:
            data = store.objects.get(artefact.sha256)
        except (KeyError, ValueError) as fault:
            raise StoreFault(
                f"the stored bytes of {artefact.path} are missing or damaged; `grader store check` names all that are"
            ) from fault
        items.append(Source(artefact=artefact, data=data))
    return Sources(submission=delivery.submission, items=tuple(items))


def restore(known: Known, store: Store, run: int, submission: str, needed: Mapping[str, type]) -> None:
    """Fill `known` with what the finished phases of a submission left, as far as it is in `needed`."""
    for record in store.phase_records(run, submission):
        for name, key in record.products.items():
            payload = store.payload(key) if name in needed else None
            if payload is not None:
                recall(known, needed[name], payload)
        for name, lost in record.missing.items():
            known.miss(name, Missing(reason=lost.reason, verdict=lost.verdict, trace=lost.trace))


def recall(known: Known, product: type, payload: bytes) -> None:
    """Put a stored product into `known`; one of a format that this version cannot read is unknown, and no crash."""
    try:
        known.put(decode(payload, product))
    except msgspec.ValidationError:
        reason = f"{product.__name__} was stored by another version of grader; grade the class afresh (another -o or --store)"
        known.miss(product.__name__, Missing(reason=reason, verdict=Verdict.UNKNOWN))


def died(job: Job, reason: str) -> Done:
    """What stands for a job whose process died: our fault, for whatever needed its products."""
    from grader.checks.catalogue import catalogue

    plan = make_plan(job.rubric, catalogue())
    lost = {
        s.provider.product: Lost(reason=reason, verdict=Verdict.ERROR)
        for s in plan.steps
        if s.provider.phase in job.phases
    }
    return Done(id=job.id, record=PhaseRecord(products={}, payloads={}, missing=lost, notes=()))


def load_rubric(data: bytes, name: str) -> LoadedRubric:
    """Return a stored rubric."""
    from grader.checks.catalogue import catalogue
    from grader.pipeline.rubrics import parse

    return parse(data, name, catalogue())


def decode(payload: bytes, product: type) -> Evidence | Fact:
    """Return a cached product."""
    found: object = msgspec.msgpack.decode(payload, type=product)
    assert isinstance(found, Evidence | Fact)
    return found
