"""A notebook with findings in it as one page: what `jupyter nbconvert --to grader` writes.

Drawn as every page of ours is: escaped text, Markdown without HTML, pictures drawn again, and a policy that
loads nothing from anywhere. A notebook without cells of ours gives a page as well.
"""

import json

from grader.extract.documents.own_cells import is_ours
from grader.render.escape import SafeHtml
from grader.render.files.highlight import python
from grader.render.files.notebook_page import view
from grader.render.html import render_page
from grader.render.markdown import render_student


def page(data: bytes, name: str) -> str:
    """Return the page of a notebook's bytes, which are JSON; `name` stands on it."""
    shown = view(data, name)
    last = shown.cells[-1].number if shown.cells else 0
    above: dict[int, list[SafeHtml]] = {}
    theirs = 0
    for cell in json.loads(data).get("cells", ()):
        if is_ours(cell):
            number = theirs + 1 if theirs < last else 0
            above.setdefault(number, []).append(render_student("".join(cell["source"])))
        else:
            theirs += 1
    return render_page("feedback.html.j2", view=shown, above=above, text=render_student, code=python)
