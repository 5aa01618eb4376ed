"""The products of one submission: what is known of it, and how a plan fills that, whoever asks.

`fill` is the one loop over providers. Grading one submission, a phase of a class, judging a stored class
again and looking at one file differ in what is *kept* of earlier work and in nothing else.
"""

import logging
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.evidence.documents import Documents
from grader.core.facts.base import Fact
from grader.core.faults import SandboxFault, StoreFault, Unavailable
from grader.core.memory import digest
from grader.core.missing import Missing
from grader.core.outcome import Verdict
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Execution, Model, Profile
from grader.core.settings import Settings
from grader.core.submission import Sources, Submission
from grader.pipeline.grade.named_networks import Narrowed, narrow
from grader.pipeline.plan.plan import Plan, Step, of_model

log = logging.getLogger(__name__)

_T = TypeVar("_T")
Product = Evidence | Fact


class Known:
    """Products of one submission by their type, and the reasons why others are missing.

    The bytes may come as a function: a class that is judged from what is kept reads none.
    """

    def __init__(
        self,
        sources: Sources | Callable[[], Sources],
        settings: Settings,
        profile: Profile,
        retraining: Retraining | None = None,
        *,
        execution: Execution | None = None,
        submission: Submission | None = None,
    ) -> None:
        self._sources = sources
        self.submission = submission or self.sources.submission
        self.settings = settings
        self.profile = profile
        self.retraining = retraining or Retraining()
        self.execution = execution or Execution()
        self.scope = ""
        """Which of several networks this is about; empty for the hand-in as a whole."""
        self.models: dict[str, Known] = {}
        """What is known of each of several networks, by the id of its `[[model]]`."""
        self._absent: Missing | None = None
        self._made: dict[str, Product] = {}
        self._missing: dict[str, Missing] = {}

    def of(self, model: Model, models: Sequence[Model]) -> "Known":
        """Return what is known of one of several networks; the documents of the hand-in must be there."""
        if model.id not in self.models:
            self.models[model.id] = self._narrowed(model, models)
        return self.models[model.id]

    def _narrowed(self, model: Model, models: Sequence[Model]) -> "Known":
        documents = self.get(Documents)
        absent = documents if isinstance(documents, Missing) else None
        if isinstance(documents, Missing):
            found = Narrowed(self.submission, Documents(documents=()))
        else:
            found = narrow(self.submission, documents, lambda: self.sources, model, models)
        given = self._sources  # not `self`: what knows its parts must not be known by them
        inner = Known(
            lambda: found.of(given if isinstance(given, Sources) else given()),
            self.settings,
            self.profile,
            execution=msgspec.structs.replace(self.execution, classes=found.classes),
            submission=found.submission,
        )
        inner.scope = f"{model.id} of {[(m.id, m.names) for m in models]}"
        inner._absent = absent or found.absent
        inner.put(found.documents)
        for name, why in found.lacks.items():
            inner.miss(name, why)
        return inner

    @property
    def sources(self) -> Sources:
        """The submission's files with their bytes. Raises StoreFault where a store was to give them and
        cannot.
        """
        if not isinstance(self._sources, Sources):
            self._sources = self._sources()
        return self._sources

    def get(self, product: type[_T]) -> _T | Missing:
        """Return a product, or what every submission has, by its type; else the reason why it is missing."""
        name = product.__name__
        found: object = self._absent or self._missing.get(name)
        if self._absent is None and name in self._made:
            found = self._made[name]
        elif found is None:
            found = self._given(product)
        if isinstance(found, product | Missing):
            return found
        return Missing(reason=f"{name} was not computed", verdict=Verdict.SKIPPED)

    def _given(self, product: type) -> object:
        if product is Sources:
            return self.sources
        bound = self.execution
        given = (self.submission, self.settings, self.profile, self.retraining, bound, bound.data)
        return next((value for value in given if type(value) is product or isinstance(value, product)), None)

    def has(self, name: str) -> bool:
        """Whether a product, by the name of its type, was made or is known to be missing."""
        return self._absent is not None or name in self._made or name in self._missing

    def put(self, value: Product) -> None:
        """Add a product that was made elsewhere: from what is kept, from a golden file."""
        self._made[type(value).__name__] = value

    def miss(self, product: str, missing: Missing) -> None:
        """Record why a product cannot be had."""
        self._missing[product] = missing

    def products(self) -> dict[str, Product]:
        """Everything made so far, by type name."""
        return dict(sorted(self._made.items()))

    def missing(self) -> dict[str, Missing]:
        """Everything that could not be had, by type name."""
        return dict(sorted(self._missing.items()))

    def provide(self, step: Step) -> None:
        """Run one provider. A crash of ours is recorded as `error`, an `Unavailable` with its own verdict."""
        name = step.provider.product
        if not self.has(name):
            made = self._result(step)
            if isinstance(made, Missing):
                self.miss(name, made)
            else:
                self._made[name] = made

    def _result(self, step: Step) -> Product | Missing:
        try:
            arguments: dict[str, object] = {}
            for need in step.provider.needs:
                value: object = self.get(need.type)
                if isinstance(value, Missing) and not need.optional:
                    return msgspec.structs.replace(value, key="")
                if isinstance(value, Sources | Submission):
                    value = value.only(step.provider.reads)
                arguments[need.parameter] = None if isinstance(value, Missing) else value
            return _storable(step.provider.load()(**arguments))
        except Unavailable as reason:
            return Missing(reason=reason.reason, verdict=reason.verdict, cause=reason.cause)
        except (SandboxFault, StoreFault) as fault:
            return Missing(reason=str(fault), verdict=Verdict.ERROR)
        except Exception as crash:  # a crash of ours must cost nothing but what needs this product
            log.exception("%s: grader crashed while it made %s", self.submission.id, step.provider.product)
            what = f"({type(crash).__name__} in {_own_frame(crash)})"
            return Missing(
                reason=f"grader failed while it computed {step.provider.product} {what}",
                verdict=Verdict.ERROR,
                trace=traceback.format_exc(limit=20),
            )


class KeptProducts(Mapping[str, Product]):
    """What is kept of a submission, by the names of its products: their keys at once, they themselves where
    somebody asks for one. A page whose pieces are all kept needs no product.
    """

    def __init__(self, made_as: Mapping[str, str], load: Callable[[], Mapping[str, Product]]) -> None:
        self.made_as = made_as
        """The key of each product by its name."""
        self._load = load
        self._loaded: Mapping[str, Product] | None = None

    def __getitem__(self, name: str) -> Product:
        """Return a product. Raises KeyError where the submission has none of that name, StoreFault where what
        is kept under its key cannot be read.
        """
        if name not in self.made_as:
            raise KeyError(name)
        if self._loaded is None:
            self._loaded = self._load()
        if name not in self._loaded:
            raise StoreFault(f"{name} is damaged in the store")
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        """Whether the submission has a product of that name, which loads none."""
        return name in self.made_as

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self.made_as)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.made_as)


def keys_of(products: Mapping[str, Product], names: Collection[str]) -> dict[str, str]:
    """Return what tells each of some products from another one of its kind, by their names; those that are
    not there are left out.
    """
    if isinstance(products, KeptProducts):
        return {name: products.made_as[name] for name in sorted(names) if name in products.made_as}
    found = {name: products[name] for name in sorted(names) if name in products}
    return {name: digest(msgspec.msgpack.encode(product)) for name, product in found.items()}


class Kept(Protocol):
    """What earlier work left of a submission."""

    def recall(self, step: Step) -> Product | Missing | None:
        """Return a product as it was kept, or why it cannot be had; None where it is to be made."""
        ...

    def keep(self, step: Step, found: Product | Missing) -> None:
        """Take what was made, or why it could not be."""
        ...

    def of(self, model: Model, known: Known) -> "Kept":
        """Return what earlier work left of one of several networks."""
        ...


class NothingKept:
    """Earlier work left nothing, and nothing is kept of this."""

    def recall(self, step: Step) -> None:
        """Everything is to be made."""

    def keep(self, step: Step, found: Product | Missing) -> None:
        """Nothing is kept."""

    def of(self, model: Model, known: Known) -> "NothingKept":
        """Nothing is kept of any network."""
        return self


def fill(
    plan: Plan,
    known: Known,
    kept: Kept,
    wanted: Collection[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Make known what a plan names: from what is kept, else by its provider, after that provider's own needs.

    `wanted` names the products that are asked for, all of the plan's where it is not given; what they rest on
    is looked at only where one of them must be made.
    """
    steps = {step.provider.product: step for step in plan.steps}
    for step in plan.steps:
        if wanted is None or step.provider.product in wanted:
            _have(step, steps, known, kept, progress)
    for each in plan.models:
        begin = of_model(each.model, "")
        asked = None if wanted is None else {n.removeprefix(begin) for n in wanted if n.startswith(begin)}
        if asked is None or asked:
            _have(steps[Documents.__name__], steps, known, kept, progress)
            inner = known.of(each.model, [m.model for m in plan.models])
            inner.retraining = each.plan.retraining
            fill(each.plan, inner, kept.of(each.model, inner), asked, progress)


def _have(
    step: Step, steps: Mapping[str, Step], known: Known, kept: Kept, progress: Callable[[str], None]
) -> None:
    """Make one product known, after its needs.

    No function within `fill`: one that calls itself is a circle, which kept all products of some hundred
    submissions until the interpreter looked for circles.
    """
    name = step.provider.product
    if known.has(name):
        return
    found = kept.recall(step)
    if found is None:
        for need in step.provider.needs:
            if need.type.__name__ in steps:
                _have(steps[need.type.__name__], steps, known, kept, progress)
        progress(f"{known.submission.id}: {step.provider.name}")
        known.provide(step)
        kept.keep(step, known.get(step.product))
    elif isinstance(found, Missing):
        known.miss(name, found)
    else:
        known.put(found)


def _storable(product: Product) -> Product:
    """Return a product that a store can keep, so that a class is told what a single submission is told.

    Raises Unavailable where a student's file led to a number beyond 64 bits or a text that no encoding holds.
    """
    try:
        msgspec.msgpack.encode(product)
    except (OverflowError, UnicodeEncodeError, RecursionError) as fault:
        name = type(product).__name__
        raise Unavailable(f"{name} holds what cannot be kept, and a person must look: {fault}") from fault
    return product


def _own_frame(crash: BaseException) -> str:
    frames = traceback.extract_tb(crash.__traceback__)
    own = [f for f in frames if "grader" in Path(f.filename).parts] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "no frame"
