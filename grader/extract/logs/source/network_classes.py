"""Which classes of a notebook are networks: those that derive from `nn.Module`, by name through imports, and
those that make one.

A meter, a trainer that is given its network and a data set are none: after them a network is what it was.
"""

import ast
import builtins
import sys
from collections.abc import Iterable

from grader.extract.documents.cell_names import name_of, nodes_of

_BASES = frozenset({"Module", "Sequential", "ModuleList", "LightningModule", "Model"})
_OF_NETWORKS = frozenset({"nn", "models", "keras", "hub"})
"""Parts of the name of a module of torch or torchvision in which networks stand."""
_OTHERS = frozenset(
    {*sys.stdlib_module_names, "torch", "torchvision", "numpy", "tqdm", "matplotlib", "sklearn"}
)
"""Packages whose other classes are no networks."""


class Classes:
    """The classes that cells define, and what they import."""

    def __init__(self) -> None:
        self.defined: dict[str, ast.ClassDef] = {}
        self._imported: dict[str, str] = {}
        """The dotted name behind each name that is imported."""

    def take(self, statement: ast.stmt) -> None:
        """Note what a statement imports."""
        match statement:
            case ast.Import(names=names):
                self._imported |= {n.asname or n.name.partition(".")[0]: n.name for n in names}
            case ast.ImportFrom(module=module, names=names):
                self._imported |= {n.asname or n.name: f"{module or ''}.{n.name}" for n in names}

    @property
    def networks(self) -> frozenset[str]:
        """The classes that are networks, or make one."""
        return frozenset(name for name in self.defined if self.is_network(name))

    def is_network(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a class here is a network, makes one, or may be one: its base is of a package that nobody
        knows.
        """
        kind = self.defined.get(name)
        if kind is None or name in seen:
            return False
        seen |= {name}
        return any(self._may_be_network(base, seen) for base in kind.bases) or self._makes(kind, seen)

    def made_by(self, called: Iterable[str], seen: frozenset[str] = frozenset()) -> bool:
        """Whether a call of one of these names makes a network."""
        return any(name == "Sequential" or self.is_network(name, seen) for name in called)

    def _makes(self, kind: ast.ClassDef, seen: frozenset[str]) -> bool:
        return self.made_by({name_of(n.func) for n in nodes_of(kind) if isinstance(n, ast.Call)}, seen)

    def _may_be_network(self, base: ast.expr, seen: frozenset[str]) -> bool:
        if isinstance(base, ast.Name) and base.id in self.defined:
            return self.is_network(base.id, seen)
        parts = self._dotted(base)
        if not parts or parts[-1] in _BASES:
            return True
        if len(parts) == 1:
            return not hasattr(builtins, parts[0])
        return parts[0] not in _OTHERS or not _OF_NETWORKS.isdisjoint(parts[:-1])

    def _dotted(self, base: ast.expr) -> list[str]:
        """`nn.Module` as `torch`, `nn`, `Module`; empty for what is no name."""
        parts: list[str] = []
        while isinstance(base, ast.Attribute):
            parts.insert(0, base.attr)
            base = base.value
        if not isinstance(base, ast.Name):
            return []
        return [*_parts(self._imported.get(base.id, base.id)), *parts]


def _parts(dotted: str) -> Iterable[str]:
    return (part for part in dotted.split(".") if part)
