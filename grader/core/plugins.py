"""What other packages bring: checks with the entry point group `grader.checks`, providers with
`grader.providers`.

A plug-in that cannot be loaded is named with its package and its file, and left out: it ends no command,
since a course's grading must not stop for a package that somebody installed beside it.
"""

import logging
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from grader.core.installed import may_declare

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

log = logging.getLogger(__name__)

CHECKS = "grader.checks"
PROVIDERS = "grader.providers"

_T = TypeVar("_T")


class Refused(NamedTuple):
    """A plug-in that was left out, and why."""

    package: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"the plug-in {self.package} is left out: {self.file}: {self.reason}"


_refused: dict[tuple[str, str], Refused] = {}


def refused() -> tuple[Refused, ...]:
    """Return the plug-ins that were left out so far, sorted by group and name."""
    return tuple(_refused[k] for k in sorted(_refused))


def load(group: str, use: Callable[[object], _T]) -> list[_T]:
    """Load the plug-ins of a group by name and return what `use` makes of each; it raises for one that cannot
    be used.
    """
    found: list[_T] = []
    for point in sorted(_points(group), key=lambda e: (e.name, e.value)):
        try:
            found.append(use(point.load()))
        except (Exception, SystemExit) as fault:
            left_out = Refused(_package(point), _file(point, fault), f"{type(fault).__name__}: {fault}")
            if (group, point.value) not in _refused:
                log.warning("%s", left_out)
            _refused[group, point.value] = left_out
    return found


def modules(group: str) -> tuple[str, ...]:
    """Return the modules that the plug-ins of a group name, loaded or not."""
    return tuple(sorted(point.module for point in _points(group)))


def _points(group: str) -> "tuple[EntryPoint, ...]":
    if not may_declare(group):
        return ()
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _package(point: "EntryPoint") -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.module


def _file(point: "EntryPoint", fault: BaseException) -> str:
    """The file in which loading failed: the last of the plug-in's own, or what the entry point names."""
    top = point.module.partition(".")[0]
    frames = [f for f in traceback.extract_tb(fault.__traceback__) if top in f.filename]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else point.value
