"""LET and LAMBDA written out: every name replaced by what it stands for, so that only plain arithmetic is
left.

`LET(d, t1-a_o1, 0.5*d^2)` becomes `(0.5*(t1-a_o1)^2)` and `LAMBDA(z, 1/(1+EXP(-z)))(h1)` becomes
`(1/(1+EXP(-h1)))`, so that one evaluator and one search for mistakes serve all spellings.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from grader.backprop.tokens import Token, Unsupported

MAX_TOKENS = 4_000
"""Tokens that one formula may be written out to; names that hold names can double with each step."""
MAX_DEPTH = 30
_OPEN, _CLOSE = Token("open", "("), Token("close", ")")

Tokens = tuple[Token, ...]


class _Function(NamedTuple):
    """A LAMBDA that a name stands for, with the names that were known where it was written."""

    parameters: tuple[str, ...]
    body: Tokens
    known: "Mapping[str, Tokens | _Function]"


_Names = Mapping[str, "Tokens | _Function"]


def written_out(tokens: Sequence[Token]) -> Tokens:
    """The formula without LET and LAMBDA; raises `Unsupported` for what cannot be written out."""
    if not any(t.kind == "call" and t.value in ("LET", "LAMBDA") for t in tokens):
        return tuple(tokens)
    return _expand(tuple(tokens), {}, 0)


def _expand(tokens: Tokens, names: _Names, depth: int) -> Tokens:
    if depth > MAX_DEPTH:
        raise Unsupported(f"more than {MAX_DEPTH} names within names")
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "name" and str(token.value).upper() in names:
            known = names[str(token.value).upper()]
            if isinstance(known, _Function):
                raise Unsupported(f"the LAMBDA {token.value} without arguments")
            out += known
            at += 1
        elif token.kind == "call" and (token.value in ("LET", "LAMBDA") or str(token.value) in names):
            written, at = _call(tokens, at, names, depth)
            out += written
        else:
            out.append(token)
            at += 1
        if len(out) > MAX_TOKENS:
            raise Unsupported(f"LET or LAMBDA of more than {MAX_TOKENS:,} parts")
    return tuple(out)


def _call(tokens: Tokens, at: int, names: _Names, depth: int) -> tuple[Tokens, int]:
    """A LET, an applied LAMBDA or a call of a named one at a place, written out; and where it ends."""
    name = str(tokens[at].value)
    arguments, end = _arguments(tokens, at)
    if name == "LET":
        return _let(arguments, names, depth), end
    if name == "LAMBDA":
        function = _function(arguments, names)
        if end >= len(tokens) or tokens[end].kind != "open":
            raise Unsupported("a LAMBDA without arguments")
        arguments, end = _arguments(tokens, end)
    else:
        known = names[name]
        if not isinstance(known, _Function):
            raise Unsupported(f"arguments behind {name}, which is a value")
        function = known
    if len(arguments) != len(function.parameters):
        raise Unsupported("a LAMBDA with another number of arguments than it names")
    given = {
        parameter: _value(argument, names, depth)
        for parameter, argument in zip(function.parameters, arguments, strict=True)
    }
    return _bracketed(_expand(function.body, {**function.known, **given}, depth + 1)), end


def _let(arguments: list[Tokens], names: _Names, depth: int) -> Tokens:
    if len(arguments) < 3 or len(arguments) % 2 == 0:
        raise Unsupported("a LET without a result")
    known = dict(names)
    for name, value in zip(arguments[:-1:2], arguments[1:-1:2], strict=True):
        known[_name(name)] = _value(value, known, depth)
    return _bracketed(_expand(arguments[-1], known, depth + 1))


def _value(tokens: Tokens, names: _Names, depth: int) -> "Tokens | _Function":
    """What a name stands for: a bracketed expression, or a LAMBDA that is not yet applied."""
    if tokens and tokens[0] == Token("call", "LAMBDA"):
        arguments, end = _arguments(tokens, 0)
        if end == len(tokens):
            return _function(arguments, dict(names))
    if len(tokens) == 1 and tokens[0].kind == "name":
        alias = names.get(str(tokens[0].value).upper())
        if isinstance(alias, _Function):
            return alias
    return _bracketed(_expand(tokens, names, depth + 1))


def _function(arguments: list[Tokens], names: _Names) -> _Function:
    if not arguments:
        raise Unsupported("an empty LAMBDA")
    return _Function(tuple(_name(argument) for argument in arguments[:-1]), arguments[-1], names)


def _name(tokens: Tokens) -> str:
    if len(tokens) != 1 or tokens[0].kind != "name":
        raise Unsupported("a LET or LAMBDA whose names are no names")
    return str(tokens[0].value).upper()


def _bracketed(tokens: Tokens) -> Tokens:
    if len(tokens) == 1 or _is_bracket(tokens):
        return tokens
    return (_OPEN, *tokens, _CLOSE)


def _is_bracket(tokens: Tokens) -> bool:
    """Whether one pair of brackets encloses everything."""
    if not tokens or tokens[0].kind != "open":
        return False
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token.kind in ("open", "call")) - (token.kind == "close")
        if depth == 0:
            return at == len(tokens) - 1
    return False


def _arguments(tokens: Tokens, at: int) -> tuple[list[Tokens], int]:
    """The arguments behind an opening token, and the place after its closing bracket."""
    found: list[Tokens] = []
    depth, start = 0, at + 1
    for place in range(at, len(tokens)):
        token = tokens[place]
        depth += (token.kind in ("open", "call")) - (token.kind == "close")
        if depth == 0 or (depth == 1 and token.kind == "sep"):
            found.append(tokens[start:place])
            start = place + 1
        if depth == 0:
            return [] if found == [()] else found, start
    raise Unsupported("unbalanced brackets")
