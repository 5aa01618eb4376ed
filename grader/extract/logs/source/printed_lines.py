"""Lines that a notebook prints without saying what they are, by the statements that print them.

`ep 3 acc 0.99`, `correct 9712` or `0.9953` alone is a test accuracy where the source counts right answers in
a loop over the test digits and prints that count, or its share. Such a line is read as if it said so. Nothing
is taken for one in doubt: of a function that is called for both halves, but where the call says for which, of
a count in a loop that trains, of a name that is given two meanings, of a line that another statement can have
printed.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from grader.extract.documents.cell_names import name_of, nodes_of

_OF_TEST = re.compile(r"test|val(?!ue)|eval", re.IGNORECASE)
_OF_TRAINING = re.compile(r"train", re.IGNORECASE)
_TRAINS = frozenset({"backward", "zero_grad", "step"})
_NUMBER = r"(?:tensor\()?(?P<{name}>\d+(?:\.\d+)?)(?:,[^)]*)?\)?"
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%[-+ #0-9.]*[a-zA-Z]|%%|\{\{|\}\}")
_MOST = 40
"""Statements that print, of one cell, that are looked at."""


class Line(NamedTuple):
    """A statement that prints a test accuracy: its line, with the groups `accuracy`, `epoch` and `total`."""

    pattern: re.Pattern[str]
    others: tuple[re.Pattern[str], ...] = ()
    """Lines of other statements."""

    def labelled(self, text: str, total: int) -> str:
        """What a line says in words; empty where it is not of this statement."""
        match = self.pattern.fullmatch(text.strip())
        if match is None or any(other.fullmatch(text.strip()) for other in self.others):
            return ""
        named = match.groupdict()
        number = named["accuracy"]
        value, whole = float(number), "." not in number
        if whole and 100 < value <= total and named.get("total") in (None, str(total)):
            said = f"{number}/{total}"
        elif 0.0 < value <= 100.0 and not whole:
            said = number if value <= 1.0 else f"{number}%"
        else:
            return ""
        epoch = f"Epoch {named['epoch']} " if named.get("epoch") else ""
        return f"{epoch}Test accuracy: {said}"


class Known(NamedTuple):
    """What code says of its names: the parts of it that run, and what a test accuracy is there."""

    scopes: Sequence[tuple[str, Sequence[ast.stmt]]]
    counted: Mapping[str, frozenset[str]]
    returning: "_Returning"

    def accuracies(self, name: str, part: Sequence[ast.stmt]) -> frozenset[str]:
        """The names that are worked out of right answers to test digits in one of the parts."""
        return _derived(part, self.counted[name], self.returning)

    def is_accuracy(self, value: ast.expr, names: frozenset[str]) -> bool:
        """Whether a value is worked out of right answers to test digits."""
        return _is_of(value, names, self.returning)


def known_names(trees: Mapping[int, ast.Module | None], body: Sequence[ast.stmt]) -> Known:
    """Return what is known of the names in statements, and in the functions that they reach."""
    functions = {
        n.name: n
        for other in trees.values()
        if other is not None
        for n in other.body
        if isinstance(n, ast.FunctionDef)
    }
    reached = _reached(body, functions)
    scopes: list[tuple[str, Sequence[ast.stmt]]] = [("", body), *((n, functions[n].body) for n in reached)]
    calls = [n for _, part in scopes for s in part for n in nodes_of(s) if isinstance(n, ast.Call)]
    counted: dict[str, frozenset[str]] = {}
    for name, part in scopes:
        given = _given(functions[name], calls) if name else {}
        counted[name] = _counted(part, given)
    returning = _Returning(
        {n: told for n in reached if counted[n] if any(told := _returns(functions[n], counted[n]))},
        {n: either for n in reached if not counted[n] if (either := _of_a_parameter(functions[n]))},
    )
    return Known(scopes, counted, returning)


def statements_of(tree: ast.Module | None) -> list[ast.stmt]:
    """The statements of a cell that run when it is run."""
    body = tree.body if tree is not None else []
    return [s for s in body if not isinstance(s, ast.FunctionDef | ast.ClassDef)]


def printed_accuracies(trees: Mapping[int, ast.Module | None], cell: int) -> list[Line]:
    """Return the statements under a cell that print an accuracy of the test digits."""
    body = statements_of(trees.get(cell))
    scopes, _, returning = told = known_names(trees, body)
    found: list[str] = []
    others: list[str] = []
    begun: list[str] = [""]
    for name, part in scopes:
        known = told.accuracies(name, part)
        turns = _turns(part) | (_turns(body) if name else frozenset())
        for call in [n for s in part for n in nodes_of(s) if isinstance(n, ast.Call)][:_MOST]:
            if prints(call.func) and (end := _end(call)) is not None:
                line = _line(call.args, known, returning, turns)
                goes_on = not end.endswith("\n") and "accuracy>" not in line
                written = r"\s*".join((line, *map(re.escape, end.split())))
                (begun if goes_on else found if "accuracy>" in line else others).append(written)
    rest = tuple(map(re.compile, others))
    return [Line(re.compile(_after(start, line)), rest) for start in begun[:_MOST_BEGUN] for line in found]


def prints(function: ast.expr) -> bool:
    """Whether a function writes a line of its own."""
    match function:
        case ast.Name(id="print"):
            return True
        case ast.Attribute(value=ast.Name(id=name), attr="write"):
            return _BAR.search(name) is not None
    return False


_BAR = re.compile(r"tqdm|bar$", re.IGNORECASE)
"""What `tqdm.write` and `pbar.write` print beside their bar."""
_MOST_BEGUN = 4
"""Statements that begin a line which another ends, `print(epoch, end=" ")`, that are looked at."""


def _end(call: ast.Call) -> str | None:
    """What a print statement writes last; None where it is given more than that."""
    if not call.keywords:
        return "\n"
    match call.keywords:
        case [ast.keyword(arg="end", value=ast.Constant(value=str() as text))]:
            return text
    return None


def _after(start: str, line: str) -> str:
    """The pattern of a line that one statement begins and another ends, with one group of each name."""
    if not start:
        return line
    named = "(?P<epoch>"
    return rf"{start}\s*{line.replace(named, '(?:') if named in start else line}"


def _reached(body: Iterable[ast.stmt], functions: Mapping[str, ast.FunctionDef]) -> list[str]:
    found: list[str] = []
    open_: list[ast.stmt] = list(body)
    while open_:
        for node in nodes_of(open_.pop()):
            name = name_of(node.func) if isinstance(node, ast.Call) else ""
            if name in functions and name not in found:
                found.append(name)
                open_ += functions[name].body
    return found


def _given(function: ast.FunctionDef, calls: Iterable[ast.Call]) -> dict[str, set[str]]:
    """The names that calls give the parameters of a function."""
    names = [a.arg for a in function.args.args]
    found: dict[str, set[str]] = {}
    for call in calls:
        if name_of(call.func) != function.name:
            continue
        pairs = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords if k.arg)]
        for name, value in pairs:
            said = [n.id for n in nodes_of(value) if isinstance(n, ast.Name)]
            found.setdefault(name, set()).update(said or {""})
    return found


def _counted(body: Iterable[ast.stmt], given: Mapping[str, set[str]]) -> frozenset[str]:
    """Names that count right answers in loops over the test digits, and in no other loop."""
    tested: set[str] = set()
    other: set[str] = set()
    for loop in (n for s in body for n in nodes_of(s) if isinstance(n, ast.For)):
        if any(isinstance(n, ast.For) for s in loop.body for n in nodes_of(s)):
            continue
        over = {n.id for n in nodes_of(loop.iter) if isinstance(n, ast.Name)}
        said = {word for name in over for word in given.get(name, {name})}
        trains = any(
            name_of(n.func) in _TRAINS for s in loop.body for n in nodes_of(s) if isinstance(n, ast.Call)
        )
        test = any(_OF_TEST.search(n) for n in said) and not any(_OF_TRAINING.search(n) for n in said)
        (tested if test and not trains else other).update(_counters(loop.body))
    return frozenset(tested - other)


def _counters(body: Iterable[ast.stmt]) -> Iterator[str]:
    assigned = {
        t.id: n.value
        for s in body
        for n in nodes_of(s)
        if isinstance(n, ast.Assign)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    for node in (n for s in body for n in nodes_of(s)):
        match node:
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value) if _compares(
                value, assigned
            ):
                yield name


def _compares(value: ast.expr, assigned: Mapping[str, ast.expr], depth: int = 0) -> bool:
    """Whether a value compares answers with labels: `(pred == y).sum()`, `pred.eq(y)`."""
    for node in nodes_of(value):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            return True
        if isinstance(node, ast.Call) and name_of(node.func) in ("eq", "equal"):
            return True
        named = isinstance(node, ast.Name) and depth < 2 and node.id in assigned
        if named and isinstance(node, ast.Name) and _compares(assigned[node.id], assigned, depth + 1):
            return True
    return False


class _OfParameter(NamedTuple):
    """A function that returns what is worked out of its right answers to the images of one parameter."""

    name: str
    at: int
    returned: tuple[bool, ...]


class _Returning(NamedTuple):
    """Functions that return what is worked out of the right answers; of several values, which are."""

    of_test: Mapping[str, tuple[bool, ...]] = MappingProxyType({})
    of_either: Mapping[str, _OfParameter] = MappingProxyType({})
    """Those that are called for both halves, `run(loader, model)`: each call says for which."""

    def told(self, call: ast.Call) -> tuple[bool, ...]:
        """Which of the values of a call are worked out of right answers to test digits."""
        name = name_of(call.func)
        either = self.of_either.get(name)
        if either is None:
            return self.of_test.get(name, ())
        named = {k.arg: k.value for k in call.keywords if k.arg}
        given = call.args[either.at] if either.at < len(call.args) else named.get(either.name)
        said = {n.id for n in nodes_of(given) if isinstance(n, ast.Name)} if given is not None else set()
        test = any(_OF_TEST.search(n) for n in said) and not any(_OF_TRAINING.search(n) for n in said)
        return either.returned if test else ()


def _of_a_parameter(function: ast.FunctionDef) -> _OfParameter | None:
    """How a function counts the right answers to what one of its parameters holds; None where it does not."""
    loops = [n for n in nodes_of(function) if isinstance(n, ast.For)]
    if len(loops) != 1:
        return None
    names = [a.arg for a in function.args.args]
    over = [n.id for n in nodes_of(loops[0].iter) if isinstance(n, ast.Name) and n.id in names]
    returned = _returns(function, frozenset(_counters(loops[0].body)))
    if len(over) != 1 or not any(returned):
        return None
    return _OfParameter(over[0], names.index(over[0]), returned)


def _derived(body: Iterable[ast.stmt], counted: frozenset[str], returning: _Returning) -> frozenset[str]:
    """The counts, and the names that are given nothing else than what is worked out of them."""
    known = set(counted)
    values: dict[str, list[ast.expr]] = {}
    for node in (n for s in body for n in nodes_of(s)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values.setdefault(name, []).append(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                for at, target in enumerate(targets):
                    if isinstance(target, ast.Name):
                        part = ast.Subscript(value=value, slice=ast.Constant(at), ctx=ast.Load())
                        values.setdefault(target.id, []).append(part)
    for _ in range(3):
        for name, given in values.items():
            if name not in counted and all(_is_of(v, frozenset(known), returning) for v in given):
                known.add(name)
    return frozenset(known)


def _is_of(value: ast.expr, known: frozenset[str], returning: _Returning) -> bool:
    """Whether a value is a count of right answers, or that times or over something that counts none."""
    match value:
        case ast.Name(id=name):
            return name in known
        case ast.Call() if told := returning.told(value):
            return told == (True,)
        case ast.Subscript(value=ast.Call() as call, slice=ast.Constant(value=int() as at)):
            told = returning.told(call)
            return len(told) > 1 and at < len(told) and told[at]
        case ast.Call(func=ast.Name(id="round" | "float" | "int"), args=[inner, *_]):
            return _is_of(inner, known, returning)
        case ast.Call(func=ast.Attribute(value=inner, attr="item" | "double" | "float" | "cpu")):
            return _is_of(inner, known, returning)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _is_of(left, known, returning) and not _is_of(right, known, returning)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _is_of(left, known, returning) != _is_of(right, known, returning)
    return False


def _returns(function: ast.FunctionDef, counted: frozenset[str]) -> tuple[bool, ...]:
    """Which of the values that a function returns are worked out of its right answers."""
    known = _derived(function.body, counted, _Returning())
    returned = [n.value for n in nodes_of(function) if isinstance(n, ast.Return) and n.value is not None]
    parts = [value.elts if isinstance(value, ast.Tuple) else [value] for value in returned]
    if len({len(part) for part in parts}) != 1:
        return ()
    return tuple(
        all(_is_of(value, known, _Returning()) for value in of_all) for of_all in zip(*parts, strict=True)
    )


def _turns(body: Iterable[ast.stmt]) -> frozenset[str]:
    """The variables of loops over a range."""
    return frozenset(
        n.target.id
        for s in body
        for n in nodes_of(s)
        if isinstance(n, ast.For) and isinstance(n.target, ast.Name)
        if any(name_of(c.func) in ("range", "trange") for c in nodes_of(n.iter) if isinstance(c, ast.Call))
    )


def _line(
    args: Sequence[ast.expr], known: frozenset[str], returning: _Returning, turns: frozenset[str]
) -> str:
    """The pattern of what a print statement writes; it has a group `accuracy` where it writes one."""
    parts: list[str] = []
    named: set[str] = set()
    before = ""
    for piece in pieces(args):
        if isinstance(piece, str):
            parts.append(r"\s*".join(re.escape(word) for word in piece.split()) if piece.split() else "")
            before = piece.strip() or before
            continue
        told = returning.told(piece) if isinstance(piece, ast.Call) else ()
        if len(told) > 1 and told.count(True) == 1 and "accuracy" not in named:
            named.add("accuracy")
            parts.append(_tuple(told))
            continue
        name = ""
        if "accuracy" not in named and _is_of(piece, known, returning):
            name = "accuracy"
        elif "epoch" not in named and any(isinstance(n, ast.Name) and n.id in turns for n in nodes_of(piece)):
            name = "epoch"
        elif "accuracy" in named and before.endswith("/") and "total" not in named:
            name = "total"
        named.add(name)
        parts.append(_NUMBER.format(name=name) if name else r"\S+")
    return r"\s*".join(part for part in parts if part)


def _tuple(told: Sequence[bool]) -> str:
    """The pattern of several values as Python prints them together."""
    inside = (_NUMBER.format(name="accuracy") if right else r"\S+" for right in told)
    return r"\(" + r",\s*".join(inside) + r"\)"


def pieces(args: Sequence[ast.expr]) -> Iterator[str | ast.expr]:
    """What a print statement writes, in order: texts, and values."""
    for arg in args:
        match arg:
            case ast.Constant(value=value):
                yield str(value)
            case ast.JoinedStr(values=parts):
                for one in parts:
                    yield str(one.value) if isinstance(one, ast.Constant) else _shown(one)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format"), args=given
            ):
                yield from _filled(text, given)
            case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod(), right=right):
                yield from _filled(text, right.elts if isinstance(right, ast.Tuple) else [right])
            case _:
                yield arg


def _shown(value: ast.expr) -> ast.expr:
    return value.value if isinstance(value, ast.FormattedValue) else value


def _filled(text: str, given: Sequence[ast.expr]) -> Iterator[str | ast.expr]:
    left = list(given)
    at = 0
    for place in _PLACEHOLDER.finditer(text):
        yield text[at : place.start()]
        if place.group() in ("%%", "{{", "}}"):
            yield place.group()[0]
        elif left:
            yield left.pop(0)
        at = place.end()
    yield text[at:]
