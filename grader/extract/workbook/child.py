"""The process that unpacks and parses one workbook: bytes on stdin, a `Book` as MessagePack on stdout.

A parser that meets hostile bytes may take all memory or never end; in a child of its own it takes only itself
down. Started with `python -m grader.extract.workbook.child NAME`; it opens no file and no connection.
"""

import sys

import msgspec

from grader.core.evidence.workbook import Book, Chart, Producer
from grader.core.submission import Problem
from grader.extract.workbook import charts, ods, xlsx
from grader.extract.workbook.faults import Unreadable
from grader.extract.workbook.grid import Forms
from grader.extract.workbook.sniff import Format, sniff
from grader.extract.workbook.tables import find_tables

MEMORY = 1_200_000_000
"""Bytes of address space; a book of 76,000 formulas takes a tenth of it."""
CPU_SECONDS = 40


def limit() -> None:
    """Limit this process where the system can (not on Windows; macOS refuses the memory limit)."""
    try:
        import resource
    except ImportError:  # Windows: the parent's wall limit is the only one
        return
    for what, amount in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (amount, amount))
        except (ValueError, OSError):
            continue


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
        message = f"{name} needs more memory than a workbook of this assignment may take ({MEMORY:,} bytes)."
        return Book(artefact=name, sha256="", problem=Problem.TOO_LARGE, message=message)
    tables = tuple(table for i, sheet in enumerate(sheets) for table in find_tables(i, sheet))
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
        unread=tuple(package.unread),
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


def main() -> None:
    """Read stdin, write stdout."""
    limit()
    name = sys.argv[1] if len(sys.argv) > 1 else "workbook"
    book = read(sys.stdin.buffer.read(), name)
    sys.stdout.buffer.write(msgspec.msgpack.encode(book))


if __name__ == "__main__":
    main()
