"""One or two brackets that a side lacks, put where they make the statement true."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

from grader.extract.formulas.judging.decide import Truth, decide
from grader.extract.formulas.judging.network import Point
from grader.extract.formulas.reading.parser import Unparsed, located, parse_all
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.statements import Statement
from grader.extract.formulas.reading.vocabulary import tokens
from grader.extract.formulas.repair.repair_slips import SlipRepair

MOST_MISSING = 2
MAX_TRIES = 700


def repair_brackets(statement: Statement, points: Sequence[Point]) -> SlipRepair | None:
    """The statement with the brackets of one side completed; None where none or nothing makes it true."""
    depths = [side.text.text.count("(") - side.text.text.count(")") for side in statement.sides]
    odd = [k for k, depth in enumerate(depths) if depth]
    if len(odd) != 1 or abs(depths[odd[0]]) > MOST_MISSING:
        return None
    k = odd[0]
    others = [side.tree for j, side in enumerate(statement.sides) if j != k and side.tree is not None]
    if len(others) != len(statement.sides) - 1:
        return None
    for text in _completed(statement.sides[k].text, depths[k]):
        try:
            tree = located(parse_all(tokens(text.text)).tree, text.span)
        except Unparsed:
            continue
        trees = (*others[:k], tree, *others[k:])
        if decide(trees, points[:1]).truth is Truth.TRUE and decide(trees, points).truth is Truth.TRUE:
            which = "closing" if depths[k] > 0 else "opening"
            phrase = (
                f"a {which} bracket is missing" if which == "closing" else "an opening bracket is missing"
            )
            if abs(depths[k]) > 1:
                phrase = f"{abs(depths[k])} {which} brackets are missing"
            return SlipRepair("bracket-missing", phrase, "", ")" if depths[k] > 0 else "(", trees)
    return None


def _completed(text: SourceText, depth: int) -> Iterator[SourceText]:
    """The text with the missing brackets in every place where one may stand, the last places first."""
    found = tokens(text.text)
    if depth > 0:
        spots = [t.end for t in found if t.kind in ("sym", "num") or t.name == ")"]
    else:
        spots = [t.start for t in found if t.kind in ("sym", "num", "fn", "d") or t.name == "("]
    bracket = ")" if depth > 0 else "("
    tries = combinations_with_replacement(sorted(set(spots), reverse=depth > 0), abs(depth))
    for number, places in enumerate(tries):
        if number >= MAX_TRIES:
            return
        if not _opens_before_it_closes(text.text, sorted(places), 1 if depth < 0 else -1):
            continue
        whole = text
        for place in sorted(places, reverse=True):
            whole = whole.replace(place, place, bracket)
        yield whole


def _opens_before_it_closes(text: str, places: Sequence[int], step: int) -> bool:
    """Whether no bracket closes what is not open once those at `places` are put in; far cheaper than to parse."""
    depth = at = 0
    for bracket in _BRACKET.finditer(text):
        while at < len(places) and places[at] <= bracket.start():
            depth += step
            at += 1
            if depth < 0:
                return False
        depth += 1 if bracket.group(0) == "(" else -1
        if depth < 0:
            return False
    return True


_BRACKET = re.compile(r"[()]")
