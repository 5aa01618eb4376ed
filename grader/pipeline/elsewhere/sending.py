"""The driver's side of jobs on other machines: what goes into the object folder before a job, and what is
taken out of it after.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader.core.bucket import Place
from grader.core.evidence.documents import Documents
from grader.core.faults import StoreFault
from grader.core.submission import Sources, Submission
from grader.pipeline.classroom.job import Done, Job
from grader.pipeline.elsewhere.object_folder import ObjectFolder, sender_of
from grader.pipeline.plan.plan import Plan, Stage, of_model
from grader.store.runs import Store


class Sending:
    """Jobs of one stage on their way to other machines and back."""

    def __init__(
        self, root: Place, store: Store, plan: Plan, stage: Stage, cache: str, *, warm: bool
    ) -> None:
        self._folder = ObjectFolder(root)
        self._store = store
        self._shared = _same(self._folder.objects.root, store.objects.root)
        self._inputs = inputs_of(plan, stage)
        self._always = {"folder": str(root), "cache": cache, "warm": warm}
        self._sender = sender_of(store.path)
        self._folder.forget_those_of_the_dead(self._sender)

    def packed(self, job: Job) -> Job:
        """Lay down what a job needs, and return it as another machine may do it.

        Raises OSError where its files cannot be carried: a link, a pipe, one that only this machine reads as
        it must be read.
        """
        job = msgspec.structs.replace(job, **self._always)
        if job.fresh:
            return msgspec.structs.replace(job, parcel=self._folder.pack(job.paths, self._sender))
        for record in job.records:
            for name, key in record.products.items():
                if name in self._inputs and (payload := self._store.payload(key)) is not None:
                    self._folder.keep(key, payload)
        if not self._shared and job.delivery is not None:
            for artefact in job.delivery.submission.artefacts:
                self._folder.objects.put(self._store.objects.get(artefact.sha256))
        return job

    def unpacked(self, job: Job, done: Done | None) -> Done | None:
        """Return what came back with all that was left in the folder, and forget the parcel.

        Raises StoreFault where something is not there any more.
        """
        if job.parcel:
            self._folder.arrived(job.parcel)
        if done is None:
            return None
        if not self._shared and done.submission is not None:
            for artefact in done.submission.artefacts:
                self._store.objects.put(self._folder.objects.get(artefact.sha256))
        payloads = dict(done.record.payloads)
        for key in done.left:
            payload = self._folder.payload(key)
            if payload is None:
                raise StoreFault(f"a result of {job.id} is gone from the object folder {self._folder.root}")
            payloads[key] = payload
        record = msgspec.structs.replace(done.record, payloads=payloads)
        return msgspec.structs.replace(done, record=record, left=())


def _same(one: Place, other: Place) -> bool:
    """Whether two places are one folder."""
    return isinstance(one, Path) and isinstance(other, Path) and one.resolve() == other.resolve()


def inputs_of(plan: Plan, stage: Stage) -> frozenset[str]:
    """Return the names of what other phases made and this one reads."""
    makers = {step.provider.product: step.provider for step in plan.steps}

    def needs(name: str) -> Iterator[str]:
        for need in makers[name].needs if name in makers else ():
            if need.type not in (Sources, Submission):
                yield need.type.__name__

    wanted, waiting = set[str](), list(stage.products)
    while waiting:
        for name in needs(waiting.pop()):
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    inputs = wanted - stage.products
    for each in plan.models:
        begin = of_model(each.model, "")
        own = {n.removeprefix(begin) for n in stage.products if n.startswith(begin)}
        if own:
            inner = inputs_of(each.plan, msgspec.structs.replace(stage, products=frozenset(own)))
            inputs |= {begin + name for name in inner} | {Documents.__name__}
    return frozenset(inputs)
