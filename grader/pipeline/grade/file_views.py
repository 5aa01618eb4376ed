"""The pages beside a report that show what was handed in, with the findings in their margins: READMEs,
notebooks and workbooks, drawn once for the same bytes, the same findings and the same renderer.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping
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
from grader.sandbox.reader import Lost, read_limited

if TYPE_CHECKING:
    from grader.render.files.notes import Annotations, FileNote

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
            if _holds(folder / name, name_of):
                yield Page(artefact.path, name, b"")
                if artefact.kind is not Kind.WORKBOOK and (folder / _text_of(name)).is_file():
                    yield Page("", _text_of(name), b"")
                continue
            read = {name: products[name] for name in READ[artefact.kind] if name in products}
            told = _annotations(here, read, artefact.path)
            if artefact.kind is Kind.WORKBOOK:
                yield from _sheets(artefact, read, told, submission.id, name, name_of)
            else:
                yield from _text(artefact, told, submission.id, name, name_of, fetch)
        except Exception:  # the view is a courtesy: a crash of ours must not cost the report
            log.exception("%s of %s cannot be shown", artefact.path, submission.id)


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


def _text(
    artefact: Artefact, told: "Annotations", submission: str, name: str, name_of: str, fetch: Fetch
) -> Iterator[Page]:
    """The page of a README or a notebook, and the text beside it."""
    pages = _pages(artefact, fetch(artefact.sha256), submission, name, name_of, told)
    if isinstance(pages, Lost):
        log.warning("%s of %s cannot be shown: it %s", artefact.path, submission, pages)
        return
    # The page comes last: its key stands for the text beside it, too.
    for shown_as, data in sorted(pages.items(), key=lambda page: page[0] == name):
        yield Page(artefact.path if shown_as == name else "", shown_as, data)


def _pages(
    artefact: Artefact, data: bytes, submission: str, name: str, key: str, told: "Annotations"
) -> Mapping[str, bytes] | Lost:
    """Draw a file's page and what stands beside it. Raises SandboxFault where that has no process."""
    return read_limited(
        "grader.render.files.file_pages:pages",
        *(artefact.kind, data, artefact.path, submission, name, _text_of(name), key, told),
        returns=dict[str, bytes],
    )


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
