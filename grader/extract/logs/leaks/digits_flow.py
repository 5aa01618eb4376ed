"""Which loops of a notebook train on digits and which test on them, and on what part of the data.

Cells are followed in order, and functions are followed into. A data set is a set of parts: the two halves of
the data, and what `random_split`, `Subset` or a sampler takes of one. Both branches of a condition are
followed, and what differs after them is unknown, as is all that no rule here knows.
"""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.extract.documents.cell_names import name_of, parsed
from grader.extract.logs.leaks.data_parts import (
    DATA_SETS,
    MOST_PARTS,
    NOTHING,
    Constant,
    Digits,
    Library,
    Path,
    joined,
)

_HELD = frozenset({"data", "targets", "dataset"})
_ALTERED = _HELD | {"indices", "samples", "labels"}
_LEAVES = (ast.Break, ast.Continue, ast.Return)
_CHANGES = frozenset({"append", "extend", "insert", "update", "add", "pop", "remove", "clear"})
_JUDGES = re.compile(
    r"acc(?!um)|metric|correct|score|loss|criterion|argmax|^eq$|^max$|topk|^update$", re.IGNORECASE
)
"""Names of calls by which a loop compares answers with labels."""
_OUTSIDE = re.compile(r"train|fit|test|valid|eval", re.IGNORECASE)
"""Functions that stand in no cell and may hold its loops."""
_MOST_STEPS = 20_000
_DEEPEST = 8


@dataclass(frozen=True, eq=False)
class _Function:
    node: ast.FunctionDef
    home: tuple["_Scope", ...]


@dataclass(frozen=True)
class Use:
    """One loop over digits. No parts where nobody can tell which, or whether it runs."""

    cell: int
    trains: bool
    parts: frozenset[Path] = frozenset()
    whole: bool = False
    """Whether it goes on to its end, whatever it meets."""


@dataclass
class _Loop:
    """A loop that is being followed."""

    over: object
    whole: bool
    trains: bool = False
    may_train: bool = False
    judges: bool = False


_ENDS = (ast.Continue, ast.Return)
_Scope = dict[str, object]
_MISSING = object()


class TooMuchError(Exception):
    """The code takes more steps than are followed."""


class Flow:
    """Follows statements in order. A value is digits, a function, a constant, a tuple or dictionary of these,
    or unknown (None).
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self.uses: list[Use] = []
        self.altered = False
        """Whether digits were given to a data set that was there already, which a loader may hold."""
        self.replaced = ""
        """What was put in the place of a half of the data, in words, where it is of the other half."""
        self.library = Library()
        self._texts = modules
        self._modules: dict[str, _Scope] = {}
        self._names: _Scope = {"__name__": Constant("__main__")}
        self._scopes: tuple[_Scope, ...] = (self._names,)
        self._loops: list[_Loop] = []
        self._returned: list[list[object]] = []
        self._cell = self._conditions = self._steps = 0

    def run(self, cell: int, body: Sequence[ast.stmt]) -> None:
        """Follow the statements of a cell.

        Raises:
            TooMuchError: there are more of them than are followed.

        """
        self._cell = cell
        self._block(body)

    def _block(self, body: Iterable[ast.stmt]) -> None:
        before = self._conditions
        for statement in body:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise TooMuchError
            if self._loops and isinstance(statement, ast.If) and isinstance(statement.body[-1], _ENDS):
                test = self._value(statement.test)
                self._if(test, statement.body, statement.orelse)
                if not isinstance(test, Constant):
                    self._conditions += 1  # of what follows, `if not training: continue` is one
                elif test.value:
                    break
            else:
                self._statement(statement)
        self._conditions = before

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.For(target=target, iter=over, body=body):
                self._for(target, self._value(over), body)
            case ast.While(test=test, body=body):
                self._value(test)
                self._block(body)
            case ast.If(test=test, body=body, orelse=orelse):
                self._if(self._value(test), body, orelse)
            case ast.With(items=items, body=body):
                for item in items:
                    value = self._value(item.context_expr)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, value)
                self._block(body)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                self._block(body)
                for handler in handlers:
                    self._if(None, handler.body, [])
                self._block([*orelse, *final])
            case ast.Return(value=ast.expr() as returned):
                found = self._value(returned)
                if self._returned:
                    self._returned[-1].append(found)
            case ast.Expr(value=shown):
                self._value(shown)
            case _:
                self._binding(node)

    def _binding(self, node: ast.stmt) -> None:
        """A statement that gives names a value."""
        here = self._scopes[-1]
        match node:
            case ast.FunctionDef(name=name):
                here[name] = _Function(node, self._scopes)
            case ast.ClassDef(name=name):
                here[name] = None
            case ast.Assign(targets=targets, value=value):
                found = self._value(value)
                for target in targets:
                    self._bind(target, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self._value(value))
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                here[name] = joined([self._look(name), self._value(value)])
            case ast.Import(names=names):
                for alias in names:
                    if (module := self._module(alias.name)) is not None:
                        here[alias.asname or alias.name.partition(".")[0]] = module
            case ast.ImportFrom(module=origin, names=names):
                if (module := self._module(origin or "")) is not None:
                    self._import(module, names)

    def _for(self, target: ast.expr, over: object, body: Sequence[ast.stmt]) -> None:
        if isinstance(over, tuple) and 0 < len(over) <= MOST_PARTS:
            for value in over:
                self._bind(target, value)
                self._block(body)
            return
        self._bind(target, None)
        self._enter(over, whole=not any(isinstance(n, _LEAVES) for s in body for n in ast.walk(s)))
        self._block(body)
        self._leave()

    def _enter(self, over: object, *, whole: bool) -> None:
        self._loops.append(_Loop(over, whole))

    def _leave(self) -> None:
        loop = self._loops.pop()
        digits = loop.over.parts if isinstance(loop.over, Digits) else frozenset()
        if loop.trains or loop.may_train:
            sure = digits if not loop.may_train else frozenset()
            self.uses.append(Use(self._cell, trains=True, parts=sure))
        elif digits or loop.judges:
            self.uses.append(Use(self._cell, trains=False, parts=digits, whole=loop.whole))

    def _batches(self) -> _Loop | None:
        """The innermost loop that may go over digits."""
        return next((p for p in reversed(self._loops) if not isinstance(p.over, Constant)), None)

    def _if(self, test: object, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        if isinstance(test, Constant):
            self._block(body if test.value else orelse)
            return
        scope = self._scopes[-1]
        before = dict(scope)
        self._conditions += 1
        self._block(body)
        one = dict(scope)
        scope.clear()
        scope.update(before)
        self._block(orelse)
        self._conditions -= 1
        for name in {*one, *scope}:
            if one.get(name, _MISSING) != scope.get(name, _MISSING):
                scope[name] = None

    def _bind(self, target: ast.expr, value: object) -> None:
        held = target.value if isinstance(target, ast.Subscript) else target
        self.altered = self.altered or (isinstance(held, ast.Attribute) and held.attr in _ALTERED)
        if isinstance(target, ast.Attribute) and target.attr == "data":
            self._replace(self._value(target.value), value)
        match target:
            case ast.Name(id=name):
                self._scopes[-1][name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts = value if isinstance(value, tuple) else ()
                if any(isinstance(t, ast.Starred) for t in targets):
                    parts = ()
                for at, part in enumerate(targets):
                    self._bind(part, parts[at] if at < len(parts) else None)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if attr in _HELD:
                self._scopes[-1][name] = value
            case ast.Subscript(value=ast.Name(id=name)) | ast.Starred(value=ast.Name(id=name)):
                self._scopes[-1][name] = None

    def _replace(self, held: object, value: object) -> None:
        """Digits that a data set is given in the place of its own."""
        if isinstance(held, Digits) and isinstance(value, Digits):
            own, other = ({path[0] for path in digits.parts} for digits in (held, value))
            if other - own:
                self.replaced = f"{' and '.join(sorted(other))} in the place of {' and '.join(sorted(own))}"

    def _look(self, name: str) -> object:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _module(self, name: str) -> _Scope | None:
        """The names of a file beside the notebook; None of any other."""
        stem = name.rpartition(".")[2]
        if stem in self._texts and stem not in self._modules:
            names: _Scope = {"__name__": Constant(stem)}
            self._modules[stem] = names
            tree = parsed(self._texts[stem])
            scopes, self._scopes = self._scopes, (names,)
            self._block(tree.body if tree is not None else ())
            self._scopes = scopes
        return self._modules.get(stem)

    def _import(self, module: _Scope, wanted: Iterable[ast.alias]) -> None:
        for alias in wanted:
            if alias.name == "*":
                self._scopes[-1].update((n, v) for n, v in module.items() if not n.startswith("_"))
            else:
                self._scopes[-1][alias.asname or alias.name] = module.get(alias.name)

    def _value(self, node: ast.expr) -> object:
        match node:
            case ast.Constant(value=value):
                return Constant(value)
            case ast.Name(id=name):
                return self._look(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(self._value(part) for part in parts)
            case ast.Dict(keys=keys, values=values):
                pairs = [(self._value(k), self._value(v)) for k, v in zip(keys, values, strict=True) if k]
                return {k.value: v for k, v in pairs if isinstance(k, Constant)}
            case ast.Attribute(value=inner, attr=attr):
                held = self._value(inner)
                return held.get(attr) if isinstance(held, dict) else held if attr in _HELD else None
            case ast.Subscript(value=inner, slice=index):
                return self._item(self._value(inner), self._value(index))
            case ast.Call():
                return self._call(node)
        return self._worked_out(node)

    def _worked_out(self, node: ast.expr) -> object:
        """The value of an expression with an operator; all others are followed for the calls in them."""
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return joined([self._value(left), self._value(right)])
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                held = self._value(inner)
                return Constant(not held.value) if isinstance(held, Constant) else None
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compared(self._value(left), op, self._value(right))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                self._comprehension(node.generators, node.elt)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._chosen(self._value(test), body, orelse)
            case ast.BoolOp(values=[first, *others]):
                self._value(first)
                self._conditions += 1
                for other in others:
                    self._value(other)
                self._conditions -= 1
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self._value(child)
        return None

    def _chosen(self, test: object, body: ast.expr, orelse: ast.expr) -> object:
        if isinstance(test, Constant):
            return self._value(body if test.value else orelse)
        self._conditions += 1
        values = self._value(body), self._value(orelse)
        self._conditions -= 1
        return values[0] if values[0] == values[1] else None

    def _comprehension(self, loops: Sequence[ast.comprehension], made: ast.expr) -> None:
        for loop in loops:
            self._enter(self._value(loop.iter), whole=not loop.ifs)
        self._value(made)
        for _ in loops:
            self._leave()

    def _compared(self, left: object, op: ast.cmpop, right: object) -> object:
        if isinstance(op, ast.Eq) and (loop := self._batches()):
            loop.judges = True
        if isinstance(left, Constant) and isinstance(right, Constant) and isinstance(op, ast.Eq | ast.NotEq):
            return Constant((left.value == right.value) is isinstance(op, ast.Eq))
        return None

    def _item(self, held: object, index: object) -> object:
        at = index.value if isinstance(index, Constant) else None
        match held, at:
            case Digits(), _:
                return self.library.part_of(held)
            case dict(), _:
                return held.get(at)
            case tuple(), int() if -len(held) <= at < len(held):
                return held[at]
        return None

    def _call(self, node: ast.Call) -> object:
        name = name_of(node.func)
        function = self._value(node.func)
        given = [self._value(a.value if isinstance(a, ast.Starred) else a) for a in node.args]
        named = {k.arg: self._value(k.value) for k in node.keywords}
        loop = self._batches()
        if loop and name == "backward":
            loop.trains, loop.may_train = True, loop.may_train or self._conditions > 0
        elif loop and _JUDGES.search(name):
            loop.judges = True
        if isinstance(function, _Function):
            return self._follow(function, node, given, named)
        if name in ("range", "trange"):
            return NOTHING
        own = isinstance(node.func, ast.Name) and any(name in scope for scope in self._scopes)
        if name in DATA_SETS and not own:
            return self.library.half(name, given, named)
        if name in _CHANGES and isinstance(node.func, ast.Attribute):
            if isinstance(node.func.value, ast.Name) and isinstance(
                self._look(node.func.value.id), tuple | dict
            ):
                self._scopes[-1][node.func.value.id] = None
        elif (own or _OUTSIDE.match(name)) and any(isinstance(v, Digits) for v in (*given, *named.values())):
            self.uses.append(Use(self._cell, trains=True))
        elif name == "dict" and None not in named:
            return dict(named)
        return None if own else self.library.handed_on(name, given, named)

    def _follow(
        self, function: _Function, call: ast.Call, given: Sequence[object], named: Mapping[str | None, object]
    ) -> object:
        """What a function of the notebook returns, for these arguments."""
        if len(self._returned) >= _DEEPEST:
            raise TooMuchError
        asked = function.node.args
        names = [a.arg for a in (*asked.posonlyargs, *asked.args)]
        local: _Scope = dict.fromkeys([*names, *(a.arg for a in asked.kwonlyargs)])
        defaults = zip(names[::-1], asked.defaults[::-1], strict=False)
        by_name = ((a.arg, d) for a, d in zip(asked.kwonlyargs, asked.kw_defaults, strict=True) if d)
        local |= {n: self._value(d) for n, d in (*defaults, *by_name)}
        if any(isinstance(a, ast.Starred) for a in call.args) or None in named:
            local = dict.fromkeys(local)
        else:
            local |= dict(zip(names, given, strict=False))
        local |= {n: v for n, v in named.items() if n is not None}
        scopes, self._scopes = self._scopes, (*function.home, local)
        self._returned.append([])
        self._block(function.node.body)
        self._scopes = scopes
        values = self._returned.pop()
        return values[0] if values and all(v == values[0] for v in values) else None
