"""The pages beside a report that show what was handed in, with the findings in their margins: READMEs,
notebooks and workbooks, drawn once for the same bytes, the same findings and the same renderer.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from grader.core.evidence.base import Evidence
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.evidence.workbook import WorkbookEvidence
from grader.core.facts.base import Fact
from grader.core.facts.replay import ReplayFacts
from grader.core.memory import code_of, key
from grader.core.submission import Artefact, Kind, Submission
from grader.pipeline.grade.products import keys_of
from grader.sandbox.reader import SMALL, Lost, read_limited

if TYPE_CHECKING:
    from grader.render.files.notes import Annotations, FileNote, FileView

    Notes = Mapping[str, tuple[FileNote, ...]]

log = logging.getLogger(__name__)

Fetch = Callable[[str], bytes]
"""Returns the bytes of an artefact by its SHA-256; KeyError or ValueError where they cannot be had."""
Products = Mapping[str, Evidence | Fact]

SHOWN: Final = 5
"""Files of one kind that get a page; nobody hands in more notebooks that matter."""
COPIES: Final = "feedback"
"""How the names of files with findings in them begin (`grader.pipeline.grade.annotate`)."""
READ: Final = {
    Kind.NOTEBOOK: (FormulaEvidence.__name__,),
    Kind.README: (FormulaEvidence.__name__,),
    Kind.WORKBOOK: (FormulaEvidence.__name__, WorkbookEvidence.__name__, ReplayFacts.__name__),
}
"""The products that the page of a file of a kind is drawn from; it is given no other."""
_STEMS: Final = {Kind.NOTEBOOK: "notebook", Kind.README: "readme", Kind.WORKBOOK: "workbook"}


class Page(NamedTuple):
    """A page, or a text beside one: the path of the artefact that it shows (empty for a text), its name, and
    no bytes for what lies there already.
    """

    path: str
    name: str
    data: bytes


def planned(submission: Submission) -> dict[str, Artefact]:
    """Return the names of the pages with what they show; the main file of a kind has the plain name."""
    found: dict[str, Artefact] = {}
    for kind, stem in _STEMS.items():
        members = [a for a in submission.artefacts if a.kind is kind and a.readable]
        members.sort(key=lambda a: (not a.main, a.path))
        for number, artefact in enumerate(members[:SHOWN], start=1):
            found[f"{stem}.html" if number == 1 else f"{stem}-{number}.html"] = artefact
    return found


def pages_key(submission: Submission, products: Products, notes: "Notes") -> str:
    """Return the key of all pages of files, of what `draw` is given."""
    return key(
        planned=planned(submission),
        submission=submission.id,
        notes=notes,
        products=keys_of(products, {name for names in READ.values() for name in names}),
        code=renderer(),
    )


def draw(
    submission: Submission, products: Products, fetch: Fetch, folder: Path, notes: "Notes"
) -> Iterator[Page]:
    """Yield every page and the texts beside them. `notes` are those of the student's view, by path: what it
    leaves out is in no margin.

    What cannot be fetched or drawn, or was not read, has no page, and costs the report nothing.
    """
    asked = [*_asked(submission, products, folder, notes)]
    together = _together(asked, submission.id, fetch)
    for one in asked:
        artefact, name = one.artefact, one.name
        try:
            if one.told is None:
                yield Page(artefact.path, name, b"")
                if artefact.kind is not Kind.WORKBOOK and (folder / _text_of(name)).is_file():
                    yield Page("", _text_of(name), b"")
            elif artefact.kind is Kind.WORKBOOK:
                yield from _sheets(artefact, one.read, one.told, submission.id, name, one.key)
            else:
                yield from _text(one, submission.id, fetch, together)
        except Exception:  # the view is a courtesy: a crash of ours must not cost the report
            log.exception("%s of %s cannot be shown", artefact.path, submission.id)


class _Asked(NamedTuple):
    """A page, and what it is drawn from; `told` is None where it lies there already."""

    artefact: Artefact
    name: str
    key: str
    read: Products
    told: "Annotations | None"


def _asked(submission: Submission, products: Products, folder: Path, notes: "Notes") -> Iterator[_Asked]:
    for name, artefact in planned(submission).items():
        try:
            here = notes.get(artefact.path, ())
            name_of = key(
                sha256=artefact.sha256,
                path=artefact.path,
                submission=submission.id,
                notes=here,
                products=keys_of(products, READ[artefact.kind]),
                code=renderer(),
            )
            read = {name: products[name] for name in READ[artefact.kind] if name in products}
            told = None if _holds(folder / name, name_of) else _annotations(here, read, artefact.path)
            yield _Asked(artefact, name, name_of, read, told)
        except Exception:  # as in `draw`
            log.exception("%s of %s cannot be shown", artefact.path, submission.id)


def _together(asked: Iterable[_Asked], submission: str, fetch: Fetch) -> Mapping[str, bytes]:
    """Return pages of the README and the notebook of one hand-in, and the texts beside them, drawn in one
    process: two take a third more CPU seconds. None where there is one of them, where they are large, and
    where that does not end well: each is drawn by itself then, with limits of its own.
    """
    files: dict[Kind, FileView] = {}
    try:
        for one in asked:
            kind = one.artefact.kind
            if one.told is not None and kind is not Kind.WORKBOOK and kind not in files:
                files[kind] = _view(one, fetch(one.artefact.sha256), submission)
        if len(files) < 2 or sum(len(file.data) for file in files.values()) > SMALL:
            return {}
        drawn = _pages(tuple(files.values()))
    except Exception:  # each says what it is when it is drawn by itself
        return {}
    return {} if isinstance(drawn, Lost) else drawn


def stale(folder: Path, drawn: Collection[str]) -> Iterator[Path]:
    """Yield pages, texts and copies of former files: all that was made in the folder and is not named now."""
    there: list[str] = []
    forms = ((COPIES, (".ipynb", ".xlsx")), *((stem, (".html", ".txt")) for stem in _STEMS.values()))
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        there = sorted(entry.name for entry in entries)
    yield from (
        folder / name
        for begin, ends in forms
        for name in there
        if name.startswith(begin) and name.endswith(ends) and name not in drawn
    )


def _annotations(notes: "tuple[FileNote, ...]", products: Products, path: str) -> "Annotations":
    from grader.render.files.from_products import readings_of
    from grader.render.files.notes import Annotations

    return Annotations(notes=notes, readings=readings_of(products, path))


def _sheets(
    artefact: Artefact, products: Products, told: "Annotations", submission: str, name: str, name_of: str
) -> Iterator[Page]:
    """The page of a workbook, from what was read of it; none where that is nothing."""
    from grader.render.files.from_products import book_of
    from grader.render.files.sheet.page import render

    view = book_of(products, artefact.path, told)
    if view is not None:
        drawn = render(view, submission=submission, key=name_of)
        yield Page(artefact.path, name, drawn.encode("utf-8", "replace"))


def _text(one: _Asked, submission: str, fetch: Fetch, together: Mapping[str, bytes]) -> Iterator[Page]:
    """The page of a README or a notebook, and the text beside it."""
    path, mine = one.artefact.path, (_text_of(one.name), one.name)
    pages: Mapping[str, bytes] | Lost = together
    if one.name not in together:
        pages = _pages((_view(one, fetch(one.artefact.sha256), submission),))
    if isinstance(pages, Lost):
        log.warning("%s of %s cannot be shown: it %s", path, submission, pages)
        return
    # The page comes last: its key stands for the text beside it, too.
    for name in mine:
        if name in pages:
            yield Page(path if name == one.name else "", name, pages[name])


def _view(one: _Asked, data: bytes, submission: str) -> "FileView":
    from grader.render.files.notes import Annotations, FileView

    return FileView(
        kind=one.artefact.kind,
        data=data,
        path=one.artefact.path,
        submission=submission,
        name=one.name,
        text=_text_of(one.name),
        key=one.key,
        told=one.told or Annotations(),
    )


def _pages(files: "tuple[FileView, ...]") -> Mapping[str, bytes] | Lost:
    """Draw pages and what stands beside them in one process. Raises SandboxFault where there is none."""
    return read_limited("grader.render.files.file_pages:pages", files, returns=dict[str, bytes])


def _text_of(page: str) -> str:
    return f"{page.removesuffix('.html')}.txt"


def _holds(path: Path, key: str) -> bool:
    try:
        with path.open("rb", buffering=0) as handle:
            return f'name="grader-view" content="{key}"'.encode() in handle.read(2_000)
    except OSError:
        return False


def renderer() -> str:
    """Return the digest of the code that draws pages: another template draws every page again."""
    return code_of("grader.pipeline.grade.publish")
