"""What the workbooks of a submission say: cells, tables, charts.

Cells are kept as runs down a column that share one relative formula, so that a book of 46,000 formulas stays
below two megabytes of JSON and can be replayed later without its bytes (DESIGN, law 7).
"""

import re
from enum import Enum

import msgspec

from grader.core.evidence.base import Evidence
from grader.core.submission import Problem


class CellKind(Enum):
    """What the stored value of a cell is; for a formula it is the cached result."""

    NUMBER = "number"
    TEXT = "text"
    FAULT = "fault"
    """An error value such as `#NAME?`."""
    MISSING = "missing"
    """A formula without a cached value."""


class Producer(Enum):
    """Which program saved the file, as far as it matters for rounding."""

    EXCEL = "excel"
    LIBREOFFICE = "libreoffice"
    GOOGLE = "google"
    """Exports hold values rounded to ten significant digits."""
    OTHER = "other"


class Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Cells of one column in consecutive rows with one relative formula (or none) and one kind of value.

    `row` and `column` count from 1; `form` is an index into `Book.forms`, -1 for constants. Exactly one of
    `numbers` and `texts` is filled unless the kind is `missing`, where `count` alone counts.
    """

    column: int
    row: int
    count: int
    form: int = -1
    kind: CellKind = CellKind.NUMBER
    numbers: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One header cell of a table. `quantity` is the canonical name that its text spells."""

    quantity: str
    column: int
    header: str


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An iteration table found by its headers; rows count from 1, `last_row` is included."""

    sheet: int
    header_row: int
    first_row: int
    last_row: int
    columns: tuple[Column, ...]


class Sheet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One worksheet."""

    name: str
    runs: tuple[Run, ...]


class Area(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rectangle of cells that a chart reads; `sheet` is an index, -1 where it lies in another file or does
    not exist.
    """

    sheet: int
    row: int
    column: int
    last_row: int
    last_column: int
    text: str
    """As the chart writes it."""


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plotted series: its areas, its name, and the values that the chart itself stores (empty in Google
    exports).
    """

    name: str
    areas: tuple[Area, ...]
    cached: tuple[float, ...] = ()


class Chart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chart part of the package. `sheet` is the name of the sheet or chart sheet that shows it, empty if
    none does.
    """

    part: str
    sheet: str
    title: str
    kind: str
    series: tuple[Series, ...]


class Book(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One workbook file. With a `problem` it is empty and `message` says what is wrong and what to do.

    `forms` are the distinct formulas in R1C1 notation, with names and structured references resolved.
    """

    artefact: str
    sha256: str
    producer: Producer = Producer.OTHER
    problem: Problem = Problem.NONE
    message: str = ""
    forms: tuple[str, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    images: int = 0
    pictures: tuple[str, ...] = ()
    """The sheet of every picture that lies on one; `images` counts those of no sheet as well."""
    unread: tuple[str, ...] = ()
    """What of the file could not be read, one sentence each: a damaged sheet, lost texts."""
    notes: tuple[str, ...] = ()
    """What a person should know of the file: macros that were not run, external links that were not followed.
    """


class WorkbookEvidence(Evidence, frozen=True, kw_only=True):
    """All workbooks of a submission, the main one first."""

    books: tuple[Book, ...]


_WRITTEN = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?%?")


def written_number(text: str) -> float | None:
    """The number that a text in a cell spells (`'0,15`, `−0.3`, `5%`), with a decimal point or comma; None
    where it is none.
    """
    if len(text) > 60:
        return None
    bare = text.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ").strip().lstrip("'")
    if not _WRITTEN.fullmatch(bare):
        return None
    number = float(bare.rstrip("%").replace(",", "."))
    return number / 100.0 if bare.endswith("%") else number
