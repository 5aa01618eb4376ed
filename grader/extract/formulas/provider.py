"""The provider of `FormulaEvidence`: every Markdown document, text file and notebook of a submission."""

from grader.core.evidence.documents import Document, Documents
from grader.core.evidence.formulas import DocumentFormulas, FormulaEvidence
from grader.core.submission import Kind
from grader.extract.formulas.assemble import read_document


def read_formulas(documents: Documents) -> FormulaEvidence:
    """Read the formulas of all READMEs and notebooks; a notebook without any formula is left out.

    Raises:
        Unavailable: the submission holds no document.

    """
    read = [(d, formulas_of(d)) for d in documents.of(Kind.README, Kind.NOTEBOOK)]
    found = [formulas for document, formulas in read if formulas.lines or document.kind is Kind.README]
    if not found:
        raise documents.absent("a README or other document", Kind.README, Kind.NOTEBOOK)
    return FormulaEvidence(documents=tuple(found))


def formulas_of(document: Document) -> DocumentFormulas:
    """Read the formulas of one document."""
    return read_document(
        document.lines,
        document.path,
        main=document.main and document.kind is Kind.README,
        encoding=document.encoding,
        repairs=document.repairs,
    )
