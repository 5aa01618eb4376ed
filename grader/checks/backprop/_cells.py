"""What stands as text in the cells of a workbook counts where the documents do not give it.

Public hand-ins often show a picture of the sheet in the README, and the sheet holds the formulas of the
picture as text (five of the first 27 of a fresh sample).
"""

from collections.abc import Callable, Sequence

import msgspec

from grader.checks.backprop._coverage import Item, Standing, fault
from grader.core.evidence.formulas import FormulaEvidence, FormulaLine
from grader.core.facts.replay import ReplayFacts
from grader.core.outcome import Finding, Weight
from grader.core.rubric import Treatment


def with_cells(
    items: Sequence[Item],
    formulas: FormulaEvidence,
    judge: Callable[[FormulaEvidence], Sequence[Item]],
    only_in_workbook: Treatment,
    replay: ReplayFacts | None,
) -> tuple[list[Item], list[Finding]]:
    """Return the items with those that only a workbook's cells give, and the remarks that say so.

    `judge` makes the items of a check from evidence. A right statement in a cell counts. A wrong or unread
    one is taken only where nothing unread in the documents could hold the statement; else a person looks
    there, and is told what is wrong in the cell (three of a fresh sample of 45: the pictures showed the very
    cells). A wrong text beside cells that compute the quantity right is a caption: a person compares the two.
    """
    absent = [i for i in items if i.standing is Standing.ABSENT]
    if not absent or not formulas.workbooks or only_in_workbook is Treatment.FAIL:
        return list(items), []
    cells = {i.name: i for i in judge(formulas.in_cells())}
    taken = {
        item.name: _compared(found, replay)
        for item in absent
        if (found := cells.get(item.name)) is not None
        and (
            found.standing is Standing.GIVEN
            or (found.standing is not Standing.ABSENT and not item.hiding(formulas))
        )
    }
    given = [i for i in taken.values() if i.standing is Standing.GIVEN]
    # An item that follows from another's line has none of its own.
    line = next((i.lines[0] for i in given if i.lines), None)
    remarks = [_remark(given, line)] if line is not None and only_in_workbook is Treatment.WARN else []
    left = [found for i in absent if i.name not in taken and (found := cells.get(i.name)) is not None]
    remarks += [
        fault(line, f"the text of {i.name} in the workbook is wrong", about=i.name, weight=Weight.REMARK)
        for i in left
        if i.standing is Standing.WRONG
        for line in i.lines[:1]
    ]
    return [taken.get(i.name, i) for i in items], remarks


def _compared(item: Item, replay: ReplayFacts | None) -> Item:
    """The item, in doubt where its text is wrong and the same workbook's cells are right."""
    if replay is None or item.standing is not Standing.WRONG:
        return item
    quantity = item.quantity or item.name
    column = {"E": "E_total"}.get(quantity, quantity.replace("∂E/∂", "d"))
    if not all(replay.computes(line.place.artefact, column) for line in item.lines):
        return item
    lines = [msgspec.structs.replace(line, reason=_DOUBT) for line in item.lines]
    return item._replace(standing=Standing.UNREAD, lines=tuple(lines))


_DOUBT = "the cells of this workbook compute it right, and the text beside them says something else"


def _remark(given: Sequence[Item], line: FormulaLine) -> Finding:
    names = ", ".join(i.name for i in given)
    verb = "stands" if len(given) == 1 else "stand"
    return Finding(
        message=f"{names} {verb} as text in the workbook only",
        place=line.place,
        expected="the derivation in the README",
        found=line.text,
        hint="copy the formulas from the workbook into the README",
        excerpt=line.text,
        diagnosis="only-in-workbook",
        weight=Weight.REMARK,
    )
