"""The closed vocabulary of a network, and tokens of one side of a formula.

Letters and digits that stand together are cut by longest match (`w5a_h1` is w5 · a_h1); a run of which some part is no
name of the network stays a *word*.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from grader.backprop.assigned import made
from grader.backprop.name_patterns import Named, numbers
from grader.core.assigned_network import Activation, AssignedNetwork, Bias, up_to
from grader.extract.formulas.reading.source_map import Rule, SourceText, rules


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
_OUTPUT = r"_?(?:[oO]ut(?:put)?|[aA]ct(?:ivation|ivated)?)(?![A-Za-z0-9])"
_SUM = r"_(?:[nN]et|[iI]n(?:put)?|[sS]um)(?![A-Za-z0-9])"
"""What follows the name of a neuron in `h1_out` and `h1_net`."""
_Canon = Callable[[re.Match[str]], str]
_Rule = tuple[re.Pattern[str], _Canon]


def _numbered(base: str) -> _Canon:
    return lambda m: base + next(g for g in m.groups() if g)


def _always(name: str) -> _Canon:
    return lambda _: name


def _vocabulary(assigned: AssignedNetwork) -> tuple[_Rule, ...]:
    """Names of the network with the canonical one of each; the first that matches counts."""
    h, o, i, w, _ = numbers(assigned)
    rules: list[tuple[str, _Canon]] = [
        (rf"[hH]_?({h}){_OUTPUT}", _numbered("a_h")),
        (rf"[oO]_?({o}){_OUTPUT}", _numbered("a_o")),
        (rf"[yY]_?({o})_?(?:hat|pred(?:icted|iction)?)(?![A-Za-z0-9])", _numbered("a_o")),
        (rf"[hH]_?({h}){_SUM}", _numbered("h")),
        (rf"[oO]_?({o}){_SUM}", _numbered("o")),
        (rf"(?:a_?|out_?|A_?|Out_?|act_?|actv?_)_?\{{?[hH]_?\{{?({h})", _numbered("a_h")),
        (rf"(?:a_?|out_?|A_?|Out_?|act_?)_?\{{?[oO0]_?\{{?({o})", _numbered("a_o")),
        (rf"(?:ŷ|[yY]_?(?:hat|pred)|pred(?:icted|iction)?)_?({o})", _numbered("a_o")),
        (rf"_a[hH]_?({h})", _numbered("a_h")),
        (rf"h_?a({h})(?![0-9])", _numbered("a_h")),
        (rf"{_PRE}_?[hH]_?({h})", _numbered("h")),
        (rf"{_PRE}_?[oO0]_?({o})", _numbered("o")),
        (r"[eE]_?_?(?:[tT][oO][tT][aA]?[lL]?|[tT]ot|[tT])(?![A-Za-z0-9])", _always("E")),
        (r"E[tT](?:otal)?(?![A-Za-z0-9])", _always("E")),
        (r"(?:[tT]otal|TOTAL)_?(?:[Ee]rror|[Ll]oss|ERROR|LOSS|E)(?![A-Za-z0-9])", _always("E")),
        (r"(?:[Ee]rror|[Ll]oss)_?(?:[tT]otal|TOTAL)(?![A-Za-z0-9])", _always("E")),
        (rf"(?:[eE]_?_?[oO]?_?({o})|(?:Err?or|err?or|Loss|loss|L)_?({o}))(?![A-Za-z0-9])", _numbered("E")),
        (rf"(?:[eE](?:rror)?_?_?[oO]?_?({o}))", _numbered("E")),
        (rf"[wW]_?({w})_?\{{?(?:old|new|Old|New|updated|prev)", _numbered("w")),
        (rf"(?:new|old|updated|New|Old)_?[wW]_?({w})(?![0-9])", _numbered("w")),
        (r"[wW]_?(?:old|new|Old|New|updated|prev|x|n)(?![A-Za-z0-9])", _always("w?")),
        (r"(?:new|old|New|Old)_?[wW](?![A-Za-z0-9])", _always("w?")),
        (r"[wW](?![A-Za-z0-9_])", _always("w?")),
        (rf"[wW]_?({w})(?![0-9])", _numbered("w")),
        (r"[wW]_?\{?(?:[iIjkKJ]{1,2}|[mn])(?![A-Za-z0-9])", _always("w?")),
        (rf"[hH]_?({h})", _numbered("h")),
        (rf"[oO]_?({o})", _numbered("o")),
        (rf"(?:[iIxXcC]|inp|input)_?({i})", _numbered("i")),
        (rf"(?:target_?(?:o_?)?|[tTyY]_?)({o})", _numbered("t")),
        *_bias_rules(assigned),
        *(_single_rules(assigned) if len(assigned.outputs) == 1 else ()),
        (r"(?:learning_?rate|[Ll][Rr]|eta|Eta|alpha|η)(?![A-Za-z0-9])", _always("eta")),
        (
            r"(?:sigmoid_derivative|sigmoid|Sigmoid|SIGMOID|sigma|sigm|sig|logistic|σ'|σ)(?=\W|_?\{?[a-z]|$)",
            lambda m: "F:sigmaprime" if "'" in m.group(0) or "deriv" in m.group(0) else "F:sigma",
        ),
        (r"(?:exp|Exp|EXP)(?=\W|$)", _always("F:exp")),
        (r"(?:log|ln)(?=\W|$)", _always("F:ln")),
        *_function_rules(assigned),
        (r"(?:E|Loss|L|J|C|Error)(?![A-Za-z0-9_])", _always("E")),
        (r"e(?=\s*\^)", _always("F:e")),
    ]
    return tuple((re.compile(pattern), canon) for pattern, canon in rules)


def _bias_rules(assigned: AssignedNetwork) -> list[tuple[str, _Canon]]:
    if not assigned.biases:
        return []
    of_unit = {unit.sum: unit.bias for unit in assigned.units}
    units = "|".join(of_unit)
    shared = {"h": assigned.hidden[0].bias, "o": assigned.outputs[0].bias}
    rules: list[tuple[str, _Canon]] = [
        (rf"[bB](?:ias)?_?\{{?({up_to(len(assigned.biases))})(?![0-9])", _numbered("b")),
        (rf"[bB](?:ias)?_?\{{?({units})(?![0-9])", lambda m: of_unit[m.group(1)]),
    ]
    if assigned.bias is Bias.LAYER and len(assigned.biases) == 2:
        rules.append((r"[bB](?:ias)?_?\{?([ho])(?![A-Za-z0-9])", lambda m: shared[m.group(1)]))
    return rules


def _single_rules(assigned: AssignedNetwork) -> list[tuple[str, _Canon]]:
    """Names without a number, where there is one output."""
    return [
        (
            r"(?:(?:a|out|A|Out|act)_?[oO]|[yY]_?hat|ŷ|[yY]_?pred)(?![A-Za-z0-9_])",
            _always(assigned.outputs[0].output),
        ),
        (r"(?:(?:net|Net|z)_?[oO]|[oO])(?![A-Za-z0-9_])", _always(assigned.outputs[0].sum)),
        (r"(?:target|[tTyY])(?![A-Za-z0-9_])", _always(assigned.targets[0])),
    ]


def _function_rules(assigned: AssignedNetwork) -> list[tuple[str, _Canon]]:
    """Functions that only networks with other activations than a sigmoid have."""
    kinds = set(assigned.activations)
    rules: list[tuple[str, _Canon]] = []
    if Activation.TANH in kinds:
        rules.append((r"(?:tanh|Tanh|TANH)(?=\W|$)", _always("F:tanh")))
    if Activation.RELU in kinds:
        rules += [
            (r"(?:relu|ReLU|ReLu|Relu|RELU)(?=\W|$)", _always("F:relu")),
            (r"(?:step|heaviside)(?=\W|$)", _always("F:reluprime")),
        ]
    if Activation.SOFTMAX in kinds:
        rules.append((r"(?:softmax|Softmax)(?=\W|$)", _always("F:softmax")))
    return rules


ZERO_FOR_O = Named(r"(?<![\w.,])0@outputs@(?![\d.,])")
"""`∂a_o1/∂01`: no number is written so."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_WORD = re.compile(r"[A-Za-zσηɛŷ_][A-Za-z0-9_σηe']*")
_PRIMED = {"sigma": "sigmaprime", "tanh": "tanhprime", "relu": "reluprime"}


def _code_derivative(assigned: AssignedNetwork) -> re.Pattern[str]:
    w = numbers(assigned).weights
    return re.compile(rf"[dD]_?([A-Za-z_0-9]+?)_[dD]_?([A-Za-z_0-9]+)|[dD](E[A-Za-z_0-9]*?)d([wW]_?{w})")


def _delta(assigned: AssignedNetwork) -> re.Pattern[str]:
    """`delta_o1`, as `notation` writes a δ that is no ∂: the error signal of a neuron."""
    pre = r"(?:a_?|out_?|act_?|net_?|z_?)?"
    h, o, *_ = numbers(assigned)
    return re.compile(rf"[dD]elta_?({pre}[hH]_?{h}|{pre}[oO0]_?{o})")


_OF_ONE_SUM = re.compile(r"\(\s*(?:net_?)?[hHoO]_?[1-9]\d?\s*\)")
"""`s(h1)`: a σ of the Symbol font is an s in any other."""
_DERIVED_SIGMOID = re.compile(r"d(?:sig|sigma|sigmoid|σ)")
_LEARNING_RATE = re.compile(r"[Ll]earning[ _][Rr]ate")


def _split_names(assigned: AssignedNetwork) -> tuple[Rule, ...]:
    most = max(len(assigned.hidden), *assigned.layers)
    n = up_to(most)
    w = numbers(assigned).weights
    return rules(
        (rf"(?<=a)-(?=[ho]{n})", "_", "a-"),  # a-h1
        (rf"(?<![A-Za-z])(a|out|net)\s(?=[ho]{n}(?!\w))", r"\1_"),  # a h1
        (rf"(?<=[aA]_)\s+(?=[ho]{n})", "", "a_", "A_"),  # a_ o2
        (rf"(?<=[ahoHO])\(({n})\)", r"\1", *_in_brackets(most)),  # h(1)
        (rf"(?<=(?<![A-Za-ce-z])[wWitxyE])\(({w})\)", r"\1", *_in_brackets(len(assigned.weights))),  # w[5]
        (r"(?<=[1-9)])\s?\.\s?(?=(?:a_?|out_?|act_?)?[hoiwt]_?[1-9]|\()", " * ", "."),  # w1.i1
        (r"(?<=[wW1-9ijk])\s*\^\s*\(?\s*(?:\+|new|old|next|updated)(?:\s*\)|(?=\s|$))", "", "^"),  # w5^+
        (rf"\b([wW]_?(?:{w}|[ijk]))\s*\(\s*[tnk]\s*(?:[+-]\s*1)?\s*\)", r"\1", "("),  # w5(t+1)
        (
            rf"\b([wW]_?(?:{w}|[ijk]))\s*\^\s*(?:\(\([kntj](?:[+-]1)?\)\)|\([kntj]\s*(?:[+-]\s*1\s*)?\)|[kntj]\b)",
            r"\1",
            "^",
        ),  # w_i^(k+1)
    )


def _in_brackets(most: int) -> tuple[str, ...]:
    return tuple(f"({number})" for number in range(1, most + 1))


def names_in(run: str) -> tuple[_Name, ...] | None:
    """Cut one run of letters, digits and underscores into names of the network; None if some of it is none."""
    return made(_reader)(run)


def _reader(assigned: AssignedNetwork) -> Callable[[str], tuple[_Name, ...] | None]:
    @lru_cache(maxsize=4096)
    def read(run: str) -> tuple[_Name, ...] | None:
        return _names_in(run)

    return read


def _names_in(run: str) -> tuple[_Name, ...] | None:
    if len(run) > 60:
        return None
    delta = made(_delta).fullmatch(run)
    if delta:
        inner = names_in(delta.group(1))
        if inner and len(inner) == 1 and inner[0].name.rstrip("0123456789") in ("h", "o", "a_h", "a_o"):
            return (_Name("delta", "E", 0, len(run), inner[0].name),)
    code = made(_code_derivative).fullmatch(run)
    if code:
        top, bottom = names_in(code.group(1) or code.group(3)), names_in(code.group(2) or code.group(4))
        if top and bottom and len(top) == len(bottom) == 1 and top[0].kind == bottom[0].kind == "sym":
            return (_Name("pair", top[0].name, 0, len(run), bottom[0].name),)
    found: list[_Name] = []
    at = 0
    while at < len(run):
        if run[at] == "_" and found and at + 1 >= len(run):
            break
        for pattern, canon in made(_vocabulary):
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
    return text.rewritten(made(_split_names))


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
    if char == "0" and (zero := ZERO_FOR_O().match(text, at)):
        found.append(Token("sym", "o" + zero.group(0)[-1], 0.0, at, zero.end()))
        return zero.end()
    number = _NUMBER.match(text, at) if char in ".0123456789" else None
    if number:
        found.append(Token("num", "", float(number.group(0)), at, number.end()))
        return number.end()
    if char == "σ" and text[at : at + 2] != "σ'":
        end = at + 1 + (text[at + 1 : at + 2].isdigit() and text[at + 2 : at + 3] == "(")  # σ1(o1)
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
    if run == "e" and following.startswith(("^", "**")):
        found.append(Token("fn", "e", 0.0, at, at + 1))
        return at + 1
    if _DERIVED_SIGMOID.fullmatch(run) and following[:1] == "(":
        found.append(Token("d", "", 0.0, at, at + 1))
        found.append(Token("fn", "sigma", 0.0, at + 1, end))
        return end
    if run in ("s", "S") and _OF_ONE_SUM.match(following):
        found.append(Token("fn", "sigma", 0.0, at, end))
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
        if prime and token.kind == "fn" and token.name in _PRIMED:
            token = token._replace(name=_PRIMED[token.name])
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
