"""The table is calculated, not typed.

## What it checks
Columns of the forward pass, the gradients and the updates hold formulas. A column of which more than a fifth
is typed or pasted counts as typed; single typed cells and constants inside formulas are shown as remarks. A
table of pasted values beside one that is calculated is the record of another learning rate: a remark.

## Why it matters
A number that was typed shows a result but not how it came about, and it does not follow when a weight or the
learning rate changes.

## Example
    h1   0.0275

## What to do instead
    h1   =E33*C33+F33*D33
"""

from typing import NamedTuple

from grader.checks.workbook._books import best, columns, filled, shown_name
from grader.core.facts.replay import BookFacts, CellFault, ReplayFacts, State, TableFacts
from grader.core.outcome import Finding, Outcome, Weight, graded, unknown
from grader.core.place import Place
from grader.core.rubric import CheckParams
from grader.core.rule import Rule

_TYPED = ("hard-coded-cell", "rounded-value", "wrong-value")
_REMARKS = ("hard-coded-constant", "rounded-constant", "rounded-formula")


class Params(CheckParams, frozen=True, kw_only=True):
    """How much of a column may be typed."""

    typed_share: float = 0.2


def check(replay: ReplayFacts, params: Params) -> Outcome:
    """Give each column that is calculated its share."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, lambda book: _judge(book, params.typed_share))


def _judge(book: BookFacts, typed_share: float) -> Outcome:
    tables = [_table(book, table, typed_share) for table in filled(book)]
    if any(t.calculated == t.total > 0 for t in tables):
        tables = [t if t.calculated else _record(book, t) for t in tables]
    total, calculated = sum(t.total for t in tables), sum(t.calculated for t in tables)
    if not total:
        return unknown(f"no column of a table was recognised in {book.artefact}")
    return graded(
        calculated / total,
        f"{calculated} of {total} columns of {book.artefact} are calculated",
        [finding for t in tables for finding in t.findings],
    )


class _Columns(NamedTuple):
    """The columns of one table: how many there are, how many are calculated, and what is typed."""

    table: TableFacts
    total: int
    calculated: int
    findings: list[Finding]


def _table(book: BookFacts, table: TableFacts, typed_share: float) -> _Columns:
    findings: list[Finding] = []
    total = calculated = 0
    known = columns(book)
    for quantity in (*known.forward, *known.gradients, *known.weights):
        if table.state(quantity) is State.MISSING:
            continue
        total += 1
        faults = [f for f in book.faults if f.sheet == table.sheet and f.quantity == quantity]
        typed = [fault for fault in faults if fault.diagnosis in _TYPED]
        heavy = sum(fault.count for fault in typed) > typed_share * table.iterations
        calculated += not heavy
        findings += [_finding(book, table, f, heavy=heavy) for f in typed]
        findings += [f.finding(book.artefact, Weight.REMARK) for f in faults if f.diagnosis in _REMARKS]
    texts = [f for f in book.faults if f.sheet == table.sheet and f.diagnosis == "number-as-text"]
    findings += [fault.finding(book.artefact, Weight.REMARK) for fault in texts]
    return _Columns(table, total, calculated, findings)


def _record(book: BookFacts, columns: _Columns) -> _Columns:
    table = columns.table
    finding = Finding(
        message=f"the table holds pasted values; the formulas stand in another table of {book.artefact}",
        place=Place(artefact=book.artefact, sheet=table.sheet),
        found=f"numbers in {columns.total} columns of {table.iterations} rows",
        diagnosis="pasted-table",
        weight=Weight.REMARK,
    )
    return _Columns(table, 0, 0, [finding] if columns.total else [])


def _finding(book: BookFacts, table: TableFacts, fault: CellFault, *, heavy: bool) -> Finding:
    one = fault.finding(book.artefact, Weight.FAULT if heavy else Weight.REMARK)
    return one if one.expected else _with_expected(one, f"a formula for {shown_name(fault.quantity)}", table)


def _with_expected(one: Finding, expected: str, table: TableFacts) -> Finding:
    return Finding(
        message=one.message,
        place=one.place,
        expected=expected,
        found=one.found or f"numbers in a table of {table.iterations} rows",
        hint=one.hint,
        diagnosis=one.diagnosis,
        weight=one.weight,
    )


rule = Rule(code="WB204", name="formulas-not-numbers", check=check)
