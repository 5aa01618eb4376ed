"""The student's notebook as it was saved, to look at beside the report: cells, outputs and pictures, and
nothing that is alive.

Drawn by us from what our own reader found (docs/adr/0007): texts escaped, Markdown sanitised, pictures drawn
again, everything else named and left out.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from grader.core.evidence.notebook import CellKind, Channel
from grader.extract.documents.notebook_view import SavedCell, SavedNotebook, SavedOutput, read_saved
from grader.render.escape import SafeHtml, plain, weight
from grader.render.files import words
from grader.render.files.cell_notes import CellNotes, by_cell, cell_notes, guilty_line
from grader.render.files.gutter import Piece, numbered, pieces, shown_output
from grader.render.files.highlight import python, python_lines
from grader.render.files.margin import SHOWN, Counts, Margin, counts_of
from grader.render.files.notes import Annotations, FileNote
from grader.render.files.reencode_images import Raster, redraw
from grader.render.html import render_page
from grader.render.markdown import render_student

OUTPUT_LIMIT: Final = 8_000
"""Characters of one output that are shown, its beginning and its end."""
BYTES_ON_PAGE: Final = 230_000
"""Of sources, outputs and pictures on one page, as they are written there; what comes after is left out."""
CELL: Final = 500
"""Bytes around each cell."""
OUTPUT: Final = 250
"""Bytes around each output."""
LONGEST: Final = 10
"""Characters that stand for one in a plain text: `[U+10FFFF]`."""


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
    omitted: int = 0
    """Characters of the source, where it takes more than the page has room for."""


class NotebookView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    artefact: str
    format: str
    problem: str = ""
    notes: tuple[str, ...] = ()
    cells: tuple[ShownCell, ...] = ()
    left_out: int = 0
    """Cells that are not shown, because the page is full."""
    cut: bool = False
    """Whether something lost its middle or is not shown."""
    about: tuple[FileNote, ...] = ()
    """What is told of the file as a whole, or of what is not shown."""
    told: dict[int, CellNotes] = {}
    """What is told of each cell, by its number."""
    counts: Counts = Counts()

    @property
    def ordered(self) -> tuple[FileNote, ...]:
        """What is told, from top to bottom."""
        return (*self.about, *(note for number in sorted(self.told) for note in self.told[number].ordered))


def view(data: bytes, artefact: str, told: Annotations | None = None) -> NotebookView:
    """Return what the page of a notebook says. `data` is the file; any bytes give a view, none raises."""
    return view_of(read_saved(data, artefact), artefact, told)


def view_of(saved: SavedNotebook, artefact: str, told: Annotations | None = None) -> NotebookView:
    """Return what the page of a notebook says that was read already."""
    told = told or Annotations()
    room = _Room()
    cells: list[ShownCell] = []
    for each in saved.cells:
        if room.left < CELL:
            break
        cells.append(_cell(each, room))
    notes = by_cell(told.notes)
    shown = {cell.number for cell in cells}
    placed = {}
    for cell, as_saved in zip(cells, saved.cells[: len(cells)], strict=True):
        readings = [r for r in told.readings if r.place.cell == cell.number]
        if cell.number in notes or readings:
            texts = [output.text for output in cell.outputs]
            placed[cell.number] = cell_notes(
                as_saved.cell, texts, notes.get(cell.number, ()), readings, shown=not cell.omitted
            )
    about = tuple(note for number in sorted(notes) if number not in shown for note in notes[number])
    ordered = (*about, *(note for number in sorted(placed) for note in placed[number].ordered))
    return NotebookView(
        artefact=artefact,
        format=saved.notebook.format,
        problem=saved.notebook.problem,
        notes=saved.notebook.notes,
        cells=tuple(cells),
        left_out=len(saved.cells) - len(cells),
        cut=len(cells) < len(saved.cells) or room.cut,
        about=about,
        told=placed,
        counts=counts_of(told.readings, ordered),
    )


def render(shown: NotebookView, *, submission: str, whole: str = "", key: str = "") -> str:
    """Return the page as HTML.

    `whole` is the address of a file with the outputs in full, empty for none; `key` goes into the head, for
    who keeps pages by content.
    """
    return render_page(
        "notebook.html.j2",
        script="steps.js" if shown.counts.several else "",
        view=shown,
        submission=submission,
        whole=whole,
        key=key,
        source=_pieces,
        text=render_student,
        output=_output_of,
        margin=Margin(shown.ordered, level=3),
        nothing=CellNotes(),
        readings=SHOWN,
        labels=words.NOTE_KINDS,
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
        self.left = BYTES_ON_PAGE
        self.cut = False

    def takes(self, size: int) -> bool:
        """Whether there is room for so many bytes, which then are taken."""
        if size > self.left:
            self.cut = True
            return False
        self.left -= size
        return True


def _cell(saved: SavedCell, room: _Room) -> ShownCell:
    cell = saved.cell
    room.left -= CELL
    attached = tuple(SavedOutput(picture=picture) for _, picture in saved.attached)
    drawn = render_student(cell.source) if cell.kind is CellKind.MARKDOWN else python(cell.source)
    fits = room.takes(len(drawn.encode("utf-8", "replace")))
    return ShownCell(
        number=cell.number,
        kind=cell.kind.value,
        source=cell.source if fits else "",
        omitted=0 if fits else len(cell.source),
        count=cell.execution_count,
        outputs=tuple(_output(output, room) for output in _joined((*attached, *saved.outputs))),
    )


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
    room.left -= OUTPUT
    if output.picture:
        return _picture(output.picture, room)
    if output.left_out:
        return ShownOutput(channel=channel, left_out=output.left_out)
    text = _redrawn(output.text)
    room.cut = room.cut or len(text) > OUTPUT_LIMIT
    if not room.takes(weight(text, OUTPUT_LIMIT)):
        return ShownOutput(channel=channel, left_out=words.NOTEBOOK_TEXT_FULL)
    return ShownOutput(channel=channel, text=text)


def _picture(data: bytes, room: _Room) -> ShownOutput:
    if room.left <= 0:
        return ShownOutput(channel="result", left_out=words.NOTEBOOK_PICTURES_FULL)
    raster = redraw(data)
    if raster.problem:
        return ShownOutput(channel="result", left_out=f"{words.NOTEBOOK_PICTURE}: {raster.problem}")
    if not room.takes(len(raster.uri)):
        return ShownOutput(channel="result", left_out=words.NOTEBOOK_PICTURES_FULL)
    return ShownOutput(channel="result", picture=raster)


def _redrawn(text: str) -> str:
    """Carry out carriage returns as a terminal does: of a progress bar the last state stays."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _pieces(cell: ShownCell, told: CellNotes) -> tuple[Piece, ...]:
    """The source of a cell in pieces between its notes; one that is not shown whole is one piece."""
    insides = python_lines(cell.source)
    if not insides:
        return (Piece(lines=(python(cell.source),)),)
    lines = [
        numbered(line, f"cell-{cell.number}-line-{n}", told.ticks.get(n), told.source.get(n, ()))
        for n, line in enumerate(insides, start=1)
    ]
    return tuple(pieces(lines, told.source))


def _output_of(text: str, notes: Sequence[FileNote]) -> SafeHtml:
    return shown_output(text, guilty_line(notes[0]) if notes else "", OUTPUT_LIMIT)
