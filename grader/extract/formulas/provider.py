"""The provider of `FormulaEvidence`: every Markdown document, text file and notebook of a submission."""

from grader.core.evidence.formulas import DocumentFormulas, FormulaEvidence
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.submission import Kind, Source, Sources
from grader.extract.formulas.assemble import read_document
from grader.extract.markdown import NotebookFault, markdown_lines, notebook_lines
from grader.extract.text import decode, mend_mojibake


def read_formulas(sources: Sources) -> FormulaEvidence:
    """Read the formulas of all READMEs and notebooks; a notebook without any formula is left out.

    Raises:
        Unavailable: the submission holds no document.

    """
    documents = [read_bytes(s.data, s.artefact.path, main=s.artefact.main) for s in sources.of(Kind.README)]
    for source in sources.of(Kind.NOTEBOOK):
        found = _notebook(source)
        if found is not None and found.lines:
            documents.append(found)
    if not documents:
        raise Unavailable("no README or other document is there to read formulas from", Verdict.SKIPPED)
    return FormulaEvidence(documents=tuple(documents))


def _notebook(source: Source) -> DocumentFormulas | None:
    try:
        return read_bytes(source.data, source.artefact.path, main=False, notebook=True)
    except NotebookFault:
        return None  # the artefact check tells what is wrong with the file


def read_bytes(data: bytes, path: str, *, main: bool = True, notebook: bool = False) -> DocumentFormulas:
    """Read one document from its bytes.

    Raises:
        NotebookFault: `notebook` is set and the bytes are none.

    """
    if notebook:
        lines = []
        for line in notebook_lines(data, path):
            mended, _ = mend_mojibake(line.text)
            lines.append(line._replace(text=mended))
        return read_document(tuple(lines), path, main=main)
    decoded = decode(data)
    return read_document(
        markdown_lines(decoded.text, path),
        path,
        main=main,
        encoding=decoded.encoding,
        repairs=decoded.repairs,
    )
