"""Printed model summaries (torchsummary, torchinfo, Keras) and printed parameter counts. All of it is a
claim.
"""

from enum import Enum

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.place import Place


class Style(Enum):
    """Which program a summary looks like."""

    TORCHSUMMARY = "torchsummary"
    TORCHINFO = "torchinfo"
    KERAS = "keras"
    TYPED = "typed"
    """A table that somebody wrote by hand, in Markdown for example."""


class Sum(Enum):
    """How the rows of a summary relate to its total."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNDECIDED = "undecided"
    """No total, no rows, or rows missing."""


class LayerRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One row. `params` is None where the table prints none (`--`, `(recursive)`)."""

    place: Place
    type: str
    number: int | None = None
    shape: tuple[int, ...] = ()
    """Output shape without the batch dimension."""
    params: int | None = None
    excerpt: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One table. `saved` tells the output of a code cell from text that a person put into a README or
    Markdown cell.
    """

    place: Place
    saved: bool
    style: Style
    rows: tuple[LayerRow, ...]
    total: int | None = None
    total_place: Place | None = None
    trainable: int | None = None
    non_trainable: int | None = None
    rows_missing: bool = False
    """Whether the numbers of the rows have gaps or the table was cut off."""

    @property
    def row_sum(self) -> int:
        """Sum of the parameters of the rows."""
        return sum(r.params or 0 for r in self.rows)

    @property
    def sums_up(self) -> Sum:
        """Whether the rows add up to the total; Keras adds the optimizer's variables to the total, not to the
        rows.
        """
        if self.total is None or not any(r.params for r in self.rows):
            return Sum.UNDECIDED
        totals = {self.total}
        if self.trainable is not None:
            totals.add(self.trainable + (self.non_trainable or 0))
        if self.row_sum in totals:
            return Sum.EQUAL
        return Sum.UNDECIDED if self.rows_missing else Sum.DIFFERENT

    def has(self, *types: str) -> bool:
        """Whether a row's type starts with one of the names (case ignored)."""
        return any(r.type.lower().startswith(t.lower()) for r in self.rows for t in types)


class PrintedCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter count that a code cell printed outside a table."""

    place: Place
    value: int
    excerpt: str


class SummaryEvidence(Evidence, frozen=True, kw_only=True):
    """Every summary and printed count, notebooks first."""

    summaries: tuple[Summary, ...] = ()
    counts: tuple[PrintedCount, ...] = ()

    @property
    def saved_totals(self) -> tuple[tuple[int, Place], ...]:
        """Totals in notebook outputs, with their places, in reading order."""
        tables = [
            (s.total, s.total_place or s.place) for s in self.summaries if s.saved and s.total is not None
        ]
        return (*tables, *((c.value, c.place) for c in self.counts))

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read"."""
        return tuple(
            (
                f"model summary at {s.place}",
                f"{len(s.rows)} rows adding up to {s.row_sum:,}"
                + ("" if s.total is None else f", total {s.total:,} as printed"),
            )
            for s in self.summaries
        )
