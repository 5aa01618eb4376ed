"""The criteria on the page of a student: one card each, one for several that wait for the same reason."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec
from msgspec.structs import replace

from grader.core.outcome import Finding, Verdict, Weight
from grader.core.report import Marked, Report
from grader.render import strings
from grader.render.difference import difference
from grader.render.same_fault import Fault, Spot, follows_from, named, one_by_one, same_slip, spots
from grader.render.summary import (
    Group,
    anchor_of,
    finding_anchor,
    headline_of,
    remarks_of,
    says_the_slip_again,
    title_of,
)

FINDINGS_SHOWN: Final = 25
"""Findings of one criterion on the page; the rest stand in result.json, or a broken table would fill a page
of 400 kB.
"""


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """The card of another criterion that shows the same slip."""

    anchor: str
    code: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One fault or remark on the page, with all its places; `first` stands for the others."""

    sentence: str
    first: Finding
    spots: tuple[Spot, ...]
    subjects: str = ""
    """What it is about, all places together; empty for a single place."""
    each: tuple[tuple[str, str, str], ...] = ()
    """Place, what was found there and the anchor of the finding, where that is more than the first says."""
    compared: bool = False
    """Whether wrong and right are two formulas, shown one above the other."""
    excerpt: bool = True
    """Whether the line as it stands in the file says more than that."""
    hint: bool = True
    twin: Twin | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a card tells below its headline: all that its markup is drawn from, without any points."""

    headline: str
    verdict: str
    titled: bool
    decided_by: str
    comment: str
    faults: tuple[Told, ...]
    remarks: tuple[Told, ...]
    omitted: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion on the page."""

    anchor: str
    code: str
    headline: str
    """What is wrong; the criterion itself where nothing is."""
    title: str
    verdict: str
    summary: str
    """Empty where the headline and what stands below it say it already."""
    points: float
    max_points: float
    credit: float
    pending: bool
    open_points: float
    """Points of the maximum that wait; an open bonus is no part of the maximum."""
    provisional: bool
    bonus: bool
    titled: bool
    """Whether the headline says what the only fault is, so that it needs no sentence of its own."""
    decided_by: str
    comment: str
    follows: str
    """The checks whose faults this result follows from; empty for none."""
    faults: tuple[Told, ...]
    remarks: tuple[Told, ...]
    remarked: int
    """How many places the remarks are about."""
    omitted: int
    """Findings that are not shown."""
    guide: bool
    """Whether the check's doc page is part of this page."""
    next_anchor: str
    """The next card that a student can correct; empty on the last one."""
    together: tuple["Card", ...] = ()
    """Further criteria with the same result for the same reason."""

    @property
    def evidence(self) -> Evidence | None:
        """What it tells below its headline; None for nothing."""
        if not (self.faults or self.remarks or self.comment or self.decided_by):
            return None
        return Evidence(
            headline=self.headline,
            verdict=self.verdict,
            titled=self.titled,
            decided_by=self.decided_by,
            comment=self.comment,
            faults=self.faults,
            remarks=self.remarks,
            omitted=self.omitted,
        )

    @property
    def waiting(self) -> float:
        """The open points of all criteria of the card."""
        return self.max_points + sum(card.max_points for card in self.together)


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion's line in the sum of the points."""

    anchor: str
    title: str
    verdict: str
    credit: float
    points: float
    max_points: float
    pending: bool
    open_points: float
    bonus: bool


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The criteria of one verdict; those that passed with remarks have one of their own."""

    name: str
    verdict: str
    heading: str
    meaning: str
    count: int
    """How many criteria."""
    cards: tuple[Card, ...]


class Cards:
    """Makes the cards of one report; what one card showed already another only points to."""

    def __init__(self, guides: Mapping[str, str], following: Mapping[str, str]) -> None:
        self._guides = guides
        self._following = following
        self._shown: list[tuple[Fault, Twin]] = []

    def sections(self, ordered: Sequence[Group]) -> tuple[Section, ...]:
        """Return the sections of the page in its order."""
        members = {group.verdict: group.outcomes for group in ordered}
        passed = members.pop(Verdict.PASS, ())
        remarked = tuple(m for m in passed if remarks_of(m))
        parts = {
            verdict.value: (verdict, label.heading, label.meaning, members.get(verdict, ()))
            for verdict, label in strings.VERDICTS.items()
        }
        right = strings.VERDICTS[Verdict.PASS]
        told = (Verdict.PASS, strings.REMARKS_HEADING, strings.REMARKS_MEANING, remarked)
        names = list(parts)
        names.insert(
            names.index(Verdict.PARTIAL.value) + 1, "remarks"
        )  # what a student can act on comes first
        bare = tuple(m for m in passed if not remarks_of(m))
        parts |= {
            "remarks": told,
            Verdict.PASS.value: (Verdict.PASS, right.heading, right.meaning, bare),
        }
        return tuple(self._section(name, *parts[name]) for name in names if parts[name][3])

    def _section(
        self, name: str, verdict: Verdict, heading: str, meaning: str, members: tuple[Marked, ...]
    ) -> Section:
        return Section(
            name=name,
            verdict=verdict.value,
            heading=heading,
            meaning=meaning,
            count=len(members),
            cards=_together([self.card(m) for m in members]),
        )

    def card(self, marked: Marked) -> Card:
        """Return the card of one criterion."""
        anchor = anchor_of(marked)
        guide = marked.code in self._guides and marked.verdict is not Verdict.PASS
        then = self._following.get(anchor, "")
        if not marked.findings:
            return _shared(marked, guide, then)
        here = Twin(anchor=anchor, code=marked.code)
        faults = one_by_one(marked.findings, Weight.FAULT)
        remarks = remarks_of(marked)
        ids = {id(finding): finding_anchor(marked, n) for n, finding in enumerate(marked.findings)}
        told = tuple(self._told(fault, here, ids) for fault in faults[:FINDINGS_SHOWN])
        return replace(
            _bare_card(marked, guide, then),
            summary="" if marked.headline and told else marked.summary,
            titled=bool(marked.headline) and len(told) == 1,
            follows=follows_from(marked.findings),
            faults=told,
            remarks=tuple(self._told(remark, here, ids) for remark in remarks[:FINDINGS_SHOWN]),
            remarked=sum(remark.count for remark in remarks),
            omitted=max(0, len(faults) - FINDINGS_SHOWN) + max(0, len(remarks) - FINDINGS_SHOWN),
        )

    def _told(self, fault: Fault, here: Twin, ids: Mapping[int, str]) -> Told:
        first = fault.first
        compared = difference(first) is not None
        twin = next((card for shown, card in self._shown if same_slip(shown, fault)), None)
        self._shown.append((fault, here))
        each = tuple(
            (str(f.place), f.found, ids[id(f)]) for f in fault.findings if f.place is not None and f.found
        )
        differ = (
            not compared and len({found for _, found, _ in each}) > 1 and not follows_from(fault.findings)
        )
        anchors = {f.place: ids[id(f)] for f in reversed(fault.findings)}
        shown = (replace(spot, anchor=anchors[spot.place]) for spot in spots(fault.findings)[:FINDINGS_SHOWN])
        return Told(
            sentence=fault.sentence,
            first=first,
            spots=tuple(shown),
            subjects=named(f.subject for f in fault.findings if f.subject) if fault.count > 1 else "",
            each=each[:FINDINGS_SHOWN] if differ else (),
            compared=compared,
            excerpt=bool(first.excerpt) and not (compared and _bare(first.excerpt) in _bare(first.found)),
            hint=bool(first.hint) and not (compared and says_the_slip_again(first)),
            twin=twin,
        )


def _bare_card(marked: Marked, guide: bool, next_anchor: str) -> Card:
    """The card of a criterion without its findings."""
    return Card(
        anchor=anchor_of(marked),
        code=marked.code,
        headline=headline_of(marked),
        title=title_of(marked),
        verdict=marked.verdict.value,
        summary=marked.summary,
        points=marked.points,
        max_points=marked.max_points,
        credit=marked.credit,
        pending=marked.verdict.pending,
        open_points=marked.pending_points,
        provisional=marked.provisional,
        bonus=marked.bonus,
        titled=False,
        decided_by=marked.decided_by,
        comment=marked.comment,
        follows="",
        faults=(),
        remarks=(),
        remarked=0,
        omitted=0,
        guide=guide,
        next_anchor=next_anchor,
    )


_shared = lru_cache(maxsize=512)(_bare_card)
"""Criteria without findings are the same for many students."""


def following(ordered: Sequence[Group]) -> dict[str, str]:
    """Return for each criterion that a student can correct the next one, by their anchors."""
    wrong = [
        anchor_of(m)
        for group in ordered
        if group.verdict in (Verdict.FAIL, Verdict.PARTIAL)
        for m in group.outcomes
    ]
    return dict(pairwise(wrong))


def arithmetic(report: Report, ordered: Sequence[Group]) -> tuple[Sum, ...]:
    """Return a line a criterion that is shown, in the rubric's order, for the sum of the points."""
    shown = {m.criterion for group in ordered for m in group.outcomes}
    return tuple(
        Sum(
            anchor=anchor_of(marked),
            title=title_of(marked),
            verdict=marked.verdict.value,
            credit=marked.credit,
            points=marked.points,
            max_points=marked.max_points,
            pending=marked.verdict.pending,
            open_points=marked.pending_points,
            bonus=marked.bonus,
        )
        for marked in report.outcomes
        if marked.criterion in shown
    )


def _together(cards: Sequence[Card]) -> tuple[Card, ...]:
    """One card for criteria that wait for the same reason: a notebook that did not run said so five times."""
    groups: dict[object, list[Card]] = {}
    for card in cards:
        alone = (
            not card.pending or card.faults or card.remarks or card.decided_by or card.comment or card.bonus
        )
        groups.setdefault(card.anchor if alone else (card.summary,), []).append(card)
    return tuple(
        replace(first, together=tuple(others)) if others else first for first, *others in groups.values()
    )


def _bare(text: str) -> str:
    """The characters of a formula that carry meaning, to see whether two texts say the same."""
    return "".join(c for c in text if c.isalnum() or c in "+-/^()=")
