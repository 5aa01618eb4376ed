"""Cell formats with another fill: added behind the student's own, which keep their numbers."""

from collections.abc import Iterable
from typing import Final

from grader.core.submission import Problem
from grader.extract.workbook.faults import Unreadable
from grader.render.feedback.xml_edits import Edit, Element, appended, edited, elements, with_attribute

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
FAULT: Final = "FFFFC7CE"
"""Light red, the fill of Excel's own style "Bad"."""
REMARK: Final = "FFFFEB9C"
"""Light yellow, that of "Neutral"."""
_PATHS: Final = {
    ("styleSheet", "fills"),
    ("styleSheet", "fills", "fill"),
    ("styleSheet", "cellXfs"),
    ("styleSheet", "cellXfs", "xf"),
}

Format = tuple[int, str]
"""A format of the student's by its number, and the colour that it gets."""


def with_fills(styles: bytes, part: str, asked: Iterable[Format]) -> tuple[bytes, dict[Format, int]]:
    """Return the part of styles with a format for each that is asked for, and their numbers.

    Raises `Unreadable` where it has no fills or formats to build on.
    """
    found = elements(styles, part, MAIN, lambda path, _: path in _PATHS)
    fills, formats = _one(found, "fills", part), _one(found, "cellXfs", part)
    known = [e for e in found if e.name == "xf"]
    if not known:
        raise Unreadable(Problem.BROKEN, f"{part} has no cell format")
    first_fill = sum(e.name == "fill" for e in found)
    wanted = sorted(set(asked))
    colours = sorted({colour for _, colour in wanted})
    numbers = {one: len(known) + n for n, one in enumerate(wanted)}
    new_fills = b"".join(_fill(colour, fills.prefix) for colour in colours)
    new_formats = b"".join(
        _format(styles, known[style if style < len(known) else 0], first_fill + colours.index(colour))
        for style, colour in wanted
    )
    edits = [
        *_grown(styles, fills, new_fills, first_fill + len(colours)),
        *_grown(styles, formats, new_formats, len(known) + len(wanted)),
    ]
    return edited(styles, edits), numbers


def _one(found: Iterable[Element], name: str, part: str) -> Element:
    named = [e for e in found if e.name == name]
    if len(named) != 1 or named[0].empty:
        raise Unreadable(Problem.BROKEN, f"{part} has not one list of {name}")
    return named[0]


def _grown(styles: bytes, element: Element, inner: bytes, count: int) -> list[Edit]:
    tag = with_attribute(styles[element.start : element.inside], "count", str(count))
    return [Edit(element.start, element.inside, tag), *appended(styles, element, inner)]


def _fill(colour: str, prefix: bytes) -> bytes:
    p = prefix.decode()
    return (
        f'<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="{colour}"/><{p}bgColor indexed="64"/>'
        f"</{p}patternFill></{p}fill>"
    ).encode()


def _format(styles: bytes, element: Element, fill: int) -> bytes:
    tag = with_attribute(styles[element.start : element.inside], "fillId", str(fill))
    return with_attribute(tag, "applyFill", "1") + styles[element.inside : element.end]
