"""The findings of a report by the file that each is about: what stands in the margin of that file."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

import msgspec

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Marked, Report
from grader.core.submission import Kind
from grader.render.files import words
from grader.render.same_fault import Fault, one_by_one
from grader.render.summary import anchor_of, finding_anchor, headline_of

NOTES: Final = 150
"""Notes of one file; the eight gradients of a README make eight, a broken table some dozens."""


class NoteKind(Enum):
    """What a note asks of its reader."""

    WRONG = "wrong"
    """To correct: it costs points."""
    DOUBT = "doubt"
    """A person looks at it; it may be right."""
    REMARK = "remark"
    """It costs nothing."""


class FileNote(msgspec.Struct, frozen=True, kw_only=True):
    """One finding in the margin of its file; `like` names the note that tells the same fault in full."""

    id: str
    kind: NoteKind
    code: str
    card: str
    """The anchor of the criterion on the report."""
    title: str
    finding: Finding
    place: Place
    like: str = ""
    at: str = ""
    """Where that one stands: `line 33`."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A formula that was read, or something that could not be: `standing` is a word of `STANDINGS`."""

    place: Place
    standing: str
    told: str = ""
    """Why it is not right, in a sentence; empty where it is."""


class Annotations(msgspec.Struct, frozen=True, kw_only=True):
    """All that is told in the margin of one file."""

    notes: tuple[FileNote, ...] = ()
    readings: tuple[Reading, ...] = ()


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A README or a notebook of which a page is drawn, and what goes into it.

    `name` is the file name of the page, `text` that of the outputs in full, which stand beside a page that
    had to cut; `key` goes into its head, `told` into its margin.
    """

    kind: Kind
    data: bytes
    path: str
    submission: str
    name: str
    text: str
    key: str
    told: Annotations


def notes_of(report: Report) -> dict[str, tuple[FileNote, ...]]:
    """Return the notes of each file by its path, in the order of the report; every finding with a place has
    one, up to `NOTES` a file.
    """
    found: dict[str, list[FileNote]] = {}
    for marked in report.outcomes:
        for note in _of_criterion(marked):
            found.setdefault(note.place.artefact, []).append(note)
    return {path: tuple(notes[:NOTES]) for path, notes in sorted(found.items())}


def links(notes: Mapping[str, Sequence[FileNote]], views: Mapping[str, str]) -> dict[str, str]:
    """Return the address of each finding in the page of its file, by the finding's anchor; of none that has
    no page.
    """
    return {
        note.id: f"{views[path]}#{note.id}" for path, here in notes.items() if path in views for note in here
    }


def _of_criterion(marked: Marked) -> Iterator[FileNote]:
    numbers = {id(finding): number for number, finding in enumerate(marked.findings)}
    for weight in Weight:
        groups = one_by_one(marked.findings, weight)
        titled = marked.headline and len(groups) == 1 and weight is Weight.FAULT
        for fault in groups:
            title = headline_of(marked) if titled else fault.sentence
            yield from _of_fault(marked, fault, numbers, title=title)


def _of_fault(marked: Marked, fault: Fault, numbers: Mapping[int, int], *, title: str) -> Iterator[FileNote]:
    first: FileNote | None = None
    for finding in fault.findings:
        if finding.place is None:
            continue
        again = first is not None and first.place.artefact == finding.place.artefact
        note = FileNote(
            id=finding_anchor(marked, numbers[id(finding)]),
            kind=_kind(marked, finding),
            code=marked.code,
            card=anchor_of(marked),
            title=_own_title(finding) if again else title,
            finding=finding,
            place=finding.place,
            like=first.id if first is not None and again else "",
            at=spot_of(first.place) if first is not None and again else "",
        )
        first = first if again else note
        yield note


def spot_of(place: Place) -> str:
    """Return a place without its file, on whose page it is named: `line 33`, `Sheet1!X14:X73`; empty for the
    file itself.
    """
    if place.sheet is not None or place.ref is not None:
        return "!".join(part for part in (place.sheet, place.ref) if part)
    parts = [f"{words.PLACE_CELL} {place.cell}"] if place.cell is not None else []
    parts += [f"{words.PLACE_LINE} {place.line}"] if place.line is not None else []
    return " ".join(parts)


def _own_title(finding: Finding) -> str:
    return f"{finding.subject}: {finding.slip}" if finding.subject and finding.slip else finding.message


def _kind(marked: Marked, finding: Finding) -> NoteKind:
    if marked.verdict is Verdict.UNKNOWN:
        return NoteKind.DOUBT
    wrong = finding.weight is Weight.FAULT and marked.verdict in (Verdict.FAIL, Verdict.PARTIAL)
    return NoteKind.WRONG if wrong else NoteKind.REMARK


STANDINGS: Final = ("wrong", "typo", "unsure", "unread", "right")
"""What a formula is, the one that a reader should see first."""


def worst_standing(readings: Sequence[Reading]) -> str:
    """Return what a line with several formulas shows."""
    return min((reading.standing for reading in readings), key=STANDINGS.index)
