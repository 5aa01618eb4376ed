"""The page for instructors: who needs a person first, then the table, the scores and the mistakes of a class.

It names every submission, so it stands apart from what students get. Its one script sorts and filters the
table; without it the page reads the same.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from grader.backprop.slip_catalogue import SLIPS, current
from grader.core.spool import Ordered
from grader.render import strings
from grader.render.class_rows import ClassRow, Column, Head, Mistake, SimilarGroup
from grader.render.html import Pieces, render_page
from grader.render.pictures.picture import DataTable

BINS: Final = 10
WAITING_OPEN: Final = 5
SLOWEST_SHOWN: Final = 10
MISTAKES_SHOWN: Final = 40
_UNGRADED, _WAITING, _DECIDED = range(3)
SECTION: Final = 200
"""Submissions on one page: the table of ten thousand as one file of 28 MB ends most browsers, and 500 who all
wait for a person took Chromium 2.5 CPU seconds more than an empty page.
"""
ALIKE_NAMED: Final = 20
"""Names of one set of hand-ins that look alike: the 12,000 of a class of ten thousand took a CPU second."""


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
    rows: Sequence[ClassRow]
    """In the order of urgency; those of a large class lie on disk."""
    columns: tuple[Column, ...]
    passed: dict[str, int]
    """How many passed a criterion, by its id."""
    ungraded: Sequence[ClassRow]
    waiting: Sequence[ClassRow]
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

    @property
    def waiting_from(self) -> int:
        """Which page, counted from 0, has the first who waits: they follow those that were not graded."""
        return len(self.ungraded) // SECTION


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
    seen = _Seen()
    for number, row in enumerate(rows):
        seen.add(number, row)
    ordered = sorted(seen.urgency)
    slowest = sorted(seen.timed)[:SLOWEST_SHOWN]
    return ClassView(
        title=title or strings.CLASS_TITLE,
        head=head or Head(),
        rows=Ordered(rows, (number for *_, number in ordered)),
        columns=seen.columns(),
        passed=dict(seen.passed),
        ungraded=Ordered(rows, (number for stage, *_, number in ordered if stage == _UNGRADED)),
        waiting=Ordered(rows, (number for stage, *_, number in ordered if stage == _WAITING)),
        waiting_open=WAITING_OPEN,
        states=tuple((v.value, n) for v in strings.VERDICTS if (n := seen.states[v.value])),
        median=statistics.median(share for share, _ in seen.shares) if seen.shares else None,
        open=seen.open,
        scores=_scores(seen.shares),
        mistakes=seen.mistakes(),
        slowest=tuple(rows[number] for *_, number in slowest),
    )


class _Seen:
    """What a class page counts, row by row: none of them is held."""

    def __init__(self) -> None:
        self.urgency: list[tuple[int, float, float, str, int]] = []
        self.timed: list[tuple[float, str, int]] = []
        self.shares: list[tuple[float, bool]] = []
        self.states: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        self.open = 0
        self._columns: dict[tuple[Column, ...], tuple[int, float, float, str, int]] = {}
        self._who: Counter[tuple[str, str]] = Counter()
        self._where: dict[tuple[str, str], set[Mistake]] = {}

    def add(self, number: int, row: ClassRow) -> None:
        """Count a row; `number` is its place in the sequence that it comes from."""
        key = (*_urgency(row), number)
        self.urgency.append(key)
        self._columns[row.columns] = min(key, self._columns.get(row.columns, key))
        self.states[row.verdict] += 1
        self.passed.update(name for name, mark in row.marks.items() if mark.verdict == "pass")
        if row.problem:
            return
        still = row.pending_points > 0
        self.open += still
        if row.percent is not None:
            self.shares.append((row.percent, still))
        if row.seconds is not None:
            self.timed.append((-row.seconds, row.slug, number))
        self._count_mistakes(row)

    def _count_mistakes(self, row: ClassRow) -> None:
        """Count submissions, not findings: eight wrong formulas of one student are one student's mistake."""
        keys: set[tuple[str, str]] = set()
        for mistake in row.mistakes:
            code = current(mistake.diagnosis)
            # A slip is the same one in a line of the README and in a cell of the sheet.
            key = (code, "") if code in SLIPS else (code, mistake.code)
            keys.add(key)
            self._where.setdefault(key, set()).add(mistake)
        self._who.update(keys)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of all rows, those of the most urgent one first."""
        rows = sorted(self._columns, key=lambda columns: self._columns[columns])
        return tuple({c.criterion: c for columns in rows for c in columns}.values())

    def mistakes(self) -> tuple[Bar, ...]:
        """Return how many made each mistake, the most frequent first."""
        counts = sorted(self._who, key=lambda key: (-self._who[key], min(self._where[key])))
        longest = self._who[counts[0]] if counts else 1
        return tuple(
            Bar(
                cells=(
                    SLIPS.get(key[0], key[0].replace("-", " ")).capitalize() or strings.CLASS_OTHER,
                    ", ".join(sorted({f"{m.title} ({m.code})" for m in self._where[key]})),
                ),
                count=self._who[key],
                share=round(100 * self._who[key] / longest, 1),
            )
            for key in counts[:MISTAKES_SHOWN]
        )


def render(rows: Sequence[ClassRow], title: str = "", **more: Any) -> str:
    """Return the index of a class as HTML; the arguments are those of `pages`."""
    return next(pages(rows, title, **more))[1]


def pages(
    rows: Sequence[ClassRow],
    title: str = "",
    *,
    head: Head | None = None,
    similar: Sequence[SimilarGroup] = (),
    tables: Sequence[DataTable] = (),
    notices: Sequence[str] = (),
    note: str = "",
) -> Iterator[tuple[str, str]]:
    """Yield the pages of a class as HTML, the index without a name, then each further one of a class of more
    than `SECTION` with that of its file; one at a time, so that none is held with another.

    `similar` are the hand-ins that look alike, for instructors only; `note` says what was not compared.
    `tables` are further ones, of what students typed into the platform say; `notices` concern the whole
    class.
    """
    whole = view(rows, title, head)
    cells = Pieces("class_cell.html.j2", ("column", "mark", "linked"), labels=_LABELS)
    parts = sections(whole.rows)
    named = {name for group in similar for pair in group.members for name in pair.names}
    index = _drawn(
        whole,
        cells,
        next(parts),
        similar=tuple(similar),
        pages={row.id: row.link for row in rows if row.link and row.id in named} if named else {},
        tables=tuple(tables),
        notices=tuple(notices),
        note=note,
        alike_named=ALIKE_NAMED,
    )
    yield "", index
    for section in parts:
        yield part_name(section.number), _drawn(whole, cells, section)


_LABELS: Final = {verdict.value: label for verdict, label in strings.VERDICTS.items()}


def _drawn(whole: ClassView, cells: Pieces, section: Section, **more: object) -> str:
    def student(address: str) -> str:
        return quote(section.up + address, safe="/._-~")

    def heat(row: ClassRow) -> str:
        marks = ((column, row.marks.get(column.criterion), bool(row.link)) for column in whole.columns)
        return cells.joined(student(row.link), marks)

    return render_page(
        "class.html.j2",
        script="class_table.js",
        view=whole,
        part=section,
        **{"similar": (), "pages": {}, "tables": (), "notices": (), "note": "", **more},
        labels=_LABELS,
        overall={verdict.value: strings.overall(verdict) for verdict in strings.VERDICTS},
        link=lambda address: quote(address, safe="/._-~"),
        student=student,
        heat=heat,
    )


def _urgency(row: ClassRow) -> tuple[int, float, float, str]:
    """Sort key: not graded, then those who wait for a person (most open points first), then the lowest
    share.
    """
    stage = _UNGRADED if row.problem else _WAITING if row.waiting else _DECIDED
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
