"""The statements of one document in order: wrapped lines joined, `= …` lines given the left side they continue."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from grader.backprop.assigned import made, remembered
from grader.backprop.expression import Expr, deriv, mapped_symbols, nodes, sym, symbols
from grader.backprop.name_patterns import Named
from grader.backprop.own_names import in_canonical
from grader.core.assigned_network import AssignedNetwork
from grader.core.evidence.documents import Block, SourceLine
from grader.core.place import Place
from grader.extract.formulas.document.another_network import Sign, settled, signs, signs_of_row, too_few
from grader.extract.formulas.document.introduced import introduced
from grader.extract.formulas.document.joined_lines import Joined, joined, too_long
from grader.extract.formulas.document.program_lines import as_assignments
from grader.extract.formulas.document.table_columns import Column, Columns
from grader.extract.formulas.document.tex_macros import without_macros
from grader.extract.formulas.judging.network import points
from grader.extract.formulas.reading.abbreviations import definitions, has_signals, may_define, with_signals
from grader.extract.formulas.reading.notation import without_runs
from grader.extract.formulas.reading.parser import Note, located
from grader.extract.formulas.reading.prose_rules import in_symbols
from grader.extract.formulas.reading.relations import bare, formula, quantity
from grader.extract.formulas.reading.statements import (
    MAX_LINE,
    Side,
    Statement,
    plain_line,
    statements,
)
from grader.extract.formulas.repair.repair_slips import missing_equals

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
    as_written: tuple[Expr, ...] = ()
    """The trees with δ where the document writes it; empty in a document without one."""

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
    too_few: str = ""
    """What the document names fewer of than the network has."""


_CODE_LINE = re.compile(
    r"^\s*(?:d[wW]_?\d|d_?[a-zA-Z_0-9]+_d_?[a-zA-Z_0-9]+|(?:grad|gradient|dE|dL)_?_?[dD]?[wW]_?\d)\s*=(?!=)"
)


def collect(lines: Sequence[SourceLine], own: frozenset[str] = frozenset()) -> Items:
    """Read every statement of a document's lines. Code cells of notebooks count only where a line states a gradient.

    `own` are names of the network's that the document gives to parts of its formulas.
    """
    lines = without_macros([line._replace(text=without_runs(line.text)) for line in lines])
    lines = as_assignments(lines)
    collector = _collected(lines, own)
    found = collector.found
    trees = [i.trees for i in found]
    if has_signals(trees):
        found = [
            i._replace(trees=tuple(t), as_written=i.trees)
            for i, t in zip(found, with_signals(trees), strict=True)
        ]
    named = any(_ACTIVATED().search(line.text) for line in lines)
    second = any(_SECOND_OUTPUT.search(line.text) for line in lines)
    foreign = settled(
        collector.signs, second_output=second, sigmoid_outputs=any(map(_activates_output, found))
    )
    texts = [" = ".join(side.text.text for side in item.statement.sides) for item in found]
    defined = [i.trees[0].name for i in found if i.trees and i.trees[0].head == "sym"]
    collected = Items(tuple(found), tuple(collector.unread), False, named, foreign, too_few(texts, defined))
    return plain_as_activated(collected) if not named and _names_sums(lines) else collected


def _collected(lines: Sequence[SourceLine], own: frozenset[str]) -> "_Collector":
    """What the lines say; where names were used above their one definition, with those known from the first
    line.
    """
    read = [
        joint
        for joint in joined(lines)
        if joint.line.block is not Block.CODE or _CODE_LINE.match(in_canonical(joint.line.text))
    ]
    first = _Collector(own)
    for joint in read:
        first.read(joint)
    once = {name: first.names[name] for name, times in first.defined.items() if times == 1}
    if not once or not any(i.statement.problems for i in first.found):
        return first
    again = _Collector(own, once)
    for joint in read:
        again.read(joint)
    return again if again.understood > first.understood else first


_CELLS = re.compile(r"\s*\|?\s*([^|=\s][^|=]{0,40}?)\s*\|([^|=]+)\|?\s*$")
"""A row of a name and its value."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Collector:
    """The statements read so far, with what a next line may refer to."""

    def __init__(self, own: frozenset[str] = frozenset(), names: Mapping[str, str] = _NOTHING) -> None:
        self.own = own
        self.defined = Counter[str]()
        self.found: list[Item] = []
        self.unread: list[SourceLine] = []
        self.signs: list[Sign] = []
        self.names = dict(names)
        self.left: Expr | None = None
        self.left_at = -REACH
        self.pending = False  # whether the left side stands alone on the line above, as in a heading
        self.titled = False  # whether it is a heading or in bold
        self.introduced = False  # whether a sentence leads to its value, and may mean that of a step
        self.doubtful = False  # whether the brackets of the left side balance only by a guess
        self.columns = Columns()
        self.gap = False  # whether a line of prose stands between the left side and a line that continues it

    @property
    def understood(self) -> int:
        """How many equations were read whole."""
        return sum(len(i.trees) > 1 and not i.statement.problems for i in self.found)

    def read(self, joint: Joined) -> None:
        """Read one line, or those of one formula."""
        number, line, goes_on = joint
        if len(line.text) > MAX_LINE:
            self.gap = True
            if too_long(line.text):
                self.unread.append(line)
            return
        if too_long(line.text) or len(self.found) >= MAX_STATEMENTS:
            if too_long(line.text) or statements(line.text):
                self.unread.append(line)
            return
        defining = _CELLS.sub(r"\1 = \2", line.text) if line.block is Block.TABLE else line.text
        if self.own or may_define(in_canonical(defining)):
            named, nothing_else = definitions(plain_line(defining), self.names, self.own)
            self.defined.update(one.name for one in named)
            self.names.update(named)
            if nothing_else:
                return
        columns = self.columns.read(line)
        read = self._statements(line.text)
        if columns and not any(map(_names_its_left, read)):
            self.found += [_of_column(line, column) for column in columns]
            return
        if not read:
            if line.block is Block.TABLE:
                self.signs += signs_of_row(plain_line(line.text).text)
            self._without_statement(number, line)
            return
        for statement in read:
            self.signs += signs(statement)
            self._add(number, line, statement, goes_on=goes_on)
        self.pending = False

    def _statements(self, text: str) -> list[Statement]:
        """The statements of a line; the document's own names are put in where it cannot be read without them."""
        read = statements(text)
        own = any(name in text for name in self.own & self.names.keys())
        if not self.names or not (own or any(s.problems for s in read)):
            return read
        longer = statements(text, self.names)
        if not own and sum(len(s.problems) for s in longer) >= sum(len(s.problems) for s in read):
            return read
        said = Note("abbreviated", "names of the document's own read as what it defines them to be")
        return [s._replace(notes=(*s.notes, said)) for s in longer]

    def _without_statement(self, number: int, line: SourceLine) -> None:
        under = self._below(line) if self.pending and not self.gap and number - self.left_at <= 3 else None
        if under is not None:
            self.found.append(under)
            self.pending = False
            return
        alone = _alone(line.text)
        if alone is not None and not alone.problems and len(alone.sides) == 1:
            self.left, self.left_at, self.gap, self.pending = alone.trees[0], number, False, True
            self.titled, self.introduced = _titled(line), False
        elif alone is not None:
            notes = (*alone.notes, Note("equals-missing", ""))
            self.found.append(_item(line, alone, tuple(alone.trees), notes, False))
        elif (weight := introduced(line.text)) is not None:
            self.left, self.left_at, self.gap, self.pending = weight, number, False, True
            self.titled = self.introduced = True
        else:
            self.gap = self.gap or bool(line.text.strip().strip("$`|-\\"))

    def _below(self, line: SourceLine) -> Item | None:
        """The formula without a left side of its own that stands below one: under a heading, or as a definition."""
        whole = plain_line(line.text)
        plain = whole.sub(_LEADING_COLON, "")
        tree = formula(plain)
        if (
            tree is None
            or self.left is None
            or (self.left.head == "sym" and not self.titled and plain is whole)
        ):
            return None
        side = Side(plain, located(tree, plain.span))
        statement = Statement(
            (side,), (Note("below", "read as the value of what stands above it"),), 0, len(line.text)
        )
        if self.introduced:
            statement = statement._replace(notes=(*statement.notes, Note("labelled", "")))
        trees = (_label_as_gradient(self.left, statement), *statement.trees)
        return _item(line, statement, trees, statement.notes, True)

    def _add(self, number: int, line: SourceLine, statement: Statement, *, goes_on: bool) -> None:
        item, self.left = _with_left(line, statement, self.left if number - self.left_at <= REACH else None)
        if item is not None:
            if goes_on:
                item = item._replace(notes=(*item.notes, Note("goes-on", "")))
            if item.inherited and self.introduced:
                item = item._replace(notes=(*item.notes, Note("labelled", "")))
            if item.inherited and (self.gap or self.doubtful):
                item = item._replace(notes=(*item.notes, Note("gap" if self.gap else "doubtful-left", "")))
            elif not item.inherited:
                self.doubtful, self.introduced = item.noted("bracket-not-closed", "bracket-not-opened"), False
            self.found.append(item)
            self.gap = self.gap and item.inherited
        if self.left is not None:
            self.left_at = number


def _names_its_left(statement: Statement) -> bool:
    """Whether a row says itself what its formula stands for; the `∂E/∂w` of all weights says it of none."""
    left = statement.sides[0].tree
    return left is not None and "w?" not in symbols(left) and not statement.noted("labelled")


def _of_column(line: SourceLine, column: Column) -> Item:
    trees = (column.left, *column.statement.trees)
    return _item(line, column.statement, trees, column.statement.notes, True)


_LEADING_COLON = re.compile(r"^\s*[:=]\s*")


def _label_as_gradient(left: Expr, statement: Statement) -> Expr:
    """A weight as a heading stands for its gradient, unless its update follows."""
    if left.head != "sym" or not left.name.startswith("w"):
        return left
    updates = any({"eta", left.name} & symbols(t) for t in statement.trees)
    return left if updates else deriv(sym("E"), left, left.start, left.end)


def _outputs(assigned: AssignedNetwork) -> frozenset[str]:
    return frozenset(unit.output for unit in assigned.outputs)


def _sums(assigned: AssignedNetwork) -> frozenset[str]:
    return frozenset(unit.sum for unit in assigned.units)


def _activates_output(item: Item) -> bool:
    left = item.trees[0] if item.trees else None
    calls = any(n.head == "call" for t in item.trees[1:] for n in nodes(t))
    return left is not None and left.name in made(_outputs) and calls


def plain_as_activated(items: Items) -> Items:
    """The same statements with the sums read as activations where no `net_` or `z_` stands before them."""
    changed = [
        i._replace(
            trees=tuple(mapped_symbols(t, _activated(i.raw)) for t in i.trees),
            as_written=tuple(mapped_symbols(t, _activated(i.raw)) for t in i.as_written),
        )
        for i in items.items
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
        trees = [_label_as_gradient(left, statement), *trees]
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


@remembered(most=2_048)
def _alone(raw: str) -> Statement | None:
    """A line without `=`: a lone quantity that the next line may continue, or a definition that lost its `=`."""
    if len(raw) > 200 or not raw.strip() or "|" in raw or "http" in raw:
        return None
    short = len(raw) <= 60
    if not short and not _QUANTITY().search(raw):
        return None
    plain = in_symbols(plain_line(raw)).strip().rstrip(".,:")
    lost = missing_equals(plain, points()) if _QUANTITY().search(raw) else None
    if lost is not None:
        return lost
    plain = bare(plain)
    tree = quantity(plain)
    if tree is None or (tree.head != "deriv" and not short):
        return None
    return Statement((Side(plain, located(tree, plain.span)),), (), 0, len(raw))


def _titled(line: SourceLine) -> bool:
    return line.block is Block.HEADING or _TITLE.match(line.text) is not None


_TITLE = re.compile(r"^\s*(?:[-+*]\s+|\d{1,2}[.)]\s+)?(?:\*\*|__|<b>|<strong>|<h\d>|`).{1,60}$|^.{1,60}:\s*$")
_QUANTITY = Named(r"^[\s>#*_`\-+\d.)($]*(?:[∂δ𝜕𝟃d]|\\frac|[EehoHO]_?(?:[a-zA-Z]|@units@))")
_SECOND_OUTPUT = re.compile(r"[oOtyEe]_?\{?(?:[oO]_?\{?)?[2₂]|(?:E|t|y|o)<sub>2")
_NET = Named(r"\b(?:net|z|in)_?\{?[hoHO]_?\{?@units@|\bnet_?[ho]|\b[hoHO]_?@units@_(?:[nN]et|[iI]n|[sS]um)")
_ACTIVATED = Named(
    r"\b(?:a|out|act|A|Out)_?[hHoO0]_?@units@|\b[hHoO]_?@units@_?(?:[oO]ut|[aA]ct)|a\\?_\{?[hoHO]|out\\?_\{"
)
_PLAIN = Named(r"(?<![A-Za-z_{\\])[hH]_?\{?@hidden@\b")


def _names_sums(lines: Sequence[SourceLine]) -> bool:
    """Whether both net_h1 and a plain h1 occur."""
    net = any(_NET().search(line.text) for line in lines)
    return net and any(_PLAIN().search(line.text) for line in lines)


def _activated(raw: str) -> Callable[[Expr], Expr]:
    def change(s: Expr) -> Expr:
        if s.name in made(_sums) and not _NET().search(raw[s.start : s.end]):
            return sym("a_" + s.name, s.start, s.end)
        return s

    return change
