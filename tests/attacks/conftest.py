"""Backends to attack, as whoever runs the tests and as a plain user."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.sandbox.api import Frame, Limits, Listener, Sandbox, unheard
from tests.attacks.backends import PlainUser
from tests.sandbox.conftest import QUICK, Attempt, Clock, attempt, isolating, works_here

Attack = Callable[..., Attempt]


@pytest.fixture(scope="session")
def plain_user() -> Iterator[PlainUser]:
    """Bubblewrap as nobody; skipped where the tests do not run as root.

    Not in pytest's own folder: another session closes that one to others while this one still runs.
    """
    with tempfile.TemporaryDirectory(prefix="grader-packages-") as folder:
        yield PlainUser(Path(folder))


@pytest.fixture(params=["own", "own, warm", "plain user", "plain user, warm"])
def holder(request: pytest.FixtureRequest) -> Sandbox:
    """Every isolating backend of this machine in turn."""
    who, _, warm = request.param.partition(", ")
    if who == "own":
        return isolating(request, warm)
    works_here()
    found: PlainUser = request.getfixturevalue("plain_user")
    return found.warmed() if warm else found


class EveryClock(Clock):
    """The clock of the watcher that stands in another process, too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, holder: Sandbox) -> None:
        super().__init__(monkeypatch)
        self._holder = holder

    def run_out(self, frame: Frame | None = None) -> None:
        """Let the time of all jobs be over; a listener of a job's frames, too."""
        super().run_out(frame)
        if isinstance(self._holder, PlainUser):
            self._holder.run_out()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, holder: Sandbox) -> Clock:
    return EveryClock(monkeypatch, holder)


@pytest.fixture
def attack(holder: Sandbox) -> Attack:
    """Run hostile code in each backend; the code may call `report(value)`."""

    def run(code: str, limits: Limits = QUICK, listen: Listener = unheard) -> Attempt:
        return attempt(holder, code, limits, listen)

    return run
