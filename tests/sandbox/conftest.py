"""Backends to test against, and a way to run a few lines of hostile Python in one."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from grader.sandbox.api import Job, Limits, RunResult, Sandbox
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.choose import try_bubblewrap
from grader.sandbox.none import Unisolated

QUICK = Limits(wall=20.0)


class Attempt(NamedTuple):
    """A finished job and the values that its code reported."""

    result: RunResult
    reported: list[Any]


def attempt(sandbox: Sandbox, code: str, limits: Limits = QUICK) -> Attempt:
    """Run `code` (which may call `report(value)`) as a submission."""
    job = Job(
        files={"folder/attack.py": code.encode()},
        entry="folder/attack.py",
        options={"mode": "python"},
        limits=limits,
    )
    result = sandbox.run(job)
    return Attempt(result, [json.loads(f.payload)["value"] for f in result.frames if f.kind == "probe"])


@pytest.fixture(scope="session")
def bwrap() -> Bubblewrap:
    trial = try_bubblewrap()
    if not trial.works:
        pytest.skip(f"{trial.reason}: {trial.remedy}")
    return Bubblewrap()


@pytest.fixture(params=["none", pytest.param("bwrap", marks=pytest.mark.sandbox)])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Every backend in turn."""
    if request.param == "bwrap":
        found: Bubblewrap = request.getfixturevalue("bwrap")
        return found
    return Unisolated(unsafe_no_sandbox=True)


@pytest.fixture
def attack(bwrap: Bubblewrap) -> Callable[..., Attempt]:
    """Run hostile code behind bubblewrap."""
    return lambda code, limits=QUICK: attempt(bwrap, code, limits)
