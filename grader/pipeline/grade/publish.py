"""Writes what a student opens: the page of a submission, its result.json and the pages of its files.

`OUT/<slug>/` is the student's view alone, with pages of the files that were read; what only instructors may
see is in `OUT/index.html` and `OUT/_class/`.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.facts.base import Fact
from grader.core.faults import UsageFault
from grader.core.memory import key, write_whole
from grader.core.report import Report
from grader.core.rubric import Rubric, Treatment
from grader.core.rule import Rule
from grader.core.submission import Submission
from grader.ingest.limits import REPORT_MARKER
from grader.pipeline.grade.file_views import Fetch, Products, draw, pages_key, planned, renderer, stale
from grader.pipeline.grade.products import keys_of
from grader.store.database import unpacked

if TYPE_CHECKING:
    from grader.pipeline.grade.file_views import Notes
    from grader.render.pictures.figures import Figures
    from grader.render.student_parts import Claim

log = logging.getLogger(__name__)

_T = TypeVar("_T")
FIGURES: Final = "Figures"
"""Under which name figures are kept."""
_OURS: Final = "grader wrote this folder; it is no part of a submission."
_SHOWS: Final = "shows: "
_PAGES: Final = "pages of files: "


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files of one report are."""

    page: Path
    result: Path
    copies: tuple[Path, ...] = ()
    """The student's own files with the findings in them, where they were asked for."""
    notes: tuple[str, ...] = ()
    """Why a copy is missing or holds less, one sentence each."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder says that it shows; nothing where not all that was written lies there."""

    shows: str = ""
    """What `publish` was told."""
    pages: str = ""
    """The key of the pages of files, where each file that is to have one has it and no copy lies beside."""


_NOTHING: Final = Shown()


class KeptDrawings(Protocol):
    """Where figures are kept: a store."""

    def payload(self, key: str) -> bytes | None:
        """Return what is kept under a key; None for nothing."""
        ...

    def keep_all(self, product: str, payloads: Mapping[str, bytes]) -> None:
        """Keep some things under their keys."""
        ...


class _Drawings:
    """What is kept of one page, and what is drawn now and to be kept; without a store nothing is."""

    def __init__(self, store: KeptDrawings | None) -> None:
        self._store = store
        self._drawn: dict[str, bytes] = {}

    def of(self, name: str, kind: type[_T]) -> _T | None:
        """Return what is kept under a name; None where it is to be drawn."""
        payload = None if self._store is None else self._store.payload(name)
        with suppress(msgspec.DecodeError):  # it rotted: it is drawn again
            return None if payload is None else unpacked(payload, kind)
        return None

    def keep(self, name: str, drawn: object) -> None:
        """Keep something with the rest of the page."""
        self._drawn[name] = msgspec.msgpack.encode(drawn)

    def end(self) -> None:
        """Keep what was drawn, in one step: each waits for the disk."""
        if self._store is not None and self._drawn:
            self._store.keep_all(FIGURES, self._drawn)


def publish(
    report: Report,
    products: Mapping[str, Evidence | Fact],
    out: Path,
    rubric: Rubric,
    fetch: Fetch,
    *,
    late_days: float = 0.0,
    copies: bool = False,
    kept: KeptDrawings | None = None,
    shows: Shown = _NOTHING,
) -> Written:
    """Write the student's view of one submission under `out`; UsageFault where that folder cannot be written.

    `fetch` returns submitted bytes by their hash: for the pages that show the notebooks and READMEs as we
    read them, with the findings in their margins. `copies`: also write copies of the student's files with the
    findings in them; without, those of an earlier report are removed. `kept`: where figures are kept for the
    next rubric. `shows`: a digest of all that decides what is written, which `shown` tells later, with the
    key of the pages of files that lie there, as it told before.
    """
    from grader.pipeline.grade.annotate import Annotated, annotate
    from grader.render.files.notes import notes_of

    submission = report.submission
    folder = out / submission.slug
    view = _for_student(report, rubric, late_days)
    notes = notes_of(view)
    made = annotate(view, fetch) if copies else Annotated()
    pages = pages_key(submission, products, notes)
    planned_views = {artefact.path: name for name, artefact in planned(submission).items()}
    _begin(folder / REPORT_MARKER)
    if copies or shows.pages != pages:
        views = _file_views(submission, products, fetch, folder, notes, tuple(made.files))
    else:
        views = planned_views
    files = _files_of(view, notes, products, rubric, views, kept)
    page, result = (write(folder / name, data) for name, data in files.items())
    copied = tuple(write(folder / name, data) for name, data in made.files.items())
    whole = views == planned_views and not copied
    _end(folder / REPORT_MARKER, shows.shows, pages if whole else "", [*files, *views.values(), *made.files])
    return Written(page=page, result=result, copies=copied, notes=made.notes)


def student_files(
    report: Report,
    products: Mapping[str, Evidence | Fact],
    rubric: Rubric,
    views: Mapping[str, str],
    *,
    late_days: float = 0.0,
    kept: KeptDrawings | None = None,
) -> dict[str, bytes]:
    """Return the page of a submission and its result.json, by their names, with nothing that only instructors
    may see; the page links to `views`, names of pages beside it by the path that they show.
    """
    from grader.render.files.notes import notes_of

    view = _for_student(report, rubric, late_days)
    return _files_of(view, notes_of(view), products, rubric, views, kept)


def _for_student(report: Report, rubric: Rubric, late_days: float) -> Report:
    from grader.render.summary import for_student
    from grader.score.marks import student_view

    return for_student(student_view(report, rubric, late_days))


def _files_of(
    view: Report,
    notes: "Notes",
    products: Products,
    rubric: Rubric,
    views: Mapping[str, str],
    kept: KeptDrawings | None,
) -> dict[str, bytes]:
    """The page and result.json of a student's view, whose notes are given."""
    from grader.checks.catalogue import catalogue
    from grader.render.result_json import encode
    from grader.render.student_page import render
    from grader.render.student_parts import Said, Words, words_of

    rules = catalogue()
    drawings = _Drawings(kept)
    figures, claims = _beside(view.submission.id, products, rubric, rules, drawings)

    def words(said: Said) -> Words:
        name = key(said=said, code=renderer())
        if (drawn := drawings.of(name, Words)) is None:
            drawn = words_of(said)
            drawings.keep(name, drawn)
        return drawn

    page = render(
        view,
        figures,
        claims=claims,
        guides={code: rule.doc for code, rule in rules.items()},
        views=views,
        notes=notes,
        drawn=words,
    )
    drawings.end()
    return {"index.html": page.encode("utf-8"), "result.json": encode(view)}


def _beside(
    name: str,
    products: Products,
    rubric: Rubric,
    rules: Mapping[str, Rule],
    drawings: _Drawings,
) -> "tuple[Figures, tuple[Claim, ...]]":
    """Return what a page shows beside its verdicts; points change none of it, so that it is kept for the next
    rubric.
    """
    from grader.render.claims_table import claims_of
    from grader.render.pictures.figures import Figures, figures_of
    from grader.render.pictures_from_products import limits_of, pictures_of
    from grader.render.student_parts import Claim

    limits, rounded_up = limits_of(rubric, rules).drawn_with(products), _rounded_up(rubric, rules)
    name_of = key(products=keys_of(products, products), limits=limits, rounded_up=rounded_up, code=renderer())
    if (held := drawings.of(name_of, tuple[Figures, tuple[Claim, ...]])) is not None:
        return held
    figures = _courtesy(name, "pictures", lambda: figures_of(pictures_of(products, limits)))
    claims = _courtesy(name, "claims", lambda: claims_of(products, rounded_up))
    if figures is not None and claims is not None:
        drawings.keep(name_of, (figures, claims))
    return figures or Figures(), claims or ()


def _rounded_up(rubric: Rubric, rules: Mapping[str, Rule]) -> Treatment:
    """What the rubric makes of an accuracy that the README rounds up, which its table of claims shows as
    well.
    """
    named = next((c for c in rubric.criterion if c.check == "RD701" and not c.model), None)
    kind = rules["RD701"].policy
    policy = msgspec.convert(named.policy, kind) if named else kind()
    return getattr(policy, "rounded_up", Treatment.FAIL)


def _begin(marker: Path) -> None:
    """Leave the line that says that a folder is ours: until all is written the folder shows nothing in
    particular, whenever the process is killed.
    """
    try:
        if _alone(marker):
            os.truncate(marker, len(_OURS))
            return
    except OSError as fault:
        raise _unwritable(marker, fault) from fault
    if os.path.lexists(marker):
        write(marker, _OURS.encode())


def _end(marker: Path, shows: str, pages: str, names: Iterable[str]) -> None:
    """Say that a folder is ours, what it shows, the key of its pages of files, and what was written into it.

    What follows the first line is one short write at its end, a tenth of what a file in the place of another
    costs: a kill leaves all of it or nothing.
    """
    told = "\n".join(["", f"{_SHOWS}{shows}", f"{_PAGES}{pages}", *sorted(names), ""]).encode()
    try:
        if _alone(marker):
            with marker.open("r+b", buffering=0) as handle:
                if handle.read() == _OURS.encode():
                    handle.write(told)
                    return
    except OSError as fault:
        raise _unwritable(marker, fault) from fault
    write(marker, _OURS.encode() + told)


def _alone(marker: Path) -> bool:
    """Whether a marker may be written where it lies: a file that has one name, and is no link to another's.

    A backup by hard links has the same file, and a folder that came with a repository may link out of it.
    """
    try:
        found = marker.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def shown(submission: Submission, out: Path) -> Shown:
    """Return what the folder of a submission says that it shows; nothing where nothing was said, or not all
    that was written lies under `out`.
    """
    folder = out / submission.slug
    try:
        ours, told, pages, *names = (folder / REPORT_MARKER).read_text("utf-8").splitlines()
        with os.scandir(folder) as entries:
            there = {entry.name for entry in entries if entry.is_file()}
    except (OSError, ValueError):
        return _NOTHING
    said = ours == _OURS and told.startswith(_SHOWS) and pages.startswith(_PAGES)
    if not said or not names or not there.issuperset(names):
        return _NOTHING
    return Shown(shows=told.removeprefix(_SHOWS), pages=pages.removeprefix(_PAGES))


def _courtesy(submission: str, what: str, make: Callable[[], _T]) -> _T | None:
    """Return what a page shows beside its verdicts; a crash of ours costs that, and neither the page nor
    those of the others.
    """
    try:
        return make()
    except Exception:
        log.exception("the %s of %s cannot be shown", what, submission)
        return None


def _file_views(
    submission: Submission,
    products: Products,
    fetch: Fetch,
    folder: Path,
    notes: "Notes",
    beside: tuple[str, ...],
) -> dict[str, str]:
    """Write the pages of files; return their names by the path of the artefact that they show. `beside` names
    what else of the report lies in the folder.
    """
    shown: dict[str, str] = {}
    drawn = [*beside]
    for path, name, data in draw(submission, products, fetch, folder, notes):
        drawn.append(name)
        if data:
            write(folder / name, data)
        if path:
            shown[path] = name
    for old in stale(folder, drawn):
        old.unlink(missing_ok=True)
    return shown


def write(path: Path, data: bytes) -> Path:
    """Write a file whole; UsageFault where it cannot be written."""
    try:
        write_whole(path, data)
    except OSError as fault:
        raise _unwritable(path, fault) from fault
    return path


def _unwritable(path: Path, fault: OSError) -> UsageFault:
    return UsageFault(f"{path}: cannot be written ({fault.strerror}); choose another folder with -o")
