"""Definitions of quantities, each of which a line must state: those of the forward pass and of the loss."""

from collections.abc import Callable, Sequence

from grader.checks.backprop._cells import with_cells
from grader.checks.backprop._coverage import Item, Standing, conclude, stand
from grader.checks.backprop._remarks import about_lines
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Outcome
from grader.core.rubric import CheckPolicy, Profile, Treatment


class DefinitionPolicy(CheckPolicy, frozen=True, kw_only=True):
    """`typo`: a misspelt name or bracket. `repeated`: a wrong definition beside a right one.

    `only_in_workbook`: a definition that stands as text in a cell, and in no document.
    """

    typo: Treatment = Treatment.WARN
    repeated: Treatment = Treatment.WARN
    only_in_workbook: Treatment = Treatment.WARN


def definitions(
    what: str,
    kind: FormulaKind,
    wanted: Sequence[str],
    defines: Callable[[FormulaLine, str], bool],
    formulas: FormulaEvidence,
    policy: DefinitionPolicy,
    profile: Profile,
    replay: ReplayFacts | None,
) -> Outcome:
    """Give equal credit for each of the quantities `wanted` that a line of a kind defines rightly."""

    def judge(evidence: FormulaEvidence) -> list[Item]:
        stated = [x for x in evidence.lines if x.kind is kind]
        return [
            stand(
                name,
                [x for x in stated if defines(x, name)],
                gives=lambda _: True,
                typo=policy.typo,
                repeated=policy.repeated,
            )
            for name in wanted
        ]

    items, in_cells = with_cells(judge(formulas), formulas, judge, policy.only_in_workbook, replay)
    costly = [x for i in items if i.standing is Standing.WRONG for x in i.lines]
    lines = [x for x in formulas.lines if x.kind is kind]
    remarks = [*in_cells, *about_lines(lines, costly)]
    return conclude(f"definitions of the {what}", items, formulas, remarks, network=profile.network)
