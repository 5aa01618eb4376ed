"""Formulas in A1 notation to one closed relative language (R1C1), so that a filled-down column is one form.

The scanner is our own: `openpyxl.formula` costs a third of a second to import, which a book of 1,800 formulas
does not take to read, and a relative form needs only where references begin and end.

In a form, references read `R[0]C[-3]`, `R31C7` or `'My sheet'!R31C7`, ranges `R[-3]C[0]:R[0]C[0]`; names and
structured references are already replaced. What cannot be replaced stays as an identifier, which the
evaluator refuses by name.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from grader.extract.workbook.computed_references import column_number, written_out

MAX_FORMULA = 8_192
"""Characters; Excel's own limit."""

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*")
      | (?P<prefix>(?:'(?:[^']|'')+'|[^\W\d][\w.]*|\[\d+\][\w.]*)!)?
        (?P<c1>\$?[A-Za-z]{1,3})(?P<r1>\$?\d{1,7})(?::(?P<c2>\$?[A-Za-z]{1,3})(?P<r2>\$?\d{1,7}))?(?![\w(.\[])
      | (?P<outside>'(?:[^']|'')*\[[^']*'!|\[\d+\][^!+*/^,()]*!)
      | (?P<structured>(?P<table>[^\W\d][\w.]*)?\[(?:[^\[\]]|\[[^\[\]]*\])*\])
      | (?P<call>[^\W\d][\w.]*\()
      | (?P<name>(?:(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?[^\W\d\s][\w.]*(?!\())
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<space>\s+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


_LAMBDA = re.compile(r"=?\s*(?:_xlfn\.)?LAMBDA\s*\(", re.IGNORECASE)


class TableColumns(msgspec.Struct, frozen=True, kw_only=True):
    """An Excel table (ListObject): where it lies and the column of each header, lower-case."""

    sheet: str
    first_row: int
    last_row: int
    columns: dict[str, int]


class At(NamedTuple):
    """The cell in which a formula stands; row and column count from 1."""

    sheet: str
    row: int
    column: int


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What a formula may name: defined names (lower-case, by their A1 text) and tables (lower-case)."""

    names: Mapping[str, str]
    tables: Mapping[str, TableColumns]


def relative_form(formula: str, at: At, book: Book, depth: int = 0) -> str:
    """Return the form of a formula (without `=`) that stands at a cell; `depth` counts nested names."""
    return _read(formula, at, book, depth)[0]


class FilledDown:
    """The forms of a sheet's formulas, cell by cell. A formula that only continues the one above it in its
    column is recognised by its text, without being read: nine of ten are such, and reading all of them was
    half of what a workbook cost.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._above: dict[int, _Template | None] = {}

    def form(self, formula: str, at: At) -> str:
        """Return what `relative_form` does."""
        if known := self.going_on(formula, at.row, at.column):
            return known
        form, self._above[at.column] = _read(formula, at, self._book)
        return form

    def going_on(self, formula: str, row: int, column: int) -> str:
        """The form of a formula that continues the one above it; empty where it does not."""
        above = self._above.get(column)
        return above.form if above is not None and above.continued_by(formula, row) else ""


class _Template(NamedTuple):
    """A formula whose text says its form in every row below: nothing in it but references, numbers, texts,
    operators and functions.
    """

    form: str
    text: str
    """With a mark for the row of each relative reference."""
    marks: tuple[tuple[str, int], ...]
    """Each mark, and how far its row lies from that of the formula."""
    row: int
    """Where it stands: above it a row could become negative."""

    def continued_by(self, formula: str, row: int) -> bool:
        """Whether a formula in a row is this one, filled down."""
        text = self.text
        for mark, off in self.marks:  # one or two as a rule, which takes half of what `%` for each row takes
            text = text.replace(mark, str(row + off))
        return self.row < row < _ROWS and formula == text


_ROWS = 2_000_000
"""More than any sheet has, and so few that a row that is shifted remains of seven digits."""


def _read(formula: str, at: At, book: Book, depth: int = 0) -> tuple[str, _Template | None]:
    """The form of a formula, and the template of those that continue it, where there is one."""
    out: list[str] = []
    text: list[str] = []
    marks: dict[int, str] = {}
    whole = written_out(formula, at.row)
    alike = whole == formula and _MARK not in formula
    for match in _TOKEN.finditer(whole):
        kind = match.lastgroup
        if match["c1"] is not None:
            out.append(_reference(match, at.row, at.column))
            text.append(_shifted(match, at.row, marks))
            continue
        text.append(match[0])
        if kind in ("structured", "table") or match["structured"]:
            out.append(_structured(match["structured"], match["table"], at, book))
            alike = False
        elif match["name"]:
            out.append(_name(match["name"], at, book, depth))
            alike = False
        elif match["call"]:
            out.append(_called(match["call"], at, book, depth))
            alike = alike and out[-1] == match["call"]
        elif match["space"] or match["other"] == "@":  # `@U5` is the cell U5
            continue
        else:
            out.append(match[0])
    form = "".join(out)
    alike = alike and all(at.row + off < 9_000_000 - _ROWS for off in marks)
    rows = tuple((mark, off) for off, mark in marks.items())
    return form, _Template(form, "".join(text), rows, at.row) if alike else None


_MARK = "\0"
"""How a mark begins that stands for a row: no file holds it."""


def _shifted(match: re.Match[str], row: int, marks: dict[int, str]) -> str:
    """The text of a reference with the mark of each relative row, which is in `marks` by its distance."""
    text = match["prefix"] or ""
    for mark, letters, digits in (("", match["c1"], match["r1"]), (":", match["c2"], match["r2"])):
        if letters is None:
            break
        text += mark + letters
        if digits[0] == "$":
            text += digits
        else:
            text += marks.setdefault(int(digits) - row, f"{_MARK}{len(marks)};")
    return text


def _reference(match: re.Match[str], row: int, column: int) -> str:
    prefix = _prefix(match["prefix"])
    text = prefix + _cell(match["c1"], match["r1"], row, column)
    if match["c2"] is not None:
        text += ":" + _cell(match["c2"], match["r2"], row, column)
    return text


def _prefix(prefix: str | None) -> str:
    if not prefix:
        return ""
    bare = prefix[:-1]
    if bare.startswith("'"):
        bare = bare[1:-1].replace("''", "'")
    return "'" + bare.replace("'", "''") + "'!"


def _cell(letters: str, digits: str, row: int, column: int) -> str:
    r = f"R{digits[1:]}" if digits[0] == "$" else f"R[{int(digits) - row}]"
    c = f"C{column_number(letters[1:])}" if letters[0] == "$" else f"C[{column_number(letters) - column}]"
    return r + c


def _name(name: str, at: At, book: Book, depth: int) -> str:
    bare = name.rsplit("!", 1)[-1].lower()
    target = book.names.get(bare)
    if target is None or depth > 8 or bare in ("true", "false"):
        return name
    return (
        "(" + relative_form(target, at, book, depth + 1) + ")"
        if not _plain(target)
        else (relative_form(target, at, book, depth + 1))
    )


def _called(call: str, at: At, book: Book, depth: int) -> str:
    """A function: where it is a defined name for a LAMBDA, the LAMBDA itself."""
    target = book.names.get(call[:-1].lower(), "")
    if depth > 8 or not _LAMBDA.match(target):
        return call
    return relative_form(target.lstrip("="), at, book, depth + 1) + "("


def _plain(target: str) -> bool:
    return not re.search(r"[-+*/^&=<>]", re.sub(r"'(?:[^']|'')*'", "", target))


def _structured(text: str, table: str | None, cell: At, book: Book) -> str:
    """`Table1[[#This Row],[t1]]`, `Table1[@t1]`, `[@[a h1]]`, `Table1[t1]` to references; other kinds stay as
    they are.
    """
    found = book.tables.get((table or "").lower()) if table else _enclosing(cell, book)
    if found is None:
        return text
    inner = text[text.index("[") + 1 : -1].strip()
    this_row = inner.startswith("@") or "#this row" in inner.lower()
    header = (
        re.sub(r"\[\s*#this row\s*\]\s*,?", "", inner, flags=re.IGNORECASE).strip().removeprefix("@").strip()
    )
    if header.startswith("[") and header.endswith("]"):
        header = header[1:-1]
    ends = [found.columns.get(_header(re.sub(r"'([\[\]#'@])", r"\1", end))) for end in header.split("]:[")]
    if len(ends) > 2 or None in ends:
        return text
    prefix = "" if found.sheet == cell.sheet else "'" + found.sheet.replace("'", "''") + "'!"
    first, last = ends[0], ends[-1]
    if this_row:
        return f"{prefix}R[0]C{first}" + (f":R[0]C{last}" if len(ends) == 2 else "")
    return f"{prefix}R{found.first_row}C{first}:R{found.last_row}C{last}"


def _header(text: str) -> str:
    return " ".join(text.lower().split())


def table_columns(
    sheet: str, first_row: int, last_row: int, first_column: int, headers: list[str]
) -> TableColumns:
    """Build the record of an Excel table from its header texts, left to right."""
    columns = {_header(header): first_column + i for i, header in reversed(list(enumerate(headers)))}
    return TableColumns(sheet=sheet, first_row=first_row, last_row=last_row, columns=columns)


def _enclosing(cell: At, book: Book) -> TableColumns | None:
    for table in book.tables.values():
        inside = table.columns and min(table.columns.values()) <= cell.column <= max(table.columns.values())
        if table.sheet == cell.sheet and table.first_row <= cell.row <= table.last_row and inside:
            return table
    return None
