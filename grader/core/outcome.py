"""The answer of one check to one rubric criterion."""

from collections.abc import Iterable
from enum import Enum

import msgspec

from grader.core.place import Place


class Verdict(Enum):
    """Six answers, declared from the most severe to the least; only fail, partial and pass speak about the
    student.
    """

    ERROR = "error"
    """Our fault; never costs the student points."""
    UNKNOWN = "unknown"
    """The evidence cannot be read or does not decide: a person must look."""
    FAIL = "fail"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    """Something that the check needs is not there."""
    PASS = "pass"

    @property
    def severity(self) -> int:
        """0 for the most severe; the declaration order above is the rule."""
        return _SEVERITY[self]

    @property
    def pending(self) -> bool:
        """Whether the points of this verdict wait for a person or for a missing need."""
        return self in (Verdict.ERROR, Verdict.UNKNOWN, Verdict.SKIPPED)


_SEVERITY = {verdict: number for number, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the most severe verdict; `pass` for none at all."""
    return min(verdicts, key=lambda v: v.severity, default=Verdict.PASS)


class Weight(Enum):
    """How much a finding weighs: a fault costs credit, a remark never does."""

    FAULT = "fault"
    REMARK = "remark"


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One located observation that a student can act on.

    `message` names the fault, `hint` the remedy, made from this student's own mistake. `excerpt` is the text
    at `place`, `marked` the guilty part of it, verbatim. `diagnosis` is a stable code of the mistake
    (`index-swapped`), for class statistics. `subject` is what it is about (`∂E/∂w3`) and `slip` the mistake
    in a few words, without the formula: findings with the same slip are told once, with all their places.
    `others` are statements that explain the line as well as `expected` does.
    """

    message: str
    place: Place | None = None
    expected: str = ""
    found: str = ""
    hint: str = ""
    excerpt: str = ""
    marked: str = ""
    diagnosis: str = ""
    weight: Weight = Weight.FAULT
    subject: str = ""
    slip: str = ""
    others: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Verdict and credit in 0..1. Points exist only in the score layer."""

    verdict: Verdict
    credit: float
    summary: str
    findings: tuple[Finding, ...] = ()
    provisional: bool = False
    """Whether a claim earned it, because nothing could be executed; only a pass can be."""
    cause: str = ""
    """Of a skip: what was surely not handed in, `no-notebook`; empty for every other reason."""
    headline: str = ""
    """What is wrong, short enough for a title; empty where the first finding says it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.credit <= 1.0:  # also refuses NaN, for which every comparison is false
            raise ValueError(f"credit must lie in 0..1, got {self.credit!r}")
        if self.verdict is Verdict.PASS and self.credit != 1.0:
            raise ValueError(f"a pass has credit 1, got {self.credit!r}")
        if (self.verdict is Verdict.FAIL or self.verdict.pending) and self.credit != 0.0:
            raise ValueError(f"{self.verdict.value} has credit 0, got {self.credit!r}")
        if self.provisional and self.verdict is not Verdict.PASS:
            raise ValueError(f"a claim can only earn, never end in {self.verdict.value}")


def passed(summary: str, findings: Iterable[Finding] = ()) -> Outcome:
    """Full credit; findings may only be remarks."""
    return Outcome(verdict=Verdict.PASS, credit=1.0, summary=summary, findings=tuple(findings))


def failed(summary: str, findings: Iterable[Finding], headline: str = "") -> Outcome:
    """No credit; a fail without evidence is refused (DESIGN, law 4)."""
    evidence = tuple(findings)
    if not evidence:
        raise ValueError("a fail needs at least one finding as its evidence")
    return Outcome(verdict=Verdict.FAIL, credit=0.0, summary=summary, findings=evidence, headline=headline)


def unknown(summary: str, findings: Iterable[Finding] = ()) -> Outcome:
    """A person must look."""
    return Outcome(verdict=Verdict.UNKNOWN, credit=0.0, summary=summary, findings=tuple(findings))


def skipped(summary: str, findings: Iterable[Finding] = (), cause: str = "") -> Outcome:
    """Something that the check needs is not there; `cause` where it was surely not handed in."""
    return Outcome(
        verdict=Verdict.SKIPPED, credit=0.0, summary=summary, findings=tuple(findings), cause=cause
    )


def graded(credit: float, summary: str, findings: Iterable[Finding], headline: str = "") -> Outcome:
    """Pass, partial or fail by credit; below full credit a finding must say why."""
    if credit >= 1.0:
        return passed(summary, findings)
    if credit <= 0.0:
        return failed(summary, findings, headline)
    evidence = tuple(findings)
    if not evidence:
        raise ValueError("a partial needs at least one finding as its evidence")
    return Outcome(
        verdict=Verdict.PARTIAL, credit=credit, summary=summary, findings=evidence, headline=headline
    )
