"""Everything that grader raises on purpose.

GraderFault
├── UsageFault          the command line or a path is wrong; nothing was graded (exit status 2)
│   ├── RubricFault     a rubric cannot be used; carries every fault of it
│   └── IngestFault     a path is no submission at all
├── StoreFault          the store lost what it was given: an `error`
├── SandboxFault        our isolation failed: an `error`, never the student's `fail`
├── NodeFault           a machine of a cluster cannot do a job, and another may, or none can
└── Unavailable         a need of a check cannot be had; carries the verdict that follows
"""

from grader.core.outcome import Outcome, Verdict


class GraderFault(Exception):
    """Base of every exception that grader raises on purpose."""


class UsageFault(GraderFault):
    """The command line or a path is wrong; nothing was graded."""


class RubricFault(UsageFault):
    """A rubric that cannot be used; `faults` lists everything that is wrong with it."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class IngestFault(UsageFault):
    """A path that is no submission: it does not exist, or nothing in it can be read."""


class StoreFault(GraderFault):
    """Something that the store was given is missing or damaged; never the student's fault."""


class SandboxFault(GraderFault):
    """Our isolation or worker failed; never the student's fault."""


class NodeFault(GraderFault):
    """A machine of a cluster cannot do a job, and another may, or none can; never the job's fault."""


class Unavailable(GraderFault):
    """A need of a check cannot be had: `unknown` where a person should look, `skipped` where something is not
    there.
    """

    def __init__(self, reason: str, verdict: Verdict = Verdict.UNKNOWN, cause: str = "") -> None:
        if verdict not in (Verdict.UNKNOWN, Verdict.SKIPPED):
            raise ValueError(f"an unavailable need is unknown or skipped, not {verdict.value}")
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict
        self.cause = cause
        """What was surely not handed in (`no-notebook`); empty for every other reason."""

    def outcome(self, before: str = "") -> Outcome:
        """Return what a check answers that lacks the need; `before` is what it found out without it."""
        summary = f"{before}; {self.reason}" if before else self.reason
        return Outcome(verdict=self.verdict, credit=0.0, summary=summary, cause=self.cause)
