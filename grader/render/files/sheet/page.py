"""A workbook drawn as a sheet: column letters, row numbers, guilty cells with the findings below them."""

from grader.render.files import words
from grader.render.files.margin import SHOWN, Margin
from grader.render.files.sheet.view import BookView
from grader.render.html import render_page


def render(shown: BookView, *, submission: str, key: str = "") -> str:
    """Return the page as HTML; `key` goes into the head, for who keeps pages by content."""
    return render_page(
        "workbook.html.j2",
        script="steps.js" if shown.counts.several else "",
        view=shown,
        submission=submission,
        key=key,
        margin=Margin(shown.ordered, level=3, cells=_cells(shown), stored=shown.stored),
        readings=SHOWN,
        labels=words.NOTE_KINDS,
    )


def _cells(shown: BookView) -> dict[str, str]:
    """The anchors of the drawn cells in which a finding begins, by the finding's."""
    ordered = shown.ordered
    return {
        ordered[number - 1].id: f"s{sheet.number}-{cell.ref}"
        for sheet in shown.sheets
        for row in sheet.rows
        for cell in row.cells
        for number in cell.notes
    }
