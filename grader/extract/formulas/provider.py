"""The provider of `FormulaEvidence`: every Markdown document, text file and notebook of a submission, and the
texts in the cells of its workbooks.
"""

from grader.backprop.assigned import reading_for
from grader.core.evidence.documents import Document, Documents
from grader.core.evidence.formulas import DocumentFormulas, FormulaEvidence, Unread, UnreadPlace
from grader.core.evidence.workbook import WorkbookEvidence
from grader.core.place import Place
from grader.core.rubric import CLASS_PROFILE, Profile
from grader.core.submission import Kind, Submission
from grader.extract.formulas.assemble import read_document
from grader.extract.formulas.document.mentions import unread_places
from grader.extract.formulas.document.workbook_texts import workbook_lines


def read_formulas(
    documents: Documents,
    submission: Submission,
    workbooks: WorkbookEvidence | None = None,
    profile: Profile = CLASS_PROFILE,
) -> FormulaEvidence:
    """Read the formulas of all READMEs and notebooks for the rubric's network; a notebook without any formula
    is left out, and so is a workbook without any, or of another network.

    Raises:
        Unavailable: there is no document that holds a formula or could hold one.

    """
    with reading_for(profile.network):
        read = [(d, formulas_of(d)) for d in documents.of(Kind.README, Kind.NOTEBOOK)]
        unread = [place for document, formulas in read for place in unread_places(document, formulas.lines)]
        cells = () if workbooks is None else _in_cells(workbooks)
    found = [formulas for document, formulas in read if formulas.lines or document.kind is Kind.README]
    unread += _not_read_at_all(documents, submission)
    if not found and not unread and not cells:
        raise documents.absent("a README or other document", Kind.README, Kind.NOTEBOOK)
    return FormulaEvidence(documents=tuple(found), unread=tuple(unread), workbooks=cells)


def _in_cells(workbooks: WorkbookEvidence) -> tuple[DocumentFormulas, ...]:
    read = (
        read_document(lines, book.artefact, main=False)
        for book in workbooks.books
        if (lines := workbook_lines(book))
    )
    return tuple(d for d in read if d.lines and not d.other_network)


def _not_read_at_all(documents: Documents, submission: Submission) -> list[UnreadPlace]:
    """Files that cannot be read, and pictures that no document shows."""
    files = [
        UnreadPlace(what=Unread.FILE, place=Place(artefact=d.path), text=d.problem)
        for d in documents.unread(Kind.README, Kind.NOTEBOOK)
        if not d.readable
    ]
    known = {d.path for d in documents.documents}
    files += [
        UnreadPlace(what=Unread.FILE, place=Place(artefact=a.path), text=a.trouble or "not read")
        for a in submission.artefacts
        if a.path not in known and a.kind is not Kind.IMAGE and (a.unread_form or a.may_hold(Kind.README))
    ]
    shown = {picture.file for d in documents.documents for picture in d.pictures}
    return files + [
        UnreadPlace(what=Unread.PICTURE, place=Place(artefact=a.path), text=a.path)
        for a in submission.artefacts
        if a.kind is Kind.IMAGE and a.path.rpartition("/")[2] not in shown
    ]


def formulas_of(document: Document) -> DocumentFormulas:
    """Read the formulas of one document."""
    return read_document(
        document.lines,
        document.path,
        main=document.main and document.kind is Kind.README,
        encoding=document.encoding,
        repairs=document.repairs,
    )
