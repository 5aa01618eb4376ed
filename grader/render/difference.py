"""A wrong formula over the right one, with the symbols that differ coloured: what to change, seen at once.

Formulas of the derivation are typeset; formulas of cells stay text, since their names are addresses. What is
neither has no difference here, and is shown as it is said.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

import msgspec

from grader.backprop.expression import show
from grader.core.outcome import Finding
from grader.extract.formulas.reading.parser import Unparsed, parse_all
from grader.extract.formulas.reading.vocabulary import tokens
from grader.render.escape import SafeHtml, visible
from grader.render.pictures.formulas import chunks, running
from grader.render.pictures.svg import element, literal

_LEAF: Final = re.compile(r"<(mi|mn|mo|mtext)( form=\"infix\")?>(.*?)</\1>")
_CELL_SYMBOL: Final = re.compile(r"\$?[A-Za-z]{1,3}\$?\d+|[A-Za-z_][\w.]*|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_LONGEST: Final = 1_000
"""Characters of a formula that are compared; a longer one is shown as it is said."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two formulas as markup; `others` are right ones that explain the wrong one as well as `expected`."""

    found: SafeHtml
    expected: SafeHtml
    others: tuple[SafeHtml, ...] = ()


def difference(finding: Finding) -> Difference | None:
    """Return the difference that a finding is about; None where it is not between two formulas."""
    return _between(finding.found, finding.expected, finding.others)


def typeset_sides(statement: str) -> tuple[tuple[SafeHtml, ...], ...] | None:
    """Return the sides of `a = b = c`, each in pieces between which a line may break; None where one cannot
    be read.
    """
    sides = []
    for side in statement.split(" = "):
        tree = _tree(side)
        if tree is None:
            return None
        sides.append(chunks(tree))
    return tuple(sides)


@lru_cache(maxsize=2048)  # classmates write the same: reading and setting it was a quarter of a page
def typeset_side(reading: str) -> tuple[SafeHtml, ...]:
    """Return one side in pieces; what would not come back the same stays text, for a picture must not
    misread.
    """
    tree = _tree(reading)
    return (element("mtext", literal(reading)),) if tree is None else chunks(tree)


def _tree(reading: str):  # type: ignore[no-untyped-def]  # an expression of the formula reader
    try:
        tree = parse_all(tokens(reading)).tree
    except Unparsed:
        return None
    return tree if show(tree) == reading else None


@lru_cache(maxsize=1024)
def _between(found: str, expected: str, others: tuple[str, ...]) -> Difference | None:
    if not found or not expected or max(len(found), len(expected)) > _LONGEST:
        return None
    if found.startswith("=") and expected.startswith("="):
        wrong, right = _cells(found, expected)
        return Difference(found=wrong, expected=right)
    wrong_sides, right_sides = typeset_sides(found), typeset_sides(expected)
    if wrong_sides is None or right_sides is None or len(wrong_sides) < 2 or len(right_sides) < 2:
        return None
    one, other = running(wrong_sides), running(right_sides)
    wrong, right = _coloured(one, other)
    more = (_coloured(one, running(sides))[1] for text in others if (sides := typeset_sides(text)))
    return Difference(found=wrong, expected=right, others=tuple(more))


def _coloured(found: str, expected: str) -> tuple[SafeHtml, SafeHtml]:
    one, other = ([m[3] for m in _LEAF.finditer(text)] for text in (found, expected))
    gone, come = _apart(one, other)
    return _marked(found, gone, "gone"), _marked(expected, come, "come")


def _marked(markup: str, numbers: set[int], kind: str) -> SafeHtml:
    count = iter(range(len(markup)))

    def leaf(match: re.Match[str]) -> str:
        tag, form, text = match[1], match[2] or "", match[3]
        return f'<{tag}{form} class="{kind}">{text}</{tag}>' if next(count) in numbers else match[0]

    return SafeHtml(_LEAF.sub(leaf, markup))


def _cells(found: str, expected: str) -> tuple[SafeHtml, SafeHtml]:
    one, other = _CELL_SYMBOL.findall(found), _CELL_SYMBOL.findall(expected)
    gone, come = _apart(one, other)
    return _text(one, gone, "gone"), _text(other, come, "come")


def _text(symbols: Sequence[str], numbers: set[int], kind: str) -> SafeHtml:
    parts = []
    for number, symbol in enumerate(symbols):
        shown = visible(symbol, in_code=True)
        parts.append(f'<b class="{kind}">{shown}</b>' if number in numbers else shown)
    return SafeHtml(f'<code><bdi dir="ltr">{"".join(parts)}</bdi></code>')


def _apart(one: Sequence[str], other: Sequence[str]) -> tuple[set[int], set[int]]:
    """The positions on each side that the other side lacks."""
    gone: set[int] = set()
    come: set[int] = set()
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind != "equal":
            gone.update(range(a, b))
            come.update(range(c, d))
    return gone, come
