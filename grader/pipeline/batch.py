"""Grades every submission of a folder; one bad submission costs nobody else anything."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from grader.core.faults import IngestFault
from grader.core.report import Report
from grader.core.rule import Rule
from grader.core.settings import Settings
from grader.ingest.read import read_submission
from grader.pipeline.grade import grade_one
from grader.pipeline.publish import publish, publish_class
from grader.pipeline.rubrics import LoadedRubric

log = logging.getLogger(__name__)


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a class."""

    reports: tuple[Report, ...]
    refused: tuple[tuple[str, str], ...]
    """Names of entries that could not be read as a submission, each with its reason."""
    page: Path


def submissions_in(folder: Path) -> tuple[Path, ...]:
    """Return the submissions of a class folder: its folders and zips. Names that begin with `.` or `_` are not graded."""
    if not folder.is_dir():
        raise IngestFault(
            f"{folder}: no such folder; give the folder that holds one folder or zip per submission"
        )
    found = [
        p
        for p in sorted(folder.iterdir())
        if not p.name.startswith((".", "_")) and (p.is_dir() or p.suffix.lower() == ".zip")
    ]
    if not found:
        raise IngestFault(f"{folder}: holds no submission; expected one folder or zip per submission")
    return tuple(found)


def grade_class(
    folder: Path,
    loaded: LoadedRubric,
    rules: Mapping[str, Rule],
    settings: Settings,
    *,
    out: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> Graded:
    """Grade, publish and list every submission of `folder`."""
    reports: list[Report] = []
    refused: list[tuple[str, str]] = []
    for path in submissions_in(folder):
        try:
            sources = read_submission(path)
        except IngestFault as fault:
            refused.append((path.name, str(fault)))
            continue
        report, known = grade_one(sources, loaded, rules, settings, progress)
        publish(report, known, out)
        reports.append(report)
    page = publish_class(reports, out)
    return Graded(reports=tuple(reports), refused=tuple(refused), page=page)
