"""Tables that lie on their side: the quantities stand in the heading, and each column's formula below its own.

`| ∂E/∂w5 | ∂E/∂w6 |` above `| (a_o1 - t1) … | … |`. A row that names its quantity itself is read as any other line.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from grader.backprop.expression import Expr, deriv, sym, symbols
from grader.backprop.name_patterns import Named
from grader.core.evidence.documents import Block, SourceLine
from grader.extract.formulas.reading.parser import Note, located
from grader.extract.formulas.reading.relations import bare, formula, quantity
from grader.extract.formulas.reading.source_map import SourceText
from grader.extract.formulas.reading.statements import Side, Statement, plain_line

_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\s*\|?(?:\s*:?-{1,}:?\s*\|)+\s*:?-*:?\s*")
_ROW = re.compile(r"(?i)<tr\b[^<>]*>")
_BEGINS = re.compile(r"(?i)<table\b")
_ENDS = re.compile(r"(?i)</table\b")
_HTML = re.compile(r"(?is)<t[dh]\b[^<>]*>((?:(?!</?t[dhr]\b|</table).)*)")
_NUMBER = Named(r"\W*(?:w_?)?(@weights@)\W*")
_GRADIENT = re.compile(
    r"gradient|derivative|ableitung|derivada|dérivée|derivata|[∂δd]E?\w*\s*/\s*[∂δd]w", re.IGNORECASE
)


_SAYS_GRADIENT = frozenset({
    "gradient", "gradients", "derivative", "derivatives", "partial", "final", "full", "complete", "closed", "form",
    "formula", "formulas", "expression", "equation", "of", "for", "the", "in", "symbols", "loss", "error", "weight",
    "weights", "total", "with", "respect", "to", "wrt", "its", "ableitung", "derivada", "dérivée", "derivata", "gradiente",
})  # fmt: skip
_MATHS = re.compile(r"\\[a-z]+|[∂δd](?:E\w*)?\s*/\s*[∂δd]w\w*|[^a-zà-ÿ]+", re.IGNORECASE)


def _says_gradient(heading: str) -> bool:
    """Whether a heading says no more than that its column holds gradients: `∂E/∂w`, `Gradient (closed form)`."""
    words = _MATHS.sub(" ", heading).lower().split()
    return all(word in _SAYS_GRADIENT or len(word) == 1 for word in words)


class Column(NamedTuple):
    """A formula in a table's cell, with the quantity that its column is headed by."""

    left: Expr
    statement: Statement


class Columns:
    """The heading of the table that is being read."""

    def __init__(self) -> None:
        self.above: list[SourceText] = []
        self.heads: list[Expr | None] = []
        self.gradients = 1  # which of two columns holds the gradients
        self.numbered = False  # whether the rows are numbers of weights and their gradients
        self.surely = False  # whether their heading says nothing else, as "factors of the gradient" does

    def read(self, line: SourceLine) -> list[Column]:
        """Take the next line; return the formulas of a row whose columns are headed by quantities."""
        if line.block is not Block.TABLE and "<t" in line.text.lower() and _HTML.search(line.text):
            return self._in_html(SourceText(line.text))
        if line.block is not Block.TABLE or "|" not in line.text:
            self.above, self.heads = [], []
            return []
        if _RULE.fullmatch(line.text):
            self._head(self.above)
            return []
        self.above = _cells(line.text)
        return self._row(self.above)

    def _in_html(self, line: SourceText) -> list[Column]:
        """The same of the rows of a table in HTML, the first of which is its heading."""
        found: list[Column] = []
        for row in line.split(_ROW):
            if _BEGINS.search(row.text):
                self.heads = []
            cells = [row[match.start(1) : match.end(1)] for match in _HTML.finditer(row.text)]
            if cells and self.heads:
                found += self._row(cells)
            elif cells:
                self._head(cells)
            if _ENDS.search(row.text):
                self.heads = []
        return found

    def _head(self, cells: list[SourceText]) -> None:
        self.heads = [_quantity(cell) for cell in cells]
        self.gradients = next((k for k, cell in enumerate(cells) if _GRADIENT.search(cell.text)), 0)
        self.numbered = len(cells) == 2 and _GRADIENT.search(cells[self.gradients].text) is not None
        self.surely = self.numbered and _says_gradient(cells[self.gradients].text)

    def _row(self, cells: list[SourceText]) -> list[Column]:
        if (
            len(cells) == len(self.heads) == 2
            and self.numbered
            and (number := _NUMBER().fullmatch(cells[1 - self.gradients].text))
        ):
            column = _column(sym(f"w{number[1]}"), cells[self.gradients], self.surely)
            return [column] if column is not None else []
        if sum(head is not None for head in self.heads) < 2 or len(cells) != len(self.heads):
            return []
        quantities = [_quantity(cell) for cell in cells]
        if sum(q is not None and q.head == "deriv" for q in quantities) > 1:  # heads of the rows below
            self.heads = quantities
            return []
        gradients = any(
            _GRADIENT.search(cell.text) for cell, head in zip(cells, self.heads, strict=True) if head is None
        )
        found = [_column(head, cell, gradients) for head, cell in zip(self.heads, cells, strict=True) if head]
        return [column for column in found if column is not None]


def _cells(text: str) -> list[SourceText]:
    whole = SourceText(text).strip()
    inner = whole[whole.text.startswith("|") :]
    return (inner[:-1] if inner.text.endswith("|") else inner).split(_BAR)


def _quantity(cell: SourceText) -> Expr | None:
    return quantity(bare(plain_line(cell.text)))


def _column(head: Expr, cell: SourceText, gradients: bool) -> Column | None:
    plain = plain_line(cell.text)
    value = plain.sub(_LEADING, "")
    tree = formula(value)
    if tree is None or "=" in value.text:
        return None
    left, code = head, "arrow"
    if head.head == "sym" and head.name.startswith("w") and "eta" not in symbols(tree):
        if not gradients:
            code = "labelled"
        left = deriv(sym("E"), head, head.start, head.end)
    spans = SourceText(value.text, [cell.at[k] for k in value.at])
    side = Side(spans, located(tree, spans.span))
    start, end = cell.at[0], cell.at[-1] + 1
    note = Note(code, "read as the value of what heads its column")
    return Column(_placeless(left), Statement((side,), (note,), start, end))


_LEADING = re.compile(r"^[\s`*]*=\s*")


def _placeless(t: Expr) -> Expr:
    """The quantity of another line: it has no place in this one."""
    args: Sequence[Expr] = [_placeless(a) for a in t.args]
    return Expr(t.head, t.name, t.value, tuple(args), -1, -1, t.text)
