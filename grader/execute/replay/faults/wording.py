"""Cells and symbols in the sentences of a diagnosis."""

from collections.abc import Sequence

from grader.backprop.sheet_names import names
from grader.backprop.tokens import Token
from grader.execute.replay.notation import address, display, number, qualified
from grader.execute.replay.table.layout import Layout, Symbol


class Wording:
    """Speaks of the cells of one table."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def subject(self, quantity: str) -> str:
        """What a sentence about a cell of a quantity speaks of."""
        return f"the update of {quantity}" if quantity in names().weights else display(quantity)

    def name(self, quantity: str, index: int) -> str:
        """`L33 (a_h2)`, for the index-th row."""
        cell = self.cell(quantity, index)
        return f"{cell} ({display(quantity)})" if cell else display(quantity)

    def cell(self, quantity: str, index: int) -> str:
        """`L33`, or an empty string where the table has no such column."""
        return address(self._layout.key(quantity, index)) if self._layout.has(quantity) and index >= 0 else ""

    def describe(self, symbol: Symbol, read: int, index: int) -> str:
        """A symbol as cell and meaning; `read` is the cell that the formula reads, 0 where it should
        read it.
        """
        if symbol[0] == "q":
            at = {"same": index, "prev": index - 1}.get(str(symbol[2]), symbol[2])
            row = at if isinstance(at, int) and 0 <= at < len(self._layout.rows) else index
            cell = (
                qualified(self._layout.model, read, self._layout.table.sheet)
                if read
                else self.cell(str(symbol[1]), row)
            )
            return f"{cell} ({display(str(symbol[1]))})" if cell else display(str(symbol[1]))
        if symbol[0] == "eta":
            eta = self._layout.eta
            return f"{address(eta.cell)} (η)" if eta is not None and eta.cell else "η"
        what = {"empty": "an empty cell", "text": "a text"}.get(str(symbol[0]), "")
        value = number(float(str(symbol[1]))) if symbol[0] == "number" else what
        return f"{qualified(self._layout.model, read, self._layout.table.sheet)} ({value})" if read else value

    def formula(self, tokens: Sequence[Token], cells: Sequence[int]) -> str:
        """Tokens over cells in A1 notation with `=`; empty where a range or a typed learning rate stands
        among them.
        """
        out = []
        for token in tokens:
            if token.kind == "range" or (token.kind == "ref" and not cells[int(token.value)]):
                return ""
            if token.kind == "ref":
                out.append(qualified(self._layout.model, cells[int(token.value)], self._layout.table.sheet))
            elif token.kind == "number":
                out.append(number(float(token.value)))
            else:
                out.append(f"{token.value}(" if token.kind == "call" else str(token.value))
        return "=" + "".join(out)


def anchored(cell: str) -> str:
    """`$G$31` for `G31`; other texts stay."""
    split = next((i for i, c in enumerate(cell) if c.isdigit()), 0)
    return f"${cell[:split]}${cell[split:]}" if split and cell[:split].isalpha() else cell
