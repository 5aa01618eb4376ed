"""The exporter that nbconvert finds under the name `grader`: `jupyter nbconvert --to grader feedback.ipynb`.

nbconvert's own HTML keeps a student's HTML and scripts alive and loads two scripts from the network; options
of its templates would bring that back. So this derives from `Exporter`, which reads, runs the preprocessors
that somebody asked for and names the file, and the page is drawn by us (docs/adr/0007).
"""

import json
from typing import Any

try:
    from nbconvert.exporters import Exporter
except ModuleNotFoundError as fault:
    from grader.core.distribution import install_hint

    words = f"nbconvert is not installed; to get it: {install_hint('feedback')}"
    raise ModuleNotFoundError(words, name=fault.name) from fault

from grader.render.feedback.feedback_page import page


class GraderExporter(Exporter):
    """A notebook with findings in it as one safe page."""

    export_from_notebook = "HTML (grader)"
    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **more: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page, and nbconvert's resources as its base class made them."""
        book, found = super().from_notebook_node(nb, resources, **more)
        name = str(found.get("metadata", {}).get("name", "")) or "notebook"
        return page(json.dumps(book).encode(), f"{name}.ipynb"), found
