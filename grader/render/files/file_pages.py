"""The pages of one file that a student handed in, drawn in the limited process: a decoder of pictures that a
hostile file breaks takes down its own page, and not the process that grades the class.
"""

import msgspec

from grader.core.class_sheet import EXAMPLE
from grader.core.outcome import Finding
from grader.core.place import Place
from grader.core.submission import Kind
from grader.extract.documents.notebook_view import read_saved
from grader.render.files import notebook_page, text_page
from grader.render.files.notes import Annotations, FileNote, FileView, NoteKind, Reading
from grader.render.files.reencode_images import redraw


def pages(files: tuple[FileView, ...]) -> dict[str, bytes]:
    """Return the pages of READMEs and notebooks, and the texts beside them, by their file names, in UTF-8."""
    drawn = {name: page for file in files for name, page in _drawn(file).items()}
    return {name: page.encode("utf-8", "replace") for name, page in drawn.items()}


def _drawn(file: FileView) -> dict[str, str]:
    """The page of one file, which is parsed once."""
    if file.kind is Kind.README:
        view = text_page.view(file.data, file.path, file.told)
        return {file.name: text_page.render(view, submission=file.submission, key=file.key)}
    saved = read_saved(file.data, file.path)
    shown = notebook_page.view_of(saved, file.path, file.told)
    whole = file.text if shown.cut else ""
    page = notebook_page.render(shown, submission=file.submission, whole=whole, key=file.key)
    beside = {whole: notebook_page.outputs_in_full(saved, file.path)} if whole else {}
    return {**beside, file.name: page}


def warm() -> None:
    """Draw a page of each kind with a finding in it, once, in the process that forks for each file: imports,
    templates and patterns are then at hand.
    """
    place = Place(artefact="x", line=1, cell=1)
    slip = Finding(message="x", place=place, expected=EXAMPLE, found=EXAMPLE)
    note = FileNote(id="x", kind=NoteKind.WRONG, code="", card="x", title="x", finding=slip, place=place)
    told = Annotations(notes=(note,), readings=(Reading(place=place, standing="wrong"),))
    cells = [{"cell_type": "code", "source": "import math\n"}, {"cell_type": "markdown", "source": "# *a*"}]
    book = msgspec.json.encode({"cells": cells, "nbformat": 4})
    one = FileView(
        kind=Kind.README,
        data=b"# w1\n",
        path="x",
        submission="x",
        name="x.html",
        text="x.txt",
        key="",
        told=told,
    )
    pages((one, msgspec.structs.replace(one, kind=Kind.NOTEBOOK, data=book)))
    redraw(b"")
