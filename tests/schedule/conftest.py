"""How workers start is tested here: they begin with nothing, as grader starts them."""

import pytest

from grader.core.child import Child
from grader.schedule import local


@pytest.fixture(autouse=True)
def as_grader_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "Child", Child)
