"""Unpacking and parsing of one workbook: what runs in the limited process (`grader.sandbox.reader`)."""

import io
import zipfile
from collections.abc import Sequence

from grader.core.evidence.workbook import Book, Chart, Producer, Sheet, Table
from grader.core.submission import Problem
from grader.extract.workbook import charts, ods, xlsx
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.grid import Forms
from grader.extract.workbook.sniff import Format, sniff
from grader.extract.workbook.tables import is_without_headers, on_its_side, tables_of
from grader.sandbox.reader_server import ReadLimits

_SHEET = """<worksheet xmlns="x"><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>weight</t></is></c></row>
<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>EXP(-$A$2*0.5)/A2</f><v>0.6</v></c></row>
</sheetData></worksheet>"""


def warm() -> None:
    """Read a small book of ours once, in the process that forks for each file: the patterns of the columns of
    a network and the encoding of names in a package, 5 to 8 ms a workbook, are then at hand.
    """
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as parts:
        parts.writestr("xl/worksheets/sheet1.xml", _SHEET)
    read(package.getvalue(), "x.xlsx")


def read(data: bytes, name: str) -> Book:
    """Read a workbook; what cannot be read is a book with a problem and a message."""
    try:
        kind = sniff(data, name)
        drawn: tuple[Chart, ...] = ()
        notes: tuple[str, ...] = ()
        package = xlsx.Package(data)
        pictures: tuple[str, ...] = ()
        forms = Forms()
        if kind is Format.ODS:
            sheets, producer = ods.read_sheets(package, forms), ods.producer(package)
        else:
            sheets, producer = xlsx.read_sheets(package, forms), xlsx.producer(package)
            drawn, pictures, notes = charts.read_drawings(package)
    except Unreadable as fault:
        return Book(
            artefact=name, sha256="", producer=Producer.OTHER, problem=fault.problem, message=fault.message
        )
    except MemoryError:
        message = (
            f"{name} needs more memory than a workbook of this assignment may take "
            f"({ReadLimits().memory:,} bytes)."
        )
        return Book(artefact=name, sha256="", problem=Problem.TOO_LARGE, message=message)
    tables = tables_of(sheets)
    images = sum("/media/" in n or n.startswith("Pictures/") for n in package.names)
    return Book(
        artefact=name,
        sha256="",
        producer=producer,
        forms=forms.all(),
        sheets=sheets,
        tables=tables,
        charts=drawn,
        images=images,
        pictures=pictures,
        unread=(*package.unread, *_aside(sheets, tables)),
        notes=(*_notes(package), *notes),
    )


def _notes(package: xlsx.Package) -> tuple[str, ...]:
    notes = []
    if any(n.endswith("vbaProject.bin") for n in package.names):
        notes.append("The book holds macros. They were not run.")
    if any(n.startswith("xl/externalLinks/") for n in package.names):
        notes.append(
            "The book links to another workbook. The link was not followed; stored values were kept."
        )
    return tuple(notes)


def _aside(sheets: Sequence[Sheet], tables: tuple[Table, ...]) -> tuple[str, ...]:
    """Say of tables that run to the right, or that no header tells, that they are not read."""
    told: list[str] = []
    for index, sheet in enumerate(sheets):
        if any(table.sheet == index for table in tables):
            continue
        if column := on_its_side(sheet):
            told.append(
                f"The iteration table of {sheet.name} lies on its side: its headers stand in column "
                f"{column}, and it runs to the right, which is not read. Turn it (paste special, transpose), "
                "or let a person read it."
            )
        elif is_without_headers(sheet):
            told.append(
                f"The numbers of {sheet.name} have no headers that say what they are. Write them above the "
                "columns, or let a person read it."
            )
    return tuple(told[:MAX_TOLD])


MAX_TOLD = 6
"""Sheets of which it is said that they are not read."""
