"""Whether what a cell reaches by name can train or test a network."""

import ast
import builtins
import re
from collections.abc import Container, Iterable, Iterator, Sequence

from grader.core.evidence.notebook import Notebook, NotebookCell
from grader.extract.documents.cell_names import nodes_of
from grader.extract.logs.source.spelled_out import FILE, HARMLESS, tree_of

MOST_STATEMENTS = 2_000
"""Statements of a notebook beyond which nobody looks for what a cell reaches."""
_NETWORK = re.compile(
    r"model|net|loader|optim|backward|fit|evaluat|predict|trainer|learn|engine|data|loss|arg_?max|infer|forward|cnn|classif"
    r"|grad|batch|image|label|logit|conv|param|state|weight|layer|sess|accelerator|mnist|predictions?|run|main|matmul|einsum"
    r"|^\.?(?:dot|hub)$",
    re.IGNORECASE,
)
"""Parts of names of which one stands in any code that trains or tests a network, however it is written; an
attribute stands behind its dot.
"""
_HARMLESS_MODULES = frozenset({
    "IPython", "ast", "base64", "collections", "copy", "csv", "datetime", "functools", "glob", "io",
    "itertools", "json", "math", "matplotlib", "numpy", "os", "pandas", "pathlib", "pickle", "random", "re",
    "seaborn", "statistics", "sys", "time", "torch", "tqdm", "typing", "warnings",
})  # fmt: skip
"""Modules that train nothing by themselves."""
_OPEN = re.compile(
    r"\b(?:exec|eval|globals|locals|runfile|get_ipython|importlib|__import__|system|popen)\s*\(|import\s+\*"
    r"|^\s*[!%](?!\s*(?:pip|nvidia|matplotlib|config|ls|mkdir|unzip|wget)\b|%time|%capture)",
    re.MULTILINE,
)
"""What may bind names or print where the source does not show it; `model.eval()` is a method."""


def runs_no_network(cell: NotebookCell, notebook: Notebook, handed_in: Container[str] = ()) -> str:
    """Why a cell can have measured no accuracy: neither it nor anything that it reaches by name names a part
    of a network or of its data. Empty where something does, where names may be bound unseen, and where it
    imports one of the Python files that were `handed_in`.
    """
    trees = [tree_of(other.source) for other in notebook.code_cells]
    tree = tree_of(cell.source)
    unseen = any(_OPEN.search(other.source.replace(".eval(", "(")) for other in notebook.code_cells)
    if tree is None or unseen or any(t is None for t in trees):
        return ""
    statements = [s for t in trees if t is not None for s in t.body]
    modules = dict(_imported(statements))
    relative = any(isinstance(s, ast.ImportFrom) and s.level for s in statements)
    if relative or len(statements) > MOST_STATEMENTS:
        return ""
    taken = list(tree.body)
    names = set().union(*map(_names, taken), *map(_within, taken))
    rest = [s for s in statements if not isinstance(s, ast.Import | ast.ImportFrom)]
    while found := [s for s in rest if _names(s) & (names - modules.keys() - HARMLESS)]:
        taken += found
        rest = [s for s in rest if s not in found]
        names |= set().union(*map(_names, found), *map(_within, found))
    named = {n for s in taken for n in _identifiers(s)} - _made_here(taken)
    if (
        not {n.id for s in taken for n in nodes_of(s) if isinstance(n, ast.Name)}
        <= _bound(statements) | modules.keys()
    ):
        return ""  # of what nothing in the notebook makes nobody knows what it does
    if any(_NETWORK.search(n) for n in named - modules.keys()):
        return ""
    if any(isinstance(n, ast.MatMult) for s in taken for n in nodes_of(s)):
        return ""  # a network of arrays alone: `W -= rate * X.T @ (softmax(X @ W) - Y)`
    if any(modules[n] not in _HARMLESS_MODULES for n in named & modules.keys()):
        return ""
    if any(root in handed_in for _, root in _imported(tree.body)):
        return ""  # `import training` trains as it is imported
    files = {f for s in taken for n in nodes_of(s) for f in FILE.findall(_text(n))}
    if any(f in other.source for f in files for other in notebook.code_cells if other.number != cell.number):
        return ""
    return f"nothing that cell {cell.number} runs trains or tests a network"


def _bound(statements: Iterable[ast.stmt]) -> frozenset[str]:
    """Names that the statements make, and those that Python has."""
    found = set(dir(builtins))
    for node in (n for s in statements for n in nodes_of(s)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return frozenset(found)


def _made_here(taken: Sequence[ast.stmt]) -> frozenset[str]:
    """Names that say nothing of what runs: functions and classes whose bodies are looked at themselves, and
    what holds literals alone, also a part at a time (`losses = [0.31, 0.12]`, `for loss in losses`). An
    attribute is one of these as a method or as what an object holds: `m.fit()` in `def fit` is another `fit`.
    """
    nodes = [n for s in taken for n in nodes_of(s)]
    bound: dict[str, list[ast.expr | None]] = {}
    for target, value in (pair for node in nodes for pair in _bindings(node)):
        for name in (n for t in nodes_of(target) for n in _stored(t)):
            bound.setdefault(name, []).append(value)
    listed: set[str] = set()
    while found := {n for n, values in bound.items() if all(_is_listed(v, listed) for v in values)} - listed:
        listed |= found
    made = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    within = [n for c in nodes if isinstance(c, ast.ClassDef) for n in c.body]
    methods = {n.name for n in within if isinstance(n, ast.FunctionDef)}
    return frozenset(made | listed | {f".{name}" for name in methods | listed})


def _bindings(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target, value) for target in targets)
        case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
            yield target, value
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield target, value
        case ast.AugAssign(target=target) | ast.withitem(optional_vars=ast.expr() as target):
            yield target, None


def _stored(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name


def _is_listed(value: ast.expr | None, listed: Container[str]) -> bool:
    """Whether an expression is made of literals, of names that hold them, and of calls that compute
    nothing.
    """
    if value is None:
        return False
    nodes = nodes_of(value)
    names = [n.id for n in nodes if isinstance(n, ast.Name)] + [
        n.attr for n in nodes if isinstance(n, ast.Attribute)
    ]
    plain = all(name in listed or name in HARMLESS or name == "self" for name in names)
    return plain and (bool(names) or any(isinstance(n, ast.Constant) for n in nodes))


def _imported(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in (n for s in statements for n in nodes_of(s)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                root = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
                yield (alias.asname or alias.name).partition(".")[0], root.partition(".")[0]


def _names(statement: ast.stmt) -> frozenset[str]:
    """Names that a statement makes or uses, without those that a function has for itself."""
    names = {n.id for n in nodes_of(statement) if isinstance(n, ast.Name)}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        own = {n.id for n in nodes_of(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        own |= {n.arg for n in nodes_of(statement) if isinstance(n, ast.arg)}
        return frozenset(names - own | {statement.name})
    if isinstance(statement, ast.ClassDef):
        return frozenset({statement.name})
    return frozenset(names)


def _within(statement: ast.stmt) -> frozenset[str]:
    """Names that the methods of a class use: who reaches the class by its name reaches them."""
    if not isinstance(statement, ast.ClassDef):
        return frozenset()
    return frozenset().union(*map(_names, statement.body)) - {
        s.name for s in statement.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _identifiers(statement: ast.stmt) -> Iterator[str]:
    for node in nodes_of(statement):
        match node:
            case ast.Name(id=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.Attribute(attr=name):
                yield f".{name}"
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
