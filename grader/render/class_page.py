"""The page for instructors: who needs a person first, then the table, the scores and the mistakes of a class.

It names every submission, so it stands apart from what students get. Its one script sorts and filters the
table; without it the page reads the same.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from grader.backprop.slips import SLIPS, current
from grader.render import strings
from grader.render.class_rows import ClassRow, Column, Head, SimilarGroup
from grader.render.html import render_page
from grader.render.pictures.picture import DataTable

BINS: Final = 10
WAITING_OPEN: Final = 5
SLOWEST_SHOWN: Final = 10
MISTAKES_SHOWN: Final = 40
SECTION: Final = 1_000
"""Submissions on one page: the table of ten thousand as one file of 28 MB ends most browsers."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a histogram; `share` of the longest bar, 0 to 100."""

    cells: tuple[str, ...]
    count: int
    share: float
    open: int = 0
    """How many of `count` may still move, because points of theirs are open."""

    @property
    def sure_share(self) -> float:
        """The part of `share` that cannot move; the rest is drawn grey."""
        return round(self.share * (1 - self.open / self.count), 1) if self.count else 0.0


class ClassView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the template says, before any markup; golden tests compare this."""

    title: str
    head: Head
    rows: tuple[ClassRow, ...]
    columns: tuple[Column, ...]
    passed: dict[str, int]
    """How many passed a criterion, by its id."""
    ungraded: tuple[ClassRow, ...]
    waiting: tuple[ClassRow, ...]
    waiting_open: int
    """How many of `waiting` stand unfolded, so that the table of all is not pushed out of sight."""
    states: tuple[tuple[str, int], ...]
    median: float | None
    """Of all points, in percent; it can only grow while points are open."""
    open: int
    """Submissions of which points are open."""
    scores: tuple[Bar, ...]
    mistakes: tuple[Bar, ...]
    slowest: tuple[ClassRow, ...]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What one page shows of the rows of a class, in their order."""

    number: int
    rows: tuple[ClassRow, ...]
    pages: tuple[tuple[str, str], ...] = ()
    """What each page of the class holds, and its address seen from this one; empty where one holds all."""
    up: str = ""
    """What stands before the address of a student's page, seen from this one."""

    @property
    def ungraded(self) -> tuple[ClassRow, ...]:
        """Those of which nothing could be graded."""
        return tuple(row for row in self.rows if row.problem)

    @property
    def waiting(self) -> tuple[ClassRow, ...]:
        """Those who wait for a person."""
        return tuple(row for row in self.rows if row.waiting and not row.problem)


def sections(rows: Sequence[ClassRow]) -> Iterator[Section]:
    """Yield the pages of a class, of at most `SECTION` rows in their order; the first is the index."""
    starts = range(0, max(len(rows), 1), SECTION)
    labels = [f"{at + 1:,}–{min(at + SECTION, len(rows)):,}" for at in starts]
    for number, at in enumerate(starts, 1):
        addresses = [_address(other, number) for other in range(1, len(labels) + 1)]
        yield Section(
            number=number,
            rows=tuple(rows[at : at + SECTION]),
            pages=tuple(zip(labels, addresses, strict=True)) if len(labels) > 1 else (),
            up="../" if number > 1 else "",
        )


def part_name(number: int) -> str:
    """Return the name of the file of a further page, in the folder that only instructors see."""
    return f"part-{number}.html"


def _address(of: int, seen_from: int) -> str:
    if of == 1:
        return "index.html" if seen_from == 1 else "../index.html"
    return part_name(of) if seen_from > 1 else f"_class/{part_name(of)}"


def view(rows: Sequence[ClassRow], title: str = "", head: Head | None = None) -> ClassView:
    """Return what the class page says. The order of `rows` does not matter."""
    ordered = sorted(rows, key=_urgency)
    graded = [row for row in ordered if not row.problem]
    shares = [(row.percent, row.pending_points > 0) for row in graded if row.percent is not None]
    timed = [row for row in graded if row.seconds is not None]
    return ClassView(
        title=title or strings.CLASS_TITLE,
        head=head or Head(),
        rows=tuple(ordered),
        columns=tuple({c.criterion: c for row in ordered for c in row.columns}.values()),
        passed=dict(Counter(name for row in ordered for name, m in row.marks.items() if m.verdict == "pass")),
        ungraded=tuple(row for row in ordered if row.problem),
        waiting=tuple(row for row in graded if row.waiting),
        waiting_open=WAITING_OPEN,
        states=tuple(
            (verdict.value, count)
            for verdict in strings.VERDICTS
            if (count := sum(row.verdict == verdict.value for row in ordered))
        ),
        median=statistics.median(share for share, _ in shares) if shares else None,
        open=sum(row.pending_points > 0 for row in graded),
        scores=_scores(shares),
        mistakes=_histogram(graded),
        slowest=tuple(sorted(timed, key=lambda row: (-(row.seconds or 0.0), row.slug))[:SLOWEST_SHOWN]),
    )


def render(
    rows: Sequence[ClassRow],
    title: str = "",
    *,
    head: Head | None = None,
    similar: Sequence[SimilarGroup] = (),
    tables: Sequence[DataTable] = (),
    notices: Sequence[str] = (),
    note: str = "",
) -> str:
    """Return the page as HTML.

    `similar` are the hand-ins that look alike, for instructors only; `note` says what was not compared.
    `tables` are further ones, of what students typed into the platform say; `notices` concern the whole
    class. Of a class of more than `SECTION` it is the first page; `render_parts` draws the others.
    """
    whole = view(rows, title, head)
    return _drawn(
        whole,
        next(sections(whole.rows)),
        similar=tuple(similar),
        pages={row.id: row.link for row in rows if row.link},
        tables=tuple(tables),
        notices=tuple(notices),
        note=note,
    )


def render_parts(
    rows: Sequence[ClassRow], title: str = "", *, head: Head | None = None
) -> Iterator[tuple[str, str]]:
    """Yield name and HTML of each further page of a large class, one at a time: none is held with another."""
    if len(rows) <= SECTION:
        return
    whole = view(rows, title, head)
    for section in sections(whole.rows):
        if section.number > 1:
            yield part_name(section.number), _drawn(whole, section)


def _drawn(whole: ClassView, section: Section, **more: object) -> str:
    return render_page(
        "class.html.j2",
        script="class_table.js",
        view=whole,
        part=section,
        **{"similar": (), "pages": {}, "tables": (), "notices": (), "note": "", **more},
        labels={verdict.value: label for verdict, label in strings.VERDICTS.items()},
        overall={verdict.value: strings.overall(verdict) for verdict in strings.VERDICTS},
        link=lambda address: quote(address, safe="/._-~"),
        student=lambda address: quote(section.up + address, safe="/._-~"),
    )


def _urgency(row: ClassRow) -> tuple[int, float, float, str]:
    """Sort key: not graded, then those who wait for a person (most open points first), then the lowest
    share.
    """
    stage = 0 if row.problem else 1 if row.waiting else 2
    open_points = sum(item.points for item in row.waiting)
    decided = row.max_score - row.pending_points
    return (stage, -open_points, row.score / decided if decided > 0 else math.inf, row.slug)


def _scores(shares: Sequence[tuple[float, bool]]) -> tuple[Bar, ...]:
    """Count submissions by their share of all points, each with whether points of it are open."""
    if not shares:
        return ()
    width = 100 / BINS
    bins = [(min(max(int(share // width), 0), BINS - 1), still) for share, still in shares]
    counts = Counter(b for b, _ in bins)
    waiting = Counter(b for b, still in bins if still)
    longest = max(counts.values())
    return tuple(
        Bar(
            cells=(f"{b * width:.0f}–{(b + 1) * width:.0f}\N{NO-BREAK SPACE}%",),
            count=counts[b],
            share=round(100 * counts[b] / longest, 1),
            open=waiting[b],
        )
        for b in range(BINS)
    )


def _histogram(rows: Sequence[ClassRow]) -> tuple[Bar, ...]:
    """Count submissions, not findings: eight wrong formulas of one student are one student's mistake."""
    who: dict[tuple[str, str], set[str]] = {}
    where: dict[tuple[str, str], set[str]] = {}
    found = sorted((mistake, row.slug) for row in rows for mistake in row.mistakes)
    for mistake, slug in found:
        code = current(mistake.diagnosis)
        # A slip is the same one in a line of the README and in a cell of the sheet.
        key = (code, "") if code in SLIPS else (code, mistake.code)
        who.setdefault(key, set()).add(slug)
        where.setdefault(key, set()).add(f"{mistake.title} ({mistake.code})")
    counts = sorted(who, key=lambda key: -len(who[key]))
    longest = len(who[counts[0]]) if counts else 1
    return tuple(
        Bar(
            cells=(
                SLIPS.get(key[0], key[0].replace("-", " ")).capitalize() or strings.CLASS_OTHER,
                ", ".join(sorted(where[key])),
            ),
            count=len(who[key]),
            share=round(100 * len(who[key]) / longest, 1),
        )
        for key in counts[:MISTAKES_SHOWN]
    )
