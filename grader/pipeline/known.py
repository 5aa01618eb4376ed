"""What is known of one submission while it is graded: products by type, and the reasons why others are missing."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.rubric import Profile
from grader.core.settings import Settings
from grader.core.submission import Sources, Submission
from grader.execute.retrain_rule import Retraining
from grader.pipeline.plan import Step
from grader.pipeline.providers import needs_of

log = logging.getLogger(__name__)


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Why a product cannot be had, and what that makes of a check that needs it."""

    reason: str
    verdict: Verdict
    trace: str = ""


class Known:
    """Products of one submission; `provide` fills it step by step and never raises on student bytes."""

    def __init__(
        self, sources: Sources, settings: Settings, profile: Profile, retraining: Retraining | None = None
    ) -> None:
        self._given: dict[type, object] = {
            Sources: sources,
            Submission: sources.submission,
            Settings: settings,
            Profile: profile,
            Retraining: retraining or Retraining(),
        }
        self._made: dict[str, Evidence | Fact] = {}
        self._missing: dict[str, Missing] = {}

    @property
    def submission(self) -> Submission:
        """The submission that is graded."""
        found = self._given[Submission]
        assert isinstance(found, Submission)
        return found

    @property
    def sources(self) -> Sources:
        """Its files with their bytes, as far as they were fetched."""
        found = self._given[Sources]
        assert isinstance(found, Sources)
        return found

    @property
    def may_execute(self) -> bool:
        """Whether student code may run."""
        found = self._given[Settings]
        assert isinstance(found, Settings)
        return found.execute

    def get(self, product: type) -> object | Missing:
        """Return a product or the reason why it is missing."""
        if product in self._given:
            return self._given[product]
        name = product.__name__
        if name in self._made:
            return self._made[name]
        return self._missing.get(name, Missing(reason=f"{name} was not computed", verdict=Verdict.SKIPPED))

    def found(self, product: type) -> bool:
        """Whether a product is there."""
        return not isinstance(self.get(product), Missing)

    def put(self, value: Evidence | Fact) -> None:
        """Add a product that was made elsewhere: from the cache, from a golden file."""
        self._made[type(value).__name__] = value

    def miss(self, product: str, missing: Missing) -> None:
        """Record why a product cannot be had."""
        self._missing[product] = missing

    def products(self) -> dict[str, Evidence | Fact]:
        """Everything made so far, by type name."""
        return dict(sorted(self._made.items()))

    def missing(self) -> dict[str, Missing]:
        """Everything that could not be had, by type name."""
        return dict(sorted(self._missing.items()))

    def provide(self, step: Step) -> None:
        """Run one provider. A crash of ours is recorded as `error`, an `Unavailable` with its own verdict."""
        name = step.provider.product
        if name in self._made or name in self._missing:
            return
        try:
            function = step.provider.load()
            arguments = self._arguments(function)
            self.put(_storable(function(**arguments)))
        except _Propagated as upstream:
            self.miss(name, upstream.missing)
        except Unavailable as reason:
            self.miss(name, Missing(reason=reason.reason, verdict=reason.verdict))
        except Exception as crash:  # a crash of ours must cost nothing but what needs this product
            log.exception("provider %s crashed", step.provider.name)
            where = _own_frame(crash)
            self.miss(
                name,
                Missing(
                    reason=f"grader failed while it computed {name} ({type(crash).__name__} in {where})",
                    verdict=Verdict.ERROR,
                    trace=traceback.format_exc(limit=20),
                ),
            )

    def _arguments(self, function: Callable[..., object]) -> dict[str, object]:
        arguments: dict[str, object] = {}
        for need in needs_of(function):
            value = self.get(need.type)
            if isinstance(value, Missing):
                if need.optional:
                    value = None
                else:
                    raise _Propagated(value)
            arguments[need.parameter] = value
        return arguments


def _storable(product: Evidence | Fact) -> Evidence | Fact:
    """Return a product that a store can keep, so that a class is told what a single submission is told.

    Raises Unavailable where a student's file led to a number beyond 64 bits or a text that no encoding holds.
    """
    try:
        msgspec.msgpack.encode(product)
    except (OverflowError, UnicodeEncodeError, RecursionError) as fault:
        name = type(product).__name__
        raise Unavailable(f"{name} holds what cannot be kept, and a person must look: {fault}") from fault
    return product


class _Propagated(Exception):
    """A need of a provider is missing: its reason and verdict pass on."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.reason)
        self.missing = missing


def _own_frame(crash: BaseException) -> str:
    frames = traceback.extract_tb(crash.__traceback__)
    own = [f for f in frames if "grader" in Path(f.filename).parts] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "no frame"
