"""The graded record of one submission: what is stored, rendered and exported."""

import msgspec

from grader.core.facts.retrain import WrongDigits
from grader.core.outcome import Finding, Verdict
from grader.core.submission import Submission

SCHEMA = 1
"""Version of `Report` and of result.json; see docs/reference/result-json.md."""


class RubricRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rubric judged."""

    id: str
    title: str
    sha256: str


class Marked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One criterion with its outcome and points. `points` is 0 while the verdict is pending."""

    criterion: str
    code: str
    name: str
    title: str
    verdict: Verdict
    credit: float
    points: float
    max_points: float
    summary: str
    model: str = ""
    """Which of several networks it is about, by the id of the rubric's `[[model]]`."""
    findings: tuple[Finding, ...] = ()
    cause: str = ""
    """Of a skip: what was surely not handed in, `no-notebook`; empty for every other reason."""
    provisional: bool = False
    """Whether the points rest on claims only, because nothing could be executed."""
    bonus: bool = False
    """Whether these points come on top and are no part of the maximum."""
    hidden: bool = False
    """Whether the student's view leaves this criterion out."""
    decided_by: str = ""
    """Who overrode the check's verdict, from what, and why; empty where the check's own verdict stands."""
    comment: str = ""
    """What a person says about it, with the name, whether or not it was decided."""
    headline: str = ""
    """What is wrong, short enough for a title; empty where the first finding says it."""

    @property
    def pending_points(self) -> float:
        """Points that wait for a person or a missing need."""
        return self.max_points if self.verdict.pending and not self.bonus else 0.0


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of "what we read": a thing and what we made of it."""

    what: str
    text: str


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step of the score's arithmetic beyond the sum of the criteria: a late deduction, a cap."""

    label: str
    points: float


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With what this was graded. Holds no clock: same input, same bytes."""

    grader: str
    python: str
    platform: str
    packages: dict[str, str] = {}
    isolation: str = "nothing was executed"
    device: str = ""
    seeds: tuple[int, ...] = ()
    options: dict[str, str] = {}


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result of grading one submission with one rubric."""

    submission: Submission
    rubric: RubricRef
    outcomes: tuple[Marked, ...]
    verdict: Verdict
    score: float
    max_score: float
    pending_points: float
    provenance: Provenance
    adjustments: tuple[Adjustment, ...] = ()
    read: tuple[Note, ...] = ()
    wrong_digits: WrongDigits = WrongDigits()
    """What the network got wrong that we trained; empty where none was."""
    schema: int = SCHEMA

    @property
    def judged_points(self) -> float:
        """Points that are decided; the base of every percentage."""
        return self.max_score - self.pending_points
