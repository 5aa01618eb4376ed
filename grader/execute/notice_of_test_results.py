"""Whether a notebook's training may take notice of its test results, read off its source; in doubt it may.

Marked test digits lower the accuracy that a notebook prints by five points. Where that number decides
anything (a stop, a learning rate, a checkpoint that is loaded again), marking would change the training, so
it is not done. What is looked at: all cells from the first to the last that train, and every function and
class that they mention.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

_RESULT = re.compile(
    r"acc(?!um)|loss|correct|best|score|metric|test|(?<!inter)val(?!ue)|patien|plateau|early|stop|improv|target_reached",
    re.IGNORECASE,
)
"""Names that may hold what a test came to; `log_interval` and `accumulation_steps` are none."""
_WATCHERS = re.compile(r"ReduceLROnPlateau|Early_?Stop|ModelCheckpoint|Checkpointer", re.IGNORECASE)
_FRAMEWORKS = frozenset({
    "pytorch_lightning", "lightning", "fastai", "ignite", "skorch", "catalyst", "poutyne", "torchbearer", "accelerate", "ray",
    "optuna", "torch_lr_finder", "keras",
})  # fmt: skip
"""Packages whose training loop cannot be seen in the notebook."""
_EVALUATES = frozenset({"no_grad", "inference_mode", "eval"})
_KEEPERS = frozenset({"append", "extend", "update", "add", "insert", "setdefault"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_LONGEST = 200_000
_LINE = 8_000
"""Characters of one line that are parsed; a longer one holds data."""


def reads_test(cells: Sequence[tuple[int, str]], modules: Mapping[str, str] | None = None) -> str:
    """Why the training may depend on test results, for a person; empty where it cannot.

    `cells` are (number, source) in order, `modules` the Python files beside the notebook by the name that an
    import has.
    """
    if sum(len(source) for _, source in cells) > _LONGEST:
        return "its code is too long to be looked at"
    try:
        trees = [(number, _parse(source)) for number, source in cells]
        known = _imported([tree for _, tree in trees], modules or {})
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "its code could not be parsed"
    try:
        return _Notebook(trees, known).reason()
    except RecursionError:
        return "its code is nested too deep"


def _parse(source: str) -> ast.Module:
    lines = []
    for line in source.replace("\r\n", "\n").split("\n"):
        bare = line.lstrip()
        magic = bare.startswith(("!", "%", "?")) or bare.rstrip().endswith("?")
        if bare.startswith("%%") and not bare.startswith(("%%time", "%%capture")):
            raise ValueError("a cell in another language")
        if len(line) > _LINE:
            raise ValueError("a line too long")
        lines.append(line[: len(line) - len(bare)] + "pass" if magic else line)
    return ast.parse("\n".join(lines))


def _imported(trees: Sequence[ast.Module], modules: Mapping[str, str]) -> list[ast.Module]:
    """The files that the cells import, and those that they import in turn."""
    found: dict[str, ast.Module] = {}
    open_ = list(trees)
    while open_:
        for name in _imports(open_.pop()):
            if name in modules and name not in found:
                found[name] = _parse(modules[name])
                open_.append(found[name])
    return list(found.values())


class _Notebook:
    def __init__(self, cells: list[tuple[int, ast.Module]], modules: list[ast.Module]) -> None:
        self._cells = cells
        self._defined: dict[str, list[ast.AST]] = {}
        for module in (*(tree for _, tree in cells), *modules):
            for node in ast.walk(module):
                if isinstance(node, _Function | ast.ClassDef):
                    self._defined.setdefault(node.name, []).append(node)
        self._modules = modules

    def reason(self) -> str:
        for tree in (*(tree for _, tree in self._cells), *self._modules):
            for name in _imports(tree):
                if name in _FRAMEWORKS:
                    return f"the training loop is that of {name}"
        training = [position for position, (_, tree) in enumerate(self._cells) if self._trains(tree)]
        if not training:
            return "no training loop was found in its code"
        span = self._cells[training[0] : training[-1] + 1]
        looked_at: list[tuple[str, ast.AST]] = []
        for number, tree in span:
            top = ast.Module([n for n in tree.body if not isinstance(n, _Function | ast.ClassDef)], [])
            looked_at.append((f"cell {number}", top))
        for name in self._reached([part for _, part in looked_at]):
            looked_at += [(name, node) for node in self._defined[name]]
        results = _results([part for _, part in looked_at])
        for where, part in looked_at:
            if found := _decides(part, results):
                return f"{where}: {found}"
        return ""

    def _reached(self, trees: list[ast.AST]) -> list[str]:
        """Names of all functions and classes that the trees mention, and what those mention, in order."""
        found: list[str] = []
        open_ = list(trees)
        while open_:
            for name in _mentioned(open_.pop()):
                if name in self._defined and name not in found:
                    found.append(name)
                    open_ += self._defined[name]
        return found

    def _trains(self, tree: ast.Module) -> bool:
        top = ast.Module([n for n in tree.body if not isinstance(n, _Function | ast.ClassDef)], [])
        trees: list[ast.AST] = [top]
        trees += [node for name in self._reached([top]) for node in self._defined[name]]
        return any("backward" in _mentioned(node) for node in trees)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (part for alias in node.names for part in alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
            yield from (alias.name for alias in node.names)


def _mentioned(tree: ast.AST) -> list[str]:
    """Every identifier below, in order of appearance, once."""
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found[node.id] = None
        elif isinstance(node, ast.Attribute):
            found[node.attr] = None
        elif isinstance(node, ast.alias):
            found[node.name.rpartition(".")[2]] = None
            if node.asname:
                found[node.asname] = None
        elif isinstance(node, ast.keyword) and node.arg:
            found[node.arg] = None
    return list(found)


def _evaluates(tree: ast.AST) -> bool:
    return any(name in _EVALUATES for name in _mentioned(tree))


def _results(trees: Sequence[ast.AST]) -> frozenset[str]:
    """Identifiers that may hold something that a pass without gradients computed; scopes are not told
    apart.
    """
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, _Function) and _evaluates(node):
                found |= _assigned(node) | {node.name}
            elif isinstance(node, ast.With | ast.AsyncWith) and any(_evaluates(i) for i in node.items):
                found |= _assigned(node)
    passing: dict[str, list[set[str]]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            gives, reads = _passes_on(node)
            for name in reads if gives else ():
                passing.setdefault(name, []).append(gives)
    open_ = list(found)
    while open_:
        for gives in passing.pop(open_.pop(), ()):
            open_ += gives - found
            found |= gives
    return frozenset(found)


def _passes_on(node: ast.AST) -> tuple[set[str], list[str]]:
    """What a statement or call gives a value, and the names that the value is made of."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
        return _targets(node), _mentioned(node.value) if node.value is not None else []
    if isinstance(node, ast.For):
        return _names_of(node.target), _mentioned(node.iter)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPERS:
        # The list or dictionary holds it from now on.
        given = [*node.args, *(k.value for k in node.keywords)]
        return _names_of(node.func.value), [name for value in given for name in _mentioned(value)]
    if isinstance(node, _Function):
        returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return | ast.Yield) and n.value]
        return {node.name}, [name for value in returned for name in _mentioned(value)]
    return set(), []


def _assigned(tree: ast.AST) -> set[str]:
    return {name for node in ast.walk(tree) for name in _targets(node)}


def _targets(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Assign):
        return {name for target in node.targets for name in _names_of(target)} - {"_"}
    if isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For):
        return _names_of(node.target) - {"_"}
    return set()


def _names_of(target: ast.AST) -> set[str]:
    """What an assignment to `a`, `a.b`, `a[...]` or `(a, b)` gives a value: the last name of each."""
    if isinstance(target, ast.Name):
        return {target.id}
    if isinstance(target, ast.Attribute):
        return {target.attr}
    if isinstance(target, ast.Subscript | ast.Starred):
        return _names_of(target.value)
    if isinstance(target, ast.Tuple | ast.List):
        return {name for part in target.elts for name in _names_of(part)}
    return set()


def _decides(tree: ast.AST, results: frozenset[str]) -> str:
    """The first place where the code may do something else because of a result; empty where there is none."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Break):
            return f"line {line}: a loop ends early"
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if _WATCHERS.search(name):
                return f"line {line}: {name}"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("exec", "eval")
        ):
            return f"line {line}: {node.func.id} of text"
        for what, condition in _conditions(node):
            names = [n for n in _mentioned(condition) if n in results or _RESULT.search(n)]
            if names:
                return f"line {line}: {what} depends on {names[0]}"
    return ""


def _conditions(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        yield "a condition", node.test
    elif isinstance(node, ast.comprehension):
        yield from (("a condition", test) for test in node.ifs)
    elif isinstance(node, ast.Match):
        yield "a condition", node.subject
    elif isinstance(node, ast.BoolOp):
        yield "a condition", node
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step":
        yield from (("a step", value) for value in (*node.args, *(k.value for k in node.keywords)))
    elif isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Subscript) and re.search(r"lr|momentum|decay", ast.unparse(target)):
                yield "a learning rate", node.value
