"""What a check module exports, and how its needs are read off its signature."""

import inspect
import typing
from collections.abc import Callable
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TypeVar

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.outcome import Outcome
from grader.core.rubric import CheckParams, CheckPolicy, Profile
from grader.core.submission import Submission

_S = TypeVar("_S", CheckParams, CheckPolicy)


class Status(Enum):
    """The life cycle of a check. Codes are for ever."""

    PREVIEW = "preview"
    """Shown, worth nothing, until measured on real submissions."""
    STABLE = "stable"
    DEPRECATED = "deprecated"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a check that the planner must fill."""

    parameter: str
    type: type[Evidence] | type[Fact] | type[Submission]
    optional: bool


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A check: a stable code, a readable name, a pure function.

    The function's parameters are annotated with Evidence, Fact or Submission (needs; `X | None` is filled with None where
    the need cannot be had), CheckParams, CheckPolicy or Profile. It opens no file, asks no clock and returns an Outcome.

    `claimed` is asked in its place where nothing may be executed and the rubric lets claims earn: it needs Evidence and
    Submission only, and returns a pass or None. A claim never condemns.
    """

    code: str
    name: str
    check: Callable[..., Outcome]
    status: Status = Status.STABLE
    claimed: Callable[..., Outcome | None] | None = None

    @property
    def doc(self) -> str:
        """The docstring of the check's module: its doc page and its `explain` text."""
        return inspect.getdoc(inspect.getmodule(self.check)) or ""

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
        return _needs_among(_parameters_of(self.check, self.code))

    @property
    def claim_needs(self) -> tuple[Need, ...]:
        """What `claimed` must be given; TypeError where it asks for a fact or for other thresholds than the check."""
        if self.claimed is None:
            return ()
        parameters = _parameters_of(self.claimed, self.code)
        for name, bare, _ in parameters:
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
        for name, bare, _ in _parameters_of(asked, self.code):
            for value in (params, policy, profile):
                if issubclass(bare, CheckParams | CheckPolicy | Profile) and isinstance(value, bare):
                    given[name] = value
        return given

    def _single(self, base: type[_S]) -> type[_S]:
        found = (bare for _, bare, _ in _parameters_of(self.check, self.code) if issubclass(bare, base))
        return next(found, base)


def _needs_among(parameters: tuple[tuple[str, type, bool], ...]) -> tuple[Need, ...]:
    return tuple(
        Need(parameter=name, type=bare, optional=optional)
        for name, bare, optional in parameters
        if issubclass(bare, Evidence | Fact | Submission)
    )


@cache  # a class asks for each signature once a submission
def _parameters_of(check: Callable[..., object], code: str) -> tuple[tuple[str, type, bool], ...]:
    hints = typing.get_type_hints(check)
    found: list[tuple[str, type, bool]] = []
    for name in inspect.signature(check).parameters:
        bare, optional = _without_none(hints.get(name))
        allowed = Evidence | Fact | Submission | CheckParams | CheckPolicy | Profile
        if not (isinstance(bare, type) and issubclass(bare, allowed)):
            raise TypeError(
                f"{code}: parameter {name!r} of {check.__module__}.{check.__name__} must be annotated with an "
                f"Evidence, Fact, Submission, CheckParams, CheckPolicy or Profile, got {hints.get(name)!r}"
            )
        found.append((name, bare, optional))
    return tuple(found)


def _without_none(hint: object) -> tuple[object, bool]:
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        rest = [a for a in typing.get_args(hint) if a is not NoneType]
        if len(rest) == 1 and len(typing.get_args(hint)) == 2:
            return rest[0], True
    return hint, False
