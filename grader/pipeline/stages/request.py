"""What `grader batch` was asked to do, and what it tells while it goes on."""

from pathlib import Path

import msgspec

from grader.core.bucket import Place
from grader.core.settings import Settings
from grader.pipeline.plan.rubrics import LoadedRubric


class Afield(msgspec.Struct, frozen=True, kw_only=True):
    """Where jobs on other machines find what stands for the store and the cache of this one."""

    folder: Place
    """The object folder, the same path on every machine, or a bucket."""
    cache: str
    """Folder of finished trainings and of the states of those under way; empty for the one in the options."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What `grader batch` was asked to do."""

    path: Path
    loaded: LoadedRubric
    rubric_bytes: bytes
    settings: Settings
    out: Path
    store: Path
    only: tuple[str, ...] = ()
    budget_seconds: float = 0.0
    """Wall time for the retraining phase; 0 for no bound."""
    train_only: tuple[str, ...] = ()
    """Submissions whose networks are trained again now; empty for all. The rest is left for the same request
    without this.
    """
    afield: Afield | None = None
    """Where jobs run that do not run on this machine; None for jobs that read the store itself."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run, for the terminal."""

    phase: str
    done: int
    total: int
    id: str
    seconds_left: float
    """Of this phase and, from what they took in an earlier run, of those that follow."""
    not_counted: tuple[str, ...] = ()
    """Phases that follow and were never measured."""
