"""A notebook as a person wants to look at it: cells with their outputs in order, pictures as bytes. Nothing
was run, decoded or believed.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from grader.core.evidence.notebook import CellKind, Channel, Notebook, NotebookCell
from grader.extract.documents.notebook import notebook_of, piece_of, plain_text
from grader.extract.documents.notebook_json import joined, parse_notebook

MAX_ENCODED: Final = 12_000_000
"""Characters of one picture in base64; a plot takes about 40,000."""
MAX_OUTPUTS: Final = 200
"""Outputs of one cell that are looked at."""
_PICTURES: Final = ("image/png", "image/jpeg", "png", "jpeg")
"""The two media types of pixels that plotting libraries save; format 3 left out the first half."""
_PASTED: Final = re.compile(r"data:(image/[a-z+.-]{1,20});base64,([A-Za-z0-9+/=]*)")
_OBJECT: Final = re.compile(r"<IPython\.core\.display\.\w{1,40} object>")
"""What stands as text beside an output that has none."""
_NAMED: Final = {
    "text/html": "HTML",
    "html": "HTML",
    "image/svg+xml": "an SVG drawing",
    "svg": "an SVG drawing",
    "application/javascript": "a script",
    "javascript": "a script",
    "application/pdf": "a PDF",
}


class SavedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One output: a text, or the bytes of a picture that nobody opened yet, or what stands there and is not
    shown.
    """

    channel: Channel = Channel.RESULT
    text: str = ""
    picture: bytes = b""
    left_out: str = ""


class SavedCell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell with its outputs in the order of the file, and the pictures pasted into its Markdown by
    name.
    """

    cell: NotebookCell
    outputs: tuple[SavedOutput, ...] = ()
    attached: tuple[tuple[str, bytes], ...] = ()


class SavedNotebook(msgspec.Struct, frozen=True, kw_only=True):
    """One notebook file; `notebook.problem` says what could not be read."""

    notebook: Notebook
    cells: tuple[SavedCell, ...] = ()


def read_saved(data: bytes, artefact: str) -> SavedNotebook:
    """Read the bytes of one notebook with everything that can be shown of it. Never raises."""
    raw = parse_notebook(data)
    notebook = notebook_of(raw, artefact)
    pairs = zip(notebook.cells, raw.cells, strict=True)
    return SavedNotebook(notebook=notebook, cells=tuple(_cell(cell, raw) for cell, raw in pairs))


def _cell(cell: NotebookCell, raw: object) -> SavedCell:
    if not isinstance(raw, Mapping):
        return SavedCell(cell=cell)
    outputs, attachments = raw.get("outputs"), raw.get("attachments")
    attached = list(_attached(attachments if isinstance(attachments, Mapping) else {}))
    if cell.kind is CellKind.MARKDOWN and "data:image/" in cell.source:
        cell = msgspec.structs.replace(cell, source=_without_pasted(cell.source, attached))
    return SavedCell(
        cell=cell,
        outputs=tuple(_outputs(outputs if isinstance(outputs, list) else [])),
        attached=tuple(attached),
    )


def _without_pasted(source: str, attached: list[tuple[str, bytes]]) -> str:
    """Move pictures that stand in the text itself to the attachments: base64 is nothing to read."""

    def named(found: re.Match[str]) -> str:
        picture = _picture({found[1]: found[2]})
        if not picture:
            return "left-out"
        name = f"pasted-{len(attached) + 1}"
        attached.append((name, picture))
        return name

    return _PASTED.sub(named, source)


def _outputs(outputs: Sequence[object]) -> Iterator[SavedOutput]:
    for raw in outputs[:MAX_OUTPUTS]:
        if isinstance(raw, Mapping):
            yield from _output(raw)
    if len(outputs) > MAX_OUTPUTS:
        yield SavedOutput(left_out=f"{len(outputs) - MAX_OUTPUTS:,} more outputs")


def _output(raw: Mapping[str, object]) -> Iterator[SavedOutput]:
    data = raw.get("data")
    bundle = data if isinstance(data, Mapping) else raw
    picture = _picture(bundle)
    if picture:
        yield SavedOutput(picture=picture)
        return
    piece = piece_of(raw)
    named = sorted({name for media, name in _NAMED.items() if media in bundle})
    if piece is not None and piece.text.strip() and not (named and _OBJECT.match(piece.text)):
        yield SavedOutput(channel=piece.channel, text=plain_text(piece.text))
    elif named or any(isinstance(media, str) and media.startswith("image/") for media in bundle):
        yield SavedOutput(left_out=", ".join(named) or "a picture that cannot be read")


def _attached(attachments: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    for name, bundle in list(attachments.items())[:MAX_OUTPUTS]:
        if isinstance(name, str) and isinstance(bundle, Mapping) and (picture := _picture(bundle)):
            yield name, picture


def _picture(bundle: Mapping[str, object]) -> bytes:
    for media in _PICTURES:
        encoded = joined(bundle.get(media))
        if 0 < len(encoded) <= MAX_ENCODED:
            try:
                return base64.b64decode(encoded)
            except (binascii.Error, ValueError):
                continue
    return b""
