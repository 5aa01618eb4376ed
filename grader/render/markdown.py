"""Markdown to sanitised HTML: for the doc pages of checks."""

from functools import lru_cache

from grader.render.escape import SafeHtml

_TAGS = {
    "p", "em", "strong", "code", "pre", "h4", "h5", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "a",
}  # fmt: skip


@lru_cache(maxsize=256)
def render_markdown(text: str, top: int = 4) -> SafeHtml:
    """Return sanitised HTML; headings start at level `top`, so that they fit below the page's own.

    Raw HTML in the source stays text (markdown-it), and the result passes a sanitiser all the same (nh3): only harmless tags, links only to https.
    """
    import nh3
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    levels = sorted({int(token.tag[1]) for token in tokens if token.type == "heading_open"})
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(top + levels.index(int(token.tag[1])), 6)}"
    dirty = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        dirty,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https"},
        link_rel="noopener noreferrer nofollow",
    )
    return SafeHtml(clean)
