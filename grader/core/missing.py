"""Why something that a check needs is not there."""

import msgspec

from grader.core.outcome import Verdict


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Why a product cannot be had, and what that makes of a check that needs it."""

    reason: str
    verdict: Verdict
    trace: str = ""
    cause: str = ""
    """What was surely not handed in, `no-notebook`; empty for every other reason."""
    key: str = ""
    """Under which the product would be kept: another key, and it is worth trying again. Empty where none was
    made.
    """
