"""A picture with the numbers behind it, so that nobody needs eyes to read it."""

import msgspec

from grader.render.escape import SafeHtml


class DataTable(msgspec.Struct, frozen=True, kw_only=True):
    """A small table of texts; the first column heads its row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: heading, one sentence on what is to be seen, the drawing, and its data folded below.

    `before_results` is for what a reader should check before believing any judgement; such a figure stands
    folded above them.
    """

    title: str
    description: str
    drawing: SafeHtml
    table: DataTable | None = None
    before_results: bool = False
    brief: str = ""
    """What stands beside the title of a folded figure."""
