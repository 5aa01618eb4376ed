"""Loops that train, found by following what some cells run, outermost first.

Functions and methods are followed with the arguments that they are given: `fit(15)`, `Trainer(model,
15).fit()`. A length is known where constants, settings with one value in the notebook, and sums of these make
it.
"""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from grader.core.evidence.notebook import Notebook, NotebookCell
from grader.extract.documents.cell_names import name_of, nodes_of, parsed
from grader.extract.logs.source.loops import Epochs, Loop, is_over_epochs, silent_before
from grader.extract.logs.source.network_classes import Classes
from grader.extract.logs.source.statements import (
    assignments,
    branches,
    calls,
    given_names,
    is_counted,
    networks_in,
    takes_remainder,
    worked_out,
)

_TRAINS = re.compile(
    r"train|fit(?!ness)|backward|^step$|(?:run|do|one)_?epoch|optimi[sz]e|learn", re.IGNORECASE
)
"""Names of calls by which a loop trains."""
_TESTS = re.compile(r"test|val(?!ue)|eval|acc|score|check|predict|report|infer", re.IGNORECASE)
"""Names of calls that may print an accuracy."""
_OF_A_TEST = re.compile(r"test|val(?!ue)|eval", re.IGNORECASE)
"""Names of variables that a test uses."""
_MODES = frozenset({"train", "eval"})
"""Methods of a network that switch its mode: `model.train()` trains nothing."""
_DEEPEST = 6
_MOST_STEPS = 5_000


def followed_loop(notebook: Notebook, cells: Sequence[NotebookCell]) -> Loop:
    """Return the loops that the code of some cells runs, as one."""
    return _Followed(notebook, cells).loop


def silent_epochs(notebook: Notebook, before: Sequence[NotebookCell], cells: Sequence[NotebookCell]) -> int:
    """Return how many epochs loops that test nothing train a network for, before the loop in some cells that
    does; 0 where nobody can tell.
    """
    return _Followed(notebook, [*before, *cells]).silent


_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = Mapping[str, int | None]


class _TooMuchError(Exception):
    """The code takes more steps than are followed."""


class _Followed:
    """Follows what cells run, outermost loops first, and notes loops that train and calls outside them."""

    def __init__(self, notebook: Notebook, cells: Sequence[NotebookCell]) -> None:
        asked = {c.number for c in cells}
        trees = [
            (c.number, tree)
            for c in notebook.code_cells
            if c.number <= max(asked, default=0) and (tree := parsed(c.source)) is not None
        ]
        self._functions: dict[str, _Function] = {}
        self._kinds = Classes()
        self._values: dict[str, int | None] = {}
        self._held: dict[str, set[int | None]] = {}
        """Attributes and keys of the notebook's settings, by name, with every value that they are given."""
        self._made = [n for _, tree in trees for n in nodes_of(tree) if isinstance(n, ast.Call)]
        self._networks: frozenset[str] = frozenset()
        self._flags: dict[str, set[bool | None]] = {}
        """Names with the truth values that they are given; None for what is no `True` or `False`."""
        self._called_here: dict[str, str] = {}
        """What the networks of the function that is followed are called where it is called."""
        self._steps = 0
        for _, tree in trees:
            self._define(tree.body)
        self._found: list[Epochs | str] = []
        try:
            for number, tree in trees:
                if number in asked:
                    self._block(tree.body, {}, 0)
        except (_TooMuchError, RecursionError):
            self._found = []

    @property
    def loop(self) -> Loop:
        """What was found, as one loop; its tests outside only where there is one loop."""
        loops = [f for f in self._found if isinstance(f, Epochs)]
        if not loops:
            return Loop(None, None)
        lengths = [loop.length for loop in loops]
        total = sum(n for n in lengths if n is not None) if None not in lengths else None
        firsts = {loop.first for loop in loops}
        some = any(loop.some for loop in loops)
        whole = Loop(total or None, firsts.pop() if len(firsts) == 1 else None, some=some)
        if len(loops) > 1:
            return whole
        at = next(i for i, f in enumerate(self._found) if isinstance(f, Epochs))
        sides = [
            [f for f in side if f in loops[0].calls] for side in (self._found[:at], self._found[at + 1 :])
        ]
        if any(isinstance(f, str) and self._may_train(f) for side in sides for f in side):
            return whole  # a step of training outside the loop is an epoch of it
        before, after = (sum(isinstance(f, str) and bool(_TESTS.search(f)) for f in side) for side in sides)
        return whole._replace(before=before, after=after)

    @property
    def silent(self) -> int:
        """Epochs of loops that test nothing before the first that does."""
        makers = {name for name, function in self._functions.items() if self._only_makes(function)}
        return silent_before(self._found, self._kinds.networks | makers, self._networks)

    def _define(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            match statement:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    self._functions[name] = statement
                case ast.ClassDef(name=name):
                    self._kinds.defined[name] = statement
                    for inner in statement.body:
                        self._keep(inner)
                case ast.If(body=inner) | ast.With(body=inner) | ast.Try(body=inner):
                    self._define(inner)
                case _:
                    self._kinds.take(statement)
                    self._assign(statement)
            if not isinstance(statement, ast.ClassDef | _Function):
                self._keep_settings(statement)

    def _assign(self, statement: ast.stmt) -> None:
        for target, value in assignments(statement):
            if isinstance(target, ast.Name):
                self._values[target.id] = self._int(value, {})
                flag = value.value if isinstance(value, ast.Constant) else None
                self._flags.setdefault(target.id, set()).add(flag if isinstance(flag, bool) else None)
                made = next((n for n in nodes_of(value) if isinstance(n, ast.Call) and self._makes(n)), None)
                self._networks |= {target.id} if made else frozenset()
            elif isinstance(target, ast.Attribute):
                self._hold(target.attr, self._int(value, {}))
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                self._hold(str(target.slice.value), self._int(value, {}))

    def _keep(self, statement: ast.stmt) -> None:
        """Constants of a class: `class Config: epochs = 15`."""
        for target, value in assignments(statement):
            if isinstance(target, ast.Name) and (number := self._int(value, {})) is not None:
                self._hold(target.id, number)

    def _keep_settings(self, statement: ast.stmt) -> None:
        """Keys of dictionaries, named arguments of calls, defaults of a command line."""
        for node in nodes_of(statement):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        self._hold(key.value, self._int(value, {}))
            elif isinstance(node, ast.Call):
                named = {k.arg: self._int(k.value, {}) for k in node.keywords if k.arg}
                if name_of(node.func) == "add_argument" and "default" in named:
                    for option in node.args:
                        if isinstance(option, ast.Constant) and isinstance(option.value, str):
                            self._hold(option.value.lstrip("-").replace("-", "_"), named["default"])
                else:
                    for name, number in named.items():
                        self._hold(name, number)

    def _makes(self, call: ast.Call) -> bool:
        function = self._functions.get(name := name_of(call.func))
        return self._kinds.made_by((name,)) or (function is not None and self._only_makes(function))

    def _only_makes(self, function: _Function) -> bool:
        """Whether a function returns an object of a class here, and trains nothing."""
        called = self._called(function.body)
        returns = any(isinstance(n, ast.Return) and n.value is not None for n in nodes_of(function))
        return returns and self._kinds.made_by(called) and not self._train(function.body, 0)

    def _hold(self, name: str, number: int | None) -> None:
        self._held.setdefault(name, set()).add(number)

    def _block(self, body: Iterable[ast.stmt], scope: _Scope, depth: int) -> None:
        local = dict(scope)
        for statement in body:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise _TooMuchError
            match statement:
                case ast.For(iter=over, body=inner) if self._train(inner, depth):
                    self._found.append(self._epochs(*self._length(over, local), statement))
                case ast.While(body=inner) if self._train(inner, depth):
                    self._found.append(self._epochs(*self._turns(statement, local), statement))
                case ast.For() | ast.While() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    continue
                case ast.If(test=test, body=inner, orelse=other):
                    for part in branches(
                        test, inner, other, {n: f for n, f in self._flags.items() if n not in scope}
                    ):
                        self._block(part, local, depth)
                case ast.With(body=inner) | ast.Try(body=inner):
                    self._block(inner, local, depth)
                case _:
                    for target, value in assignments(statement):
                        if isinstance(target, ast.Name):
                            local[target.id] = self._int(value, local)
                    for call in calls(statement):
                        self._call(call, local, depth)

    def _epochs(self, length: int | None, first: int | None, loop: ast.For | ast.While) -> Epochs:
        body = loop.body
        within = [*body, *(s for inner in self._reached(body).values() for s in inner)]
        nodes = [n for s in within for n in nodes_of(s)]
        tests = any(_TESTS.search(name) for name in self._called(within)) or any(
            _OF_A_TEST.search(n.id) for n in nodes if isinstance(n, ast.Name)
        )
        return Epochs(
            length,
            first,
            calls=frozenset(self._called(body)),
            some=self._tests_some(body),
            tests=tests,
            counts=is_over_epochs(loop, nodes),
            names=frozenset(
                self._called_here.get(n.id, n.id) for n in nodes_of(loop) if isinstance(n, ast.Name)
            ),
        )

    def _reached(self, body: Sequence[ast.stmt]) -> dict[str, list[ast.stmt]]:
        """The bodies of the functions that some statements call, and those call in turn."""
        found: dict[str, list[ast.stmt]] = {}
        open_ = [n for s in body for n in nodes_of(s) if isinstance(n, ast.Call)]
        while open_:
            call = open_.pop()
            function, name = self._function(call.func), name_of(call.func)
            if function is not None and name not in found:
                found[name] = function.body
                open_ += [n for s in function.body for n in nodes_of(s) if isinstance(n, ast.Call)]
        return found

    def _tests_some(self, body: Sequence[ast.stmt]) -> bool:
        """Whether every test in a loop stands under a condition on a remainder."""
        apart = [s for s in body if isinstance(s, ast.If) and not s.orelse and takes_remainder(s.test)]
        rest = [s for s in body if s not in apart]
        tests = [any(_TESTS.search(n) for n in self._called(part)) for part in (apart, rest)]
        return tests == [True, False]

    def _call(self, call: ast.Call, scope: _Scope, depth: int) -> None:
        function = self._function(call.func)
        if self._switches(call):
            return
        if function is None or depth >= _DEEPEST or not self._loops(function, depth):
            self._found.append(name_of(call.func))
            return
        method = isinstance(call.func, ast.Attribute) or name_of(call.func) in self._kinds.defined
        given = given_names(function, call, method=method)
        outside = self._called_here
        self._called_here = networks_in(function, given, outside, self._makes)
        self._networks |= {name for name in self._called_here.values() if "." in name}
        self._block(function.body, self._given(function, call, scope, method=method), depth + 1)
        self._called_here = outside

    def _given(self, function: _Function, call: ast.Call, scope: _Scope, *, method: bool) -> _Scope:
        """The numbers that a call gives a function's parameters."""
        asked = function.args
        names = [a.arg for a in (*asked.posonlyargs, *asked.args)][1 if method else 0 :]
        given: dict[str, int | None] = dict.fromkeys([*names, *(a.arg for a in asked.kwonlyargs)])
        if names and asked.defaults:
            given |= {n: self._int(d, {}) for n, d in zip(names[::-1], asked.defaults[::-1], strict=False)}
        given |= {
            a.arg: self._int(d, {}) for a, d in zip(asked.kwonlyargs, asked.kw_defaults, strict=True) if d
        }
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            return dict.fromkeys(given)
        given |= {n: self._int(a, scope) for n, a in zip(names, call.args, strict=False)}
        return given | {k.arg: self._int(k.value, scope) for k in call.keywords if k.arg}

    def _function(self, called: ast.expr) -> _Function | None:
        """The function that a call names; a method by its name where one class alone has it."""
        if isinstance(called, ast.Name):
            return self._functions.get(called.id)
        if not isinstance(called, ast.Attribute):
            return None
        found = [
            s
            for kind in self._kinds.defined.values()
            for s in kind.body
            if isinstance(s, _Function) and s.name == called.attr
        ]
        return found[0] if len(found) == 1 else None

    def _loops(self, function: _Function, depth: int) -> bool:
        """Whether a function holds a loop over epochs, or calls one that does."""
        for node in nodes_of(function):
            if isinstance(node, ast.For) and is_counted(node.iter) and self._train(node.body, depth):
                return True
            if isinstance(node, ast.While) and self._train(node.body, depth):
                return True
            if isinstance(node, ast.Call) and depth < _DEEPEST:
                inner = self._function(node.func)
                if inner is not None and inner is not function and self._loops(inner, depth + 2):
                    return True
        return False

    def _train(self, body: Sequence[ast.stmt], depth: int) -> bool:
        return any(self._may_train(name, depth) for name in self._called(body))

    def _may_train(self, name: str, depth: int = 0) -> bool:
        if _TRAINS.search(name):
            return True
        function = self._functions.get(name)
        if function is None or depth > _DEEPEST:
            return False
        return any(n != name and self._may_train(n, depth + 2) for n in self._called(function.body))

    def _called(self, body: Iterable[ast.stmt]) -> set[str]:
        calls = (n for s in body for n in nodes_of(s) if isinstance(n, ast.Call))
        return {name_of(call.func) for call in calls if not self._switches(call)} - {""}

    def _switches(self, call: ast.Call) -> bool:
        """Whether a call switches the mode of a network, `model.train()`, and no class here trains by it."""
        name = name_of(call.func)
        plain = isinstance(call.func, ast.Attribute) and all(isinstance(a, ast.Constant) for a in call.args)
        return plain and name in _MODES and not call.keywords and self._function(call.func) is None

    def _length(self, over: ast.expr, scope: _Scope) -> tuple[int | None, int | None]:
        """How often a loop runs, and the number of its first turn."""
        if isinstance(over, ast.Call) and name_of(over.func) not in ("range", "trange") and over.args:
            return self._length(over.args[0], scope)  # tqdm(range(15)), enumerate(range(15))
        if not isinstance(over, ast.Call) or not 1 <= len(over.args) <= 3:
            return None, None
        values = [self._int(a, scope) for a in over.args]
        start, stop = (0, values[0]) if len(values) == 1 else (values[0], values[1])
        step = values[2] if len(values) == 3 else 1
        if start is None or stop is None or step is None or step < 1:
            return None, start
        return len(range(start, stop, step)), start

    def _turns(self, loop: ast.While, scope: _Scope) -> tuple[int | None, int | None]:
        """How often `while epoch < 15` runs, where its body adds one."""
        match loop.test:
            case ast.Compare(
                left=ast.Name(id=name) as counter, ops=[ast.Lt() | ast.LtE() as op], comparators=[end]
            ):
                start, stop = self._int(counter, scope), self._int(end, scope)
                added = [
                    n.value
                    for n in loop.body
                    if isinstance(n, ast.AugAssign)
                    and isinstance(n.op, ast.Add)
                    and isinstance(n.target, ast.Name)
                    and n.target.id == name
                ]
                if start is not None and stop is not None and [self._int(a, scope) for a in added] == [1]:
                    return max(stop - start + isinstance(op, ast.LtE), 0), start
        return None, None

    def _int(self, node: ast.expr, scope: _Scope) -> int | None:
        match node:
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                return number
            case ast.Name(id=name):
                return scope[name] if name in scope else self._values.get(name)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
                return worked_out(self._int(left, scope), op, self._int(right, scope))
            case ast.Attribute(value=inner, attr=name):
                own = isinstance(inner, ast.Name) and inner.id == "self"
                return self._of_self(name) if own else self._setting(name)
            case ast.Subscript(slice=ast.Constant(value=str() as name)):
                return self._setting(name)
        return None

    def _setting(self, name: str) -> int | None:
        values = self._held.get(name, set())
        return next(iter(values)) if len(values) == 1 else None

    def _of_self(self, attribute: str) -> int | None:
        """What the one class that keeps this attribute was given for it."""
        kept = [
            (kind, function, value)
            for kind in self._kinds.defined.values()
            for function in kind.body
            if isinstance(function, _Function) and function.name == "__init__"
            for statement in function.body
            for target, value in assignments(statement)
            if isinstance(target, ast.Attribute) and target.attr == attribute
        ]
        if len(kept) != 1:
            return None
        kind, function, value = kept[0]
        made = [call for call in self._made if name_of(call.func) == kind.name]
        if len(made) != 1:
            return self._int(value, {})
        return self._int(value, self._given(function, made[0], {}, method=True))
