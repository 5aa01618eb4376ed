"""Whether the network under a log was trained more than its epochs show: several passes over the digits for
each line of the log, or weights that a file brought. Nothing in doubt.

What tests belongs to an epoch, so a loop that trains and tests is a loop over epochs (a fold, a repetition),
and no pass within one. Weights that a cell of the notebook saved are its own, and a network that is made
again after it was loaded starts afresh.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from grader.extract.documents.cell_names import name_of, nodes_of
from grader.extract.logs.leaks.other_measures import called_functions, run_statements

_MOST = 1_000
_JUDGES = frozenset({"argmax", "eq", "topk", "accuracy", "evaluate", "test", "validate", "score"})

Trees = Mapping[int, ast.Module | None]


def passes_of_an_epoch(trees: Trees, cells: Sequence[int]) -> int:
    """How many times each epoch of the log under some cells goes over the training digits, 1 in doubt."""
    statements = list(run_statements(trees, cells))
    functions = {function.name: function for function in called_functions(trees, statements)}
    loops = [n for s in statements for n in nodes_of(s) if isinstance(n, ast.For | ast.While)]
    for loop in loops:
        inner = [n for s in loop.body for n in _reached(s, functions)]
        tests = any(_tests(n, functions) for n in inner if isinstance(n, ast.For))
        if not tests or not any(_trains(s, functions) for s in loop.body):
            continue
        times = [_times(n, functions) for n in inner if isinstance(n, ast.For)]
        return min(_MOST, max(times, default=1))
    return 1


def _reached(node: ast.AST, functions: Mapping[str, ast.FunctionDef]) -> Iterator[ast.AST]:
    """The nodes of a statement, and of the functions that it calls."""
    open_, seen = [node], set[str]()
    while open_:
        for inner in nodes_of(open_.pop()):
            yield inner
            name = name_of(inner.func) if isinstance(inner, ast.Call) else ""
            if name in functions and name not in seen:
                seen.add(name)
                open_.append(functions[name])


def _times(loop: ast.For, functions: Mapping[str, ast.FunctionDef]) -> int:
    """How often a loop within an epoch goes over all batches; 1 where it does so once, or tests as well."""
    over, body = loop.iter, [n for s in loop.body for n in _reached(s, functions)]
    steps = any(isinstance(n, ast.Call) and name_of(n.func) == "backward" for n in body)
    if not steps:
        return 1
    match over:
        case ast.ListComp(generators=[first, _]) | ast.GeneratorExp(generators=[first, _]):
            return _count(first.iter)
        case ast.Call(func=function, args=[first_given, *others]) if name_of(function) == "chain":
            same = [ast.dump(each) == ast.dump(first_given) for each in others]
            return len(same) + 1 if same and all(same) else 1
    within = [n for n in body if isinstance(n, ast.For)]
    batches = [n for n in within if _trains(n, functions) and _count(n.iter) == 1]
    return 1 if not batches or any(_tests(n, functions) for n in within) else _count(over)


def _count(over: ast.expr) -> int:
    """How often a loop over `range(4)` is run; 1 for what goes over anything else."""
    match over:
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as count)]):
            return max(1, count)
    return 1


def _trains(node: ast.AST, functions: Mapping[str, ast.FunctionDef]) -> bool:
    return any(isinstance(n, ast.Call) and name_of(n.func) == "backward" for n in _reached(node, functions))


def _tests(loop: ast.For, functions: Mapping[str, ast.FunctionDef]) -> bool:
    """Whether a loop compares answers with labels and takes no step."""
    nodes = list(_reached(loop, functions))
    called = {name_of(n.func) for n in nodes if isinstance(n, ast.Call)}
    judges = bool(called & _JUDGES) or any(
        isinstance(n, ast.Compare) and any(isinstance(op, ast.Eq) for op in n.ops) for n in nodes
    )
    return judges and "backward" not in called and _count(loop.iter) == 1


def loaded_weights(trees: Trees, cells: Sequence[int]) -> str:
    """Which file's weights the network under some cells starts from, as the code names it; empty where none
    does, or where a cell may have saved it.
    """
    until = min(cells, default=0)
    before = [s for at in sorted(trees) if at < until for s in _top(trees[at])]
    here = [s for cell in cells for s in _top(trees.get(cell))]
    first_loop = next((at for at, s in enumerate(here) if isinstance(s, ast.For | ast.While)), 0)
    run = [*before, *here[:first_loop]]
    used = {n.id for s in here[first_loop:] for n in nodes_of(s) if isinstance(n, ast.Name)}
    every = [n for tree in trees.values() if tree is not None for n in nodes_of(tree)]
    if any(isinstance(n, ast.Call) and name_of(n.func) in {"save", "dump", "save_model"} for n in every):
        return ""
    held: dict[str, str] = {}
    files: dict[str, str] = {}
    for statement in run:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                held.pop(name, None)
                files.pop(name, None)
                if file := _file(value, files):
                    files[name] = held[name] = file
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="load_state_dict"), args=args)
            ):
                if args and (file := _file(args[0], files)):
                    held[name] = file
    return next((file for name, file in held.items() if name in used), "")


def _top(tree: ast.Module | None) -> Iterable[ast.stmt]:
    return () if tree is None else tree.body


def _file(value: ast.expr, files: Mapping[str, str]) -> str:
    """What `torch.load` is given, in a value or in what a name stands for."""
    for node in nodes_of(value):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load"), args=[path, *_]):
                return ast.unparse(path)[:80]
            case ast.Name(id=name) if name in files:
                return files[name]
    return ""
