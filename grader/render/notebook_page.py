"""The student's notebook as it was saved, to look at beside the report: cells, outputs and pictures, and
nothing that is alive.

Drawn by us from what our own reader found (docs/adr/0007): texts escaped, Markdown sanitised, pictures drawn
again, everything else named and left out.
"""

from typing import Final

import msgspec

from grader.core.evidence.notebook import CellKind, Channel
from grader.extract.documents.notebook_view import SavedCell, SavedNotebook, SavedOutput, read_saved
from grader.render import strings
from grader.render.escape import SafeHtml, plain, weight
from grader.render.highlight import python
from grader.render.html import render_page
from grader.render.markdown import render_student
from grader.render.reencode_images import Raster, redraw

OUTPUT_LIMIT: Final = 8_000
"""Characters of one output that are shown, its beginning and its end."""
TEXT_ON_PAGE: Final = 500_000
"""Bytes of sources and outputs on one page, as they are written there; what comes after is left out."""
LONGEST: Final = 10
"""Characters that stand for one in a plain text: `[U+10FFFF]`."""
PICTURES_ON_PAGE: Final = 40
BYTES_OF_PICTURES: Final = 4_000_000
"""On one page, counted as they are written there."""


class ShownOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One output on the page: its text, or a picture of ours, or the reason why it is not shown."""

    channel: str
    text: str = ""
    picture: Raster | None = None
    left_out: str = ""


class ShownCell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell on the page. `count` is what `In [n]` showed."""

    number: int
    kind: str
    source: str
    count: int | None = None
    outputs: tuple[ShownOutput, ...] = ()


class NotebookView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    artefact: str
    format: str
    problem: str = ""
    notes: tuple[str, ...] = ()
    cells: tuple[ShownCell, ...] = ()
    left_out: int = 0
    """Cells that are not shown, because the page is full."""
    cut: bool = False
    """Whether an output lost its middle."""


def view(data: bytes, artefact: str) -> NotebookView:
    """Return what the page of a notebook says. `data` is the file; any bytes give a view, none raises."""
    return view_of(read_saved(data, artefact), artefact)


def view_of(saved: SavedNotebook, artefact: str) -> NotebookView:
    """Return what the page of a notebook says that was read already."""
    room = _Room()
    cells: list[ShownCell] = []
    for cell in saved.cells:
        if room.text <= 0:
            break
        cells.append(_cell(cell, room))
    texts = (output.text for cell in cells for output in cell.outputs)
    return NotebookView(
        artefact=artefact,
        format=saved.notebook.format,
        problem=saved.notebook.problem,
        notes=saved.notebook.notes,
        cells=tuple(cells),
        left_out=len(saved.cells) - len(cells),
        cut=len(cells) < len(saved.cells) or any(len(text) > OUTPUT_LIMIT for text in texts),
    )


def render(shown: NotebookView, *, submission: str, whole: str = "", key: str = "") -> str:
    """Return the page as HTML.

    `whole` is the address of a file with the outputs in full, empty for none; `key` goes into the head, for
    who keeps pages by content.
    """
    return render_page(
        "notebook.html.j2", view=shown, submission=submission, whole=whole, key=key, source=_source
    )


def outputs_in_full(saved: SavedNotebook, artefact: str) -> str:
    """Return every saved output as text without control sequences: the file beside a page that had to cut."""
    return "\n".join(
        f"=== {artefact}, cell {cell.cell.number} ===\n{plain(output.text, LONGEST * len(output.text))}\n"
        for cell in saved.cells
        for output in cell.outputs
        if output.text
    )


class _Room:
    """What still fits on a page."""

    def __init__(self) -> None:
        self.text = TEXT_ON_PAGE
        self.pictures = PICTURES_ON_PAGE
        self.bytes = BYTES_OF_PICTURES


def _cell(saved: SavedCell, room: _Room) -> ShownCell:
    cell = saved.cell
    attached = tuple(SavedOutput(picture=picture) for _, picture in saved.attached)
    shown = ShownCell(
        number=cell.number,
        kind=cell.kind.value,
        source=cell.source,
        count=cell.execution_count,
        outputs=tuple(_output(output, room) for output in _joined((*attached, *saved.outputs))),
    )
    room.text -= len(_source(shown).encode("utf-8", "replace"))
    return shown


def _joined(outputs: tuple[SavedOutput, ...]) -> list[SavedOutput]:
    """Join what a loop printed piece by piece: a notebook keeps one output for each flush."""
    found: list[SavedOutput] = []
    for output in outputs:
        last = found[-1] if found else None
        if last and output.text and last.text and output.channel is last.channel is not Channel.RESULT:
            found[-1] = msgspec.structs.replace(last, text=last.text + output.text)
        else:
            found.append(output)
    return found


def _output(output: SavedOutput, room: _Room) -> ShownOutput:
    channel = output.channel.value
    if output.picture:
        return _picture(output.picture, room)
    if output.left_out:
        return ShownOutput(channel=channel, left_out=output.left_out)
    text = _redrawn(output.text)
    room.text -= weight(text, OUTPUT_LIMIT)
    return ShownOutput(channel=channel, text=text)


def _picture(data: bytes, room: _Room) -> ShownOutput:
    if room.pictures <= 0 or room.bytes <= 0:
        return ShownOutput(channel="result", left_out=strings.NOTEBOOK_PICTURES_FULL)
    raster = redraw(data)
    room.pictures -= 1
    room.bytes -= len(raster.uri)
    if raster.problem:
        return ShownOutput(channel="result", left_out=f"{strings.NOTEBOOK_PICTURE}: {raster.problem}")
    return ShownOutput(channel="result", picture=raster)


def _redrawn(text: str) -> str:
    """Carry out carriage returns as a terminal does: of a progress bar the last state stays."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _source(cell: ShownCell) -> SafeHtml:
    if cell.kind == CellKind.MARKDOWN.value:
        return render_student(cell.source)
    return python(cell.source)
