"""Building inline SVG from numbers and texts. Colours come from classes of style.css, so that a picture
follows light and dark.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup, escape

from grader.render.escape import SafeHtml, plain

Attribute = str | float | int

WIDTH: Final = 372.0
"""Pixels of every picture, drawn for a phone: of a page 390 wide this is the card. Where there is room it is
drawn larger, letters and all.
"""
TEXT_LIMIT: Final = 120
"""Characters of one label; a picture is no place for more."""
INK: Final = 6.6
"""Average advance of a 12-pixel sans-serif letter, in pixels: to reserve room for a label before any browser
draws it.
"""

BOLD: Final = 8.2
"""The same of a bold one."""


def number(value: float) -> str:
    """Two decimals at most: enough for a pixel, and the same on every platform."""
    if not math.isfinite(value):
        raise ValueError(f"a picture has no place for {value}")
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(tag: str, *children: SafeHtml, **attributes: Attribute) -> SafeHtml:
    """Return `<tag attr="…">children</tag>`; `class_` and `_` in names become `class` and `-`, numbers are
    rounded.
    """
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    spelled = "".join(
        f' {name}="{escape(number(value) if isinstance(value, float) else value)}"'
        for name, value in given.items()
    )
    return SafeHtml(f"<{tag}{spelled}>{join(children)}</{tag}>" if children else f"<{tag}{spelled}/>")


def text(content: str, x: float, y: float, **attributes: Attribute) -> SafeHtml:
    """Return a label; what a student wrote is cut short and its hidden characters are written out."""
    return element("text", literal(content), x=float(x), y=float(y), **attributes)


def literal(content: str) -> SafeHtml:
    """Return escaped text."""
    return SafeHtml(escape(plain(content, TEXT_LIMIT)))


def polyline(points: Iterable[tuple[float, float]], **attributes: Attribute) -> SafeHtml:
    """Return a line through `points`."""
    return element(
        "polyline", points=" ".join(f"{number(x)},{number(y)}" for x, y in points), fill="none", **attributes
    )


def join(parts: Iterable[Markup]) -> SafeHtml:
    """Return the parts one after the other."""
    return SafeHtml("".join(parts))


def drawing(title: str, description: str, height: float, parts: Sequence[SafeHtml]) -> SafeHtml:
    """Return the `<svg>` with its title and description, `WIDTH` by `height` pixels, which a page makes
    larger or smaller.
    """
    return element(
        "svg",
        element("title", literal(title)),
        element("desc", SafeHtml(escape(plain(description, 600)))),
        *parts,
        role="img",
        aria_label=plain(title, TEXT_LIMIT),
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
        width=number(WIDTH),
        height=number(height),
        focusable="false",
    )
