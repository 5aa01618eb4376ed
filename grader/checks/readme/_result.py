"""What one kind of statement came to: how many were compared, how many agree, and what was found."""

from typing import NamedTuple

from grader.core.outcome import Finding


class Result(NamedTuple):
    """How many statements were compared, how many of them agree, and what was found."""

    compared: int = 0
    agreeing: int = 0
    findings: tuple[Finding, ...] = ()
