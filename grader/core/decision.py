"""What a person decided over a check."""

import msgspec

from grader.core.outcome import Verdict


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A person's decision about one criterion; never changed, only followed by a later one.

    `code` names a criterion's id or a check. It rules by a verdict or by points, or says something to the
    student in `comment`, or both; one that does neither raises ValueError.
    """

    submission: str
    code: str
    verdict: Verdict | None
    credit: float
    reason: str
    who: str
    made: str = ""
    """When, in UTC; no mark depends on it."""
    points: float | None = None
    """Given in the place of a verdict, which follows from them."""
    comment: str = ""
    """For the student; it decides nothing."""

    def __post_init__(self) -> None:
        if not self.rules and not self.comment:
            raise ValueError("a decision has a verdict, points or a comment")

    @property
    def rules(self) -> bool:
        """Whether it decides the points of the criterion."""
        return self.verdict is not None or self.points is not None
