"""README and workbook derive the same gradients.

## What it checks
For each of ∂E/∂w1 … ∂E/∂w8: whether the README's formula and the workbook's column are both right or both
wrong. A gradient that no document gives, and that stands as text in a cell, is compared as that text says it.
Gradients that only one side shows are not compared; of several tables those count that calculate.

## Why it matters
Many submissions explain the right formula and train with another one, most often in a sheet that was copied.
Each side alone is judged by its own check; that they contradict each other shows that the sheet was not made
from the derivation.

## Example
    README.md    ∂E/∂w3 = (…) * a_h2 * (1 - a_h2) * i1
    book.xlsx    Z33: =(…)*J33*(1-J33)*C33                  J is a_h1

## What to do instead
Change the cells so that they compute what the README derives, and fill them down.
"""

from grader.checks.backprop._coverage import Item, Standing
from grader.checks.backprop._finals import gradient_items
from grader.core.evidence.formulas import FormulaEvidence
from grader.core.facts.replay import BookFacts, ReplayFacts, State
from grader.core.outcome import Finding, Outcome, Weight, failed, passed, unknown
from grader.core.place import Place
from grader.core.rubric import CLASS_PROFILE, CheckPolicy, Profile, Treatment
from grader.core.rule import Rule
from grader.core.submission import Kind, absent


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """What a contradiction costs. By default nothing: the wrong side has its own check, and one fault
    costs once.
    """

    contradiction: Treatment = Treatment.WARN


def check(
    formulas: FormulaEvidence, replay: ReplayFacts, policy: Policy, profile: Profile = CLASS_PROFILE
) -> Outcome:
    """Compare what both sides show; `unknown` where they show no gradient in common."""
    if not formulas.documents and not formulas.unread:
        return absent("a README or other document", (), cause=f"no-{Kind.README.value}").outcome()
    if replay.doubt:
        return unknown(replay.doubt)
    book = replay.judged[0]
    weight = Weight.FAULT if policy.contradiction is Treatment.FAIL else Weight.REMARK
    sources: list[str] = []
    findings: list[Finding] = []
    derived = zip(
        profile.network.weights,
        gradient_items(formulas, profile),
        gradient_items(formulas.in_cells(), profile),
        strict=True,
    )
    for name, in_documents, in_cells in derived:
        item, source = (in_documents, _README) if in_documents.standing in _SHOWN else (in_cells, _TEXT)
        cells = _column(book, f"d{name}")
        if item.standing not in _SHOWN or cells is None:
            continue
        sources.append(source)
        right_text, right_cells = item.standing is Standing.GIVEN, cells is State.RIGHT
        if right_text != right_cells:
            findings.append(_contradiction(item, book, f"d{name}", weight, source, right_text=right_text))
    if not sources:
        return unknown("README and workbook show no gradient in common as text and cells")
    sides = {
        frozenset({_README}): f"README and {book.artefact}",
        frozenset({_TEXT}): f"the text and the columns of {book.artefact}",
    }.get(frozenset(sources), f"README, text in cells and {book.artefact}")
    agree = f"{len(sources) - len(findings)} of {len(sources)} gradients agree between {sides}"
    if findings and policy.contradiction is Treatment.FAIL:
        return failed(agree, findings)
    return passed(agree, () if policy.contradiction is Treatment.ACCEPT else findings)


_SHOWN = (Standing.GIVEN, Standing.WRONG)
_README = "README"
_TEXT = "text in a cell"
"""The sides that derive a gradient. The derivation stands in cells alone, and in the README as a picture of
them, in twelve of a fresh sample of 45.
"""


def _column(book: BookFacts, quantity: str) -> State | None:
    """Right only where the column is right in every table that calculates it; None where it is not decided.

    Typed values say nothing against the table that they were copied from, which is compared.
    """
    states = {table.state(quantity) for table in book.tables if table.iterations}
    states -= {State.MISSING, State.VALUES}
    if State.WRONG in states:
        return State.WRONG
    return State.RIGHT if states == {State.RIGHT} else None


def _contradiction(
    item: Item, book: BookFacts, quantity: str, weight: Weight, source: str, *, right_text: bool
) -> Finding:
    line = item.lines[0]
    fault = next((f for f in book.faults if f.quantity == quantity), None)
    cells = f"{fault.sheet}!{fault.cells}" if fault is not None else book.artefact
    if right_text:
        message = f"{item.name}: the {source} is right, the workbook computes something else"
        hint = f"make {cells} compute what {line.place} derives"
    else:
        message = f"{item.name}: the workbook is right, the {source} derives something else"
        hint = f"write at {line.place} what the workbook computes"
    place = line.place
    if right_text and fault is not None:
        place = Place(artefact=book.artefact, sheet=fault.sheet or None, ref=fault.cells or None)
    return Finding(
        message=message,
        place=place,
        expected=f"{line.place}: {line.reading}" if right_text else f"{book.artefact}: the right column",
        found=f"{book.artefact} {cells}: {fault.message}"
        if right_text and fault is not None
        else f"{line.place}: {line.reading}",
        hint=hint,
        diagnosis="readme-and-workbook-disagree",
        weight=weight,
    )


rule = Rule(code="BP107", name="workbook-agrees", check=check)
