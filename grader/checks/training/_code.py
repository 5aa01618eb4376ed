"""What the training checks look up in the code cells: where a setting stands, and what our run may not have
shown.

Reading code decides nothing here. It turns a `fail` into `unknown` where our run, in which student code finds
no GPU, may not be the one that the student made.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator

from grader.core.evidence.notebook import Notebook, NotebookEvidence
from grader.core.place import Place

_MAGIC = re.compile(r"(?m)^(\s*)[!%].*$")
_GPU = re.compile(r"cuda|gpu|device", re.IGNORECASE)
_PACKAGES = sys.stdlib_module_names | {
    *(
        "IPython",
        "PIL",
        "cv2",
        "google",
        "matplotlib",
        "numpy",
        "pandas",
        "seaborn",
        "sklearn",
        "scipy",
        "torch",
    ),
    *("torchinfo", "torchscan", "torchsummary", "torchvision", "torchviz", "tqdm"),
}
"""Packages whose code says nothing about a student's settings. Another import is a file of the student's, or
may be one.
"""


class Code:
    """The code cells of one notebook.

    `whole` says whether all of them could be read, `modules` which imports may hold code of the student's
    that stands in no cell.
    """

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
        imports = (name for tree in self.trees for node in ast.walk(tree) for name in _imported(node))
        self.modules = tuple(sorted({name for name in imports if name not in _PACKAGES}))

    def place(self, pattern: str) -> tuple[Place, str]:
        """The first line of code that matches, with its text; the notebook itself and no text where none
        does.
        """
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

    def sizes_by_machine(self) -> frozenset[int | str]:
        """Batch sizes that stand under a condition about the GPU: `dict(batch_size=128) if cuda else
        dict(batch_size=64)`.

        A name counts as the numbers that the cells assign to it, and as itself where they assign none,
        several, or something that is worked out: which of them holds on a GPU, nobody has seen.
        """
        return self._resolved(value for value, gpu in self._batch_values() if gpu)

    def sizes(self) -> frozenset[int | str]:
        """Batch sizes that stand anywhere in the cells."""
        return self._resolved(value for value, _ in self._batch_values())

    def _resolved(self, values: Iterable[int | str]) -> frozenset[int | str]:
        assigned: dict[str, set[int]] = {}
        computed: set[str] = set()
        for node in (node for tree in self.trees for node in ast.walk(tree)):
            match node:
                case ast.Assign(targets=targets, value=ast.Constant(value=int(number))):
                    for name in (name for target in targets for name in _names_of(target)):
                        assigned.setdefault(name, set()).add(number)
                case ast.Assign(targets=targets):
                    computed.update(name for target in targets for name in _names_of(target))
                case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                    computed.update(_names_of(target))
        found: set[int | str] = set()
        for value in values:
            numbers = assigned.get(str(value), set())
            found |= numbers or {value}
            if len(numbers) > 1 or str(value) in computed:
                found.add(value)
        return frozenset(found)

    def _batch_values(self) -> Iterator[tuple[int | str, bool]]:
        """Numbers and names that are given as a batch size, and whether under a condition about the GPU."""
        open_: list[tuple[ast.AST, bool, bool]] = [(tree, False, False) for tree in self.trees]
        while open_:
            node, gpu, batch = open_.pop()
            match node:
                case ast.Constant(value=int(number)) if batch and type(number) is int:
                    yield number, gpu
                case ast.Name(id=name) | ast.Attribute(attr=name) if batch:
                    yield name, gpu
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    gpu = gpu or _about_gpu(test)
                    open_ += [(body, gpu, batch), (orelse, gpu, batch)]
                    continue
                case ast.If(test=test):
                    gpu, batch = gpu or _about_gpu(test), False
                case ast.keyword(arg=name):
                    batch = _batch(name)
                case ast.Assign(targets=targets, value=value):
                    named = any(_batch(name) for target in targets for name in _names_of(target))
                    open_.append((value, gpu, named))
                    continue
                case ast.Dict(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        open_.append((value, gpu, isinstance(key, ast.Constant) and _batch(key.value)))
                    continue
                case _:
                    batch = False
            open_ += [(child, gpu, batch) for child in ast.iter_child_nodes(node)]


def _imported(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Import(names=names):
            return tuple(alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            return (module.partition(".")[0],)
        case ast.ImportFrom():
            return (".",)
    return ()


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
