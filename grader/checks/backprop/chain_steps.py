"""The gradients are derived step by step with the chain rule, and the steps are right.

## What it checks
For each weight, whether some right line opens ∂E/∂w into a product or sum with at least one other derivative.
A weight whose closed form stands needs no steps unless the rubric asks for them; where that closed form is
wrong, BP101 counts it, and the weight is left out here. A wrong step, such as ∂E/∂a_h1, costs when its right
form stands nowhere.

## Why it matters
The steps show where a gradient comes from. A gradient of the first layer has two paths, one through each
output.

## Example
    ∂E/∂w7 = ∂E2/∂a_o2 * ∂a_o2/∂o2 * ∂o1/∂w7

o1 does not depend on w7, so this product is 0.

## What to do instead
    ∂E/∂w7 = ∂E2/∂a_o2 * ∂a_o2/∂o2 * ∂o2/∂w7
    ∂E/∂w1 = ∂E/∂a_h1 * ∂a_h1/∂h1 * ∂h1/∂w1
    ∂E/∂a_h1 = ∂E1/∂a_h1 + ∂E2/∂a_h1
"""

from functools import partial

from grader.checks.backprop._cells import with_cells
from grader.checks.backprop._coverage import Item, Standing, conclude, meant, missing, stand
from grader.checks.backprop._remarks import about_lines
from grader.core.assigned_network import AssignedNetwork
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine, FormulaVerdict
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding, Outcome
from grader.core.rubric import CLASS_PROFILE, CheckParams, CheckPolicy, Profile, Treatment
from grader.core.rule import Rule


def _steps(weight: str, network: AssignedNetwork) -> str:
    """The chain rule to a weight."""
    unit = next(u for u in network.units if weight in [w for w, _ in u.terms])
    return f"∂E/∂{unit.output} * ∂{unit.output}/∂{unit.sum} * ∂{unit.sum}/∂{weight}"


class Params(CheckParams, frozen=True, kw_only=True):
    """`closed_form_suffices`: whether a right closed form stands for its steps."""

    closed_form_suffices: bool = True


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`single_path`: the class sheet's chain through one output. `mislinked`: true by value, but
    wrongly linked.

    `typo`: a misspelt name or bracket. `repeated`: a wrong step beside its right form. `only_in_workbook`: a
    step that stands as text in a cell, and in no document.
    """

    single_path: Treatment = Treatment.WARN
    mislinked: Treatment = Treatment.WARN
    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN
    only_in_workbook: Treatment = Treatment.WARN


def check(
    formulas: FormulaEvidence,
    params: Params,
    policy: Policy,
    profile: Profile = CLASS_PROFILE,
    replay: ReplayFacts | None = None,
) -> Outcome:
    """Give equal credit for each weight, and count each wrong step without a right form as one item more."""
    chains = _chains(formulas)

    def judge(evidence: FormulaEvidence) -> list[Item]:
        return [_weight(w, _chains(evidence), params, policy) for w in profile.network.weights]

    items, in_cells = with_cells(judge(formulas), formulas, judge, policy.only_in_workbook, replay)
    decided = {line.states for item in items for line in item.lines}
    if params.closed_form_suffices:
        # One fault costs once: the closed form stands for its steps, and that it is wrong costs in BP101.
        items = [i for i in items if not _closed_but_wrong(i)] or items
    items += _wrong_steps(chains, decided, policy)
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    remarks = [*in_cells, *about_lines(chains, costly)]
    return conclude(
        "chain-rule steps",
        items,
        formulas,
        remarks,
        lacking=partial(_not_shown, network=profile.network),
        tally=_tally(items),
        network=profile.network,
    )


def _chains(formulas: FormulaEvidence) -> list[FormulaLine]:
    return [x for x in formulas.lines if x.kind in (FormulaKind.CHAIN, FormulaKind.FINAL)]


def _tally(items: list[Item]) -> str:
    """The sentence that counts: closed forms that stand for their steps are no steps."""
    given = [i for i in items if i.standing is Standing.GIVEN]
    shown = sum(any(side.derivatives for x in i.lines for side in x.sides[1:]) for i in given)
    if shown == len(given):
        return ""
    closed = len(given) - shown
    steps = (
        f"{shown} of {len(items)} chain-rule steps are right" if shown else "no chain-rule steps are shown"
    )
    those = "gradient stands" if closed == 1 else "gradients stand"
    return f"{steps}; {closed} {those} right in closed form, which the rubric takes for the steps"


def _closed_but_wrong(item: Item) -> bool:
    return item.standing is Standing.ABSENT and any(x.verdict is FormulaVerdict.WRONG for x in item.lines)


def _not_shown(item: Item, evidence: FormulaEvidence, network: AssignedNetwork) -> Finding:
    """Steps that stand nowhere; a closed form of the gradient may stand there all the same, and the student
    sees it.
    """
    if not item.lines:
        return missing(item, evidence)
    line = item.lines[0]
    weight = item.name.removeprefix("∂E/∂")
    return Finding(
        message=f"the steps to {item.name} are not shown",
        place=line.place,
        expected=f"{item.name} as a product of derivatives, by the chain rule",
        found="its closed form alone"
        + (", and that is wrong" if line.verdict is FormulaVerdict.WRONG else ""),
        hint=f"write how you come to it: {item.name} = {_steps(weight, network)}",
        excerpt=line.text,
        diagnosis="steps-not-shown",
    )


def _weight(weight: str, chains: list[FormulaLine], params: Params, policy: Policy) -> Item:
    name = f"∂E/∂{weight}"
    concerned = [
        x
        for x in chains
        if weight in x.gradients
        or meant(x) == name
        or (x.verdict is FormulaVerdict.UNSURE and x.states == name)
    ]
    steps = [x for x in concerned if x.kind is FormulaKind.CHAIN or x.verdict is not FormulaVerdict.WRONG]
    steps = [x for x in steps if x.verdict is not FormulaVerdict.WRONG or meant(x) == name]
    idiom = [x for x in steps if x.single_path and policy.single_path is not Treatment.FAIL]
    rest = [x for x in steps if x not in idiom]
    item = stand(name, rest, gives=lambda x: _opens(x, policy), typo=policy.typo, repeated=policy.repeated)
    if item.standing is Standing.ABSENT and idiom:
        return Item(name, Standing.GIVEN, tuple(idiom))
    good = {FormulaVerdict.RIGHT} | ({FormulaVerdict.TYPO} if policy.typo is not Treatment.FAIL else set())
    closed = tuple(x for x in concerned if x.verdict in good and x.closed)
    if item.standing in (Standing.ABSENT, Standing.UNREAD) and closed and params.closed_form_suffices:
        return Item(name, Standing.GIVEN, closed)
    if item.standing is Standing.ABSENT:
        return Item(
            name, Standing.ABSENT, tuple(x for x in concerned if x.closed and name in (x.states, meant(x)))
        )
    return item


def _opens(line: FormulaLine, policy: Policy) -> bool:
    if line.mislinked and policy.mislinked is Treatment.FAIL:
        return False
    # One derivative is enough: in ∂E/∂w1 = ∂E/∂a_h1 * a_h1 * (1 - a_h1) * i1 the other factors are already
    # worked out.
    return any(side.derivatives for side in line.sides[1:])


def _wrong_steps(chains: list[FormulaLine], decided: set[str], policy: Policy) -> list[Item]:
    right = {x.states for x in chains if x.verdict in (FormulaVerdict.RIGHT, FormulaVerdict.TYPO)}
    found: dict[str, list[FormulaLine]] = {}
    for line in chains:
        name = meant(line)
        if (
            line.verdict is not FormulaVerdict.WRONG
            or line.gradients
            or name in decided
            or name.startswith("∂E/∂w")
        ):
            continue
        if line.single_path and policy.single_path is not Treatment.FAIL:
            continue
        if (name in right or line.result_right) and policy.repeated is not Treatment.FAIL:
            continue
        found.setdefault(name, []).append(line)
    return [Item(name, Standing.WRONG, tuple(lines)) for name, lines in found.items()]


rule = Rule(code="BP102", name="chain-steps", check=check)
