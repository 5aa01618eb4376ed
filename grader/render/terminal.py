"""The same result for a terminal: width-aware, colours only on request, control sequences of students taken
out.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import Final

import msgspec

from grader.core.outcome import Verdict, Weight
from grader.core.report import Marked, Report
from grader.core.spool import Ordered, only
from grader.render import strings
from grader.render.escape import plain
from grader.render.same_fault import Fault, one_by_one, same_slip
from grader.render.summary import (
    Step,
    at_stake,
    besides,
    groups,
    headline_of,
    next_steps,
    remarks_of,
    says_the_slip_again,
    stamps,
    tally,
    verdict_for_people,
    where,
)

_COLOUR: Final = {
    Verdict.FAIL: "31",
    Verdict.PARTIAL: "33",
    Verdict.UNKNOWN: "35",
    Verdict.ERROR: "41;97",
    Verdict.SKIPPED: "36",
    Verdict.PASS: "32",
}
_ASCII: Final = str.maketrans(
    {"∂": "d", "−": "-", "–": "-", "…": "...", "×": "x", "·": "*", "\N{NO-BREAK SPACE}": " "}
)
"""What a narrow encoding can say in its own words; everything else becomes an escape."""
_LAYOUT: Final = re.compile("[ \t\n]+")
"""White space that a line may be broken at; a no-break space is none."""
_BOLD: Final = "1"
_DIM: Final = "2"
FINDINGS_SHOWN: Final = 5
EXCERPT_LIMIT: Final = 300
NARROWEST: Final = 40
_WORDING: Final = 160
"""Characters of "you wrote …, it should be …" that a remark is told with."""


class _Console(msgspec.Struct, frozen=True, kw_only=True):
    width: int
    color: bool
    unicode: bool


def print_report(
    report: Report,
    *,
    width: int = 80,
    color: bool = False,
    quiet: bool = False,
    unicode: bool = True,
    steps_last: int = 0,
) -> str:
    """Return the report as text, without a newline at its end.

    `width` in columns; `quiet` leaves the verdict line alone; `unicode` is False where the terminal cannot
    encode symbols. `steps_last` puts so many next steps behind everything else, where a terminal stops
    scrolling.
    """
    page = _Page(_Console(width=width, color=color, unicode=unicode))
    page.head(report)
    if not quiet:
        for stamp in stamps(report):
            page.paragraph(stamp, style=_BOLD)
        for step in report.adjustments:
            page.paragraph(f"{plain(step.label)}: {strings.points(step.points)}")
        if not steps_last:
            page.steps(next_steps(report), strings.TERMINAL_NEXT)
        for group in groups(report):
            if group.verdict is Verdict.PASS:
                page.passed(group.outcomes)
                continue
            if group.verdict is Verdict.SKIPPED:
                page.skipped(group.outcomes)
                continue
            for marked in group.outcomes:
                page.criterion(marked)
        if steps_last:
            page.steps(next_steps(report, steps_last), strings.TERMINAL_NEXT_LAST)
    return "\n".join(page.lines)


def class_lines(
    reports: Sequence[Report], *, width: int = 80, color: bool = False, unicode: bool = True
) -> list[str]:
    """Return a line a submission for the end of a batch, and a second where points are provisional or more is
    to be seen; those who need a person first.
    """
    page = _Page(_Console(width=width, color=color, unicode=unicode))
    for report in _first_who_need_a_person(reports):
        page.row(report)
    return page.lines


def class_cells(reports: Sequence[Report]) -> list[tuple[str, ...]]:
    """Return the same as cells of a table: result, submission, points, open points, the most costly fault."""
    rows: list[tuple[str, ...]] = []
    for report in _first_who_need_a_person(reports):
        label = strings.overall(verdict_for_people(report))
        wrong = [m for m in report.outcomes if m.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
        worst = max(wrong, key=at_stake, default=None)
        rows.append(
            (
                f"{label.symbol} {label.word}",
                report.submission.id,
                f"{strings.number(report.score)} / {strings.number(report.max_score)}",
                strings.number(report.pending_points) if report.pending_points else "",
                headline_of(worst) if worst is not None else "",
            )
        )
    return rows


class _Slug(msgspec.Struct):
    slug: str


class _Standing(msgspec.Struct):
    verdict: Verdict
    submission: _Slug


def _first_who_need_a_person(reports: Sequence[Report]) -> Sequence[Report]:
    order = ((r.verdict.severity, r.submission.slug, n) for n, r in enumerate(only(reports, _Standing)))
    return Ordered(reports, (number for _, _, number in sorted(order)))


class _Page:
    """Collects lines of at most `console.width` columns."""

    def __init__(self, console: _Console) -> None:
        self.console = console
        self.width = max(console.width, NARROWEST)
        self.lines: list[str] = []
        self._shown: list[tuple[Fault, str]] = []

    def head(self, report: Report) -> None:
        verdict = verdict_for_people(report)
        told = f"{self._overall(verdict)}  {plain(report.submission.id, 200)}: {tally(report).text}"
        self.paragraph(told, style=_COLOUR[verdict])

    def row(self, report: Report) -> None:
        verdict, also = verdict_for_people(report), besides(report)
        label = f"{self._overall(verdict):<17}"
        points = f"{strings.number(report.score)} / {strings.number(report.max_score)}"
        open_points = (
            f" (+{strings.number(report.pending_points)} {strings.OPEN_SHARE})"
            if report.pending_points
            else ""
        )
        tail = f"{points}{open_points}"
        room = max(self.width - len(label) - len(tail) - 2, 8)
        name = " ".join(plain(report.submission.id, 200).split())
        name = name if len(name) <= room else f"{name[: room - 1]}…"
        self.lines.append(self._styled(self._encodable(f"{label} {name:<{room}} {tail}"), _COLOUR[verdict]))
        asides = [strings.PROVISIONAL] if any(marked.provisional for marked in report.outcomes) else []
        if also is not Verdict.PASS:
            asides.append(f"{strings.VERDICTS[also].word}: {strings.CLASS_BESIDES}")
        if asides:
            self.paragraph("; ".join(asides), first=" " * (len(label) + 1), rest=" " * (len(label) + 1))

    def steps(self, steps: tuple[Step, ...], heading: str) -> None:
        if not steps:
            return
        self.lines.append("")
        self.paragraph(heading, style=_BOLD)
        for count, step in enumerate(steps, start=1):
            title = (
                f"{plain(step.title)} ({strings.STEP_UP_TO} {strings.points(step.points)}): "
                f"{plain(strings.sentence(step.text), 400)}"
            )
            self.paragraph(title, first=f"  {count}. ", rest="     ")

    def criterion(self, marked: Marked) -> None:
        self.lines.append("")
        if not marked.max_points:
            worth = strings.NO_POINTS
        elif marked.verdict.pending:
            worth = f"{strings.points(marked.max_points)} {strings.OPEN_SHARE}"
        else:
            worth = f"{strings.number(marked.points)} {strings.OF} {strings.points(marked.max_points)}"
        stamp = f", {strings.BONUS}" if marked.bonus else ""
        stamp += f", {strings.PROVISIONAL}" if marked.provisional else ""
        headline = headline_of(marked)
        head = f"{self._symbol(marked.verdict)} {plain(headline)} ({marked.code}, {worth}{stamp})"
        self.paragraph(head, rest="  ", style=_COLOUR[marked.verdict])
        faults, remarks = one_by_one(marked.findings, Weight.FAULT), remarks_of(marked)
        if not faults and strings.sentence(marked.summary).removesuffix(".") != headline:
            self.paragraph(plain(strings.sentence(marked.summary)), first="  ", rest="  ")
        if marked.comment:
            self.paragraph(f"{strings.COMMENT}: {plain(marked.comment)}", first="  ", rest="  ")
        if marked.decided_by:
            self.paragraph(f"{strings.DECIDED_BY}: {plain(marked.decided_by)}", first="  ", rest="  ")
        for fault in faults[:FINDINGS_SHOWN]:
            said = len(faults) == 1 and marked.headline
            self._fault(
                fault, plain(strings.sentence(fault.sentence)).removesuffix(".") if said else headline
            )
            self._shown.append((fault, marked.code))
        for remark in remarks[: FINDINGS_SHOWN - len(faults)]:
            self._remark(remark)
        more = len(faults) + len(remarks) - FINDINGS_SHOWN
        if more > 0:
            self.paragraph(f"{more} {strings.FINDINGS_MORE}", first="  ", rest="  ", style=_DIM)

    def passed(self, outcomes: tuple[Marked, ...]) -> None:
        """What is right in one paragraph, then what is remarked on, a line each."""
        self.lines.append("")
        count = sum(fault.count for marked in outcomes for fault in remarks_of(marked))
        also = f", {strings.count_of_remarks(count)}" if count else ""
        titles = ", ".join(f"{marked.code} {plain(marked.name)}" for marked in outcomes)
        self.paragraph(
            f"{self._symbol(Verdict.PASS)} {strings.TERMINAL_PASSED}{also}: {titles}",
            rest="  ",
            style=_COLOUR[Verdict.PASS],
        )
        for marked in outcomes:
            if marked.comment:
                self.paragraph(f"{marked.code}: {plain(marked.comment)}", first="  ", rest="  ")
            for remark in remarks_of(marked):
                self._remark(remark, marked.code)

    def skipped(self, outcomes: tuple[Marked, ...]) -> None:
        """Checks that lack the same thing are one paragraph, with the thing first."""
        by_reason: dict[str, list[Marked]] = {}
        for marked in outcomes:
            alone = marked.findings or marked.bonus or marked.decided_by or marked.comment
            by_reason.setdefault(marked.code if alone else marked.summary, []).append(marked)
        for together in by_reason.values():
            if len(together) == 1:
                self.criterion(together[0])
                continue
            points = sum(marked.max_points for marked in together)
            worth = f"{strings.points(points)} {strings.OPEN_SHARE}" if points else strings.NO_POINTS
            reason = plain(strings.sentence(together[0].summary))
            self.lines.append("")
            head = f"{self._label(Verdict.SKIPPED)}: {reason} ({worth})"
            self.paragraph(head, rest="  ", style=_COLOUR[Verdict.SKIPPED])
            self.paragraph(", ".join(f"{m.code} {plain(m.name)}" for m in together), first="  ", rest="  ")

    def paragraph(self, text: str, *, first: str = "", rest: str = "", style: str = "") -> None:
        for number, line in enumerate(_wrapped(self._encodable(text), self.width, first, rest)):
            indent = first if number == 0 else rest
            self.lines.append(indent + self._styled(line, style))

    def _fault(self, fault: Fault, headline: str) -> None:
        """One fault: its sentence where the headline is another, what was found and expected, and where."""
        first = fault.first
        bullet = "•" if self.console.unicode else "*"
        said = plain(strings.sentence(fault.sentence)).removesuffix(".") == headline
        twin = next((code for shown, code in self._shown if same_slip(shown, fault)), "")
        if not said:
            self.paragraph(plain(strings.sentence(fault.sentence)), first=f"  {bullet} ", rest="    ")
        told = says_the_slip_again(first)
        others = " | ".join(first.others)
        pairs = (
            (strings.TERMINAL_FOUND, "" if twin else first.found),
            (strings.TERMINAL_EXPECTED, "" if twin else first.expected),
            (strings.TERMINAL_OR, "" if twin else others),
            (strings.TERMINAL_SAME, twin),
            (strings.TERMINAL_WHERE, where(fault)),
            (strings.TERMINAL_HINT, "" if told or twin else first.hint),
        )
        for name, value in pairs:
            if value:
                self.paragraph(plain(value, 600), first=f"    {name:<9}", rest=" " * 13)
        quoted = (
            first.excerpt and not (first.found and first.expected) and len(first.excerpt) <= EXCERPT_LIMIT
        )
        for line in plain(first.excerpt).strip("\n").splitlines() if quoted and not twin else ():
            self.paragraph(line.strip(), first="    | ", rest="    | ", style=_DIM)

    def _remark(self, remark: Fault, code: str = "") -> None:
        places = where(remark)
        told = f"{strings.TERMINAL_REMARK}: {plain(remark.sentence)}" + (
            f" ({plain(places)})" if places else ""
        )
        slip, _, wording = remark.first.hint.partition(": ")
        if (
            remark.count == 1
            and remark.first.marked
            and slip == remark.first.slip
            and len(wording) <= _WORDING
        ):
            told += f": {plain(wording)}"  # "you wrote …, it should be …": a line to find and to mend
        self.paragraph(f"{code} {told}".strip(), first="  ", rest="    ", style=_DIM if not code else "")

    def _encodable(self, text: str) -> str:
        if self.console.unicode:
            return text
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")

    def _label(self, verdict: Verdict) -> str:
        return f"{self._symbol(verdict)} {strings.VERDICTS[verdict].word}"

    def _overall(self, verdict: Verdict) -> str:
        return f"{self._symbol(verdict)} {strings.overall(verdict).word}"

    def _symbol(self, verdict: Verdict) -> str:
        label = strings.VERDICTS[verdict]
        return label.symbol if self.console.unicode else label.ascii_symbol

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.console.color and style else text


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    """Break at spaces; a wide (East Asian) character counts two columns, so lines that hold them are broken
    early.
    """
    columns = width - max(len(first), len(rest))
    wide = sum(1 for char in text if _is_wide(char))
    if wide:
        columns = max(columns * len(text) // (len(text) + wide), 10)
    return textwrap.wrap(_LAYOUT.sub(" ", text).strip(), columns, break_on_hyphens=False) or [""]


def _is_wide(char: str) -> bool:
    import unicodedata

    return unicodedata.east_asian_width(char) in "WF"
