"""Names that a document makes for parts of its formulas: `k = (a_o1 - t1) * a_o1 * (1 - a_o1)`, and the δ of a neuron.

δ_o1 is ∂E/∂o1 in most books, its negative in some, and ∂E/∂a_o1 in a few: a document means by it what it defines.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from grader.backprop.expression import Expr, deriv, mapped, neg, nodes, sym, symbols
from grader.extract.formulas.judging.decide import Truth, decide
from grader.extract.formulas.judging.network import conventions, points
from grader.extract.formulas.reading.relations import formula
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.sums import FOR_ALL, of_every_output
from grader.extract.formulas.reading.vocabulary import tokens

MOST_NAMES = 40
_INTRODUCED = r"(?:(?:let|where|with|put|set|define|say|also|and|sei|soit|sea|wobei|mit|où|donde)\b[\s:,]*)?"
_NAME = r"(?P<name>[A-Za-z]\w{0,23}|∂_?\(?[ijkn]\)?)"
_DEFINITION = re.compile(
    rf"^[\s>*_`\-+\d.)]*{_INTRODUCED}{_NAME}\s*(?:\(say\)\s*)?(?::=|=|:)(?!=)(?P<value>[^=]+)$",
    re.IGNORECASE,
)
_NAMED_CHAIN = re.compile(
    rf"^([\s>*_`\-+\d.)]*{_INTRODUCED}[A-Za-z]\w{{0,23}})\s*:?=(?!=)(?:[^=]+=)+(?P<last>[^=]+)$",
    re.IGNORECASE,
)
"""`δ1 = ∂E/∂o1 = …`: a name, and an equation of what it is called."""
_SAID = re.compile(
    rf"^[\s>*_`\-+\d.)]*(?:\w+[\s,]+){{0,4}}?(?:(?:write|use|set|put|introduce|schreiben?|setzen?|nutzen?)\s+)?{_NAME}\s+"
    r"(?:for|für|denotes?|be|stands?\s+for|is\s+short\s+for|instead\s+of|means|abbreviates|represents|steht\s+für|bezeichnet)\s+"
    r"(?:the\s+(?:\w+\s+){1,3})?(?P<value>[^=]+)$",
    re.IGNORECASE,
)
"""`We write δ1 for (a_o1 - t1) a_o1 (1 - a_o1)`."""
_PARTS = re.compile(
    r"\s*(?:;|,?\s*\b(?:and|und|et|y|e)\b|,)\s+(?=(?:(?:let|sei|soit|sea)\s+)?(?:[A-Za-z]\w{0,23}|∂_?\(?[ijkn]\)?)\s*(?:(?::=|=)(?!=)|(?:for|für|denotes?|be|stands?)\b))"
)
"""Between two definitions of one line."""
_FAMILY = re.compile(r"(?:_\(?|(?<=∂))([ijkn])\)?$")


_BEGINS = re.compile(
    r"^[\s>*_`\-+\d.)$]*(?:(?:let|where|with|put|set|define|say|also|and|sei|soit|sea|wobei|mit|où|donde)\b[\s:,$`]*)?"
    r"(\\?[A-Za-zδΔ∆][\w^]{0,23})[`$_{}\d]*\s*(?:\(say\)\s*)?(?::=|=|:)[^=]*[1-9kjn]",
    re.IGNORECASE,
)
_MAY_SAY = re.compile(
    r"[δΔ∆\w}$]\s+(?:for|für|denotes?|be|stands?\s|is\s+short|instead|means|abbreviates|represents|steht|bezeichnet)\b.*\(",
    re.IGNORECASE,
)


_LET = re.compile(r"^[\s>*_`\-+\d.)]*(?:let|where|put|set|define|sei|soit|sea)\b", re.IGNORECASE)
_NO_NAMES = frozenset(["a", "A", "I", "d", "D", "e", "E", "h", "o", "t", "x", "y", "z", "net", "out"])
_OF_A_NETWORK = re.compile(r"(?:(?:a|A|out|Out|act|net|Net|z|in)_?)?[hoitwxyHOWXY]_?\d{0,2}")
"""Quantities of some network: that of another one is no abbreviation."""
_SLOPE = re.compile(r"[dD]_?(?:(?:a|out|act|net|z)_?)?[hoHO]_?\d{1,2}")
"""`dh1 = …` of a program: it means what it is made of, as a δ does."""


class Abbreviation(NamedTuple):
    """A name and the formula in plain notation that it stands for."""

    name: str
    value: str


def may_define(raw: str) -> bool:
    """Whether a raw line may define a name: it begins with one that is none of the network's, or says what
    one is.
    """
    match = _BEGINS.match(raw)
    if match is None:
        return _MAY_SAY.search(raw[:200]) is not None
    name = match.group(1)
    found = tokens(name)
    return (
        name[0] in "\\δΔ∆"
        or _SLOPE.fullmatch(name) is not None
        or (len(found) == 1 and found[0].kind == "word")
    )


def definitions(
    plain: SourceText, known: Mapping[str, str], own: frozenset[str] = frozenset()
) -> tuple[list[Abbreviation], bool]:
    """The names that a line defines, none of the network's, or of `own`; and whether it does nothing else."""
    parts = plain.split(_PARTS)
    found: dict[str, str] = {}
    whole = True
    for part in parts:
        made = [] if len(known) + len(found) >= MOST_NAMES else _defined(part, {**known, **found}, own)
        whole = whole and bool(made) and _NAMED_CHAIN.match(part.text) is None
        found.update(made)
    return [Abbreviation(name, value) for name, value in found.items()], whole


def _defined(plain: SourceText, known: Mapping[str, str], own: frozenset[str]) -> list[Abbreviation]:
    """The definition that a part of a line is; one for every output where its name ends in an index."""
    plain = plain.sub(FOR_ALL, "")
    named = _NAMED_CHAIN.match(plain.text)
    if named is not None:
        last = SourceText(f"{named[1]} = {named['last']}")
        return _defined(last, known, own)
    match = _DEFINITION.match(plain.text) or _SAID.match(plain.text)
    if match is None:
        return []
    name, value = match["name"], match["value"].strip(" \t.,;`*")
    family = _FAMILY.search(name)
    if family is not None:
        stem = "delta" if name.startswith("∂") else name[: family.start()]
        values = of_every_output(value, family[1])
        each = [(f"{stem}_{k}", one) for k, one in enumerate(values, 1)]
        return [made for one in each if (made := _one(*one, plain, known, own)) is not None]
    made = _one(name, value, plain, known, own)
    return [] if made is None else [made]


def _one(
    name: str, value: str, plain: SourceText, known: Mapping[str, str], own: frozenset[str]
) -> Abbreviation | None:
    found = tokens(name)
    foreign = len(found) == 1 and found[0].kind == "word" and not _OF_A_NETWORK.fullmatch(name)
    if not foreign and name not in own and _SLOPE.fullmatch(name) is None:
        return None
    value = expanded(SourceText(value), known).text
    tree = formula(SourceText(value))
    if tree is None or (name in _NO_NAMES and not _is_letter(name, plain, tree)):
        return None
    return Abbreviation(name, value)


def _is_letter(name: str, plain: SourceText, tree: Expr) -> bool:
    """Whether A, D or I is a letter for a part: said to be one, or a product of several outputs and targets."""
    if name not in "AID":
        return False
    parts = {s for s in symbols(tree) if s.startswith(("a_o", "t"))}
    return _LET.match(plain.text) is not None or (tree.head == "*" and len(parts) > 1)


def expanded(plain: SourceText, known: Mapping[str, str]) -> SourceText:
    """The text with every name that the document made replaced by what it stands for."""
    if not known:
        return plain
    names = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    slope = r"(?!\s*/\s*[dD∂])" if any(map(_SLOPE.fullmatch, known)) else ""
    pattern = re.compile(rf"(?<![A-Za-z0-9_])(?<!/)(?<!/ )(?:{names})(?![A-Za-z0-9_]){slope}")
    return plain.sub(pattern, lambda m: f"({known[m.group(0)]})")


Statements = Sequence[tuple[Expr, ...]]
_Change = Callable[[Expr], Expr]


def _meaning(layer: str, *, activated: bool, negative: bool) -> _Change:
    def change(signal: Expr) -> Expr:
        neuron = signal.args[1].name
        if neuron.removeprefix("a_")[0] != layer:
            return signal
        under = f"a_{neuron}" if activated and not neuron.startswith("a_") else neuron
        plain = deriv(sym("E"), sym(under), signal.start, signal.end)
        return neg(plain, signal.start) if negative else plain

    return change


_MEANINGS = ((False, False), (False, True), (True, False), (True, True))


def with_signals(
    statements: Statements, true_of: Callable[[Sequence[Expr]], bool] | None = None
) -> Statements:
    """The statements with every δ read as the document defines it, or uses it where it defines none; ∂E/∂o1
    for δ_o1 where neither is true.

    `true_of` says what is true; of the network that is read for where it is not given.
    """
    holds = true_of or _true
    for layer in "oh":
        defining = [trees for trees in statements if len(trees) > 1 and _defines(trees[0], layer)]
        changes = [_meaning(layer, activated=a, negative=n) for a, n in _MEANINGS]
        using = defining or [trees for trees in statements if len(trees) > 1 and _uses(trees, layer)]
        true = [sum(holds([_changed(t, change) for t in trees]) for trees in using) for change in changes]
        # What a definition says counts once; without one, what makes most of its uses true.
        best = next((k for k, n in enumerate(true) if n), 0) if defining else true.index(max(true))
        change = changes[best]
        if defining and not any(true):
            change = _by_its_value(defining, statements, change, holds)
        statements = [tuple(_changed(t, change) for t in trees) for trees in statements]
    return statements


def _by_its_value(
    defining: Statements, statements: Statements, usual: _Change, holds: Callable[[Sequence[Expr]], bool]
) -> _Change:
    """What a δ stands for whose definition is that of no error signal: its value, where that makes more of
    the other statements true. A document may call the slope of the sigmoid δ.
    """
    values = {trees[0].args[1].name.removeprefix("a_"): trees[1] for trees in defining}

    def valued(signal: Expr) -> Expr:
        return values.get(signal.args[1].name.removeprefix("a_"), usual(signal))

    others = [t for t in statements if len(t) > 1 and t not in defining and any(map(_has_signal, t))]
    usually, literally = (
        sum(holds([_changed(t, change) for t in trees]) for trees in others) for change in (usual, valued)
    )
    return valued if literally > usually else usual


def _has_signal(t: Expr) -> bool:
    return any(n.name == "delta" for n in nodes(t))


def _defines(left: Expr, layer: str) -> bool:
    return left.name == "delta" and left.args[1].name.removeprefix("a_").startswith(layer)


def _uses(trees: Sequence[Expr], layer: str) -> bool:
    return any(_defines(n, layer) for t in trees for n in nodes(t))


def _true(trees: Sequence[Expr]) -> bool:
    return any(decide(trees, points(c)[:2]).truth is Truth.TRUE for c in conventions())


def _changed(t: Expr, change: _Change) -> Expr:
    return mapped(t, lambda node: change(node) if node.name == "delta" else None)


def has_signals(statements: Statements) -> bool:
    """Whether some statement uses a δ."""
    return any(_has_signal(t) for trees in statements for t in trees)
