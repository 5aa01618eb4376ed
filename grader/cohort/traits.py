"""What of one submission can be compared with others: passages that nobody had to write just so, and mistakes
with their places.

Right formulas, recognised headings and numbers are left out: two students who solve the same exercise rightly
write the same.
"""

import hashlib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from grader.backprop.slip_catalogue import current
from grader.core.evidence.documents import Documents
from grader.core.evidence.formulas import FormulaEvidence, FormulaVerdict
from grader.core.evidence.logs import LogEvidence, Origin
from grader.core.evidence.workbook import Book, Run, Sheet, WorkbookEvidence
from grader.core.facts.replay import ReplayFacts, Severity, State
from grader.core.place import Place, letters
from grader.core.submission import Artefact, Kind, Submission

WINDOW: Final = 3
"""Consecutive lines of code that make a passage: a single line of PyTorch is anybody's."""
PROSE_WORDS: Final = 8
SHORTEST_BYTES: Final = 400
"""Files below this are the same by chance."""
EXCERPT: Final = 160


class Passage(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One thing that two people would hardly write alike; `key` is a digest of its normalised text."""

    key: str
    text: str
    place: str


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One artefact: `sha256` of its bytes (empty where they are too few), `whole` of its content, and its
    passages.
    """

    what: str
    """`workbook`, `notebook`, `readme` or `training log`."""
    artefact: str
    sha256: str = ""
    whole: str = ""
    passages: tuple[Passage, ...] = ()


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: `key` is the same for the same mistake in the same place; `root` is its diagnosis."""

    key: str
    root: str
    text: str
    place: str


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared of one submission."""

    pieces: tuple[Piece, ...] = ()
    slips: tuple[Slip, ...] = ()


def traits_of(
    submission: Submission,
    documents: Documents,
    *,
    formulas: FormulaEvidence | None = None,
    workbooks: WorkbookEvidence | None = None,
    replay: ReplayFacts | None = None,
    logs: LogEvidence | None = None,
) -> Traits:
    """Return the traits of a submission from what was read of it; pure."""
    pieces = (
        *_readmes(documents, formulas),
        *_notebooks(documents),
        *_workbooks(submission, workbooks, replay),
        *_logs(logs),
    )
    slips = {s.key: s for s in (*_formula_slips(formulas), *_cell_slips(replay))}
    return Traits(pieces=pieces, slips=tuple(slips[k] for k in sorted(slips)))


def _readmes(documents: Documents, formulas: FormulaEvidence | None) -> Iterator[Piece]:
    wrong: dict[str, list[Passage]] = {}
    for line in formulas.lines if formulas is not None else ():
        squeezed = re.sub(r"\s+", "", line.text)
        if line.verdict is not FormulaVerdict.RIGHT and len(squeezed) >= 12:
            wrong.setdefault(line.place.artefact, []).append(_passage(squeezed, line.text, line.place))
    for document in documents.of(Kind.README):
        prose = [
            _passage(" ".join(words), line.text, line.place)
            for line in document.lines
            if len(words := re.findall(r"[^\W\d_]{2,}", line.text.lower())) >= PROSE_WORDS
        ]
        yield _piece("readme", document.artefact, "", (*prose, *wrong.get(document.path, ())))


def _notebooks(documents: Documents) -> Iterator[Piece]:
    for document in documents.of(Kind.NOTEBOOK):
        if document.notebook is None:
            continue
        passages: list[Passage] = []
        everything: list[str] = []
        for cell in document.notebook.code_cells:
            lines = list(_code_lines(cell.source))
            everything += lines
            place = document.notebook.place(cell.number)
            for start in range(len(lines) - WINDOW + 1):
                text = "\n".join(lines[start : start + WINDOW])
                passages.append(_passage(text, text, place))
        whole = _digest("\n".join(everything)) if len(everything) >= 4 * WINDOW else ""
        yield _piece("notebook", document.artefact, whole, passages)


def _code_lines(source: str) -> Iterator[str]:
    """Yield the lines of code without comments, blank lines and spacing between tokens."""
    try:
        tokens = [
            t
            for t in tokenize.generate_tokens(io.StringIO(source).readline)
            if t.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT)
        ]
    except (tokenize.TokenError, SyntaxError):  # magics, or a cell that ends in the middle
        for raw in source.split("\n"):
            if bare := " ".join(raw.partition("#")[0].split()):
                yield bare
        return
    line: list[str] = []
    for token in tokens:
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if line:
                yield " ".join(line)
            line = []
        else:
            line.append(token.string)


def _workbooks(
    submission: Submission, workbooks: WorkbookEvidence | None, replay: ReplayFacts | None
) -> Iterator[Piece]:
    books = {book.artefact: book for book in (workbooks.books if workbooks is not None else ())}
    right: dict[str, set[tuple[str, str]]] = {}
    for judged in replay.books if replay is not None else ():
        right[judged.artefact] = {
            (t.sheet, q.column) for t in judged.tables for q in t.quantities if q.state is State.RIGHT
        }
    for artefact in submission.artefacts:
        if artefact.kind is not Kind.WORKBOOK or not artefact.readable:
            continue
        path = artefact.path
        book = books.get(path)
        passages = tuple(_free_cells(book, right.get(path, set()))) if book is not None else ()
        # A book of nothing but right formulas below recognised headings is what the exercise asks everybody
        # for.
        whole = ""
        if book is not None and len(passages) >= 3:
            whole = _digest(msgspec.json.encode(_rounded(book)).decode())
        yield _piece("workbook", artefact, whole, passages)


def _free_cells(book: Book, right: set[tuple[str, str]]) -> Iterator[Passage]:
    headers = {column.header.strip() for table in book.tables for column in table.columns}
    for sheet in book.sheets:
        for run in sheet.runs:
            column = letters(run.column)
            place = Place(artefact=book.artefact, sheet=sheet.name, ref=f"{column}{run.row}")
            if run.form >= 0:
                form = book.forms[run.form]
                if (sheet.name, column) not in right and form.count("C") >= 2:
                    yield _passage(form, f"={form}", place)
                continue
            for text in run.texts:
                if text.strip() not in headers and len(re.findall(r"[^\W\d_]{3,}", text)) >= 2:
                    yield _passage(" ".join(text.lower().split()), text, place)


def _rounded(book: Book) -> object:
    """Return the content of a book with values to nine digits, as another program saves them."""

    def runs(sheet: Sheet) -> list[object]:
        return [
            [r.column, r.row, r.count, _form(r), r.texts, [f"{x:.9g}" for x in r.numbers]] for r in sheet.runs
        ]

    def _form(run: Run) -> str:
        return book.forms[run.form] if run.form >= 0 else ""

    return [[sheet.name, runs(sheet)] for sheet in book.sheets]


def _logs(logs: LogEvidence | None) -> Iterator[Piece]:
    for run in logs.of(Origin.NOTEBOOK) if logs is not None else ():
        shown = [
            f"{e.correct}/{e.total}" if e.correct is not None else f"{e.percent:.4f}" for e in run.epochs
        ]
        if len(set(shown)) >= 5:
            text = " ".join(shown)
            place = str(run.place)
            passage = Passage(key=_digest(text), text=text[:EXCERPT], place=place)
            yield Piece(what="training log", artefact=place, whole=passage.key, passages=(passage,))


def _formula_slips(formulas: FormulaEvidence | None) -> Iterator[Slip]:
    for line in formulas.lines if formulas is not None else ():
        if line.verdict is FormulaVerdict.WRONG and line.repairs and line.states:
            first = line.repairs[0]
            yield Slip(
                key=_digest("\n".join((line.states, first.diagnosis, first.wrote, first.should_be))),
                root=current(first.diagnosis),
                text=line.text[:EXCERPT],
                place=str(line.place),
            )


def _cell_slips(replay: ReplayFacts | None) -> Iterator[Slip]:
    for book in replay.books if replay is not None else ():
        for fault in book.faults:
            if fault.severity is Severity.FAIL and fault.cells:
                written = re.sub(r"\s+", "", fault.excerpt)
                yield Slip(
                    key=_digest("\n".join((fault.cells, fault.quantity, fault.diagnosis, written))),
                    root=current(fault.diagnosis),
                    text=fault.excerpt[:EXCERPT],
                    place=str(Place(artefact=book.artefact, sheet=fault.sheet or None, ref=fault.cells)),
                )


def _piece(what: str, artefact: Artefact, whole: str, passages: Iterable[Passage]) -> Piece:
    found = {p.key: p for p in passages}
    return Piece(
        what=what,
        artefact=artefact.path,
        sha256=artefact.sha256 if artefact.size >= SHORTEST_BYTES else "",
        whole=whole,
        passages=tuple(found[k] for k in sorted(found)),
    )


def _passage(normalised: str, shown: str, place: Place) -> Passage:
    return Passage(key=_digest(normalised), text=shown.strip()[:EXCERPT], place=str(place))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
