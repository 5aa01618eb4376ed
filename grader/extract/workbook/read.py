"""Reading one workbook in the limited process."""

import msgspec

from grader.core.evidence.workbook import Book
from grader.core.submission import Problem
from grader.sandbox.reader import Lost, read_limited


def read_book(data: bytes, name: str, sha256: str) -> Book:
    """Return the workbook, or a book with a problem that says what is wrong and what to do.

    Raises SandboxFault where the process that reads cannot be had: nothing is known of the book then.
    """
    book = read_limited("grader.extract.workbook.child:read", data, name, returns=Book)
    if isinstance(book, Lost):
        message = f"{name} {book}. Save it again as .xlsx with only the sheets that are needed."
        problem = Problem.TOO_LARGE if book.too_large else Problem.BROKEN
        return Book(artefact=name, sha256=sha256, problem=problem, message=message)
    return msgspec.structs.replace(book, artefact=name, sha256=sha256)
