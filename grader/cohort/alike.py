"""Groups of submissions that look alike more than chance explains. A person looks; nothing here touches
points.

Cost grows with the number of passages, not with its square: passages find their holders through an index,
what more than a third of the class holds counts nothing, and each holder is compared with its next few
neighbours only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Final, NamedTuple

import msgspec

from grader.cohort.holders import Holders
from grader.cohort.traits import Passage, Slip, Traits

SMALLEST_CLASS: Final = 6
"""With fewer, what was handed out by the course cannot be told from what was copied."""
COMMON_SHARE: Final = 1 / 3
RARE_SHARE: Final = 1 / 20
NEIGHBOURS: Final = 8
SHARE_ALIKE: Final = 0.8
AT_LEAST: Final[Mapping[str, int]] = {"notebook": 12, "readme": 4, "workbook": 4}
"""Rare passages that two pieces must share; the rarer such passages come about by chance, the fewer."""
ROOTS_SHARED: Final = 2
"""One rare mistake in common is chance in a large class; two of different kinds are worth a look."""
EXAMPLES: Final = 3
GROUPS_SHOWN: Final = 100
_MISTAKES: Final = "mistakes"
_SAME: Final = (("sha256", "the same file, byte for byte"), ("whole", "the same content throughout"))
_Held = Mapping[str, Passage | Slip]


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One excerpt that agrees, as the first of the group wrote it, and where it stands in each."""

    text: str
    places: tuple[str, ...]


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Some submissions, what of them is alike, and in which way."""

    submissions: tuple[str, ...]
    what: str
    how: str
    examples: tuple[Example, ...] = ()


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """What a class has in common beyond the exercise."""

    alike: tuple[Alike, ...] = ()
    mistakes: tuple[Alike, ...] = ()
    note: str = ""
    """What was not compared, and why."""


class _Link(NamedTuple):
    """Two that look alike, by their numbers in the order of their ids."""

    first: int
    second: int
    weight: float
    how: str
    artefacts: tuple[str, ...] = ()
    """Where each has the same file; empty where they have passages in common."""


class _Group(NamedTuple):
    """Some who are linked, and the strongest of their links."""

    members: tuple[int, ...]
    best: _Link


def compare_class(traits: Mapping[str, Traits]) -> Cohort:
    """Return what looks alike; `traits` by submission id, looked at one at a time. Does not depend on their
    order.
    """
    if len(traits) < SMALLEST_CLASS:
        return Cohort(
            note=f"Fewer than {SMALLEST_CLASS} submissions: copies cannot be told from what was handed out."
        )
    holders = Holders()
    try:
        return _Comparison(traits, holders).made()
    finally:
        holders.close()


class _Comparison:
    """One class that is compared."""

    def __init__(self, traits: Mapping[str, Traits], holders: Holders) -> None:
        self._traits = traits
        self._names = sorted(traits)
        self._holders = holders
        self._limit = COMMON_SHARE * len(self._names)
        self._few = max(2, int(RARE_SHARE * len(self._names)))
        self._slips: dict[int, set[str]] = {}
        """Of each who has any, the rare mistakes that somebody else made, too."""
        roots: dict[str, int] = {}
        for who, name in enumerate(self._names):
            found = traits[name]
            for what in {piece.what for piece in found.pieces}:
                pieces = [piece for piece in found.pieces if piece.what == what]
                holders.hold(what, who, ((k, 0) for k in {p.key for one in pieces for p in one.passages}))
                for field, _ in _SAME:
                    files = ((digest, one.artefact) for one in pieces if (digest := getattr(one, field)))
                    holders.hand_in(what, field, who, files)
            slips = {slip.key: roots.setdefault(slip.root, len(roots)) for slip in found.slips}
            holders.hold(_MISTAKES, who, slips.items())

    def made(self) -> Cohort:
        alike: list[Alike] = []
        for what in ("workbook", "notebook", "readme", "training log"):
            groups = _grouped(chain(self._same(what), self._near(what)))
            alike += self._shown(what, groups[: GROUPS_SHOWN - len(alike)])
        mistakes = _grouped(self._mistakes())
        return Cohort(alike=tuple(alike), mistakes=tuple(self._shown(_MISTAKES, mistakes[:GROUPS_SHOWN])))

    def _same(self, what: str) -> Iterator[_Link]:
        """Link those who handed in the same bytes, or the same content; a file of a third of the class was
        handed out.
        """
        for field, how in _SAME:
            for found in self._holders.same_files(what, field):
                if len(found) <= self._limit:
                    weight = 2.0 if field == "sha256" else 1.5
                    for (a, here), (b, there) in pairwise(found):
                        yield _Link(a, b, weight, how, (here, there))

    def _near(self, what: str) -> Iterator[_Link]:
        if what not in AT_LEAST:
            return
        sizes = [0] * len(self._names)

        def rings() -> Iterator[list[int]]:
            for _, held in self._holders.holders(what):
                if len(held) <= self._limit:
                    for holder in held:
                        sizes[holder.who] += 1
                    if len(held) > 1:
                        yield [holder.who for holder in held]

        for a, b, count in self._holders.pairs(rings(), NEIGHBOURS, AT_LEAST[what]):
            smaller = min(sizes[a], sizes[b])
            if count >= SHARE_ALIKE * smaller:
                yield _Link(a, b, count / smaller, f"{count} of {smaller} passages that few others have")

    def _mistakes(self) -> Iterator[_Link]:
        root: dict[str, int] = {}

        def rings() -> Iterator[list[int]]:
            for key, held in self._holders.holders(_MISTAKES):
                if 1 < len(held) <= self._few:
                    root[key] = held[0].root
                    for holder in held:
                        self._slips.setdefault(holder.who, set()).add(key)
                    yield [holder.who for holder in held]

        for a, b, _ in self._holders.pairs(rings(), NEIGHBOURS, 1):
            common = self._slips[a] & self._slips[b]
            kinds = len({root[key] for key in common})
            if kinds >= ROOTS_SHARED:
                how = (
                    f"{len(common)} mistakes in the same places, of {kinds} kinds, which at most "
                    f"{self._few} of {len(self._names)} made"
                )
                yield _Link(a, b, len(common), how)

    # -- what is shown of a group

    def _shown(self, what: str, groups: Sequence[_Group]) -> list[Alike]:
        held = {at: self._both(what, group.best) for at, group in enumerate(groups)}
        common = {key for first, second in held.values() for key in first.keys() & second.keys()}
        count = self._holders.counted(what, common)
        return [
            Alike(
                submissions=tuple(self._names[who] for who in group.members),
                what=what,
                how=group.best.how,
                examples=self._examples(what, group.best, *held[at], count),
            )
            for at, group in enumerate(groups)
        ]

    def _both(self, what: str, link: _Link) -> tuple[_Held, _Held]:
        first, second = (self._held(what, self._names[who]) for who in (link.first, link.second))
        return first, second

    def _held(self, what: str, name: str) -> _Held:
        found = self._traits[name]
        if what == _MISTAKES:
            return {slip.key: slip for slip in found.slips}
        return {p.key: p for piece in found.pieces if piece.what == what for p in piece.passages}

    def _examples(
        self, what: str, link: _Link, first: _Held, second: _Held, count: Mapping[str, int]
    ) -> tuple[Example, ...]:
        if link.artefacts:
            return (Example(text="", places=link.artefacts),)
        both = first.keys() & second.keys()
        if what == _MISTAKES:
            common = sorted(self._slips[link.first] & self._slips[link.second] & both, reverse=True)
            by_root = {slip.root: key for key in common if isinstance(slip := first[key], Slip)}
            chosen = [by_root[root] for root in sorted(by_root)]
        else:
            rare = [key for key in both if count[key] <= self._limit]
            chosen = sorted(rare, key=lambda key: (count[key], first[key].place, key))
        return tuple(
            Example(text=first[k].text, places=(first[k].place, second[k].place)) for k in chosen[:EXAMPLES]
        )


def _grouped(links: Iterable[_Link]) -> list[_Group]:
    """Join links that have a member in common; the group with the strongest link comes first."""
    parent: dict[int, int] = {}
    best: dict[int, _Link] = {}

    def root(who: int) -> int:
        while (up := parent.setdefault(who, who)) != who:
            parent[who] = parent[up]
            who = up
        return who

    for link in links:
        a, b = sorted((root(link.first), root(link.second)))
        others = [best[k] for k in sorted({a, b}) if k in best]
        best[a] = max([*others, link], key=lambda k: (k.weight, k.second, k.first))
        if a != b:
            parent[b] = a
            best.pop(b, None)
    members: dict[int, list[int]] = {}
    for who in sorted(parent):
        members.setdefault(root(who), []).append(who)
    groups = [_Group(tuple(found), best[at]) for at, found in members.items()]
    return sorted(groups, key=lambda group: (-group.best.weight, group.members))
