"""The eight gradients ∂E/∂w1 … ∂E/∂w8 are derived, in closed form, and right.

## What it checks
Every line of the documents that states ∂E/∂w is compared with the network's gradient at random points;
notation and the order of factors do not matter. A gradient counts an eighth. It is given by a closed form,
or by a chain of which every factor is stated in closed form somewhere in the documents. The best statement
of a gradient counts, unless as many as four wrong ones stand beside the right ones: then a person looks. A
gradient that no document gives, and that stands as text in a cell of the workbook, counts with a remark.

## Why it matters
The eight gradients are what the derivation is for: the workbook computes with them, and a swapped index
trains wrongly without any error message.

## Example
    ∂E/∂w3 = ((a_o1 - t1) * a_o1 * (1 - a_o1) * w6 + (a_o2 - t2) * a_o2 * (1 - a_o2) * w8) * a_h1 * (1 - a_h1)
    * i1

w3 leads into h2, so the last activation must be a_h2.

## What to do instead
    ∂E/∂w3 = ((a_o1 - t1) * a_o1 * (1 - a_o1) * w6 + (a_o2 - t2) * a_o2 * (1 - a_o2) * w8) * a_h2 * (1 - a_h2)
    * i1

Write formulas as text; pictures of formulas cannot be checked.
"""

from collections.abc import Sequence

from grader.checks.backprop._cells import with_cells
from grader.checks.backprop._coverage import Item, Standing, conclude, missing
from grader.checks.backprop._finals import contradicted, gradient_items
from grader.checks.backprop._remarks import about_documents, about_lines
from grader.core.assigned_network import AssignedNetwork
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding, Outcome, failed, unknown
from grader.core.place import Place
from grader.core.rubric import CLASS_PROFILE, CheckPolicy, Profile, Treatment
from grader.core.rule import Rule


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`typo`: a final right but for a misspelt name or bracket. `repeated`: a wrong final beside a right one.

    `numbering`: weights numbered otherwise than on the class sheet. `only_in_workbook`: a gradient that
    stands as text in a cell, and in no document.
    """

    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN
    numbering: Treatment = Treatment.WARN
    only_in_workbook: Treatment = Treatment.WARN


def check(
    formulas: FormulaEvidence,
    policy: Policy,
    profile: Profile = CLASS_PROFILE,
    replay: ReplayFacts | None = None,
) -> Outcome:
    """Give equal credit for each gradient."""
    renumbered = [
        d for d in formulas.documents if d.convention.hidden_transposed or d.convention.output_transposed
    ]
    if renumbered and policy.numbering is Treatment.FAIL:
        return failed(
            "the weights are numbered otherwise than on the class sheet",
            [_numbering(renumbered[0].artefact, profile.network)],
        )

    def judge(evidence: FormulaEvidence) -> list[Item]:
        return gradient_items(evidence, profile, typo=policy.typo, repeated=policy.repeated)

    items, in_cells = with_cells(judge(formulas), formulas, judge, policy.only_in_workbook, replay)
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    concerned = [x for x in formulas.lines if x.kind in (FormulaKind.FINAL, FormulaKind.CHAIN)]
    remarks = [*in_cells, *about_lines(concerned, costly), *about_documents(formulas)]
    if policy.repeated is Treatment.WARN and (several := _several(items, formulas)):
        return unknown(several, remarks)
    return conclude(
        "gradients",
        items,
        formulas,
        remarks,
        lacking=_not_worked_out,
        tally=_tally(items),
        network=profile.network,
    )


def _several(items: Sequence[Item], formulas: FormulaEvidence) -> str:
    """What is said of a document that gives gradients in several ways, right and wrong; empty of others."""
    found = contradicted(items, formulas)
    if (count := sum(found.values())) < max(2, len(items) // 2):
        return ""
    return f"{count} wrong lines stand beside the right ones of {', '.join(found)}: which are meant?"


def _tally(items: Sequence[Item]) -> str:
    """The sentence that counts where gradients stand as chains: right as such, and not worked out."""
    chains = sum(i.standing is Standing.ABSENT and bool(i.lines) for i in items)
    if not chains:
        return ""
    given = sum(i.standing is Standing.GIVEN for i in items)
    stand = "1 stands as a chain" if chains == 1 else f"{chains} stand as chains"
    return f"{given} of {len(items)} gradients are worked out; {stand} of derivatives"


def _not_worked_out(item: Item, evidence: FormulaEvidence) -> Finding:
    """A gradient that stands nowhere, or only as a chain of which some factor is not worked out."""
    if not item.lines:
        return missing(item, evidence)
    line = item.lines[0]
    factors = next((side.derivatives for side in line.sides[1:] if side.derivatives), ())
    return Finding(
        message=f"{item.name} stands as a chain of derivatives only",
        place=line.place,
        expected=f"{item.name} in closed form, or every factor of its chain in closed form",
        found=line.reading,
        hint=f"work out {', '.join(factors)} and multiply" if factors else "work it out",
        excerpt=line.text,
        diagnosis="missing",
    )


def _numbering(artefact: str, network: AssignedNetwork) -> Finding:
    first = [next(u for u in network.units if u.layer == k) for k in range(len(network.layers) - 1)]
    second = [network.units[network.units.index(u) + 1] for u in first if len(u.terms) > 1]
    pairs = [f"{u.terms[1][0]} and {v.terms[0][0]}" for u, v in zip(first, second, strict=False)]
    return Finding(
        message=f"{', or '.join(pairs)}, have changed places",
        place=Place(artefact=artefact),
        expected=", ".join(f"{u.sum} = {' + '.join(f'{w}*{x}' for w, x in u.terms)}" for u in first),
        found="the numbering under which the most lines are right",
        hint="number the weights as the class sheet does",
        diagnosis="numbering",
    )


rule = Rule(code="BP101", name="final-gradients", check=check)
