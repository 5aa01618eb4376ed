"""Whose training a log shows, where a notebook trains several networks: the class that was made last."""

import re
from collections.abc import Iterator

from grader.core.evidence.documents import Documents
from grader.core.evidence.logs import Run
from grader.core.evidence.notebook import Notebook

_DEFINED = re.compile(r"^[ \t]*class[ \t]+(\w+)[ \t]*\([^)]*Module", re.MULTILINE)
_IMPORTED = re.compile(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([\w, \t]+)", re.MULTILINE)
_LIBRARIES = re.compile(
    r"(?:torch|tqdm|numpy|matplotlib|PIL|sklearn|pandas|google|IPython|typing|collections|os|sys|time|math|random"
    r"|albumentations|cv2|seaborn|scipy|pathlib)"
)


def another_network(run: Run, last: Run, documents: Documents) -> str:
    """Say whose log a run is, where the notebook trains a network of another class after it: `Net_1, and
    Net_3 is trained last`. Empty where it is of the same class, or where nothing tells.
    """
    notebook = next(
        (n for n in documents.notebooks() if n.artefact == run.artefact and last.artefact == run.artefact),
        None,
    )
    if notebook is None or not run.cells or not last.cells or max(run.cells) >= min(last.cells):
        return ""
    names = frozenset(_classes(notebook))
    one, other = (_made_before(notebook, max(r.cells), names) for r in (run, last))
    return f"{one}, and {other} is trained last" if one and other and one != other else ""


def _classes(notebook: Notebook) -> Iterator[str]:
    """Classes that may be networks of the student's own: defined in a cell, or imported from no library."""
    for cell in notebook.code_cells:
        yield from _DEFINED.findall(cell.source)
        for module, names in _IMPORTED.findall(cell.source):
            if not _LIBRARIES.match(module):
                yield from (
                    n for name in names.split(",") if (n := name.split(" as ")[0].strip())[:1].isupper()
                )


def _made_before(notebook: Notebook, number: int, names: frozenset[str]) -> str:
    """The class of which the last network was made up to a cell; empty for none."""
    calls = re.compile(rf"(?<!class )(?<![\w.])({'|'.join(map(re.escape, sorted(names))) or '(?!)'})\s*\(")
    made = ""
    for cell in notebook.code_cells:
        if cell.number <= number:
            found = calls.findall(cell.source)
            made = found[-1] if found else made
    return made
