"""The student's own notebooks and workbooks with the findings in them: files to open and hand on, made when
somebody asks.
"""

import logging
from pathlib import PurePosixPath
from typing import Final

import msgspec

from grader.core.report import Report
from grader.core.submission import Artefact, Kind
from grader.pipeline.grade.file_views import COPIES, SHOWN, Fetch
from grader.render.feedback.findings_workbook import findings_only
from grader.render.feedback.notebook_copy import Copied
from grader.render.feedback.told import Told, told_of
from grader.sandbox.reader import Lost, read_limited

log = logging.getLogger(__name__)

_SUFFIXES: Final = {Kind.NOTEBOOK: ".ipynb", Kind.WORKBOOK: ".xlsx"}


class Annotated(msgspec.Struct, frozen=True, kw_only=True):
    """Copies with findings by their names (`feedback.ipynb`), and why one is missing or holds less."""

    files: dict[str, bytes] = {}
    notes: tuple[str, ...] = ()


def annotate(report: Report, fetch: Fetch) -> Annotated:
    """Return a copy of each notebook and workbook that a report has findings on; `report` is the student's
    view.

    What cannot be copied costs itself, with a note: of a workbook there is one of findings alone then.
    """
    files: dict[str, bytes] = {}
    notes: list[str] = []
    for kind, suffix in _SUFFIXES.items():
        of_kind = [a for a in report.submission.artefacts if a.kind is kind]
        notes += [f"{a.path}: {a.trouble}; no copy was made" for a in of_kind if a.trouble]
        members = [a for a in of_kind if a.readable]
        members.sort(key=lambda a: (not a.main, a.path))
        for number, artefact in enumerate(members[:SHOWN], 1):
            told = told_of(report, artefact)
            if not told:
                continue
            name = f"{COPIES}{suffix}" if number == 1 else f"{COPIES}-{number}{suffix}"
            made = _copy(artefact, fetch, told)
            if made.problem:
                instead = f"{name} holds the findings alone" if kind is Kind.WORKBOOK else "no copy was made"
                notes.append(f"{artefact.path}: {made.problem}; {instead}")
            if made.data or kind is Kind.WORKBOOK:
                files[name] = made.data or findings_only(told)
    return Annotated(files=files, notes=tuple(notes))


def _copy(artefact: Artefact, fetch: Fetch, told: tuple[Told, ...]) -> Copied:
    """The copy of one file, made in the limited process: the file is parsed there and nowhere else."""
    name = PurePosixPath(artefact.path).name
    try:
        data = fetch(artefact.sha256)
    except (KeyError, ValueError):
        return Copied(problem="its bytes are not at hand")
    try:
        made = (
            read_limited("grader.render.feedback.notebook_copy:annotated", data, told, returns=Copied)
            if artefact.kind is Kind.NOTEBOOK
            else read_limited(
                "grader.render.feedback.workbook_copy:annotated", data, name, told, returns=Copied
            )
        )
    except Exception:  # a copy is a courtesy: a crash of ours costs it, and not the report
        log.exception("no copy of %s with findings", artefact.path)
        return Copied(problem="grader failed to copy it")
    return Copied(problem=f"it {made}") if isinstance(made, Lost) else made
