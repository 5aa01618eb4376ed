"""What the training checks look up in the code cells: where a setting stands, and what our run may not have shown.

Reading code decides nothing here. It turns a `fail` into `unknown` where our run, in which student code finds no GPU, may not be
the one that the student made.
"""

import ast
import re

from grader.core.evidence.notebook import Notebook, NotebookEvidence
from grader.core.place import Place

_MAGIC = re.compile(r"(?m)^(\s*)[!%].*$")
_GPU = re.compile(r"cuda|gpu|device", re.IGNORECASE)


class Code:
    """The code cells of one notebook. `whole` says whether all of them could be read."""

    def __init__(self, artefact: str, notebooks: NotebookEvidence | None) -> None:
        self.artefact = artefact
        found = [n for n in notebooks.readable if n.artefact == artefact] if notebooks else []
        self.notebook: Notebook | None = found[0] if found else None
        self.trees: list[ast.Module] = []
        self.whole = self.notebook is not None
        for cell in self.notebook.code_cells if self.notebook else ():
            try:
                self.trees.append(ast.parse(_MAGIC.sub(r"\1pass", cell.source)))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.whole = False

    def place(self, pattern: str) -> tuple[Place, str]:
        """The first line of code that matches, with its text; the notebook itself and no text where none does."""
        wanted = re.compile(pattern, re.IGNORECASE)
        for cell in self.notebook.code_cells if self.notebook else ():
            for number, line in enumerate(cell.source.splitlines(), 1):
                if wanted.search(line.partition("#")[0]):
                    return Place(artefact=self.artefact, cell=cell.number, line=number), line.strip()[:200]
        return Place(artefact=self.artefact), ""

    def names(self, pattern: str) -> bool:
        """Whether a name that the code uses matches; comments and strings do not count."""
        wanted = re.compile(pattern, re.IGNORECASE)
        nodes = (node for tree in self.trees for node in ast.walk(tree))
        return any(wanted.search(name) for node in nodes for name in _names_of(node))

    def sizes_by_machine(self) -> frozenset[int]:
        """Batch sizes that stand under a condition about the GPU: `dict(batch_size=128) if cuda else dict(batch_size=64)`."""
        found: set[int] = set()
        open_: list[tuple[ast.AST, bool, bool]] = [(tree, False, False) for tree in self.trees]
        while open_:
            node, gpu, batch = open_.pop()
            if isinstance(node, ast.Constant):
                if gpu and batch and type(node.value) is int:
                    found.add(node.value)
                continue
            if isinstance(node, (ast.If, ast.IfExp)):
                gpu = gpu or _about_gpu(node.test)
                batch = batch and isinstance(node, ast.IfExp)
            elif isinstance(node, ast.keyword):
                batch = _batch(node.arg)
            elif isinstance(node, ast.Assign):
                batch = any(_batch(name) for target in node.targets for name in _names_of(target))
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    open_.append((value, gpu, isinstance(key, ast.Constant) and _batch(key.value)))
                continue
            else:
                batch = False
            open_ += [(child, gpu, batch) for child in ast.iter_child_nodes(node)]
        return frozenset(found)


def _names_of(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return (name,)
    return ()


def _about_gpu(test: ast.AST) -> bool:
    return any(
        _GPU.search(word)
        for node in ast.walk(test)
        for word in (
            (node.value,)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            else _names_of(node)
        )
    )


def _batch(name: object) -> bool:
    return isinstance(name, str) and ("batch" in name.lower() or name.lower() in ("bs", "b_size"))
