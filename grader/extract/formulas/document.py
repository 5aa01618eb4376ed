"""The statements of one document in order: wrapped lines joined, `= …` lines given the left side they continue."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from grader.core.evidence.documents import Block, SourceLine
from grader.core.place import Place
from grader.extract.formulas.expression import Expr, mapped_symbols, sym
from grader.extract.formulas.foreign import Sign, signs
from grader.extract.formulas.joining import joined
from grader.extract.formulas.mapped import Mapped
from grader.extract.formulas.mend import missing_equals
from grader.extract.formulas.network import points
from grader.extract.formulas.notation import latex_to_plain, plain_notation, strip_markdown
from grader.extract.formulas.parser import Note, Unparsed, located, parse_all
from grader.extract.formulas.statements import MAX_FORMULA, MAX_LINE, Side, Statement, statements
from grader.extract.formulas.vocabulary import tokens

MAX_STATEMENTS = 2_000
REACH = 12
"""Lines after which `= …` no longer continues a formula above it."""


class Item(NamedTuple):
    """A statement at its place. `trees` carries the inherited left side of a continuation."""

    place: Place
    raw: str
    statement: Statement
    trees: tuple[Expr, ...]
    notes: tuple[Note, ...]
    inherited: bool = False
    in_markdown: bool = True
    """Whether Markdown's emphasis applies where it stands: not in code, not between dollars."""
    program: bool = False
    """Whether it is a line of a program, whose names may mean anything."""

    def noted(self, *codes: str) -> bool:
        """Whether one of the notes carries one of the codes."""
        return any(n.code in codes for n in self.notes)


class Items(NamedTuple):
    """All statements of a document; `unread` are the places of lines beyond `MAX_STATEMENTS`."""

    items: tuple[Item, ...]
    unread: tuple[SourceLine, ...]
    plain_is_activated: bool
    """Whether h1 means the activation, because the document calls the sums net_h1 or z_h1."""
    names_activations: bool
    """Whether activations have names of their own: a_h1, out_h1."""
    signs: tuple[Sign, ...] = ()
    """Signs of another network, in the order of their lines."""


_CODE_LINE = re.compile(
    r"^\s*(?:d[wW]_?\d|d_?[a-zA-Z_0-9]+_d_?[a-zA-Z_0-9]+|(?:grad|gradient|dE|dL)_?_?[dD]?[wW]_?\d)\s*=(?!=)"
)


def collect(lines: Sequence[SourceLine]) -> Items:
    """Read every statement of a document's lines. Code cells of notebooks count only where a line states a gradient."""
    found: list[Item] = []
    left: Expr | None = None
    left_at = -REACH
    doubtful = False  # whether the brackets of the left side balance only by a guess
    gap = False  # whether a line of prose stands between the left side and a line that continues it
    unread: list[SourceLine] = []
    foreign: list[Sign] = []
    for number, line, goes_on in joined(lines):
        if line.block is Block.CODE and not _CODE_LINE.match(line.text):
            continue
        if _too_long(line.text) or len(found) >= MAX_STATEMENTS:
            if _too_long(line.text) or statements(line.text):
                unread.append(line)
            continue
        read = statements(line.text)
        if not read:
            alone = _alone(line.text)
            if alone is not None and alone.problems == [] and len(alone.sides) == 1:
                left, left_at, gap = alone.trees[0], number, False
            elif alone is not None:
                found.append(
                    _item(line, alone, tuple(alone.trees), (*alone.notes, Note("equals-missing", "")), False)
                )
            else:
                gap = gap or bool(line.text.strip().strip("$`|-\\"))
            continue
        for statement in read:
            foreign += signs(statement)
            item, left = _with_left(line, statement, left if number - left_at <= REACH else None)
            if item is not None:
                if goes_on:
                    item = item._replace(notes=(*item.notes, Note("goes-on", "")))
                if item.inherited and (gap or doubtful):
                    item = item._replace(notes=(*item.notes, Note("gap" if gap else "doubtful-left", "")))
                elif not item.inherited:
                    doubtful = item.noted("bracket-not-closed", "bracket-not-opened")
                found.append(item)
                gap = gap and item.inherited
            if left is not None:
                left_at = number
    named = any(_ACTIVATED.search(line.text) for line in lines)
    collected = Items(tuple(found), tuple(unread), False, named, tuple(foreign))
    return plain_as_activated(collected) if not named and _names_sums(lines) else collected


def _too_long(text: str) -> bool:
    """Whether a line that may hold a formula is longer than any formula of this network."""
    long = len(text) > MAX_LINE or (len(text) > MAX_FORMULA and "http" not in text and "|" not in text)
    return long and "=" in text and _DERIVATIVE.search(text[:MAX_LINE]) is not None


def plain_as_activated(items: Items) -> Items:
    """The same statements with h1, h2, o1, o2 read as activations where no `net_` or `z_` stands before them."""
    changed = [
        i._replace(trees=tuple(mapped_symbols(t, _activated(i.raw)) for t in i.trees)) for i in items.items
    ]
    return items._replace(items=tuple(changed), plain_is_activated=True)


def _with_left(line: SourceLine, statement: Statement, left: Expr | None) -> tuple[Item | None, Expr | None]:
    """The item, and the left side that a next line may continue."""
    first = statement.sides[0]
    notes = statement.notes
    trees = statement.trees
    inherited = first.tree is None and not first.text.text
    if inherited:
        if left is None:
            return None, None
        trees = [left, *trees]
        notes = (*notes, Note("continues", "continues the formula above"))
    if not trees and not any(s.goal for s in statement.sides):
        return None, left
    fragment = _FRAGMENT.match(line.text) is not None and not _FRAGMENT_LIST.match(line.text)
    if fragment:
        notes = (*notes, Note("fragment", "begins with an operator: part of a formula above"))
    elif first.tree is not None:
        left = first.tree
    return _item(line, statement, tuple(trees), notes, inherited), left


_FRAGMENT = re.compile(r"\s*[*/+]\s*[(∂δ𝜕𝟃]")
_FRAGMENT_LIST = re.compile(r"\s*[*+]\s+[∂δ𝜕𝟃a-zA-Z]")


def _item(
    line: SourceLine, statement: Statement, trees: tuple[Expr, ...], notes: tuple[Note, ...], inherited: bool
) -> Item:
    in_markdown = line.block in (Block.PROSE, Block.TABLE, Block.HEADING) and "$" not in line.text
    return Item(
        line.place,
        line.text,
        statement,
        trees,
        notes,
        inherited,
        in_markdown,
        program=line.block is Block.CODE,
    )


def _alone(raw: str) -> Statement | None:
    """A line without `=`: a lone derivative that the next line may continue, or a definition that lost its `=`."""
    if len(raw) > 200 or not raw.strip() or "|" in raw or "http" in raw:
        return None
    if not _QUANTITY.search(raw):
        return None
    bare = latex_to_plain(Mapped(raw).sub(_MATH_MARKS, " ")) if "\\" in raw else strip_markdown(Mapped(raw))
    plain = plain_notation(bare).strip().rstrip(".,:")
    lost = missing_equals(plain, points())
    if lost is not None:
        return lost
    try:
        tree = parse_all(tokens(plain.text)).tree
    except Unparsed:
        return None
    if tree.head != "deriv":
        return None
    return Statement((Side(plain, located(tree, plain.span)),), (), 0, len(raw))


_DERIVATIVE = re.compile(r"∂|partial|𝟃|𝜕|δ|\bd\w+/d\w")
_MATH_MARKS = re.compile(r"\${1,2}|&|\\\\\s*$")
_QUANTITY = re.compile(r"^[\s>#*_`\-+\d.)($]*(?:[∂δ𝜕𝟃d]|\\frac|[EehoHO]_?[a-zA-Z12])")
_NET = re.compile(r"\b(?:net|z|in)_?\{?[hoHO]_?\{?[12]|\bnet_?[ho]")
_ACTIVATED = re.compile(r"\b(?:a|out|act|A|Out)_?[hHoO0]_?[12]|a\\?_\{?[hoHO]|out\\?_\{")
_PLAIN = re.compile(r"(?<![A-Za-z_{\\])[hH]_?\{?[12]\b")


def _names_sums(lines: Sequence[SourceLine]) -> bool:
    """Whether both net_h1 and a plain h1 occur."""
    net = any(_NET.search(line.text) for line in lines)
    return net and any(_PLAIN.search(line.text) for line in lines)


def _activated(raw: str) -> Callable[[Expr], Expr]:
    def change(s: Expr) -> Expr:
        if s.name in ("h1", "h2", "o1", "o2") and not _NET.search(raw[s.start : s.end]):
            return sym("a_" + s.name, s.start, s.end)
        return s

    return change
