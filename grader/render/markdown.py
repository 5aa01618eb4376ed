"""Markdown to sanitised HTML: for the doc pages of checks and the texts in students' notebooks."""

from functools import lru_cache
from typing import Final

from grader.render.escape import SafeHtml, plain

STUDENT_LIMIT: Final = 20_000
"""Characters of one text of a student that are shown."""

_TAGS = {
    "p", "br", "hr", "em", "strong", "code", "pre", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "a",
}  # fmt: skip


@lru_cache(maxsize=256)
def render_markdown(text: str, top: int = 4) -> SafeHtml:
    """Return sanitised HTML; headings start at level `top`, so that they fit below the page's own.

    Raw HTML in the source stays text (markdown-it), and the result passes a sanitiser all the same (nh3):
    only harmless tags, links only to https.
    """
    import nh3
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    levels = sorted({int(token.tag[1]) for token in tokens if token.type == "heading_open"})
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(top + levels.index(int(token.tag[1])), 6)}"
        for child in token.children or ():
            if child.type == "image":  # the sanitiser would drop it without a word
                child.type, child.tag, child.content = "text", "", f"[picture: {child.content}]"
    dirty = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        dirty,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https"},
        link_rel="noopener noreferrer nofollow",
    )
    return SafeHtml(clean)


def render_student(text: str, top: int = 3) -> SafeHtml:
    """Return a student's Markdown, with hidden characters written out before it is read as Markdown."""
    return render_markdown(plain(text, STUDENT_LIMIT), top)
