"""Notebooks as they were saved: cells, sources, outputs as text. Nothing was run."""

from enum import Enum

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.place import Place


class CellKind(Enum):
    """What a cell holds. Headings of format 3 count as Markdown."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


class Channel(Enum):
    """Where a saved output came from."""

    STDOUT = "stdout"
    STDERR = "stderr"
    RESULT = "result"
    """Value of the last expression, or something displayed, as text."""
    ERROR = "error"


class Framework(Enum):
    """The deep-learning framework that the code cells import."""

    TORCH = "torch"
    KERAS = "keras"
    BOTH = "both"
    NONE = "none"


class OutputText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One saved output as text: no ANSI escapes, HTML reduced to its text, `\\r` kept."""

    channel: Channel
    text: str
    line: int
    """Line of its first character among all output lines of the cell, from 1."""


class NotebookCell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cell. `number` counts from 1 over all cells, as the places of findings do."""

    number: int
    kind: CellKind
    source: str
    outputs: tuple[OutputText, ...] = ()
    execution_count: int | None = None
    """What `In [n]` showed; None where the cell was never run or its count was cleared."""
    cut: bool = False
    """Whether its outputs go on beyond what was read of them."""


class Notebook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One notebook file. `problem` says in a sentence why it could not be read; then `cells` is what could be
    saved of it.
    """

    artefact: str
    main: bool
    format: str
    """`major.minor` of nbformat as the file states it; empty where it states none."""
    framework: Framework = Framework.NONE
    cells: tuple[NotebookCell, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def code_cells(self) -> tuple[NotebookCell, ...]:
        """Cells of code, in order."""
        return tuple(c for c in self.cells if c.kind is CellKind.CODE)

    @property
    def has_outputs(self) -> bool:
        """Whether any cell kept its output."""
        return any(c.outputs for c in self.cells)

    def place(self, cell: int, line: int | None = None) -> Place:
        """Place of a line in a cell: of its output where outputs are spoken of, of its source otherwise."""
        return Place(artefact=self.artefact, cell=cell, line=line)


class NotebookEvidence(Evidence, frozen=True, kw_only=True):
    """Every notebook of the submission, the main one first, then by path; unreadable ones with their
    `problem`.
    """

    notebooks: tuple[Notebook, ...]

    @property
    def readable(self) -> tuple[Notebook, ...]:
        """Notebooks that were read to the end."""
        return tuple(n for n in self.notebooks if not n.problem)

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read"."""
        return tuple(
            (
                n.artefact,
                n.problem
                or "; ".join(
                    (
                        f"notebook of {len(n.cells)} cells"
                        + ("" if n.has_outputs else ", no saved outputs")
                        + ("" if n.framework is Framework.TORCH else f", framework {n.framework.value}"),
                        *n.notes,
                    )
                ),
            )
            for n in self.notebooks
        )
