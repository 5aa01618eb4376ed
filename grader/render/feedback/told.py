"""What is told of a finding in a student's own file: plain text, and the cell that it belongs to."""

import re
import textwrap
from collections.abc import Iterator
from typing import Final

import msgspec

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.place import Place
from grader.core.report import Marked, Report
from grader.core.submission import Artefact
from grader.render import strings
from grader.render.escape import bare, clip
from grader.render.summary import FAMILY_READS

LONGEST: Final = 2_000
"""Characters of one row; a derivation of the class has 300."""
_WIDTH: Final = 88
_NOT_IN_XML: Final = re.compile("[\ufffe\uffff]")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One label with its text: `You wrote`, and what."""

    label: str
    text: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A finding for a file: `code` is the check's, `word` how it weighs, `place` where in the file it is."""

    code: str
    word: str
    sentence: str
    place: Place
    rows: tuple[Row, ...] = ()

    def text(self, width: int = _WIDTH) -> str:
        """Return everything as lines of text, wrapped for reading; a width of 0 leaves them as they are."""
        lines = [*_wrapped(self.sentence, "", width), *self._details(width)]
        return "\n".join(lines)

    def details(self) -> str:
        """Return what stands below the sentence, a row a line."""
        return "\n".join(self._details(0))

    def _details(self, width: int) -> Iterator[str]:
        for row in self.rows:
            yield from _wrapped(row.text, f"{row.label}: ", width)


def told_of(report: Report, artefact: Artefact) -> tuple[Told, ...]:
    """Return what a report (a student's view of one) says of a file, in the order of the rubric.

    What names no file stands with the main file of the kind that its check judges.
    """
    return tuple(
        _told(marked, finding, artefact.path)
        for marked in report.outcomes
        for finding in marked.findings
        if _speaks_of(marked, finding, artefact)
    )


def _speaks_of(marked: Marked, finding: Finding, artefact: Artefact) -> bool:
    if finding.place is not None:
        return finding.place.artefact == artefact.path
    return artefact.main and FAMILY_READS.get(marked.code[:2]) is artefact.kind


def _told(marked: Marked, finding: Finding, path: str) -> Told:
    return Told(
        code=marked.code,
        word=_word(marked, finding),
        sentence=_clean(strings.sentence(finding.message)),
        place=finding.place or Place(artefact=path),
        rows=tuple(_rows(marked, finding)),
    )


def _word(marked: Marked, finding: Finding) -> str:
    if finding.weight is Weight.REMARK:
        return strings.FINDING_REMARK
    wrong = marked.verdict in (Verdict.FAIL, Verdict.PARTIAL)
    return strings.VERDICTS[Verdict.FAIL].heading if wrong else strings.VERDICTS[marked.verdict].word


def _rows(marked: Marked, finding: Finding) -> Iterator[Row]:
    formulas = "=" in finding.found and "=" in finding.expected
    wrote, right = (
        (strings.FINDING_WROTE, strings.FINDING_RIGHT)
        if formulas
        else (strings.FINDING_FOUND, strings.FINDING_EXPECTED)
    )
    place = finding.place
    line = str(place.line) if place and place.line and place.cell else ""
    pairs = [(strings.FEEDBACK_LINE, line), (wrote, finding.found), (right, finding.expected)]
    pairs += [(strings.FINDING_OR, other) for other in finding.others]
    pairs += [(strings.FINDING_HINT, finding.hint), (strings.FEEDBACK_ASKED, marked.title)]
    yield from (Row(label=label, text=_clean(text)) for label, text in pairs if text)


def _clean(text: str) -> str:
    head, omitted, tail = clip(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", bare(text)), LONGEST)
    return f"{head} [… {omitted:,} characters …] {tail}" if omitted else head


def _wrapped(text: str, head: str, width: int) -> list[str]:
    """Lines of text, the first after a head; what is longer than a line goes on below, two characters in."""
    lines: list[str] = []
    for number, part in enumerate(text.split("\n")):
        begin = head if number == 0 else "  "
        if not width:
            lines.append(f"{begin}{part}")
            continue
        wrapped = textwrap.wrap(
            part, width, initial_indent=begin, subsequent_indent="  ", break_on_hyphens=False
        )
        lines += wrapped or [begin.rstrip()]
    return lines
