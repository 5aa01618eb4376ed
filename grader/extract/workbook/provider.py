"""All workbooks of a submission as evidence.

The evidence holds every filled cell, formulas by relative form: the replay runs from it alone, so a stored
submission is judged again without its bytes. A real book of 46,000 formulas is 1 MB of JSON.
"""

import msgspec

from grader.backprop.assigned import reading_for
from grader.core.assigned_network import CLASS_NETWORK, AssignedNetwork
from grader.core.evidence.workbook import Book, WorkbookEvidence
from grader.core.rubric import CLASS_PROFILE, Profile
from grader.core.submission import Artefact, Kind, Problem, Sources
from grader.extract.workbook.read import read_book
from grader.extract.workbook.tables import tables_of

MAX_BOOKS = 20
"""Workbooks of one submission that are read; the others are named."""


def read_workbooks(sources: Sources, profile: Profile = CLASS_PROFILE) -> WorkbookEvidence:
    """Read every workbook, the main one first; raise `Unavailable` (skipped) where there is none."""
    readable = sources.of(Kind.WORKBOOK)
    broken = [a for a in sources.submission.artefacts if a.kind is Kind.WORKBOOK and not a.readable]
    if not readable and not broken:
        raise sources.absent(Kind.WORKBOOK, "a workbook (.xlsx or .ods)")
    books = [
        read_book(source.data, source.artefact.path, source.artefact.sha256)
        for source in readable[:MAX_BOOKS]
    ]
    books += [
        _broken(sources, artefact)
        for artefact in sorted(broken, key=lambda artefact: artefact.path)[:MAX_BOOKS]
    ]
    return WorkbookEvidence(books=tuple(_headed(book, profile.network) for book in books))


def _headed(book: Book, network: AssignedNetwork) -> Book:
    """A book with its tables under the network's headers: the reader's process knows the class sheet's."""
    if network == CLASS_NETWORK:
        return book
    with reading_for(network):
        return msgspec.structs.replace(book, tables=tables_of(book.sheets))


def _broken(sources: Sources, artefact: Artefact) -> Book:
    """A damaged workbook: what of it can be read, else what is wrong with it."""
    if artefact.problem is Problem.BROKEN:
        book = read_book(sources.fetch(artefact.sha256), artefact.path, artefact.sha256)
        if book.problem is Problem.NONE:
            return book
    message = artefact.note or f"{artefact.path} cannot be read ({artefact.problem.value})."
    return Book(artefact=artefact.path, sha256=artefact.sha256, problem=artefact.problem, message=message)
