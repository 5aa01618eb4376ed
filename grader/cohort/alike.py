"""Groups of submissions that look alike more than chance explains. A person looks; nothing here touches
points.

Cost grows with the number of passages, not with its square: passages find their holders through an index,
what more than a third of the class holds counts nothing, and each holder is compared with its next few
neighbours only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

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
    first: str
    second: str
    weight: float
    how: str
    examples: tuple[Example, ...]


def compare_class(traits: Mapping[str, Traits]) -> Cohort:
    """Return what looks alike; `traits` by submission id. Does not depend on their order."""
    if len(traits) < SMALLEST_CLASS:
        return Cohort(
            note=f"Fewer than {SMALLEST_CLASS} submissions: copies cannot be told from what was handed out."
        )
    alike = [
        group
        for what in ("workbook", "notebook", "readme", "training log")
        for group in _grouped(what, [*_same(what, traits), *_near(what, traits)])
    ]
    mistakes = _grouped("mistakes", _mistakes(traits))
    return Cohort(alike=tuple(alike[:GROUPS_SHOWN]), mistakes=tuple(mistakes[:GROUPS_SHOWN]))


def _same(what: str, traits: Mapping[str, Traits]) -> Iterable[_Link]:
    """Link those who handed in the same bytes, or the same content; a file of a third of the class was handed
    out.
    """
    for field, how in (("sha256", "the same file, byte for byte"), ("whole", "the same content throughout")):
        holders: dict[str, dict[str, str]] = {}
        for name in sorted(traits):
            for piece in traits[name].pieces:
                digest = getattr(piece, field)
                if piece.what == what and digest:
                    holders.setdefault(digest, {}).setdefault(name, piece.artefact)
        for _, found in sorted(holders.items()):
            if 2 <= len(found) <= COMMON_SHARE * len(traits):
                names = list(found)
                for a, b in pairwise(names):
                    example = Example(text="", places=(found[a], found[b]))
                    yield _Link(a, b, 2.0 if field == "sha256" else 1.5, how, (example,))


def _near(what: str, traits: Mapping[str, Traits]) -> Iterable[_Link]:
    if what not in AT_LEAST:
        return
    held = {
        name: {p.key: p for piece in found.pieces if piece.what == what for p in piece.passages}
        for name, found in traits.items()
    }
    limit = COMMON_SHARE * len(traits)
    holders = _holders(held)
    rare = {key for key, names in holders.items() if len(names) <= limit}
    sizes = {name: sum(key in rare for key in passages) for name, passages in held.items()}
    shared = _counted(holders, rare)
    for (a, b), count in sorted(shared.items()):
        smaller = min(sizes[a], sizes[b])
        if count >= AT_LEAST[what] and count >= SHARE_ALIKE * smaller:
            common = sorted(
                held[a].keys() & held[b].keys() & rare,
                key=lambda k: (len(holders[k]), held[a][k].place, k),
            )
            how = f"{count} of {smaller} passages that few others have"
            yield _Link(a, b, count / smaller, how, _examples(common, held[a], held[b]))


def _mistakes(traits: Mapping[str, Traits]) -> list[_Link]:
    held = {name: {slip.key: slip for slip in found.slips} for name, found in traits.items()}
    holders = _holders(held)
    limit = max(2, int(RARE_SHARE * len(traits)))
    rare = {key for key, names in holders.items() if len(names) <= limit}
    found: list[_Link] = []
    for a, b in sorted(_counted(holders, rare)):
        common = sorted(held[a].keys() & held[b].keys() & rare, key=lambda k: (held[a][k].root, k))
        first = {held[a][k].root: k for k in reversed(common)}
        if len(first) >= ROOTS_SHARED:
            how = (
                f"{len(common)} mistakes in the same places, of {len(first)} kinds, which at most "
                f"{limit} of {len(traits)} made"
            )
            examples = _examples([first[r] for r in sorted(first)], held[a], held[b])
            found.append(_Link(a, b, len(common), how, examples))
    return found


def _holders(held: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = {}
    for name in sorted(held):
        for key in held[name]:
            holders.setdefault(key, []).append(name)
    return holders


def _counted(holders: Mapping[str, Sequence[str]], rare: set[str]) -> Counter[tuple[str, str]]:
    """Count the rare keys that neighbours share. The members of a ring of copies are one another's neighbours
    throughout.
    """
    shared: Counter[tuple[str, str]] = Counter()
    for key in rare:
        names = holders[key]
        for at, a in enumerate(names):
            for b in names[at + 1 : at + 1 + NEIGHBOURS]:
                shared[a, b] += 1
    return shared


def _examples(
    keys: Iterable[str], first: Mapping[str, Passage | Slip], second: Mapping[str, Passage | Slip]
) -> tuple[Example, ...]:
    chosen = list(keys)[:EXAMPLES]
    return tuple(Example(text=first[k].text, places=(first[k].place, second[k].place)) for k in chosen)


def _grouped(what: str, links: Iterable[_Link]) -> list[Alike]:
    """Join links that have a member in common; each group tells its strongest link."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    found = list(links)
    for link in found:
        a, b = sorted((root(link.first), root(link.second)))
        parent[b] = a
    groups: dict[str, list[_Link]] = {}
    for link in found:
        groups.setdefault(root(link.first), []).append(link)
    joined = []
    for members in groups.values():
        best = max(members, key=lambda k: (k.weight, k.second, k.first))
        names = tuple(sorted({n for k in members for n in (k.first, k.second)}))
        joined.append(
            (-best.weight, Alike(submissions=names, what=what, how=best.how, examples=best.examples))
        )
    joined.sort(key=lambda pair: (pair[0], pair[1].submissions))
    return [group for _, group in joined]
