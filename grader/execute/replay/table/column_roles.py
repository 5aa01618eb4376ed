"""Which column holds which quantity: what the headers say, confirmed or corrected by what the formulas do.

Real headers lie: t2's column is headed "i2", a parameter list repeats "i1" beside the table, two headers are
exchanged. A reading of the columns is scored by how many formulas of one row pass the identity test under it;
another reading than the headers' is taken only where it makes more of them right and none wrong.
"""

from itertools import combinations, permutations
from typing import NamedTuple

from grader.backprop.assigned import network
from grader.backprop.sheet_names import names
from grader.core.evidence.workbook import Table
from grader.execute.replay.cell_graph import Model
from grader.execute.replay.cells import cell
from grader.execute.replay.table.cell_identity import IdentityTest
from grader.execute.replay.table.layout import Layout
from grader.execute.replay.table.random_settings import Match
from grader.execute.replay.table.weight_numbering import Numbering, exchanged, own_name, turnable

PROBE = 2
"""Rows that are looked at while readings are compared."""
MAX_READINGS = 400
"""Readings that are tried for one table."""


class Reading(NamedTuple):
    """The chosen layout with the tests of its formulas, the headers that say something else (column, header
    text, quantity), how it counts weights, and the columns of losses that are no losses by themselves but
    make the total that is asked for.
    """

    layout: Layout
    test: IdentityTest
    contradicted: tuple[tuple[int, str, str], ...]
    numbering: Numbering = ()
    together: tuple[int, ...] = ()


def read_columns(model: Model, table: Table) -> Reading:
    """Choose the reading of a table's columns that its formulas confirm."""
    by_name: dict[str, list[int]] = {}
    for column in table.columns:
        by_name.setdefault(column.quantity, []).append(column.column)
    best = {name: columns[0] for name, columns in by_name.items()}
    layout = Layout(model, table, best, PROBE)
    if not layout.rows:
        return Reading(layout, IdentityTest(layout), ())
    right, wrong = _score(layout)
    spare = [column for columns in by_name.values() for column in columns[1:]]
    missing = [name for name in names().quantities if name not in best]
    for assignment in _assignments(best, by_name, missing, spare)[:MAX_READINGS]:
        candidate = Layout(model, table, assignment, PROBE)
        scored, failing = _score(candidate)
        if len(scored) > len(right) or (len(scored) == len(right) and len(failing) < len(wrong)):
            best, layout, right, wrong = assignment, candidate, scored, failing
    best, right, wrong = _fill(best, layout, right, wrong)
    numbering: Numbering = ()
    if len(wrong) >= 2:
        best, right, wrong, numbering = _renumber(model, table, best, right, wrong)
    if len(wrong) >= 2:
        best = _exchange(model, table, best, right, wrong)
    together = _only_together(model, table, best, wrong)
    best = {name: column for name, column in best.items() if column not in together}
    layout = Layout(model, table, best)
    said = {column.column: (column.quantity, column.header) for column in table.columns}
    contradicted = tuple(
        (column, said[column][1], name)
        for name, column in sorted(best.items(), key=lambda item: item[1])
        if column in said and said[column][0] != own_name(name, numbering)
    )
    return Reading(layout, IdentityTest(layout), contradicted, numbering, together)


def _only_together(
    model: Model, table: Table, best: dict[str, int], wrong: frozenset[str]
) -> tuple[int, ...]:
    """The columns of the losses where each of them and their total are wrong by themselves, and the total is
    right with what stands in them: E1 = (t1 - a_o1)^2 and E_total = (E1 + E2)/2 give the loss that is asked
    for.
    """
    losses = set(network().losses)
    if len(losses) < 2 or not wrong.issuperset({*losses, "E_total"}):
        return ()
    right, wrong = _score(Layout(model, table, best, PROBE))
    rest = {name: column for name, column in best.items() if name not in losses}
    scored, failing = _score(Layout(model, table, rest, PROBE))
    taken = scored.issuperset({*right, "E_total"}) and failing < wrong
    return tuple(sorted(best[name] for name in losses)) if taken else ()


def _score(layout: Layout) -> tuple[frozenset[str], frozenset[str]]:
    """Quantities whose formula is right and those whose is wrong, in the second row (in the first where there
    is one).
    """
    test = IdentityTest(layout)
    found = [(name, _match(test, name)) for name in _judged()]
    right = frozenset(name for name, match in found if match in (Match.RIGHT, Match.NEAR))
    return right, frozenset(name for name, match in found if match is Match.WRONG)


def _judged() -> tuple[str, ...]:
    return (*names().weights, *names().forward, *names().gradients, *names().inputs)


def _match(test: IdentityTest, name: str) -> Match | None:
    """What the formula of a quantity, or the number of an input, is; None where nothing is known."""
    layout = test.layout
    if not layout.has(name):
        return None
    index = min(1, len(layout.rows) - 1)
    key = layout.key(name, index)
    if key not in layout.model.owner:
        typed = name in names().inputs and isinstance(layout.model.constants.get(key), float)
        return Match.RIGHT if typed else None
    return None if index == 0 and name in names().given else test.test(name, index).match


def _still_wrong(layout: Layout, wrong: frozenset[str]) -> int:
    """How many of these quantities have a wrong formula under a reading."""
    test = IdentityTest(layout)
    return sum(_match(test, name) is Match.WRONG for name in sorted(wrong))


def _assignments(
    best: dict[str, int], by_name: dict[str, list[int]], missing: list[str], spare: list[int]
) -> list[dict[str, int]]:
    """Other columns for names that stand twice, and the spare ones for names that stand nowhere."""
    found = []
    doubled = [name for name, columns in by_name.items() if len(columns) > 1]
    for name in doubled:
        found += [{**best, name: column} for column in by_name[name][1:]]
    if spare and missing and len(spare) <= 4:
        columns = sorted({column for name in doubled for column in by_name[name]})
        names = [*doubled, *missing]
        if len(columns) <= 5 and len(names) <= 7:
            for chosen in permutations(names, len(columns)):
                kept = {name: column for name, column in best.items() if name not in doubled}
                assignment = {**kept, **dict(zip(chosen, columns, strict=True))}
                if assignment != best:
                    found.append(assignment)
    return found


def _fill(
    best: dict[str, int], layout: Layout, right: frozenset[str], wrong: frozenset[str]
) -> tuple[dict[str, int], frozenset[str], frozenset[str]]:
    """Give a quantity without a header the column beside or inside the table whose formula it is."""
    first, last = min(best.values()) - 2, max(best.values()) + 2
    for name in names().quantities:
        if name in best:
            continue
        for column in range(max(1, first), last + 1):
            if column in best.values() or not _filled(layout, column):
                continue
            assignment = {**best, name: column}
            scored, failing = _score(Layout(layout.model, layout.table, assignment, PROBE))
            if len(scored) > len(right) + (name in names().inputs) and len(failing) <= len(wrong):
                best, right, wrong = assignment, scored, failing
                break
    return best, right, wrong


def _filled(layout: Layout, column: int) -> bool:
    model = layout.model
    key = cell(layout.table.sheet, layout.rows[min(1, len(layout.rows) - 1)], column)
    return key in model.owner or isinstance(model.constants.get(key), float)


def _renumber(
    model: Model, table: Table, best: dict[str, int], right: frozenset[str], wrong: frozenset[str]
) -> tuple[dict[str, int], frozenset[str], frozenset[str], Numbering]:
    """Count a layer's weights the other way round where that makes both its sums right and no formula
    wrong.
    """
    numbering: Numbering = ()
    for pair, sums in turnable():
        assignment = exchanged(best, (pair,))
        if assignment is None or not wrong.issuperset(sums):
            continue
        scored, failing = _score(Layout(model, table, assignment, PROBE))
        if scored.issuperset(right | set(sums)) and failing < wrong:
            best, right, wrong, numbering = assignment, scored, failing, (*numbering, pair)
    return best, right, wrong, numbering


def _exchange(
    model: Model, table: Table, best: dict[str, int], right: frozenset[str], wrong: frozenset[str]
) -> dict[str, int]:
    """Exchange two headers where that makes at least two wrong formulas right and breaks none."""
    for _ in range(2):
        chosen = None
        pairs = [
            *combinations([n for n in names().inputs if n in best], 2),
            *combinations(sorted(wrong - set(names().inputs)), 2),
        ]
        for one, other in pairs:
            if not _alike(one, other):
                continue
            assignment = {**best, one: best[other], other: best[one]}
            candidate = Layout(model, table, assignment, PROBE)
            if _still_wrong(candidate, wrong) > len(wrong) - 2:  # nearly always, and soon seen
                continue
            scored, failing = _score(candidate)
            if scored > right and failing < wrong and len(failing) <= len(wrong) - 2:
                chosen = (assignment, scored, failing)
                break
        if chosen is None:
            break
        best, right, wrong = chosen
        if len(wrong) < 2:
            break
    return best


def _alike(one: str, other: str) -> bool:
    """Names that stand for one another in a wrong header are of one kind."""
    kinds = (names().inputs, names().weights, names().gradients, names().forward)
    return any(one in kind and other in kind for kind in kinds)
