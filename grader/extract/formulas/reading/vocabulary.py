"""The closed vocabulary of the 2-2-2 network, and tokens of one side of a formula.

Letters and digits that stand together are cut by longest match (`w5a_h1` is w5 · a_h1); a run of which some part is no
name of the network stays a *word*.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from grader.extract.formulas.reading.source_map import SourceText


class Token(NamedTuple):
    """`kind`: sym, num, fn, d (a ∂), pair (code's dX_dY), prime, op or word. `start`, `end` are offsets in the text."""

    kind: str
    name: str
    value: float
    start: int
    end: int
    second: str = ""


class _Name(NamedTuple):
    """A name found inside a run, with its extent in the run."""

    kind: str
    name: str
    start: int
    end: int
    second: str = ""


_PRE = r"(?:[Nn]et_?|[Zz]_?|[Ii]n_?)"
_Canon = Callable[[re.Match[str]], str]


def _numbered(base: str) -> _Canon:
    return lambda m: base + next(g for g in m.groups() if g)


def _always(name: str) -> _Canon:
    return lambda _: name


_VOCABULARY: tuple[tuple[re.Pattern[str], _Canon], ...] = tuple(
    (re.compile(pattern), canon)
    for pattern, canon in (
        (r"(?:a_?|out_?|A_?|Out_?|act_?|actv?_)_?\{?[hH]_?\{?([12])", _numbered("a_h")),
        (r"(?:a_?|out_?|A_?|Out_?|act_?)_?\{?[oO0]_?\{?([12])", _numbered("a_o")),
        (r"(?:ŷ|[yY]_?(?:hat|pred)|pred(?:icted|iction)?)_?([12])", _numbered("a_o")),
        (r"_a[hH]_?([12])", _numbered("a_h")),
        (r"h_?a([12])(?![0-9])", _numbered("a_h")),
        (_PRE + r"_?[hH]_?([12])", _numbered("h")),
        (_PRE + r"_?[oO0]_?([12])", _numbered("o")),
        (r"[eE]_?_?(?:[tT][oO][tT][aA]?[lL]?|[tT]ot|[tT])(?![A-Za-z0-9])", _always("E")),
        (r"E[tT](?:otal)?(?![A-Za-z0-9])", _always("E")),
        (r"(?:[tT]otal|TOTAL)_?(?:[Ee]rror|[Ll]oss|ERROR|LOSS|E)(?![A-Za-z0-9])", _always("E")),
        (r"(?:[Ee]rror|[Ll]oss)_?(?:[tT]otal|TOTAL)(?![A-Za-z0-9])", _always("E")),
        (r"(?:[eE]_?_?[oO]?_?([12])|(?:Err?or|err?or|Loss|loss|L)_?([12]))(?![A-Za-z0-9])", _numbered("E")),
        (r"(?:[eE](?:rror)?_?_?[oO]?_?([12]))", _numbered("E")),
        (r"[wW]_?([1-8])_?\{?(?:old|new|Old|New|updated|prev)", _numbered("w")),
        (r"(?:new|old|updated|New|Old)_?[wW]_?([1-8])(?![0-9])", _numbered("w")),
        (r"[wW]_?(?:old|new|Old|New|updated|prev|x|n)(?![A-Za-z0-9])", _always("w?")),
        (r"(?:new|old|New|Old)_?[wW](?![A-Za-z0-9])", _always("w?")),
        (r"[wW](?![A-Za-z0-9_])", _always("w?")),
        (r"[wW]_?([1-8])(?![0-9])", _numbered("w")),
        (r"[wW]_?\{?(?:[iIjkKJ]{1,2}|[mn])(?![A-Za-z0-9])", _always("w?")),
        (r"[hH]_?([12])", _numbered("h")),
        (r"[oO]_?([12])", _numbered("o")),
        (r"(?:[iIxXcC]|inp|input)_?([12])", _numbered("i")),
        (r"(?:target_?(?:o_?)?|[tTyY]_?)([12])", _numbered("t")),
        (r"(?:learning_?rate|[Ll][Rr]|eta|Eta|alpha|η)(?![A-Za-z0-9])", _always("eta")),
        (
            r"(?:sigmoid_derivative|sigmoid|Sigmoid|SIGMOID|sigma|sigm|sig|logistic|σ'|σ)(?=\W|_?\{?[a-z]|$)",
            lambda m: "F:sigmaprime" if "'" in m.group(0) or "deriv" in m.group(0) else "F:sigma",
        ),
        (r"(?:exp|Exp|EXP)(?=\W|$)", _always("F:exp")),
        (r"(?:log|ln)(?=\W|$)", _always("F:ln")),
        (r"(?:E|Loss|L|J|C|Error)(?![A-Za-z0-9_])", _always("E")),
        (r"e(?=\s*\^)", _always("F:e")),
    )
)
ZERO_FOR_O = re.compile(r"(?<![\w.,])0[12](?![\d.,])")
"""`∂a_o1/∂01`: no number is written so."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_WORD = re.compile(r"[A-Za-zσηɛŷ_][A-Za-z0-9_σηe']*")
_CODE_DERIVATIVE = re.compile(
    r"[dD]_?([A-Za-z_0-9]+?)_[dD]_?([A-Za-z_0-9]+)|[dD](E[A-Za-z_0-9]*?)d([wW]_?[1-8])"
)
_DELTA = re.compile(r"[dD]elta_?((?:a_?|out_?|act_?|net_?|z_?)?[hHoO0]_?[12])")
"""`delta_o1`, as `notation` writes a δ that is no ∂: the error signal of a neuron."""
_DERIVED_SIGMOID = re.compile(r"d(?:sig|sigma|sigmoid|σ)")
_LEARNING_RATE = re.compile(r"[Ll]earning[ _][Rr]ate")
_SPLIT_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=a)-(?=[ho][12])"), "_"),  # a-h1
    (re.compile(r"(?<![A-Za-z])(a|out|net)\s(?=[ho][12](?!\w))"), r"\1_"),  # a h1
    (re.compile(r"(?<=[aA]_)\s+(?=[ho][12])"), ""),  # a_ o2
    (re.compile(r"(?<=[ahoHO])\(([12])\)"), r"\1"),  # h(1)
    (re.compile(r"(?<=(?<![A-Za-ce-z])[wWitxyE])\(([1-8])\)"), r"\1"),  # w[5]
    (re.compile(r"(?<=[1-8)])\s?\.\s?(?=(?:a_?|out_?|act_?)?[hoiwt]_?[1-8]|\()"), " * "),  # w1.i1
    (re.compile(r"(?<=[wW1-8ijk])\s*\^\s*\(?\s*(?:\+|new|old|next|updated)(?:\s*\)|(?=\s|$))"), ""),  # w5^+
    (re.compile(r"\b([wW]_?[1-8ijk])\s*\(\s*[tnk]\s*(?:[+-]\s*1)?\s*\)"), r"\1"),  # w5(t+1)
    (
        re.compile(
            r"\b([wW]_?[1-8ijk])\s*\^\s*(?:\(\([kntj](?:[+-]1)?\)\)|\([kntj]\s*(?:[+-]\s*1\s*)?\)|[kntj]\b)"
        ),
        r"\1",
    ),  # w_i^(k+1)
)


@lru_cache(maxsize=4096)
def names_in(run: str) -> tuple[_Name, ...] | None:
    """Cut one run of letters, digits and underscores into names of the network; None if some of it is none."""
    if len(run) > 60:
        return None
    delta = _DELTA.fullmatch(run)
    if delta:
        inner = names_in(delta.group(1))
        if inner and len(inner) == 1 and inner[0].name[:-1] in ("h", "o", "a_h", "a_o"):
            return (_Name("delta", "E", 0, len(run), inner[0].name),)
    code = _CODE_DERIVATIVE.fullmatch(run)
    if code:
        top, bottom = names_in(code.group(1) or code.group(3)), names_in(code.group(2) or code.group(4))
        if top and bottom and len(top) == len(bottom) == 1 and top[0].kind == bottom[0].kind == "sym":
            return (_Name("pair", top[0].name, 0, len(run), bottom[0].name),)
    found: list[_Name] = []
    at = 0
    while at < len(run):
        if run[at] == "_" and found and at + 1 >= len(run):
            break
        for pattern, canon in _VOCABULARY:
            match = pattern.match(run, at)
            if match and match.end() > at:
                name = canon(match)
                function = name.startswith("F:")
                found.append(
                    _Name("fn" if function else "sym", name[2:] if function else name, at, match.end())
                )
                at = match.end()
                break
        else:
            digits = _NUMBER.match(run, at)
            if digits and not found:
                found.append(_Name("num", digits.group(0), at, digits.end()))
                at = digits.end()
                continue
            if run[at] in "dD" and at + 1 < len(run):
                rest = names_in(run[at + 1 :])
                if rest and len(rest) == 1 and rest[0].kind == "sym":
                    d = _Name("d", "", at, at + 1)
                    return (*found, d, rest[0]._replace(start=at + 1, end=len(run)))
            return None
    return tuple(found)


def joined_names(text: SourceText) -> SourceText:
    """Put together names that are written apart: `a-h1`, `a_ o2`, `h(1)`."""
    for pattern, new in _SPLIT_NAMES:
        text = text.sub(pattern, new)
    return text


def tokens(text: str) -> list[Token]:
    """Tokens of plain notation (see `notation`); anything unknown becomes a word."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
            continue
        at = _next_token(text, at, char, found)
    return found


def _next_token(text: str, at: int, char: str, found: list[Token]) -> int:
    if char == "∂":
        found.append(Token("d", "", 0.0, at, at + 1))
        return at + 1
    if char == "0" and (zero := ZERO_FOR_O.match(text, at)):
        found.append(Token("sym", "o" + zero.group(0)[-1], 0.0, at, zero.end()))
        return zero.end()
    number = _NUMBER.match(text, at) if char in ".0123456789" else None
    if number:
        found.append(Token("num", "", float(number.group(0)), at, number.end()))
        return number.end()
    if char == "σ" and text[at : at + 2] != "σ'":
        end = at + 1 + (text[at + 1 : at + 2] in ("1", "2") and text[at + 2 : at + 3] == "(")  # σ1(o1)
        found.append(Token("fn", "sigma", 0.0, at, end))
        return end
    word = _WORD.match(text, at)
    if word:
        return _word_tokens(text, at, word.group(0), found)
    if text.startswith("**", at):
        found.append(Token("op", "^", 0.0, at, at + 2))
        return at + 2
    found.append(Token("op" if char in "+-*/^()" else "word", char, 0.0, at, at + 1))
    return at + 1


def _word_tokens(text: str, at: int, run: str, found: list[Token]) -> int:
    end = at + len(run)
    following = text[end : end + 40].lstrip()
    if run in ("d", "D") and (following[:1] in ("(", "σ") or _starts_with_symbol(following)):
        found.append(Token("d", "", 0.0, at, at + 1))
        return at + 1
    if run == "e" and following[:1] == "^":
        found.append(Token("fn", "e", 0.0, at, at + 1))
        return at + 1
    if _DERIVED_SIGMOID.fullmatch(run) and following[:1] == "(":
        found.append(Token("d", "", 0.0, at, at + 1))
        found.append(Token("fn", "sigma", 0.0, at + 1, end))
        return end
    rate = _LEARNING_RATE.match(text, at)
    if rate:
        found.append(Token("sym", "eta", 0.0, at, rate.end()))
        return rate.end()
    names = names_in(run.rstrip("'"))
    prime = run.endswith("'")
    if names is None:
        found.append(Token("word", run, 0.0, at, end))
        return end
    for name in names:
        token = _token(name, at)
        if prime and token.kind == "fn" and token.name == "sigma":
            token = token._replace(name="sigmaprime")
        found.append(token)
    if prime and names and names[-1].kind == "sym":
        found.append(Token("prime", "", 0.0, at, end))
    return end


def _token(name: _Name, at: int) -> Token:
    if name.kind == "num":
        return Token("num", "", float(name.name), at + name.start, at + name.end)
    return Token(name.kind, name.name, 0.0, at + name.start, at + name.end, name.second)


def _starts_with_symbol(text: str) -> bool:
    word = _WORD.match(text)
    names = names_in(word.group(0)) if word else None
    return bool(names) and names is not None and names[0].kind == "sym"


AGES = (
    "new|old|updated|prev(?:ious)?|current|next|neu(?:e[sr]?)?|alt(?:e[sr]?)?|nuev[oa]|viej[oa]|anterior|actual(?:izado)?"
    "|nouve(?:au|lle)|ancien(?:ne)?|nov[oa]|antig[oa]|velh[oa]|atual(?:izado)?|nuov[oa]|vecchi[oa]|nieuwe?|oude?|yeni|eski"
    "|now[ya]|star[ya]|gammal|gammel|baru|lama|нов\\w*|стар\\w*|新|旧"
)
"""What update rules call a weight before and after the step, in the languages met so far."""
_AGE = re.compile(rf"_*(?:{AGES})_*", re.IGNORECASE)


def without_ages(found: list[Token]) -> list[Token]:
    """Drop `new`, `old` and their like, which update rules put beside a weight."""
    return [t for t in found if t.kind != "word" or not _AGE.fullmatch(t.name)]
