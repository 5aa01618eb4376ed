"""A rubric: which checks, with which thresholds, for how many points."""

from enum import Enum

import msgspec


class Treatment(Enum):
    """What a rubric makes of a named defect."""

    FAIL = "fail"
    WARN = "warn"
    """Shown as a remark; costs nothing."""
    ACCEPT = "accept"
    """Not shown as a defect at all."""


class CheckParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds that a rubric may set for one check; a typo in a rubric is a fault, not a default."""


class CheckPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rubric makes of the named defects of one check; fields are `Treatment`s."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values of the class sheet that this assignment uses; they differ from course to course."""

    inputs: tuple[float, float] = (0.05, 0.10)
    targets: tuple[float, float] = (0.01, 0.99)
    weights: tuple[float, float, float, float, float, float, float, float] = (
        0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55,
    )  # fmt: skip
    learning_rates: tuple[float, ...] = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)


class LatePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a late hand-in costs, as shares of the points earned."""

    free_days: float = 0.0
    per_day: float = 0.0
    at_most: float = 1.0


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the mark sheet."""

    id: str
    check: str
    points: float
    title: str = ""
    bonus: bool = False
    """Points on top: earned ones count, the maximum does not grow."""
    hidden: bool = False
    """Whether students see neither the criterion nor its points, in self-check and on their page."""
    params: dict[str, object] = {}
    policy: dict[str, object] = {}


class Rubric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One assignment of one session of one course."""

    id: str
    title: str
    criterion: tuple[Criterion, ...]
    source: str = ""
    """The wording of the assignment that the rubric encodes."""
    profile: Profile = Profile()
    late: LatePolicy = LatePolicy()
    cap: float = 0.0
    """Largest score that can be reached, bonus included; 0 for the maximum of the criteria."""
    provisional_claims: bool = False
    """Whether claims earn provisional points where nothing may be executed."""
