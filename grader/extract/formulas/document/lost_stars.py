"""Does Markdown's emphasis eat the `*` of a product? CommonMark shows `w1*i1 + w2*i2` as w1, *i1 + w2*, i2."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from grader.extract.formulas.document.collect import Item

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_OPENER = re.compile(r"(?<!\\)\*(?=\S)")


def loses_stars(item: Item) -> bool:
    """Whether fewer stars show on the page than the statement needs."""
    raw = item.raw
    if (
        not item.in_markdown
        or len(_OPENER.findall(raw)) < 1
        or raw.count("*") < 2
        or raw.startswith(("    ", "\t"))
    ):
        return False
    needed = sum(
        1
        for side in item.statement.sides
        for char, spot in zip(side.text.text, side.text.at, strict=True)
        if char == "*" and raw[spot : spot + 1] == "*"
    )
    return needed > 0 and _shown_stars(raw[:4_000]) < needed


@lru_cache(maxsize=4096)
def _shown_stars(raw: str) -> int:
    parser = _parser()
    return sum(
        child.content.count("*")
        for token in parser.parseInline(raw.lstrip(" >"))
        for child in token.children or ()
        if child.type in ("text", "code_inline", "html_inline")
    )


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")
