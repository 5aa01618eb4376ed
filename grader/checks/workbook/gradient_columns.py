"""The gradient columns of the workbook are the derivatives.

## What it checks
Every formula in the columns ∂E/∂w1 … ∂E/∂w8, in every row: with right values in all cells that it reads, it
must give the derivative. Where E1 and E2 leave out the ½, or E_total is their mean, the derivatives of that
loss are right, with a remark: it costs in WB202. A formula that is right with other numbers than those of its
own rows, as `IF(E5=0.15, …)` can be, is for a person. The whole table is also replayed from random weights,
inputs, targets and learning rates. Each of the eight columns earns its share.

## Why it matters
A wrong derivative can hide completely: with a_h1 in place of a_h2 in ∂E/∂w3 the loss curve changes by less
than a millionth, and the network still learns. The formula itself is the only witness.

## Example
    ∂E/∂w3   =((R33-A33)*R33*(1-R33)*N33+(T33-B33)*T33*(1-T33)*P33)*J33*(1-J33)*C33

J is a_h1, but w3 leads to h2.

## What to do instead
Use the sigmoid's slope at the neuron that the weight leads to:

    ∂E/∂w3   =((R33-A33)*R33*(1-R33)*N33+(T33-B33)*T33*(1-T33)*P33)*L33*(1-L33)*C33
"""

from collections.abc import Sequence

from grader.checks.workbook._books import best, columns, faults_of, filled, only_typed, shown_name
from grader.core.facts.replay import Agreement, BookFacts, CellFault, ReplayFacts, State, TableFacts
from grader.core.outcome import Finding, Outcome, Weight, graded, unknown
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule

INHERITED = "inherited-class-error"


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """What the error inherited from a widespread class sheet costs."""

    inherited_class_error: Treatment = Treatment.WARN


def check(replay: ReplayFacts, policy: Policy) -> Outcome:
    """Give each of the eight columns its share, averaged over the tables of the best book."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, lambda book: _judge(book, policy.inherited_class_error))


def _judge(book: BookFacts, treatment: Treatment) -> Outcome:
    tables = filled(book)
    unclear = [f"{t.sheet}: {text}" for t in tables if (text := _unclear(t, book))]
    unclear += book.unread
    if typed := [shown_name(name) for name in columns(book).gradients if only_typed(book, name)]:
        names = ", ".join(typed[:3]) + (f" and {len(typed) - 3} more" if len(typed) > 3 else "")
        unclear.append(f"{names}: numbers in every row, so no formula shows the derivative")
    findings: list[Finding] = []
    credit = 0.0
    right = 0
    gradients = columns(book).gradients
    for quantity in gradients:
        faults = faults_of(book, quantity)
        share = sum(_right(table, quantity, faults, treatment) for table in tables) / len(tables)
        credit += share / len(gradients)
        right += share == 1.0 and any(_known(table, quantity) for table in tables)
        for fault in faults:
            forgiven = fault.diagnosis == INHERITED and treatment is not Treatment.FAIL
            if fault.diagnosis != INHERITED or treatment is not Treatment.ACCEPT:
                finding = fault.finding(book.artefact, Weight.REMARK if forgiven else Weight.FAULT)
                if finding not in findings:  # two columns that read one faulty helper cell have one fault
                    findings.append(finding)
    findings += [
        fault.finding(book.artefact, Weight.REMARK)
        for fault in book.faults
        if fault.diagnosis == "multiple-of-the-loss"
    ]
    carried = len({f.quantity for f in book.faults if f.diagnosis == INHERITED and f.quantity in gradients})
    carried = 0 if treatment is Treatment.FAIL else min(carried, right)
    summary = f"{right - carried} of {len(gradients)} gradient columns of {book.artefact} are the derivatives"
    if carried:
        summary += f"; {carried} carry the error of the class sheet, which this rubric only notes"
    if unclear:
        return unknown(f"{summary}; not decided: {'; '.join(unclear)}", findings)
    return graded(
        1.0 if credit > 0.9999 else min(credit, 0.999), summary, findings, _headline(findings, len(gradients))
    )


def _headline(findings: Sequence[Finding], columns: int) -> str:
    """Say what is wrong in a title, where every wrong column has the same slip."""
    wrong = [finding for finding in findings if finding.weight is Weight.FAULT]
    slips = {finding.slip for finding in wrong}
    many = len({finding.subject for finding in wrong})
    return (
        f"{many} of {columns} gradient columns: {slips.pop()}" if len(slips) == 1 and "" not in slips else ""
    )


def _known(table: TableFacts, quantity: str) -> bool:
    """Whether a table shows a gradient, as a column or inside the update of its weight."""
    if table.state(quantity) is State.MISSING:
        return table.state(quantity[1:]) is State.RIGHT
    return table.state(quantity) is not State.UNRESOLVED


def _right(table: TableFacts, quantity: str, faults: tuple[CellFault, ...], treatment: Treatment) -> bool:
    if table.state(quantity) is not State.WRONG:
        return True
    here = [fault for fault in faults if fault.sheet == table.sheet]
    inherited = bool(here) and all(fault.diagnosis == INHERITED for fault in here)
    return inherited and treatment is not Treatment.FAIL


def _unclear(table: TableFacts, book: BookFacts) -> str:
    """Why the gradients of a table are not decided; empty where they are."""
    for quantity in columns(book).gradients:
        state = table.state(quantity)
        if state is State.UNRESOLVED:
            elsewhere = any(f.diagnosis == "right-elsewhere" and f.quantity == quantity for f in book.faults)
            why = "are right with other numbers than the book's" if elsewhere else "could not be evaluated"
            return f"the formulas of {shown_name(quantity)} {why}"
        if state is State.WRONG and not faults_of(book, quantity):
            return f"the column of {shown_name(quantity)} differs, and no cell of it could be named"
        implied = table.state(quantity[1:]) is State.RIGHT
        if state is State.MISSING and not implied:
            return f"no column for {shown_name(quantity)} was found"
    whole = any(fault.diagnosis == "replay-deviates" and fault.sheet == table.sheet for fault in book.faults)
    if whole and table.agreement is Agreement.DEVIATES:
        return f"a replay from other starting values leaves the reference at {table.deviates_at}"
    return ""


rule = Rule(code="WB201", name="gradient-columns", check=check)
