"""What a person decided over a check."""

import msgspec

from grader.core.outcome import Verdict


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A person's decision about one criterion; never changed, only followed by a later one.

    `code` names a criterion's id or a check.
    """

    submission: str
    code: str
    verdict: Verdict
    credit: float
    reason: str
    who: str
    made: str = ""
    """When, in UTC; no mark depends on it."""
