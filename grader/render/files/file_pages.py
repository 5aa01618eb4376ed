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
from grader.render.files.notes import Annotations, FileNote, NoteKind, Reading
from grader.render.files.reencode_images import redraw


def pages(
    kind: Kind, data: bytes, path: str, submission: str, name: str, text: str, key: str, told: Annotations
) -> dict[str, bytes]:
    """Return the page of a README or a notebook by its file name, in UTF-8.

    `name` is the file name of the page, `text` that of the outputs in full, which stand beside a page that
    had to cut; `key` goes into its head, `told` into its margin. The file is parsed once.
    """
    if kind is Kind.README:
        drawn = {name: text_page.render(text_page.view(data, path, told), submission=submission, key=key)}
    else:
        saved = read_saved(data, path)
        shown = notebook_page.view_of(saved, path, told)
        whole = text if shown.cut else ""
        drawn = {name: notebook_page.render(shown, submission=submission, whole=whole, key=key)}
        if whole:
            drawn = {whole: notebook_page.outputs_in_full(saved, path), **drawn}
    return {shown_as: page.encode("utf-8", "replace") for shown_as, page in drawn.items()}


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
    for kind, data in ((Kind.README, b"# w1\n"), (Kind.NOTEBOOK, book)):
        pages(kind, data, "x", "x", "x.html", "x.txt", "", told)
    redraw(b"")
