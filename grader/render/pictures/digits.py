"""The digits that a network got wrong: each in its face, with what the label and the network say of it."""

import base64
from collections.abc import Sequence
from typing import Final

from grader.core.facts.retrain import DigitPictures, WrongDigit, WrongDigits
from grader.render.escape import SafeHtml
from grader.render.pictures.picture import DataTable, Picture
from grader.render.pictures.svg import element, join, literal

_SHEET: Final = "wrong-digits"
"""Id of the one picture that all tiles are windows of."""
_TITLE: Final = "The {what} that your network got wrong: {count:,} of {of:,}"
_WHEN: Final = "After epoch {epoch} of our training (seed {seed}), counted on the true test {what}."
_SOME: Final = "{shown} of the {count:,} are shown."
_ALLOWED: Final = "The goal leaves room for {allowed} wrong answers."
_SOURCE: Final = (
    "{doubted} of the shown digits have a label that people did not confirm; the whole test set has {known} "
    "such labels, and nobody is at fault for those. Source: Northcutt, Athalye and Mueller, Pervasive Label "
    "Errors in Test Sets Destabilize Machine Learning Benchmarks, 2021, arXiv:2103.14749; five people looked "
    "at each doubtful digit."
)
_DOUBTED: Final = "Known label errors of the test set"
_OTHERS: Final = "The others"
_OPEN: Final = 24
"""Digits of a group that stand unfolded; what 99.4 % leaves is more than a phone shows at a glance."""
_MORE: Final = "more"
_SEEN: Final = {"neither": "neither", "no majority": "not agreed"}
"""What the people said who were asked, where most of them saw no class."""


def wrong_digits(
    wrong: WrongDigits, pictures: DigitPictures, *, allowed: int | None = None
) -> Picture | None:
    """Return the picture of the listed digits, those with a doubtful label first; None where none is listed.

    `allowed` is how many wrong answers the assignment's threshold leaves.
    """
    if not wrong.listed or not pictures.png:
        return None
    tiles = [(digit, _tile(number, digit, wrong, pictures)) for number, digit in enumerate(wrong.listed)]
    doubted = [tile for digit, tile in tiles if digit.raters]
    others = [tile for digit, tile in tiles if not digit.raters]
    parts = [_sheet(pictures, len(wrong.listed))]
    if doubted:
        parts += [_heading(_DOUBTED, len(doubted)), *_list(doubted)]
    if others:
        parts += [_heading(_OTHERS, len(others))] if doubted else []
        parts += _list(others)
    return Picture(
        title=_TITLE.format(what=_what(wrong), count=wrong.count, of=wrong.of),
        description=_description(wrong, len(doubted), allowed),
        drawing=join(parts),
        table=DataTable(
            caption="One line for each, in the order of the test set",
            columns=("Place", "Label", "Your network", "People saw"),
            rows=tuple(
                (str(digit.index), str(digit.label), str(digit.answer), _seen(digit))
                for digit in wrong.listed
            ),
        ),
    )


def _description(wrong: WrongDigits, doubted: int, allowed: int | None) -> str:
    words = [_WHEN.format(epoch=wrong.epoch, seed=wrong.seed, what=_what(wrong))]
    if wrong.count > len(wrong.listed):
        words.append(_SOME.format(shown=len(wrong.listed), count=wrong.count))
    if allowed is not None:
        words.append(_ALLOWED.format(allowed=allowed))
    if wrong.label_errors:
        words.append(_SOURCE.format(doubted=doubted, known=wrong.label_errors))
    return " ".join(words)


def _what(wrong: WrongDigits) -> str:
    """What a test set holds: digits where it is MNIST's, whose label errors we know."""
    return "digits" if wrong.label_errors else "images"


def _seen(digit: WrongDigit) -> str:
    """What the people saw who were asked, in the words of a page; empty where nobody is known to doubt."""
    return _SEEN.get(digit.raters, digit.raters)


def _tile(number: int, digit: WrongDigit, wrong: WrongDigits, pictures: DigitPictures) -> SafeHtml:
    row, column = divmod(number, pictures.columns)
    width, height = pictures.width, pictures.height
    alt = f"{_named(digit.label)} that the network took for {_named(digit.answer)}"
    face = element(
        "svg",
        element("use", href=f"#{_SHEET}"),
        role="img",
        aria_label=alt,
        viewBox=f"{column * width} {row * height} {width} {height}",
        width=2 * width,
        height=2 * height,
        class_="face",
    )
    lines = [f"{'MNIST' if wrong.label_errors else 'label'} says {digit.label}", f"network: {digit.answer}"]
    lines += [f"people: {_seen(digit)}"] if digit.raters else []
    told = [element("span", literal(line)) for line in lines]
    return element("li", face, *told)


def _named(digit: int) -> str:
    """`a 4`, `an 8`."""
    return f"{'an' if digit == 8 else 'a'} {digit}"


def _heading(text: str, count: int) -> SafeHtml:
    return element("h4", literal(f"{text}: {count}"))


def _list(tiles: Sequence[SafeHtml]) -> list[SafeHtml]:
    """The tiles; those after the first `_OPEN` are folded, unless only a few would be."""
    shown = _OPEN if len(tiles) > _OPEN + 6 else len(tiles)
    parts = [element("ul", *tiles[:shown], class_="digits")]
    if rest := tiles[shown:]:
        summary = element("summary", literal(f"{len(rest)} {_MORE}"))
        parts.append(element("details", summary, element("ul", *rest, class_="digits")))
    return parts


def _sheet(pictures: DigitPictures, count: int) -> SafeHtml:
    """The one picture, in no place of its own, that each tile is a window of."""
    uri = f"data:image/png;base64,{base64.b64encode(pictures.png).decode('ascii')}"
    rows = -(-count // pictures.columns)
    size = {"width": pictures.columns * pictures.width, "height": rows * pictures.height}
    defined = element("defs", element("image", id=_SHEET, href=uri, **size))
    return element("svg", defined, width=0, height=0, aria_hidden="true", focusable="false", class_="faces")
