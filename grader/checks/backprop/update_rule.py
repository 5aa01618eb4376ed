"""The update rule is written down and right, for every weight.

## What it checks
Whether w = w - η * ∂E/∂w is written down and right. One line for w_i counts for all weights,
and so does a right line for some of them ("and so on for the others") unless the rubric asks for each. Where
the rules of more than half of the weights are written out one by one, that list decides: a rule that neither
it nor a line for w_i gives is missing, and one that is wrong in it is wrong, though a line for w_i stands
beside. A list of seven is meant to be whole: the one that it leaves out is missing, whatever stands beside. A
wrong line costs the weight whose rule it was meant to be. A rubric may also take the workbook for the README
(`sources`): columns of weights whose formulas are the update.

## Why it matters
A line copied for the next weight and edited only in part (`w8 = w6 - η * ∂E/∂w6`) overwrites one weight with
another.

## Example
    w8 = w6 - η * ∂E/∂w6

## What to do instead
    w8 = w8 - η * ∂E/∂w8

or once for all weights:

    wi = wi - η * ∂E/∂wi
"""

from collections.abc import Sequence
from enum import Enum

from grader.checks.backprop._cells import with_cells
from grader.checks.backprop._coverage import Item, Standing, conclude, meant, stand
from grader.checks.backprop._remarks import about_lines
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine, FormulaVerdict
from grader.core.facts.replay import ReplayFacts, State
from grader.core.outcome import Finding, Outcome, Weight, passed
from grader.core.place import Place
from grader.core.rubric import CLASS_PROFILE, CheckParams, CheckPolicy, Profile, Treatment
from grader.core.rule import Rule


class Source(Enum):
    """Where the update rules may stand."""

    README = "readme"
    WORKBOOK = "workbook"


class Params(CheckParams, frozen=True, kw_only=True):
    """`each_weight`: whether the rule has to be written out for every weight.

    `sources`: where the rules may stand; with "workbook", cells that compute them count as much as lines.
    """

    each_weight: bool = False
    sources: tuple[Source, ...] = (Source.README,)


class Policy(CheckPolicy, frozen=True, kw_only=True):
    """`typo`: a misspelt name or bracket. `repeated`: a wrong rule beside a right one for the same weight.

    `only_in_workbook`: a rule that stands as text in a cell, and in no document.
    """

    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN
    only_in_workbook: Treatment = Treatment.WARN


def check(
    formulas: FormulaEvidence,
    replay: ReplayFacts | None,
    params: Params,
    policy: Policy,
    profile: Profile = CLASS_PROFILE,
) -> Outcome:
    """Give equal credit for each weight."""
    lines = [x for x in formulas.lines if x.kind is FormulaKind.UPDATE]
    weights = profile.network.weights

    def judge(evidence: FormulaEvidence) -> list[Item]:
        return _items([x for x in evidence.lines if x.kind is FormulaKind.UPDATE], params, policy, weights)

    items, in_text = with_cells(judge(formulas), formulas, judge, policy.only_in_workbook, replay)
    right = all(i.standing is Standing.GIVEN for i in items)
    if Source.WORKBOOK in params.sources and replay is not None and not right:
        cells = _in_cells(replay, profile.network.weights)
        if cells is not None:
            return passed(
                f"the update rules of all {len(items)} weights are computed in {cells.place}",
                [cells, *about_lines(lines)],
            )
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    return conclude(
        "update rules",
        items,
        formulas,
        [*in_text, *about_lines(lines, costly)],
        tally=_tally(items),
        network=profile.network,
    )


def _tally(items: list[Item]) -> str:
    """The sentence that counts where some rules are not written out, and what gives them."""
    given = [i for i in items if i.standing is Standing.GIVEN]
    own = sum(any(len(x.updates) == 1 for x in i.lines) for i in given)
    if own == len(given):
        return ""
    others = f"{len(given)} of {len(items)} update rules are right"
    if not own:
        return f"{others}, by a line for all weights" if all(i.lines for i in given) else ""
    return f"{others}: {own} written out, the rest by a line for all weights or as the same"


def _items(lines: list[FormulaLine], params: Params, policy: Policy, weights: Sequence[str]) -> list[Item]:
    """How the rule of each weight stands: by lines of its own, by a line for all weights, or by "and so
    on".
    """
    general = [
        x for x in lines if len(x.updates) > 1 or (x.verdict is FormulaVerdict.WRONG and x.states == "w")
    ]
    own = [_weight(w, [x for x in lines if _names(x, w)], policy) for w in weights]
    written = sum(i.standing is not Standing.ABSENT for i in own)
    listed = written > len(weights) // 2
    items: list[Item] = []
    for item in own:
        for_all = _weight(item.quantity, general if written < len(weights) - 1 else [], policy)
        lenient = not listed and policy.repeated is not Treatment.FAIL
        beside = lenient and item.standing is Standing.WRONG and for_all.standing is Standing.GIVEN
        items.append(for_all if item.standing is Standing.ABSENT or beside else item)
    and_so_on = any(i.standing is Standing.GIVEN for i in items) and not listed and not params.each_weight
    return [
        i._replace(standing=Standing.GIVEN) if and_so_on and i.standing is Standing.ABSENT else i
        for i in items
    ]


def _weight(weight: str, lines: list[FormulaLine], policy: Policy) -> Item:
    name = f"the update of {weight}"
    item = stand(name, lines, gives=lambda _: True, typo=policy.typo, repeated=policy.repeated)
    return item._replace(quantity=weight)


def _names(line: FormulaLine, weight: str) -> bool:
    """Whether the line is about this weight: what a wrong one was meant for, else what it states."""
    if line.verdict is FormulaVerdict.WRONG:
        return weight in (meant(line), meant(line).removeprefix("∂E/∂"))
    return line.updates == (weight,)


def _in_cells(replay: ReplayFacts, weights: Sequence[str]) -> Finding | None:
    """A remark with the place of the table whose columns compute all updates; None where no book proves
    them.
    """
    if replay.doubt or not replay.judged:
        return None
    book = replay.judged[0]
    for table in book.tables:
        if table.iterations and all(table.state(w) is State.RIGHT for w in weights):
            return Finding(
                message="the workbook computes the updates",
                place=Place(artefact=book.artefact, sheet=table.sheet or None),
                found=table.place,
                weight=Weight.REMARK,
            )
    return None


rule = Rule(code="BP105", name="update-rule", check=check)
