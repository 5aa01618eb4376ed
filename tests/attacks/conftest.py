"""Backends to attack, as whoever runs the tests and as a plain user."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.sandbox.api import Limits, Sandbox
from grader.sandbox.bwrap import Bubblewrap
from grader.sandbox.choose import try_bubblewrap
from tests.attacks.backends import PlainUser
from tests.sandbox.conftest import QUICK, Attempt, attempt

Attack = Callable[..., Attempt]


@pytest.fixture(scope="session")
def plain_user() -> Iterator[PlainUser]:
    """Bubblewrap as nobody; skipped where the tests do not run as root.

    Not in pytest's own folder: another session closes that one to others while this one still runs.
    """
    with tempfile.TemporaryDirectory(prefix="grader-packages-") as folder:
        yield PlainUser(Path(folder))


@pytest.fixture(params=["own", "plain user"])
def holder(request: pytest.FixtureRequest) -> Sandbox:
    """Every isolating backend of this machine in turn."""
    trial = try_bubblewrap()
    if not trial.works:
        pytest.skip(f"{trial.reason}: {trial.remedy}")
    if request.param == "own":
        return Bubblewrap()
    found: PlainUser = request.getfixturevalue("plain_user")
    return found


@pytest.fixture
def attack(holder: Sandbox) -> Attack:
    """Run hostile code in each backend; the code may call `report(value)`."""

    def run(code: str, limits: Limits = QUICK) -> Attempt:
        return attempt(holder, code, limits)

    return run
