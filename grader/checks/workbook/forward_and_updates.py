"""The forward pass, the loss and the weight updates of the workbook are right.

## What it checks
Every formula of h, a_h, o, a_o, E1, E2, E_total and of the eight weights from the second row on, each with
right values in the cells that it reads. Inputs and targets must stay the same in every row. A learning rate
that drifts is judged by WB206, a wrong derivative by WB201. A table that counts the weights of a layer by
their source (h1 = w1*i1 + w3*i2) is judged as it counts, with a remark. So are E1 = (t1 - a_o1)^2 and
E_total = (E1 + E2)/2, which give the loss that is asked for.

## Why it matters
`=1/1+EXP(-J9)` is not a sigmoid, and `=E11*$G$8*X11` is no step of gradient descent, but both give a curve
that falls.

## Example
    a_h1   =1/1+EXP(-J9)

Excel divides before it adds: this is 1 + EXP(-J9).

## What to do instead
    a_h1   =1/(1+EXP(-J9))
    w1     =E11-$G$8*X11
"""

from grader.checks.workbook._books import best, columns, faults_of, filled, only_typed
from grader.core.facts.replay import BookFacts, CellFault, ReplayFacts, State, TableFacts
from grader.core.outcome import Finding, Outcome, Weight, graded, unknown
from grader.core.rule import Rule

_ELSEWHERE = ("eta-drift",)
_REMARKS = ("other-numbering", "losses-together")


def check(replay: ReplayFacts) -> Outcome:
    """Give each column its share, averaged over the tables of the best book."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, _judge)


def _judge(book: BookFacts) -> Outcome:
    tables = filled(book)
    findings: list[Finding] = []
    credit, right, present = 0.0, 0, 0
    unclear = "; ".join(book.unread)
    known = columns(book)
    counted = (*known.forward, *known.weights)
    for quantity in (*counted, *known.inputs):
        faults = tuple(fault for fault in faults_of(book, quantity) if fault.diagnosis not in _ELSEWHERE)
        told = [fault.finding(book.artefact) for fault in faults]
        findings += [finding for finding in told if finding not in findings]
        if quantity not in counted:
            continue
        here = [table for table in tables if table.state(quantity) is not State.MISSING]
        if any(table.state(quantity) is State.UNRESOLVED for table in here):
            unclear = unclear or f"the formulas of {quantity} could not be evaluated"
        if here:
            present += 1
            share = sum(_right(table, faults) for table in here) / len(here)
            credit += share
            right += share == 1.0
    if all(only_typed(book, quantity) for quantity in known.forward):
        unclear = (
            unclear or "every column of the forward pass holds numbers, and no formula shows how they came"
        )
    if not present:
        return unknown(f"no columns of a forward pass were found in {book.artefact}")
    summary = f"{right} of {present} columns of the forward pass and the updates of {book.artefact} are right"
    if right == present and findings:
        summary += f"; {findings[0].message}"
    remarks = [
        fault.finding(book.artefact, Weight.REMARK) for fault in book.faults if fault.diagnosis in _REMARKS
    ]
    if unclear:
        return unknown(f"{summary}; {unclear}", [*findings, *remarks])
    share = 1.0 if not findings else min(credit / present, 0.95)
    return graded(share, summary, [*findings, *remarks])


def _right(table: TableFacts, faults: tuple[CellFault, ...]) -> bool:
    return not any(fault.sheet == table.sheet for fault in faults)


rule = Rule(code="WB202", name="forward-and-updates", check=check)
