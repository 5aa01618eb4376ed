"""The products of one submission in the store of its class: for a phase that runs, and for judging again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from grader.core.faults import StoreFault
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.rubric import Model, Profile
from grader.core.submission import Source, Sources
from grader.pipeline.grade.products import KeptProducts, Known, Product, fill
from grader.pipeline.plan.plan import Plan, Step, of_model
from grader.pipeline.plan.product_key import ProductKeys
from grader.pipeline.plan.providers import STATIC, Phase
from grader.store.database import unpacked
from grader.store.objects import Objects
from grader.store.runs import Delivery, PhaseRecord, Run, Store

_REASON = ".missing"
"""Ends the key of why a product could not be had."""


class Shelf(Protocol):
    """Where submitted bytes and products are kept: the store, or what stands for it on another machine."""

    @property
    def objects(self) -> Objects:
        """Submitted bytes by their digest."""
        ...

    def payload(self, key: str) -> bytes | None:
        """Return a product by its key as msgpack; None where none is kept."""
        ...


class Stored:
    """What the store keeps of a submission, as `fill` asks for it.

    A product of the phases that `makes` names is taken by its key, which says by what code and from what it
    was made; one of another phase as the run's record has it, whatever made it.
    """

    def __init__(
        self,
        shelf: Shelf,
        known: Known,
        records: Sequence[PhaseRecord],
        makes: Collection[Phase],
        within: str = "",
    ) -> None:
        self._shelf = shelf
        self._made_as = ProductKeys(
            known.submission, known.settings, known.profile, known.retraining, known.execution, known.scope
        )
        self._makes = makes
        self._records = records
        self._within = within
        begins = len(within)
        self._keys = {
            name[begins:]: key
            for record in records
            for name, key in record.products.items()
            if name.startswith(within)
        }
        self._lost = {
            name[begins:]: missing
            for record in records
            for name, missing in record.missing.items()
            if name.startswith(within)
        }
        self.products: dict[str, str] = {}
        """Name to key of each product of those phases."""
        self.payloads: dict[str, bytes] = {}
        """Key to msgpack of those that were made now."""
        self.missing: dict[str, Missing] = {}

    def recall(self, step: Step) -> Product | Missing | None:
        """Return what is kept of a step; None where it is to be made."""
        name = step.provider.product
        lost = self._lost.get(name)
        if step.provider.phase not in self._makes:
            payload = self._shelf.payload(self._keys.get(name, ""))
            return _decoded(payload, step) if payload is not None else lost or self.absent(step)
        key = self.key(step)
        if (payload := self._shelf.payload(key)) is not None:
            self.products[self._within + name] = key
            return _decoded(payload, step)
        return lost if lost is not None and lost.key == key else None

    def keep(self, step: Step, found: Product | Missing) -> None:
        """Take what was made; what another phase makes belongs to its own record."""
        if step.provider.phase not in self._makes:
            return
        name, key = self._within + step.provider.product, self.key(step)
        if isinstance(found, Missing):
            self.missing[name] = msgspec.structs.replace(found, key=key)
        else:
            self.products[name] = key
            self.payloads[key] = msgspec.msgpack.encode(found)

    def of(self, model: Model, known: Known) -> "Stored":
        """Return what is kept of one of several networks; what it takes goes with the rest."""
        inner = Stored(self._shelf, known, self._records, self._makes, of_model(model, ""))
        inner._share(self)
        return inner

    def _share(self, whole: "Stored") -> None:
        self.products, self.payloads, self.missing = whole.products, whole.payloads, whole.missing

    def absent(self, step: Step) -> Missing | None:
        """Say why a product of another phase is not there; None makes it now."""
        return None

    def key(self, step: Step) -> str:
        """Return the key under which a product of this submission is kept."""
        return self._made_as.of(step.provider)


class Judging(Stored):
    """What is judged again: what is only read may be read again, and is kept at once; nothing is run."""

    def __init__(
        self, store: Store, run: Run, known: Known, records: Sequence[PhaseRecord], within: str = ""
    ) -> None:
        # Before the first phase of a submission has ended there is nothing to judge, and nothing is read out
        # of turn.
        super().__init__(store, known, records, STATIC if records else (), within)
        self._store = store
        self._run = run

    def recall(self, step: Step) -> Product | Missing | None:
        """Return what is kept of a step; also why it could not be had when it was read again."""
        found = super().recall(step)
        if found is None and (reason := self._store.payload(self.key(step) + _REASON)) is not None:
            return unpacked(reason, Missing)
        return found

    def keep(self, step: Step, found: Product | Missing) -> None:
        """Keep at once what was read again, or why it could not be; a fault of ours is tried again."""
        super().keep(step, found)
        name = self._within + step.provider.product
        if name in self.products:
            self._store.keep(self.products[name], name, self.payloads.pop(self.products[name]))
        elif name in self.missing and self.missing[name].verdict is not Verdict.ERROR:
            reason = self.missing[name]
            self._store.keep(reason.key + _REASON, name, msgspec.msgpack.encode(reason))

    def made_as(self, steps: Sequence[Step]) -> dict[str, str] | None:
        """Return the keys of what steps made, by the names of the products, without what could not be had;
        None where one of them is to be made.
        """
        keys: dict[str, str] = {}
        for step in steps:
            name = step.provider.product
            made_now = step.provider.phase in self._makes
            if key := self.key(step) if made_now else self._keys.get(name, ""):
                keys[name] = key
        held = self._store.held([k for key in keys.values() for k in (key, key + _REASON)])
        for step in steps:
            name = step.provider.product
            key, lost = keys.get(name, ""), self._lost.get(name)
            if key in held:
                continue
            known_missing = (lost is not None and lost.key == key) or key + _REASON in held
            if step.provider.phase in self._makes and not known_missing:
                return None
            keys.pop(name, None)
        return keys

    def of(self, model: Model, known: Known) -> "Judging":
        """Return what is judged again of one of several networks."""
        inner = Judging(self._store, self._run, known, self._records, of_model(model, ""))
        inner._share(self)
        return inner

    def absent(self, step: Step) -> Missing:
        """Say that nobody ran it, and what does."""
        if self._run.finished:
            what = f"{step.provider.product} was not computed in run {self._run.id}"
            return Missing(
                reason=f"{what}; `grader batch` with this rubric computes it", verdict=Verdict.UNKNOWN
            )
        return Missing(reason=f"not run yet: {step.provider.name}", verdict=Verdict.SKIPPED)


class Held:
    """What a run holds of a submission, for judging and for drawing it: its records, keys and products are
    looked up once for both. Nothing is run.
    """

    def __init__(self, store: Store, run: Run, delivery: Delivery, *, plan: Plan, profile: Profile) -> None:
        self.delivery = delivery
        self.records = store.phase_records(run.id, delivery.submission.id)
        self._plan = plan
        self._known = Known(
            lambda: stored_sources(store, delivery),
            run.settings,
            profile,
            plan.retraining,
            execution=plan.execution,
            submission=delivery.submission,
        )
        self._kept = Judging(store, run, self._known, self.records)

    def known(
        self, wanted: Collection[str] | None = None, progress: Callable[[str], None] = lambda _: None
    ) -> Known:
        """Return what is known of the submission, with the products that are wanted; both as in `fill`."""
        fill(self._plan, self._known, self._kept, wanted, progress)
        return self._known

    def products(self) -> Mapping[str, Product]:
        """Return what the plan names, by its keys where everything is kept."""
        made_as = self._kept.made_as(self._plan.steps)
        if made_as is None:
            self._whole()
            made_as = self._kept.made_as(self._plan.steps)
        # A fault of ours is tried again each time, and has no key.
        return self._whole() if made_as is None else KeptProducts(made_as, self._whole)

    def _whole(self) -> Mapping[str, Product]:
        return self.known({step.provider.product for step in self._plan.steps}).products()


def stored_known(
    store: Store,
    run: Run,
    delivery: Delivery,
    *,
    plan: Plan,
    profile: Profile,
    wanted: Collection[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Known:
    """Return what a run holds of a submission, without running anything; `wanted` and `progress` as in
    `fill`.
    """
    return Held(store, run, delivery, plan=plan, profile=profile).known(wanted, progress)


def stored_sources(shelf: Shelf, delivery: Delivery) -> Sources:
    """Return a hand-in with its bytes from a shelf. Raises StoreFault where they are missing or damaged."""
    items: list[Source] = []
    for artefact in delivery.submission.artefacts:
        try:
            data = shelf.objects.get(artefact.sha256)
        except (KeyError, ValueError) as fault:
            raise StoreFault(
                f"the stored bytes of {artefact.path} are missing or damaged; `grader store "
                "check` names all that are"
            ) from fault
        items.append(Source(artefact=artefact, data=data))
    return Sources(submission=delivery.submission, items=tuple(items))


def _decoded(payload: bytes, step: Step) -> Product | Missing:
    """Return a stored product; one of a format that this version cannot read is unknown, and no crash."""
    try:
        found: Product = unpacked(payload, step.product)
    except msgspec.DecodeError:
        reason = (
            f"{step.provider.product} is damaged in the store, or was stored by another version of grader; "
            "grade the class again"
        )
        return Missing(reason=reason, verdict=Verdict.UNKNOWN)
    return found
