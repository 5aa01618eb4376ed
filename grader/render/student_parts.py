"""The parts of a student's page as markup: cards, lines of the sum and guides, drawn once for all students of
a class of whom they say the same: most cards tell that a criterion passed, or what is missing.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final

import msgspec
from markupsafe import Markup

from grader.core.outcome import Verdict
from grader.core.report import Note
from grader.core.submission import Artefact
from grader.render import strings
from grader.render.difference import difference
from grader.render.escape import SafeHtml
from grader.render.html import environment
from grader.render.pictures.svg import join
from grader.render.student_cards import Card, Evidence, Section, Sum

_LABELS: Final = {verdict.value: label for verdict, label in strings.VERDICTS.items()}


class Agreement(Enum):
    """Whether the voices of a claim agree, as far as a table can tell."""

    YES = "yes"
    NO = "no"
    OPEN = "open"
    """Nothing to compare, or a difference that may be chance."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One claim in the four voices of a submission; empty where a voice says nothing."""

    what: str
    readme: str = ""
    code: str = ""
    log: str = ""
    ours: str = ""
    agrees: Agreement = Agreement.OPEN


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """All that `Words` are drawn from."""

    cards: dict[str, Evidence]
    """Of the cards that tell something, by their anchors."""
    links: dict[str, str]
    claims: tuple[Claim, ...]
    artefacts: tuple[Artefact, ...]
    views: dict[str, str]
    doubts: tuple[str, ...]
    read: tuple[Note, ...]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What points do not change of a page's words, as markup; texts here, for a store keeps no markup."""

    cards: dict[str, str]
    """What is told below the headline of a card, by its anchor."""
    claims: str
    read: str


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What `student.html.j2` takes whole."""

    cards: dict[str, SafeHtml]
    """Of each section, by its name."""
    sums: SafeHtml
    guides: SafeHtml
    claims: SafeHtml
    read: SafeHtml
    origin: SafeHtml
    """With what it was graded."""


def words_of(said: Said) -> Words:
    """Return the words of a page."""
    tell = _macro("findings", "macros.html.j2")
    return Words(
        cards={anchor: str(tell(told, said.links, difference)) for anchor, told in said.cards.items()},
        claims=str(_macro("claims")(said.claims)),
        read=str(_macro("read")(said)),
    )


def parts_of(
    sections: tuple[Section, ...],
    sums: tuple[Sum, ...],
    guides: Mapping[str, str],
    origin: tuple[tuple[str, str], ...],
    words: Words,
) -> Parts:
    """Return the parts of a page."""
    return Parts(
        cards={s.name: join(_card(s.name, card, words.cards) for card in s.cards) for s in sections},
        sums=join(map(_sum, sums)),
        guides=join(_guide(code, text) for code, text in guides.items()),
        claims=SafeHtml(words.claims),
        read=SafeHtml(words.read),
        origin=join(_origin(name, value) for name, value in origin),
    )


def _card(section: str, card: Card, told: Mapping[str, str]) -> Markup:
    if card.anchor in told:
        return _drawn(section, card, SafeHtml(told[card.anchor]))
    return _common(section, card)


@lru_cache(maxsize=1024)
def _common(section: str, card: Card) -> Markup:
    """A card that tells nothing of the student's own work: it is the same for many."""
    return _drawn(section, card, SafeHtml(""))


def _drawn(section: str, card: Card, told: SafeHtml) -> Markup:
    badge = _badge(card.verdict)
    if section == Verdict.PASS.value:
        return _macro("passed")(card, badge, told)
    if section == Verdict.SKIPPED.value:
        return _macro("skipped")(card, badge, told)
    return _macro("article")(section, card, badge, told)


@lru_cache(maxsize=1024)
def _sum(line: Sum) -> Markup:
    return _macro("sum")(line, _badge(line.verdict))


@cache
def _badge(verdict: str) -> Markup:
    return _macro("badge", "macros.html.j2")(verdict, _LABELS[verdict])


@lru_cache(maxsize=256)
def _origin(name: str, value: str) -> Markup:
    return _macro("origin")(name, value)


@lru_cache(maxsize=256)
def _guide(code: str, text: str) -> Markup:
    return _macro("guide")(code, text)


@cache
def _macro(name: str, template: str = "student_parts.html.j2") -> Callable[..., Markup]:
    module: Any = environment().get_template(template).module
    found: Callable[..., Markup] = getattr(module, name)
    return found
