"""Whether a code cell can have printed what was saved under it: which names it reads, and whether anything in
it prints.

A saved output is a claim, and anybody can write one into the file. Two things give a pasted one away without
running anything: the cell reads a name that nothing in the notebook makes (`print(log)`), or nothing in the
cell can print. Code that binds names as it runs (`exec`, `%store`, a star import from elsewhere) leaves that
open, and then nothing is said. That a cell fails in a run of ours says nothing: it may want a package, a GPU,
a network, data or time.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import PurePosixPath

from grader.core.evidence.notebook import Notebook
from grader.core.submission import Kind, Sources

_SILENT = ("%matplotlib", "%%time", "%%timeit", "%%capture", "%%prun")
"""Magics that print no log of their own; the cell below a cell magic of these is Python all the same."""
_BINDING_MAGIC = re.compile(r"^\s*%(?:pylab|store|run|load)\b|^\s*%%(?!time|capture|prun)")
_INTERACTIVE = frozenset({
    "In", "Out", "get_ipython", "display", "exit", "quit", "_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh", "_dh",
    "__file__", "__name__", "__doc__",
})  # fmt: skip
_DYNAMIC = frozenset({"exec", "eval", "globals", "locals", "vars", "runfile"})
_DYNAMIC_METHODS = frozenset({"run_line_magic", "run_cell_magic", "run_cell", "magic"})
"""`model.eval()` binds nothing, `get_ipython().run_line_magic("run", ...)` may."""
_QUIET = frozenset({
    "abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min", "range",
    "round", "set", "sorted", "str", "sum", "tuple", "type", "zip",
})  # fmt: skip
"""Builtins that print nothing."""
_WORD = re.compile(r"[^\W\d]\w*")
_LARGEST = 200_000
"""Characters of a source that are parsed; a larger one holds data."""
_REMEMBERED = 12_000
"""Characters of a cell whose tree is kept for the next question; the tree takes a hundred times as many."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def sibling_modules(sources: Sources | None) -> dict[str, str]:
    """The Python files of a submission by the name that an import has."""
    if sources is None:
        return {}
    return {
        PurePosixPath(source.artefact.path).stem: source.data.decode("utf-8", "replace")
        for source in sources.of(Kind.SOURCE)
        if len(source.data) <= _LARGEST
    }


class Printing:
    """Which cells of a notebook can have printed anything; its code is parsed once."""

    def __init__(self, notebook: Notebook, modules: Mapping[str, str]) -> None:
        self.trees = {cell.number: parsed(cell.source) for cell in notebook.code_cells}
        self._texts = {cell.number: cell.source for cell in notebook.code_cells}
        self._modules = modules

    @cached_property
    def _whole(self) -> "_Notebook":
        return _Notebook(self.trees, self._texts, self._modules)

    @cached_property
    def _excerpt(self) -> bool:
        return _is_excerpt(self.trees)

    def refused(self, cells: Sequence[int]) -> str:
        """Why these cells cannot have printed what stands under them, for a person; empty where they can, or
        nobody can tell.
        """
        try:
            return next(filter(None, map(self._reason, cells)), "")
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # it parses and cannot be compiled
            return ""

    def _reason(self, number: int) -> str:
        tree = self.trees.get(number)
        if tree is None or number not in self._whole.plain:
            return ""
        name = self._whole.unbound(tree, excerpt=self._excerpt)
        if name:
            return f"cell {number} reads `{name}`, which no cell, import or file beside it makes"
        return "" if self._whole.can_print(tree) else f"nothing in the source of cell {number} can print"


def _is_excerpt(trees: Mapping[int, ast.Module | None]) -> bool:
    """Whether the notebook holds hardly more than the cells of a log: nothing in it is imported or
    defined.
    """
    defines = ast.Import | ast.ImportFrom | ast.ClassDef | _Function
    return all(
        tree is not None and not any(isinstance(node, defines) for node in nodes_of(tree))
        for tree in trees.values()
    )


def parsed(source: str) -> ast.Module | None:
    """Return the tree of a cell, its magics passed over; None where it cannot be parsed."""
    if len(source) > _LARGEST:
        return None
    lines = []
    for line in source.replace("\r\n", "\n").split("\n"):
        bare = line.lstrip()
        magic = bare.startswith(("!", "%", "?")) or bare.rstrip().endswith("?") or _assigned_magic(bare)
        lines.append(line[: len(line) - len(bare)] + "pass" if magic else line)
    return python_tree("\n".join(lines))


def python_tree(code: str) -> ast.Module | None:
    """Return the tree of code that holds no magics; None where it cannot be parsed. Nobody changes a tree:
    each of a dozen questions about a notebook is answered by the same ones.
    """
    return _remembered(code) if len(code) <= _REMEMBERED else _remembered.__wrapped__(code)


@lru_cache(maxsize=64)
def _remembered(code: str) -> ast.Module | None:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    tree.code = code  # type: ignore[attr-defined]
    return tree


def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a tree in the order of `ast.walk`. A tree keeps those below it, and none that would hold
    itself: they go when it goes.
    """
    below: tuple[ast.AST, ...] | None = getattr(tree, "nodes_below", None)
    if below is None:
        below = tuple(_below(tree))
        tree.nodes_below = below  # type: ignore[attr-defined]
    return (tree, *below)


def _below(tree: ast.AST) -> list[ast.AST]:
    """Nodes below a tree in the order of `ast.walk`, whose generators take 1.5 times as long."""
    found = [tree]
    for node in found:  # and those that it adds
        held = node.__dict__
        for name in node._fields:
            value = held.get(name)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += [item for item in value if isinstance(item, ast.AST)]
    return found[1:]


def _assigned_magic(line: str) -> bool:
    return re.match(r"\w+\s*=\s*[!%]", line) is not None


class _Notebook:
    """What the cells of a notebook make, together with the files that they import."""

    def __init__(
        self, trees: Mapping[int, ast.Module | None], texts: Mapping[int, str], modules: Mapping[str, str]
    ) -> None:
        self._modules = modules
        self.open = False
        """Whether names may be bound in a way that cannot be read off the source."""
        self._bound = set(dir(builtins)) | _INTERACTIVE
        self._functions: dict[str, list[_Function]] = {}
        self.plain: set[int] = set()
        """Cells that hold nothing but Python."""
        for number, tree in trees.items():
            magics = [line for line in texts[number].split("\n") if _is_magic(line)]
            if all(_is_silent(line) for line in magics):
                self.plain.add(number)
            self.open = self.open or any(_BINDING_MAGIC.match(line) for line in magics)
            for line in magics:  # `%time history = train()`, `files = !ls`
                self._bound.update(_WORD.findall(line))
            if tree is None:
                self._bound.update(_WORD.findall(texts[number]))
            else:
                self._add(tree)

    def _add(self, tree: ast.Module) -> None:
        self._bound.update(_bindings(tree))
        for node in nodes_of(tree):
            if isinstance(node, ast.Call) and _is_dynamic(node.func):
                self.open = True
            elif isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
                self._add_star((node.module or "").rpartition(".")[2])
        for statement in tree.body:
            if isinstance(statement, _Function):
                self._functions.setdefault(statement.name, []).append(statement)

    def _add_star(self, module: str) -> None:
        tree = parsed(self._modules[module]) if module in self._modules else None
        if tree is None:
            self.open = True  # whatever the package holds
        else:
            self._bound.update(_bindings(tree))

    def unbound(self, tree: ast.Module, *, excerpt: bool = False) -> str:
        """The first name that a cell reads, or prints by a function of another cell, and that nothing makes.

        Of an excerpt only what it prints is looked at: `train(model)` may well have been made where it comes
        from.
        """
        if self.open:
            return ""
        names = _shown(tree) if excerpt else _reads(tree)
        missing = [name for name in names if name not in self._bound]
        for function in self._called(tree):
            for call in _unconditional_prints(function):
                local = _locals(function)
                missing += [n for n in _mentioned(call) if n not in self._bound and n not in local]
        return missing[0] if missing else ""

    def can_print(self, tree: ast.Module) -> bool:
        """Whether anything that the cell runs may print; in doubt it may."""
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = tree.body[-1].value
            if not (
                isinstance(last, ast.Constant) or (isinstance(last, ast.Call) and self._silent(last, ()))
            ):
                return True  # its value is shown
        return any(self._loud(node, ()) for node in _executed(tree.body))

    def _loud(self, node: ast.AST, inside: tuple[str, ...]) -> bool:
        if isinstance(node, ast.Call):
            return not self._silent(node, inside)
        if isinstance(node, ast.Import):
            return any(alias.name.partition(".")[0] in self._modules for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            return node.level > 0 or (node.module or "").partition(".")[0] in self._modules
        loops = ast.For | ast.AsyncFor | ast.With | ast.AsyncWith | ast.Await | ast.Yield | ast.YieldFrom
        return isinstance(node, loops) and not (isinstance(node, ast.For) and _counts(node.iter))

    def _silent(self, call: ast.Call, inside: tuple[str, ...]) -> bool:
        """Whether a call surely prints nothing but fixed text."""
        if not isinstance(call.func, ast.Name):
            return False
        name = call.func.id
        if name == "print":
            return all(isinstance(argument, ast.Constant) for argument in call.args)
        made = self._functions.get(name, [])
        if len(made) == 1 and not made[0].decorator_list and len(inside) < 5:
            if name in inside:
                return True
            return not any(self._loud(node, (*inside, name)) for node in _executed(made[0].body))
        return name in _QUIET and name not in self._functions

    def _called(self, tree: ast.Module) -> Iterator[_Function]:
        for node in _executed(tree.body):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield from self._functions.get(node.func.id, [])


def _is_dynamic(function: ast.expr) -> bool:
    match function:
        case ast.Name(id=name):
            return name in _DYNAMIC
        case ast.Attribute(attr=name):
            return name in _DYNAMIC_METHODS
    return False


def _is_magic(line: str) -> bool:
    bare = line.lstrip()
    return bare.startswith(("!", "%", "?")) or bare.rstrip().endswith("?") or _assigned_magic(bare)


def _is_silent(line: str) -> bool:
    return line.strip().startswith(_SILENT)


def _bindings(tree: ast.Module) -> set[str]:
    """Names that a module makes at its top level, or by `global` in a function."""
    table = _symbols(tree)
    found = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    for inner in _scopes(table):
        found |= {s.get_name() for s in inner.get_symbols() if s.is_declared_global() and s.is_assigned()}
    return found | {name for node in nodes_of(tree) for name in _patterns(node)}


def _symbols(tree: ast.Module) -> symtable.SymbolTable:
    """The table of symbols of a tree, from the code that it was parsed from."""
    code: str | None = getattr(tree, "code", None)
    return symtable.symtable(ast.unparse(tree) if code is None else code, "cell", "exec")


def _patterns(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
    return ()


def _reads(tree: ast.Module) -> list[str]:
    """Global names that the code reads in any of its scopes, in order of appearance."""
    table = _symbols(tree)
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    for inner in _scopes(table):
        found |= {s.get_name() for s in inner.get_symbols() if s.is_referenced() and s.is_global()}
    return [name for name in dict.fromkeys(_mentioned(tree)) if name in found]


def _shown(tree: ast.Module) -> list[str]:
    """Names that the code prints, shows as its last value, or goes through."""
    found: list[str] = []
    for node in _executed(tree.body):
        if isinstance(node, ast.Call) and name_of(node.func) in ("print", "display"):
            found += [name for argument in node.args for name in _values(argument)]
        elif isinstance(node, ast.For):
            found += _values(node.iter)
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        found += _values(last.value)
    return found


def _values(node: ast.expr) -> list[str]:
    """Names whose value an expression is made of; what is called, and what it is given, is another matter."""
    if isinstance(node, ast.Call):
        return _values(node.func.value) if isinstance(node.func, ast.Attribute) else []
    if isinstance(node, ast.Name):
        return [node.id]
    inner = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return [name for child in inner for name in _values(child)]


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)


def _mentioned(tree: ast.AST) -> Iterator[str]:
    for node in nodes_of(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _locals(function: _Function) -> set[str]:
    arguments = (node.arg for node in nodes_of(function) if isinstance(node, ast.arg))
    stored = (
        node.id
        for node in nodes_of(function)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )
    return {*arguments, *stored}


def _unconditional_prints(function: _Function) -> Iterator[ast.Call]:
    """What a function prints whenever it is called: one under a condition may never have run."""
    for statement in function.body:
        match statement:
            case ast.Expr(value=ast.Call() as call) if name_of(call.func) == "print":
                yield call


def _executed(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Every node that runs when the statements do: the bodies of functions do not."""
    open_: list[ast.AST] = [*body]
    open_.reverse()
    while open_:
        node = open_.pop()
        yield node
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _Function):
            open_ += [*node.decorator_list, *node.args.defaults]
        else:
            open_ += list(ast.iter_child_nodes(node))[::-1]


def _counts(iterated: ast.expr) -> bool:
    return isinstance(iterated, ast.Call) and name_of(iterated.func) in ("range", "enumerate", "zip")


def name_of(node: ast.AST) -> str:
    """Return the last part of a name, `randint` of `torch.randint`; empty for what is none."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
