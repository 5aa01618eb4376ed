"""A CSV file of a learning platform: read as it is, written back in its own form.

Delimiter, line ends and the mark at the start are kept; a mark is added where Excel would take letters for
others (it reads UTF-8 without one as the code page of the computer).
"""

import csv
import io
import re
from collections.abc import Sequence

import msgspec

from grader.core.faults import UsageFault
from grader.extract.documents.text import decode_bytes
from grader.render.exports import cell

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?|[+-]")


class Worksheet(msgspec.Struct, kw_only=True):
    """Rows of text, the first one the names of the columns; rows are as long as that one at least."""

    rows: list[list[str]]
    delimiter: str = ","
    line_end: str = "\r\n"
    marked: bool = False
    """Whether the file began with a byte order mark."""

    @property
    def header(self) -> list[str]:
        """Names of the columns, without blanks around them."""
        return [name.strip() for name in self.rows[0]]

    def column(self, *names: str) -> int | None:
        """Return the place of the first column that has one of the names, in whatever case."""
        lower = [name.casefold() for name in self.header]
        return next((lower.index(name.casefold()) for name in names if name.casefold() in lower), None)

    def at(self, row: Sequence[str], *names: str) -> str:
        """Return a cell of a row by the name of its column; empty where there is none."""
        place = self.column(*names)
        return "" if place is None else row[place].strip()


def read_worksheet(data: bytes, name: str, columns: int = 2) -> Worksheet:
    """Return the worksheet in a file's bytes; UsageFault where there are no rows of so many columns."""
    text, encoding = decode_bytes(data)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as fault:
        raise UsageFault(
            f"{name}: this is no CSV file ({fault}); export it again from the platform"
        ) from fault
    rows = [row for row in rows if row]
    if len(rows) < 2 or len(rows[0]) < columns:
        raise UsageFault(
            f"{name}: expected a row of column names and a row a student, as the platform exports them"
        )
    width = len(rows[0])
    return Worksheet(
        rows=[row + [""] * (width - len(row)) for row in rows],
        delimiter=delimiter,
        line_end="\r\n" if "\r\n" in text else "\n",
        marked=encoding != "utf-8" and "utf" in encoding,
    )


def write_worksheet(sheet: Worksheet) -> bytes:
    """Return the file in UTF-8. Cells that a spreadsheet would run are neutralised, numbers and dashes are
    not: OWASP, CSV injection.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=sheet.delimiter, lineterminator=sheet.line_end)
    writer.writerows([[neutral(text) for text in row] for row in sheet.rows])
    text = buffer.getvalue()
    return for_excel(text, marked=sheet.marked)


def for_excel(text: str, *, marked: bool = False) -> bytes:
    """Return CSV in UTF-8, with a byte order mark where Excel needs one or `marked` asks for it."""
    return text.encode("utf-8-sig" if marked or not text.isascii() else "utf-8")


def neutral(text: str) -> str:
    """Return a cell's text that no spreadsheet runs; line ends inside a cell of the platform's own stay."""
    if _NUMBER.fullmatch(text.strip()):
        return text
    lines = text.splitlines() or [text]
    return f"'{text}" if cell(lines[0]).startswith("'") and not lines[0].startswith("'") else text
