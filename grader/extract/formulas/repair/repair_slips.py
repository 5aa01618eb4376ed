"""Typing slips that hide a formula: a name that is none of ours, a bracket, an `=` or a `/` left out.

A mended reading counts only where it makes the line true, or where one further slip of the catalogue explains it.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grader.backprop.assigned import network
from grader.backprop.expression import Expr
from grader.extract.formulas.judging.decide import Truth, decide
from grader.extract.formulas.judging.network import Point
from grader.extract.formulas.reading.parser import Unparsed, located, parse_all
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.statements import Side, Statement, read_side
from grader.extract.formulas.reading.vocabulary import Token, tokens
from grader.extract.formulas.repair.diagnose import Explanation, explain

ALIKE = 0.74
"""How much an unknown name must resemble one of ours before a false line is explained through it."""


class SlipRepair(NamedTuple):
    """A statement made readable. `explanations` is empty where it became true."""

    code: str
    phrase: str
    wrote: str
    should: str
    trees: tuple[Expr, ...]
    explanations: tuple[Explanation, ...] = ()


class _Try(NamedTuple):
    code: str
    phrase: str
    wrote: str
    should: str
    sides: tuple[SourceText, ...]
    likeness: float


def repair_slips(statement: Statement, points: Sequence[Point], stated: frozenset[str]) -> SlipRepair | None:
    """Look for a slip after which every side can be read and the line is true, or false in an explainable way."""
    best: SlipRepair | None = None
    for attempt in _tries(statement):
        trees = _reread(statement, attempt)
        if trees is None:
            continue
        truth = decide(trees, points).truth
        if truth is Truth.TRUE:
            return SlipRepair(attempt.code, attempt.phrase, attempt.wrote, attempt.should, trees)
        if truth is Truth.FALSE and best is None and attempt.likeness >= ALIKE:
            why = explain(trees, points, stated)
            if why and why[0].cost < 1.5:
                best = SlipRepair(
                    attempt.code, attempt.phrase, attempt.wrote, attempt.should, trees, tuple(why)
                )
    return best


def _tries(statement: Statement) -> Iterator[_Try]:
    bad = statement.problems
    texts = [s.text for s in statement.sides]
    words: dict[str, None] = {}
    for k in bad:
        for token in tokens(texts[k].text):
            if (
                token.kind == "word"
                and re.fullmatch(r"[A-Za-z_0-9]+", token.name)
                and re.search(r"\d|_", token.name)
            ):
                words.setdefault(token.name)
    for word in list(words)[:4]:
        pattern = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])")
        for likeness, name in _nearest(word):
            sides = tuple(t.sub(pattern, name) if k in bad else t for k, t in enumerate(texts))
            yield _Try("unknown-name", f"unknown name {word}", word, name, sides, likeness)
    for k in bad:
        text = texts[k]
        depth = sum(text.text.count(c) for c in "(") - text.text.count(")")
        if depth < 0:
            new = text.replace(0, 0, "(")
            yield _bracket(texts, k, new, "an opening bracket is missing", "(")
        if depth > 0:
            new = text.replace(len(text.text), len(text.text), ")")
            yield _bracket(texts, k, new, "a closing bracket is missing", ")")
            for match in list(re.finditer(r"/\s*(?:∂|d(?=[a-zA-Z]))", text.text))[:4]:
                yield _bracket(
                    texts,
                    k,
                    text.replace(match.start(), match.start(), ")"),
                    "a closing bracket is missing",
                    ")",
                )
        for match in list(re.finditer(r"(?<=\))\s*(?=d[ao]|d[hw]\d|∂)", text.text))[:4]:
            sides = tuple(
                text.replace(match.start(), match.end(), "/") if j == k else t for j, t in enumerate(texts)
            )
            yield _Try("slash-missing", "the / of a derivative is missing", "", "/", sides, 0.0)


def _bracket(texts: list[SourceText], k: int, new: SourceText, phrase: str, should: str) -> _Try:
    sides = tuple(new if j == k else t for j, t in enumerate(texts))
    return _Try("bracket-missing", phrase, "", should, sides, 0.0)


def _nearest(word: str) -> list[tuple[float, str]]:
    ranked = sorted(
        ((difflib.SequenceMatcher(None, n, word.lower()).ratio(), n) for n in network().quantities),
        key=lambda r: (-r[0], r[1]),
    )
    return [
        (likeness, name)
        for likeness, name in ranked[:6]
        if likeness >= ALIKE or name[0].lower() == word[0].lower()
    ]


def _reread(statement: Statement, attempt: _Try) -> tuple[Expr, ...] | None:
    trees: list[Expr] = []
    last = len(statement.sides) - 1
    for k, side in enumerate(statement.sides):
        if side.tree is not None and attempt.sides[k] is side.text:
            trees.append(side.tree)
        elif side.text.text and not side.goal:
            try:
                parsed = read_side(
                    attempt.sides[k].text, first=k == 0, last=k == last and attempt.code == "unknown-name"
                )
            except Unparsed:
                return None
            if any(t.kind == "op" and t.name != ")" for t in parsed.rest):
                return None
            trees.append(located(parsed.tree, attempt.sides[k].span))
    return tuple(trees)


_DEFINED = re.compile(r"(?:h|o|E)[1-9]?$")


def _left_size(found: list[Token]) -> int:
    """How many tokens the quantity takes that a definition follows without `=`; 0 where there is none."""
    derivative = [t.kind for t in found[:5]] == ["d", "sym", "op", "d", "sym"] and found[2].name == "/"
    if derivative or (found and found[0].kind == "pair"):
        size = 5 if derivative else 1
        opens = len(found) > size + 2 and found[size].kind == "op" and found[size].name == "("
        return size if opens else 0
    if len(found) < 4 or found[0].kind != "sym" or not _DEFINED.match(found[0].name):
        return 0
    apart = found[0].end < found[1].start and (found[1].kind != "op" or found[1].name == "(")
    return 1 if apart else 0


def missing_equals(line: SourceText, points: Sequence[Point]) -> Statement | None:
    """A line without `=` that is a quantity and then its definition, `E_total E1 + E2`.

    Only where the definition is true, or one slip of the catalogue away from true.
    """
    found = tokens(line.text)
    size = _left_size(found)
    if not size or any(t.kind not in ("sym", "num", "op", "fn", "d", "pair") for t in found):
        return None
    try:
        left, right = parse_all(found[:size]).tree, parse_all(found[size:])
    except Unparsed:
        return None
    cut = found[size - 1].end
    trees = (left, right.tree)
    if decide(trees, points).truth is not Truth.TRUE:
        why = explain(trees, points)
        if not why or why[0].cost > 1.35 or why[0].side != 1 or len(right.tree.args) < 2:
            return None
    sides = (
        Side(line[:cut], located(left, line.span)),
        Side(line[cut:], located(right.tree, line.span)),
    )
    start, end = line.span(found[0].start, found[-1].end)
    return Statement(sides, tuple(right.notes), start, end)
