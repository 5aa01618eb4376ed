"""Backends to test against, and a way to run a few lines of hostile Python in one."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from grader.sandbox import supervise
from grader.sandbox.api import Frame, Job, Limits, Listener, RunResult, Sandbox, unheard
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.choose import try_bubblewrap
from grader.sandbox.none import Unisolated

QUICK = Limits(wall=120.0)
"""Of a job that is done in a second, on a machine that does much else."""


class Attempt(NamedTuple):
    """A finished job and the values that its code reported."""

    result: RunResult
    reported: list[Any]


class Clock:
    """The watcher's clock, moved on past every limit at once where a test would have to wait and hope that
    enough was done by then.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        moved = SimpleNamespace(monotonic=lambda: time.monotonic() + self._ahead, sleep=time.sleep)
        monkeypatch.setattr(supervise, "time", moved)

    def run_out(self, _frame: Frame | None = None) -> None:
        """Let the time of all jobs be over; a listener of a job's frames, too."""
        self._ahead = 1e9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def attempt(sandbox: Sandbox, code: str, limits: Limits = QUICK, listen: Listener = unheard) -> Attempt:
    """Run `code` (which may call `report(value)`) as a submission."""
    job = Job(
        files={"folder/attack.py": code.encode()},
        entry="folder/attack.py",
        options={"mode": "python"},
        limits=limits,
    )
    result = sandbox.run(job, listen)
    assert result.isolation.cold == "", "what was to start warm did"
    return Attempt(result, [json.loads(f.payload)["value"] for f in result.frames if f.kind == "probe"])


def works_here() -> None:
    """Skip a test where bubblewrap does not work."""
    trial = try_bubblewrap()
    if not trial.works:
        pytest.skip(f"{trial.reason}: {trial.remedy}")


def isolating(request: pytest.FixtureRequest, way: str) -> Bubblewrap:
    """Bubblewrap, which starts jobs from nothing or `warm`; pytest.skip where it does not work."""
    works_here()
    return Bubblewrap(warm=request.getfixturevalue("warm_address") if way == "warm" else "")


@pytest.fixture(scope="session", params=["bwrap", "warm"])
def bwrap(request: pytest.FixtureRequest) -> Bubblewrap:
    """Each way in which bubblewrap holds a job."""
    return isolating(request, request.param)


@pytest.fixture(params=["none", *(pytest.param(way, marks=pytest.mark.sandbox) for way in ("bwrap", "warm"))])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Every backend in turn."""
    if request.param == "none":
        return Unisolated(unsafe_no_sandbox=True)
    return isolating(request, request.param)


@pytest.fixture
def attack(bwrap: Bubblewrap) -> Callable[..., Attempt]:
    """Run hostile code behind bubblewrap."""
    return lambda code, limits=QUICK: attempt(bwrap, code, limits)


def process_with(mark: str, *, there: bool) -> bool:
    """Wait until a shell with `mark` on its command line is there, or is not; False where that takes a
    minute.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = False
        for path in Path("/proc").iterdir():
            with suppress(OSError):
                line = (path / "cmdline").read_bytes() if path.name.isdigit() else b""
                found = found or (mark.encode() in line and line.startswith(b"sh\0"))
        if found is there:
            return True
        time.sleep(0.05)
    return False
