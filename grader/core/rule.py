"""What a check module exports, and how its needs are read off its signature."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import TypeVar

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.outcome import Outcome
from grader.core.rubric import CheckParams, CheckPolicy, Profile
from grader.core.signature import Need, needs_of
from grader.core.submission import Submission

_S = TypeVar("_S", CheckParams, CheckPolicy)


class Status(Enum):
    """The life cycle of a check. Codes are for ever."""

    PREVIEW = "preview"
    """Shown, worth nothing, until measured on real submissions."""
    STABLE = "stable"
    DEPRECATED = "deprecated"


_FILLABLE = (Evidence, Fact, Submission, CheckParams, CheckPolicy, Profile)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A check: a stable code, a readable name, a pure function.

    The function's parameters are annotated with Evidence, Fact or Submission (needs; `X | None` is filled
    with None where the need cannot be had), CheckParams, CheckPolicy or Profile. It opens no file, asks no
    clock and returns an Outcome.

    `claimed` is asked in its place where nothing may be executed and the rubric lets claims earn: it needs
    Evidence and Submission only, and returns a pass or None. A claim never condemns.
    """

    code: str
    name: str
    formerly: tuple[str, ...] = ()
    """Names that it had before: `grader explain` still knows them."""
    check: Callable[..., Outcome]
    status: Status = Status.STABLE
    claimed: Callable[..., Outcome | None] | None = None
    proven_by: str = ""
    """Code of the check that proves what this one reads off a claim. While that one is open, a rubric may let
    the points of this one be provisional (`provisional_logs`).
    """

    @property
    def doc(self) -> str:
        """The docstring of the check's module: its doc page and its `explain` text."""
        return _doc_of(self.check)

    @property
    def title(self) -> str:
        """The first line of the doc page."""
        return self.doc.partition("\n")[0]

    @property
    def family(self) -> str:
        """The two letters of the code."""
        return self.code[:2]

    @property
    def needs(self) -> tuple[Need, ...]:
        """What the planner must provide, in the order of the signature."""
        return _needs_among(needs_of(self.check, _FILLABLE, self.code))

    @property
    def claim_needs(self) -> tuple[Need, ...]:
        """What `claimed` must be given; TypeError where it asks for a fact or for other thresholds than the
        check.
        """
        if self.claimed is None:
            return ()
        parameters = needs_of(self.claimed, _FILLABLE, self.code)
        for name, bare in ((n.parameter, n.type) for n in parameters):
            if issubclass(bare, Fact):
                raise TypeError(
                    f"{self.code}: `claimed` speaks of claims, but {name!r} is the fact {bare.__name__}"
                )
            if issubclass(bare, CheckParams | CheckPolicy) and bare not in (self.params, self.policy):
                raise TypeError(
                    f"{self.code}: {name!r} of `claimed` is {bare.__name__}, which the check does not take"
                )
        return _needs_among(parameters)

    @property
    def rests_on_numbers(self) -> bool:
        """Whether it compares with numbers of `[profile]`, and not only with the network that they are of."""
        asked = needs_of(self.check, _FILLABLE, self.code)
        return self.family in ("LR", "WB") and any(need.type is Profile for need in asked)

    @property
    def params(self) -> type[CheckParams]:
        """The thresholds that the function takes, or the empty struct."""
        return self._single(CheckParams)

    @property
    def policy(self) -> type[CheckPolicy]:
        """The policy that the function takes, or the empty struct."""
        return self._single(CheckPolicy)

    def arguments(
        self, asked: Callable[..., object], params: CheckParams, policy: CheckPolicy, profile: Profile
    ) -> dict[str, object]:
        """Return the arguments of `check` or `claimed` that come from the rubric, by parameter name."""
        given: dict[str, object] = {}
        for need in needs_of(asked, _FILLABLE, self.code):
            for value in (params, policy, profile):
                if issubclass(need.type, CheckParams | CheckPolicy | Profile) and isinstance(
                    value, need.type
                ):
                    given[need.parameter] = value
        return given

    def _single(self, base: type[_S]) -> type[_S]:
        types = (need.type for need in needs_of(self.check, _FILLABLE, self.code))
        found = (bare for bare in types if issubclass(bare, base))
        return next(found, base)


@cache  # each criterion of each submission of a class asks for its title
def _doc_of(check: Callable[..., Outcome]) -> str:
    return inspect.getdoc(inspect.getmodule(check)) or ""


@cache
def _needs_among(parameters: tuple[Need, ...]) -> tuple[Need, ...]:
    return tuple(need for need in parameters if issubclass(need.type, Evidence | Fact | Submission))
