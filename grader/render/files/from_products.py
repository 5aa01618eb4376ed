"""From evidence and facts to the page of a file: which formulas were read in it, and what each of them is."""

from collections.abc import Iterator, Mapping
from typing import Final

from grader.core.evidence.base import Evidence
from grader.core.evidence.formulas import FormulaEvidence, FormulaLine, FormulaVerdict, Unread, UnreadPlace
from grader.core.evidence.workbook import WorkbookEvidence
from grader.core.facts.base import Fact
from grader.core.facts.replay import ReplayFacts
from grader.render.files import words
from grader.render.files.notes import Annotations, Reading
from grader.render.files.sheet.view import BookView
from grader.render.files.sheet.view import view as sheet_view

READINGS: Final = 2_000
"""Formulas of one file that are marked; the longest derivation of the survey has 160."""
TOLD: Final = 300
"""Characters of the reason why a formula is not right."""

Products = Mapping[str, Evidence | Fact]


def readings_of(products: Products, path: str) -> tuple[Reading, ...]:
    """Return what was read in one file as formulas, and what of it could hold one and was not read."""
    evidence = products.get(FormulaEvidence.__name__)
    if not isinstance(evidence, FormulaEvidence):
        return ()
    lines = [
        line for d in (*evidence.documents, *evidence.workbooks) if d.artefact == path for line in d.lines
    ]
    read = [_reading(line) for line in lines]
    taken = {reading.place for reading in read}
    stated = _stated(evidence)
    missed = [r for r in _unread(evidence.unread, path, stated) if r.place not in taken]
    return (*read, *missed)[:READINGS]


def book_of(products: Products, path: str, told: Annotations) -> BookView | None:
    """Return what the page of a workbook shows; None where nothing of it was read."""
    evidence, facts = products.get(WorkbookEvidence.__name__), products.get(ReplayFacts.__name__)
    books = evidence.books if isinstance(evidence, WorkbookEvidence) else ()
    book = next((b for b in books if b.artefact == path and b.sheets), None)
    if book is None:
        return None
    replayed = facts.books if isinstance(facts, ReplayFacts) else ()
    return sheet_view(book, next((b for b in replayed if b.artefact == path), None), told)


def _reading(line: FormulaLine) -> Reading:
    told = line.reason if line.verdict is FormulaVerdict.UNSURE else line.repair_sentence
    right = line.verdict is FormulaVerdict.RIGHT
    return Reading(place=line.place, standing=line.verdict.value, told="" if right else told[:TOLD])


def _stated(evidence: FormulaEvidence) -> frozenset[str]:
    """The quantities that some formula states, by the names that unread lines go by."""
    found: set[str] = set()
    for line in (line for d in (*evidence.documents, *evidence.workbooks) for line in d.lines):
        if line.verdict is not FormulaVerdict.UNSURE:
            found |= {line.states, *line.updates, *(f"∂E/∂{weight}" for weight in line.gradients)}
    return frozenset(found)


def _unread(places: tuple[UnreadPlace, ...], path: str, stated: frozenset[str]) -> Iterator[Reading]:
    """Lines that were not read and may matter: prose that speaks of what a formula states elsewhere is prose.

    A picture matters where a quantity stands nowhere else, and then a finding says so.
    """
    for one in places:
        if one.what is not Unread.LINE or one.place.artefact != path or one.place.line is None:
            continue
        if names := [name for name in one.names if name not in stated]:
            told = words.UNREAD_LINE.format(names=", ".join(names[:4]))
            yield Reading(place=one.place, standing="unread", told=told)
