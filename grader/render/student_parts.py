"""The parts of a student's page as markup: cards, lines of the sum and guides, drawn once for all students of
a class of whom they say the same: most cards tell that a criterion passed, or what is missing.
"""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, Final

import msgspec
from markupsafe import Markup

from grader.core.outcome import Verdict
from grader.render import strings
from grader.render.difference import difference
from grader.render.escape import SafeHtml
from grader.render.html import environment
from grader.render.pictures.svg import join
from grader.render.student_cards import Card, Section, Sum

_LABELS: Final = {verdict.value: label for verdict, label in strings.VERDICTS.items()}
_NOWHERE: Final[Mapping[str, str]] = {}


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What `student.html.j2` takes whole."""

    cards: dict[str, SafeHtml]
    """Of each section, by its name."""
    sums: SafeHtml
    guides: SafeHtml


def parts_of(
    sections: tuple[Section, ...], sums: tuple[Sum, ...], guides: Mapping[str, str], links: Mapping[str, str]
) -> Parts:
    """Return the parts of a page; `links` are addresses of findings by their anchors."""
    return Parts(
        cards={s.name: join(_card(s.name, card, links) for card in s.cards) for s in sections},
        sums=join(map(_sum, sums)),
        guides=join(_guide(code, text) for code, text in guides.items()),
    )


def _card(section: str, card: Card, links: Mapping[str, str]) -> Markup:
    if card.faults or card.remarks or card.comment or card.decided_by:
        return _drawn(section, card, links)  # in the student's own words: no other's is the same
    return _common(section, card)


@lru_cache(maxsize=1024)
def _common(section: str, card: Card) -> Markup:
    return _drawn(section, card, _NOWHERE)


def _drawn(section: str, card: Card, links: Mapping[str, str]) -> Markup:
    label = _LABELS[card.verdict]
    if section == Verdict.PASS.value:
        return _macro("passed")(card, label, links, difference)
    if section == Verdict.SKIPPED.value:
        return _macro("skipped")(card, label, links, difference)
    return _macro("article")(section, card, label, links, difference)


@lru_cache(maxsize=1024)
def _sum(line: Sum) -> Markup:
    return _macro("sum")(line, _LABELS[line.verdict])


@lru_cache(maxsize=256)
def _guide(code: str, text: str) -> Markup:
    return _macro("guide")(code, text)


@cache
def _macro(name: str) -> Callable[..., Markup]:
    module: Any = environment().get_template("student_parts.html.j2").module
    found: Callable[..., Markup] = getattr(module, name)
    return found
