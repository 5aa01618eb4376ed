"""The texts and notebooks of a submission as they were read, once: raw lines with places, cells, and what was
not read.
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.evidence.notebook import CellKind, Notebook
from grader.core.faults import Unavailable
from grader.core.place import Place
from grader.core.submission import Artefact, Elsewhere, Kind, absent


class Block(Enum):
    """What a line of a document stands in."""

    PROSE = "prose"
    HEADING = "heading"
    TABLE = "table"
    FENCE = "fence"
    """Inside a fenced code block of Markdown."""
    MATH = "math"
    """Inside a display formula `$$ … $$` or `\\\\[ … \\\\]` that spans lines."""
    CODE = "code"
    """A code cell of a notebook."""


class SourceLine(NamedTuple):
    """One raw line, with mojibake repaired. In a notebook `place.line` counts inside the cell."""

    place: Place
    text: str
    block: Block


class TextRepair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One spelling that was repaired: `found` became `became`, `count` times, first on `line` (from 1)."""

    found: str
    became: str
    count: int
    line: int

    def __str__(self) -> str:
        times = "" if self.count == 1 else f", {self.count} times"
        return f"{self.found!r} read as {self.became!r} (first on line {self.line}{times})"


class Picture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image that a document shows, apart from badges and from addresses that are a formula."""

    place: Place
    target: str
    """The address as it is written."""
    text: str = ""
    """What stands in its place where it cannot be shown (`alt`)."""

    @property
    def on_own_disk(self) -> bool:
        """Whether the address is a path on the author's own computer, so that nobody else can see the
        picture.
        """
        return _OWN_DISK.match(unquote(self.target.strip())) is not None

    @property
    def file(self) -> str:
        """The name of the file, without folders and query."""
        return unquote(self.target).partition("?")[0].replace("\\", "/").rpartition("/")[2]


_OWN_DISK = re.compile(
    r"(?:file:|[A-Za-z]:[\\/]|\\\\|~[\\/]|/(?:home|Users|mnt|root|tmp|kaggle|Volumes)/)",
    re.IGNORECASE,
)


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One README, text file or notebook.

    `lines` are the raw lines of a text, or of all cells of a notebook. `problem` says in a sentence what of
    the file could not be read: all of it where there are no lines, else the part that is not among them.
    """

    artefact: Artefact
    lines: tuple[SourceLine, ...] = ()
    notebook: Notebook | None = None
    """Cells with their outputs; None for a text."""
    encoding: str = "utf-8"
    problem: str = ""
    repairs: tuple[TextRepair, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def path(self) -> str:
        """Where it lies in the submission."""
        return self.artefact.path

    @property
    def main(self) -> bool:
        """Whether it is the README or the notebook that counts first."""
        return self.artefact.main

    @property
    def kind(self) -> Kind:
        """`README` for any text, or `NOTEBOOK`."""
        return self.artefact.kind

    @property
    def empty(self) -> bool:
        """Whether the file was read to its end and holds nothing."""
        return not self.problem and not self.readable

    @property
    def readable(self) -> bool:
        """Whether there is anything to read, if only a part of the file."""
        outputs = self.notebook is not None and self.notebook.has_outputs
        return outputs or any(line.text.strip() for line in self.lines)

    def prose(self) -> Iterator[tuple[int | None, tuple[SourceLine, ...]]]:
        """Yield (None, all lines) of a text, and (number, lines) of each Markdown cell of a notebook."""
        if self.notebook is None:
            yield None, self.lines
            return
        markdown = {c.number for c in self.notebook.cells if c.kind is CellKind.MARKDOWN}
        for number, lines in groupby(self.lines, key=lambda line: line.place.cell):
            if number in markdown:
                yield number, tuple(lines)


class ParsedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over the bytes of a file gives: the limited process answers it."""

    document: bytes
    """A `Document`, as MessagePack, with the artefact as it was known before anybody read it."""
    invalid: str = ""
    """Why no notebook program can open it, where it is none that is whole."""
    script: bool = False
    """Whether it is a Python file under a notebook's name."""


class Documents(Evidence, frozen=True, kw_only=True):
    """Every README, text file and notebook that was handed in: by kind, the main one first, then by path.

    Those that cannot be read are among them, with their `problem`; so is whatever was not unpacked or read
    and may hold one, last.
    """

    documents: tuple[Document, ...]
    elsewhere: tuple[Elsewhere, ...] = ()
    """Notebooks that were not handed in and may lie behind a link."""

    def of(self, *kinds: Kind) -> tuple[Document, ...]:
        """Documents of the given kinds that hold anything to read, those of the first kind first."""
        return tuple(d for kind in kinds for d in self.documents if d.kind is kind and d.readable)

    def notebooks(self) -> tuple[Notebook, ...]:
        """Every notebook, unreadable ones with their problem."""
        return tuple(d.notebook for d in self.documents if d.notebook is not None)

    def unread(self, *kinds: Kind) -> tuple[Document, ...]:
        """Documents of which something was not read: all of it, or a part; also what may hold one."""
        own = tuple(d for kind in kinds for d in self.documents if d.kind is kind and d.problem)
        closed = (d for d in self.documents if d.problem and d not in own)
        return (*own, *(d for d in closed if any(d.artefact.may_hold(kind) for kind in kinds)))

    def absent(self, what: str, *kinds: Kind) -> Unavailable:
        """Return why no document of the kinds can be read; `what` names the thing with its article.

        One that was read to its end and does not hold the thing is no reason: then the thing was not handed
        in.
        """
        held = [d for d in self.documents if any(d.artefact.may_hold(kind) for kind in kinds)]
        here = [(d.path, d.problem) for d in held if d.kind in kinds and (d.problem or d.empty)]
        closed = [(d.path, d.problem) for d in held if d.kind not in kinds]
        closed += [(e.path, e.told) for e in self.elsewhere if e.kind in kinds]
        return absent(what, here, closed, cause=f"no-{kinds[0].value}")

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read": a document that says nothing of itself elsewhere."""
        return tuple(
            (d.path, d.problem)
            for d in self.documents
            if d.problem and d.notebook is None and d.kind is Kind.README
        )
