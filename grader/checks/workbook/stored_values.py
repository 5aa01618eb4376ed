"""The stored values of the workbook are what its formulas give.

## What it checks
A workbook stores the last result of every formula. Each is compared with a recalculation. A value that does
not follow from the stored values of the very cells that it reads was not calculated by this formula.

## Why it matters
Readers, charts and other programs see the stored values. A book that was not recalculated after the learning
rate was changed shows the losses of another learning rate, and one that shows #VALUE! shows nothing.

## Example
    W40   =U40+V40   stored 0.011, but U40 + V40 is 0.031

## What to do instead
Open the book, let it recalculate (Ctrl+Alt+F9 in Excel) and save it again.
"""

from grader.checks.workbook._books import best, columns
from grader.core.facts.replay import BookFacts, ReplayFacts, State, TableFacts
from grader.core.outcome import Outcome, Weight, graded, passed, skipped, unknown
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule

_KINDS = ("stale-cache", "cached-value-differs", "stored-error")


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """What the two kinds of difference cost."""

    stale: Treatment = Treatment.WARN
    """Weights and all that follows were not recalculated after a change."""
    differing: Treatment = Treatment.FAIL
    """A stored value that its own formula does not give."""


def check(replay: ReplayFacts, policy: Policy) -> Outcome:
    """Pass where all stored values agree; the treatments decide about differences."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, lambda book: _judge(book, policy))


def _judge(book: BookFacts, policy: Policy) -> Outcome:
    if not book.cache_checked and book.cache_unclear:
        return unknown(
            f"none of the {book.cache_unclear:,} stored values of {book.artefact} could be recalculated here"
        )
    if not book.cache_checked:
        if all(_typed(book, table) for table in book.tables):
            return skipped(f"every value of {book.artefact} is typed: no formula gives another")
        return skipped(f"{book.artefact} stores no results beside its formulas")
    findings = []
    for fault in book.faults:
        if fault.diagnosis in _KINDS:
            treatment = policy.stale if fault.diagnosis == "stale-cache" else policy.differing
            if treatment is not Treatment.ACCEPT:
                weight = Weight.FAULT if treatment is Treatment.FAIL else Weight.REMARK
                findings.append(fault.finding(book.artefact, weight))
    agreeing = book.cache_checked - book.cache_off
    summary = (
        f"{agreeing:,} of {book.cache_checked:,} stored values of {book.artefact} are what the formulas give"
    )
    if book.cache_unclear:
        summary += f"; {book.cache_unclear:,} more could not be recalculated here"
    if any(finding.weight is Weight.FAULT for finding in findings):
        return graded(0.0, summary, findings)
    if findings:
        summary += "; the others were stored before a value was changed, which this rubric only notes"
    return passed(summary, findings)


def _typed(book: BookFacts, table: TableFacts) -> bool:
    """Whether every column of a table that is calculated elsewhere holds typed numbers, to its last row."""
    known = columns(book)
    asked = {
        quantity
        for quantity in (*known.forward, *known.gradients, *known.weights)
        if table.state(quantity) is not State.MISSING
    }
    typed = {f.quantity for f in book.faults if f.sheet == table.sheet and f.diagnosis == "hard-coded-cell"}
    return bool(asked) and asked <= typed


rule = Rule(code="WB203", name="stored-values", check=check)
