"""An OpenDocument spreadsheet to cells: `content.xml` in one streaming pass, formulas in OpenFormula
notation.

`of:=[.F4]-[.$A$5]*[$Sheet2.Y4]` is written as `F4-$A$5*Sheet2!Y4` first; from there on it is a formula like
any other.
"""

import re

from grader.core.evidence.workbook import CellKind, Producer, Sheet
from grader.core.submission import Problem
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.forms import MAX_FORMULA, At, Book, FilledDown
from grader.extract.workbook.grid import Budget, Forms, Grid
from grader.extract.workbook.names import name_constants
from grader.extract.workbook.xlsx import Package
from grader.extract.workbook.xml import parse, tree

MAX_REPEAT = 5_000
"""Rows or columns that a filled cell may stand for; empty ones may repeat as often as they like."""
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_PART = re.compile(r"(?:\$?('(?:[^']|'')+'|[^.'\s:]+))?\.(\$?[A-Za-z]{1,3}\$?\d{1,7})")


def producer(package: Package) -> Producer:
    """Which program saved the file, by meta.xml; only LibreOffice and its kin write full precision for
    certain.
    """
    if "meta.xml" not in package.names:
        return Producer.GOOGLE
    generator = tree(package.read("meta.xml"), "meta.xml").first("generator")
    name = (generator.text if generator else "").lower()
    return Producer.LIBREOFFICE if "office" in name else Producer.GOOGLE


def a1(formula: str) -> str:
    """An OpenFormula formula in A1 notation, without `=`."""
    body = re.sub(r"^(?:of|oooc|msoxl|[a-z]+):", "", formula).lstrip("=")
    body = re.sub(r"\$\$(?=[^\W\d])", "", body)  # LibreOffice marks names of the whole document
    return _BRACKET.sub(lambda match: _range(match[1]), body)


def _range(inside: str) -> str:
    parts = list(_PART.finditer(inside))
    if not parts:
        return inside
    sheet = parts[0][1]
    prefix = "" if sheet is None else (sheet if sheet.startswith("'") else f"'{sheet}'") + "!"
    return prefix + ":".join(part[2] for part in parts)


class _Reader:
    """The handlers of `content.xml`."""

    def __init__(self, book: Book, forms: Forms) -> None:
        self.book, self.forms, self.budget = book, forms, Budget()
        self.sheets: list[Sheet] = []
        self.name = ""
        self.grid = Grid(self.budget)
        self.filled = FilledDown(book)
        self.depth = 0
        self.row = self.column = 0
        self.row_repeat = self.repeat = 1
        self.attributes: dict[str, str] = {}
        self.text_parts: list[str] | None = None
        self.cells: list[tuple[int, dict[str, str], str]] = []
        self.note = 0

    def start(self, name: str, raw: dict[str, str]) -> None:
        if name == "table":
            self.depth += 1
            if self.depth == 1:
                self.name = _local(raw).get("name", "")
                self.grid, self.row, self.filled = Grid(self.budget), 0, FilledDown(self.book)
        elif self.depth != 1:
            return
        elif name == "table-row":
            self.row_repeat = int(_local(raw).get("number-rows-repeated", "1"))
            self.column, self.cells = 0, []
        elif name in ("table-cell", "covered-table-cell"):
            self.attributes = _local(raw)
            self.repeat = int(self.attributes.get("number-columns-repeated", "1"))
            self.text_parts = []
        elif name == "annotation":
            self.note += 1

    def text(self, data: str) -> None:
        if self.text_parts is not None and not self.note:
            self.text_parts.append(data)

    def end(self, name: str) -> None:
        if name == "table":
            if self.depth == 1:
                self.sheets.append(Sheet(name=self.name, runs=self.grid.runs()))
            self.depth -= 1
        elif self.depth != 1:
            return
        elif name == "annotation":
            self.note -= 1
        elif name in ("table-cell", "covered-table-cell"):
            filled = "value-type" in self.attributes or "formula" in self.attributes or bool(self.text_parts)
            if filled:
                for offset in range(min(self.repeat, MAX_REPEAT)):
                    self.cells.append(
                        (self.column + offset + 1, self.attributes, "".join(self.text_parts or []))
                    )
            self.column += self.repeat
            self.text_parts = None
        elif name == "table-row":
            if self.cells:
                for offset in range(min(self.row_repeat, MAX_REPEAT)):
                    for column, attributes, text in self.cells:
                        self._cell(self.row + offset + 1, column, attributes, text)
            self.row += self.row_repeat

    def _cell(self, row: int, column: int, attributes: dict[str, str], text: str) -> None:
        formula, form = attributes.get("formula", ""), -1
        if formula:
            readable = len(formula) <= MAX_FORMULA and "number-matrix-rows-spanned" not in attributes
            body = self.filled.form(a1(formula), At(self.name, row, column)) if readable else "#UNREADABLE"
            form = self.forms.number(body)
        kind = attributes.get("value-type", "")
        value = attributes.get("value", attributes.get("boolean-value", ""))
        if kind in ("float", "percentage", "currency", "boolean"):
            number = {"true": "1", "false": "0"}.get(value, value)
            try:
                self.grid.add(row, column, form, CellKind.NUMBER, float(number))
                return
            except ValueError:
                text = value
        if form >= 0 and not text and not kind:
            self.grid.add(row, column, form, CellKind.MISSING, "")
        elif text.startswith(("#", "Err:")):
            self.grid.add(row, column, form, CellKind.FAULT, text)
        else:
            self.grid.add(row, column, form, CellKind.TEXT, attributes.get("string-value", text))


def _local(raw: dict[str, str]) -> dict[str, str]:
    return {key.rpartition(" ")[2]: value for key, value in raw.items()}


def read_sheets(package: Package, forms: Forms) -> tuple[Sheet, ...]:
    """All sheets of `content.xml`."""
    data = package.read("content.xml")
    names = _names(data)
    constants = name_constants(names)
    reader = _Reader(Book(names=names, tables={}), forms)
    try:
        parse(data, "content.xml", reader.start, reader.end, reader.text)
    except ValueError as fault:
        message = "content.xml holds a number that is none. Save the workbook again as .xlsx."
        raise Unreadable(Problem.BROKEN, message) from fault
    return (*reader.sheets, *constants)


def _names(data: bytes) -> dict[str, str]:
    """Defined names, which stand after the cells: `$Sheet1.$B$4` as `'Sheet1'!$B$4`."""
    names: dict[str, str] = {}

    def start(name: str, raw: dict[str, str]) -> None:
        if name == "named-range":
            at = _local(raw)
            names[at.get("name", "").lower()] = _range(at.get("cell-range-address", ""))
        elif name == "named-expression":
            at = _local(raw)
            names[at.get("name", "").lower()] = a1(at.get("expression", ""))

    parse(data, "content.xml", start, lambda _: None, lambda _: None)
    return names
