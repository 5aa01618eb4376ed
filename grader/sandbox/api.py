"""The interface of every sandbox backend."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from grader.core.facts.notebook import Ending as RunStatus
from grader.core.facts.notebook import Isolation
from grader.sandbox.limits import Limits

__all__ = ["Frame", "Isolation", "Job", "Limits", "Listener", "RunResult", "RunStatus", "Sandbox", "unheard"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What runs: the student's files (path with `/` to bytes), which of them is the notebook, and our own
    inputs.

    `data` holds files of ours that the worker reads into memory before student code runs (digits); `options`
    is plain JSON for the worker.
    """

    files: Mapping[str, bytes]
    entry: str
    options: Mapping[str, object] = {}
    data: Mapping[str, bytes] = {}
    limits: Limits = Limits()


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One message from inside. Always a claim: the student's code shares the process that wrote it."""

    kind: str
    payload: bytes


Listener = Callable[[Frame], None]
"""Hears every frame as it comes, in a thread of its own, for somebody who waits; once it raises it is told no
more.
"""


def unheard(frame: Frame) -> None:
    """Nobody waits."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended and what it said; frames that arrived before a kill are kept."""

    status: RunStatus
    frames: tuple[Frame, ...]
    isolation: Isolation
    stderr_tail: str = ""
    exit_code: int | None = None
    detail: str = ""
    """Why, for a person, when `status` is not `ok`."""


class Sandbox(Protocol):
    """One backend. Thread-safe: every call of `run` is a process of its own."""

    name: str

    def run(self, job: Job, listen: Listener = unheard) -> RunResult:
        """Run one job to its end and leave nothing behind. Never raises on what the job does."""
        ...
