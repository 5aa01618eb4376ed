"""Small workbooks of the class layout, with any cell replaced by hand."""

from __future__ import annotations

import io
from collections.abc import Callable

import openpyxl

from grader.core.facts.replay import BookFacts
from grader.core.rubric import Profile
from grader.execute.replay.book.replay_book import replay_book
from grader.extract.workbook.child import read

NAMES = [
    "t1",
    "t2",
    "i1",
    "i2",
    "w1",
    "w2",
    "w3",
    "w4",
    "h1",
    "a_h1",
    "h2",
    "a_h2",
    "w5",
    "w6",
    "w7",
    "w8",
    "o1",
    "a_o1",
    "o2",
    "a_o2",
    "E1",
    "E2",
    "E_total",
    "∂E/∂w1",
    "∂E/∂w2",
    "∂E/∂w3",
    "∂E/∂w4",
    "∂E/∂w5",
    "∂E/∂w6",
    "∂E/∂w7",
    "∂E/∂w8",
]
START = dict(zip(
    ["t1", "t2", "i1", "i2", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"], (0.01, 0.99, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55), strict=True
))  # fmt: skip
AT = {name: openpyxl.utils.get_column_letter(i) for i, name in enumerate(NAMES, 1)}
ETA = "$G$2"
HEADER = 4

Edit = Callable[[openpyxl.Workbook], None]


def formula(name: str, r: int) -> str:
    """The right formula of a quantity in a row."""

    def c(other: str) -> str:
        return f"{AT[other]}{r}"

    d1 = f"({c('a_o1')}-{c('t1')})*{c('a_o1')}*(1-{c('a_o1')})"
    d2 = f"({c('a_o2')}-{c('t2')})*{c('a_o2')}*(1-{c('a_o2')})"
    forward = {
        "h1": f"{c('w1')}*{c('i1')}+{c('w2')}*{c('i2')}",
        "h2": f"{c('w3')}*{c('i1')}+{c('w4')}*{c('i2')}",
        "o1": f"{c('w5')}*{c('a_h1')}+{c('w6')}*{c('a_h2')}",
        "o2": f"{c('w7')}*{c('a_h1')}+{c('w8')}*{c('a_h2')}",
        "E1": f"0.5*({c('t1')}-{c('a_o1')})^2",
        "E2": f"0.5*({c('t2')}-{c('a_o2')})^2",
        "E_total": f"{c('E1')}+{c('E2')}",
    }
    forward |= {f"a_{x}": f"1/(1+EXP(-{c(x)}))" for x in ("h1", "h2", "o1", "o2")}
    for k, d, a in ((5, d1, "a_h1"), (6, d1, "a_h2"), (7, d2, "a_h1"), (8, d2, "a_h2")):
        forward[f"∂E/∂w{k}"] = f"{d}*{c(a)}"
    for k, p, q, a, i in (
        (1, 5, 7, "a_h1", "i1"),
        (2, 5, 7, "a_h1", "i2"),
        (3, 6, 8, "a_h2", "i1"),
        (4, 6, 8, "a_h2", "i2"),
    ):
        forward[f"∂E/∂w{k}"] = f"({d1}*{c(f'w{p}')}+{d2}*{c(f'w{q}')})*{c(a)}*(1-{c(a)})*{c(i)}"
    if name in forward:
        return "=" + forward[name]
    if name[0] in "ti":
        return f"={AT[name]}{r - 1}"
    return f"={AT[name]}{r - 1}-{ETA}*{AT['∂E/∂' + name]}{r - 1}"


def workbook(rows: int = 12, eta: float = 0.5, edit: Edit | None = None) -> bytes:
    """A right book of one table with headers in row 4, after an edit by hand."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sheet1"
    sheet["F2"], sheet["G2"] = "η =", eta
    for name in NAMES:
        sheet[f"{AT[name]}{HEADER}"] = name
        for r in range(HEADER + 1, HEADER + 1 + rows):
            first = r == HEADER + 1 and name in START
            sheet[f"{AT[name]}{r}"] = START[name] if first else formula(name, r)
    if edit is not None:
        edit(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def replayed(data: bytes, name: str = "book.xlsx") -> BookFacts:
    """Read in this process and replay with the class profile."""
    return replay_book(read(data, name), Profile())
