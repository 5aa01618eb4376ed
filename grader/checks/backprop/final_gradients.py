"""The eight gradients ∂E/∂w1 … ∂E/∂w8 are derived, in closed form, and right.

## What it checks
Every line of the documents that states ∂E/∂w is compared with the network's gradient at random points; notation and
the order of factors do not matter. A gradient counts an eighth. It is given by a closed form, or by a chain of which every
factor is stated in closed form somewhere in the documents. The best statement of a gradient counts.

## Why it matters
The eight gradients are what the derivation is for: the workbook computes with them, and a swapped index trains wrongly without any error message.

## Example
    ∂E/∂w3 = ((a_o1 - t1) * a_o1 * (1 - a_o1) * w6 + (a_o2 - t2) * a_o2 * (1 - a_o2) * w8) * a_h1 * (1 - a_h1) * i1

w3 leads into h2, so the last activation must be a_h2.

## What to do instead
    ∂E/∂w3 = ((a_o1 - t1) * a_o1 * (1 - a_o1) * w6 + (a_o2 - t2) * a_o2 * (1 - a_o2) * w8) * a_h2 * (1 - a_h2) * i1

Write formulas as text; pictures of formulas cannot be checked.
"""

from grader.checks.backprop._coverage import WEIGHTS, Item, Standing, conclude, meant, stand
from grader.checks.backprop._remarks import about_documents, about_lines
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine, FormulaVerdict
from grader.core.outcome import Finding, Outcome, failed
from grader.core.place import Place
from grader.core.rubric import CheckPolicy, Treatment
from grader.core.rule import Rule


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`typo`: a final right but for a misspelt name or bracket. `repeated`: a wrong final beside a right one.

    `numbering`: weights numbered otherwise than on the class sheet.
    """

    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN
    numbering: Treatment = Treatment.WARN


def check(formulas: FormulaEvidence, policy: Policy) -> Outcome:
    """Give an eighth of the credit for each gradient."""
    renumbered = [
        d for d in formulas.documents if d.convention.hidden_transposed or d.convention.output_transposed
    ]
    if renumbered and policy.numbering is Treatment.FAIL:
        return failed(
            "the weights are numbered otherwise than on the class sheet", [_numbering(renumbered[0].artefact)]
        )
    known = _closed_atoms(formulas)
    items = [_gradient(w, formulas, known, policy) for w in WEIGHTS]
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    concerned = [x for x in formulas.lines if x.kind in (FormulaKind.FINAL, FormulaKind.CHAIN)]
    return conclude(
        "gradients", items, formulas, [*about_lines(concerned, costly), *about_documents(formulas)]
    )


def _gradient(weight: str, formulas: FormulaEvidence, known: frozenset[str], policy: Policy) -> Item:
    name = f"∂E/∂{weight}"
    finals = [x for x in formulas.lines if _concerns(x, weight, name)]
    item = stand(name, finals, gives=lambda x: x.closed, typo=policy.typo, repeated=policy.repeated)
    if item.standing in (Standing.ABSENT, Standing.UNREAD):
        completed = tuple(x for x in formulas.lines if weight in x.gradients and _completes(x, known))
        if completed:
            return Item(name, Standing.GIVEN, completed)
    return item


def _concerns(line: FormulaLine, weight: str, name: str) -> bool:
    if line.verdict is FormulaVerdict.WRONG:
        return line.kind is FormulaKind.FINAL and (
            meant(line) == name or (line.result_right and line.states == name)
        )
    if line.verdict is FormulaVerdict.UNSURE:
        return line.states == name
    return weight in line.gradients and line.closed


def _closed_atoms(formulas: FormulaEvidence) -> frozenset[str]:
    """Derivatives that right lines state in closed form, or in terms of such derivatives."""
    known: set[str] = set()
    right = [
        x
        for x in formulas.lines
        if x.verdict in (FormulaVerdict.RIGHT, FormulaVerdict.TYPO) and x.states.startswith("∂")
    ]
    grown = True
    while grown:
        grown = False
        for line in right:
            if line.states not in known and any(set(s.derivatives) <= known for s in line.sides[1:]):
                known.add(line.states)
                grown = True
    return frozenset(known)


def _completes(line: FormulaLine, known: frozenset[str]) -> bool:
    """Whether a right chain can be multiplied out with what the documents state."""
    if line.verdict not in (FormulaVerdict.RIGHT, FormulaVerdict.TYPO):
        return False
    return any(s.derivatives and set(s.derivatives) <= known - {line.states} for s in line.sides[1:])


def _numbering(artefact: str) -> Finding:
    return Finding(
        message="w2 and w3, or w6 and w7, have changed places",
        place=Place(artefact=artefact),
        expected="h1 = w1*i1 + w2*i2, o1 = w5*a_h1 + w6*a_h2",
        found="the numbering under which the most lines are right",
        hint="number the weights as the class sheet does",
        diagnosis="numbering",
    )


rule = Rule(code="BP101", name="final-gradients", check=check)
