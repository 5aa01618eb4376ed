"""The learning rate is one number, and every name of it says the same.

## What it checks
That every update reads the same cell for η (no `$` was forgotten), and that the sheet's name and the file's
name say the number that the updates use. A rate typed into every row must stay the same number down to the
last.

## Why it matters
`=E40-G32*X40` filled down without `$` reads the cell below in every row: the curve then belongs to whatever
numbers stand there. Two real books ran at a weight or a target for most of their rows, and their curves
looked plausible.

## Example
    w1   =E33-G31*X33, and one row below =E34-G32*X34

## What to do instead
    w1   =E33-$G$31*X33
"""

from grader.checks.workbook._books import best, filled
from grader.core.facts.replay import BookFacts, ReplayFacts
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """What a name that says another learning rate costs."""

    contradicting_name: Treatment = Treatment.WARN


def check(replay: ReplayFacts, policy: Policy) -> Outcome:
    """Fail on a drifting reference; the policy decides about names."""
    if replay.doubt:
        return unknown(replay.doubt)
    return best(replay, lambda book: _judge(book, policy.contradicting_name))


def _judge(book: BookFacts, treatment: Treatment) -> Outcome:
    findings: list[Finding] = []
    for fault in book.faults:
        if fault.diagnosis == "eta-drift":
            findings.append(fault.finding(book.artefact))
        elif fault.diagnosis == "eta-contradiction" and treatment is not Treatment.ACCEPT:
            weight = Weight.FAULT if treatment is Treatment.FAIL else Weight.REMARK
            findings.append(fault.finding(book.artefact, weight))
    known = [table for table in filled(book) if table.eta_known]
    if any(finding.weight is Weight.FAULT for finding in findings):
        return failed(f"the learning rate of {book.artefact} is not one number everywhere", findings)
    if not known:
        return unknown(
            f"no learning rate was found in {book.artefact}: no update formula reads one", findings
        )
    rates = ", ".join(f"{rate:g}" for rate in sorted({table.eta for table in known}))
    if findings:
        return passed(
            f"{book.artefact} uses the learning rates {rates}; a name says another, which "
            "this rubric only notes",
            findings,
        )
    return passed(f"{book.artefact} uses the learning rates {rates} as its names say", findings)


rule = Rule(code="WB206", name="learning-rate", check=check)
