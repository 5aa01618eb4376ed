"""Which final gradients the documents give; shared by the checks that ask for them."""

from collections.abc import Iterable

from grader.checks.backprop._coverage import Item, Standing, has_signal, meant, stand
from grader.core.assigned_network import AssignedNetwork
from grader.core.evidence.formulas import FormulaEvidence, FormulaKind, FormulaLine, FormulaVerdict
from grader.core.rubric import Profile, Treatment


def gradient_items(
    formulas: FormulaEvidence,
    profile: Profile,
    *,
    typo: Treatment = Treatment.WARN,
    repeated: Treatment = Treatment.WARN,
) -> list[Item]:
    """Return how each ∂E/∂w1, ∂E/∂w2 … stands in the documents, in that order."""
    known = _closed_atoms(formulas, profile.network, lenient=repeated is not Treatment.FAIL)
    return [_gradient(w, formulas, known, typo, repeated) for w in profile.network.weights]


def contradicted(items: Iterable[Item], formulas: FormulaEvidence) -> dict[str, int]:
    """How many different wrong finals stand beside the right one of a gradient, by its name.

    None do in 34 real documents. Whoever writes down every combination of indices has a right line for each
    gradient, and has derived none.
    """
    wrong: dict[str, set[str]] = {}
    for line in formulas.lines:
        if line.verdict is FormulaVerdict.WRONG and line.kind is FormulaKind.FINAL and not line.result_right:
            wrong.setdefault(line.states, set()).add(line.reading)
    given = (item.name for item in items if item.standing is Standing.GIVEN)
    return {name: len(wrong[name]) for name in given if name in wrong}


def _gradient(
    weight: str, formulas: FormulaEvidence, known: frozenset[str], typo: Treatment, repeated: Treatment
) -> Item:
    name = f"∂E/∂{weight}"
    finals = [x for x in formulas.lines if _concerns(x, weight, name)]
    item = stand(name, finals, gives=lambda x: x.closed, typo=typo, repeated=repeated)
    if item.standing in (Standing.ABSENT, Standing.UNREAD):
        completed = tuple(x for x in formulas.lines if weight in x.gradients and _completes(x, known))
        if completed:
            return Item(name, Standing.GIVEN, completed)
    return _by_its_chain(item, weight, formulas, known) if item.standing is Standing.ABSENT else item


def _by_its_chain(item: Item, weight: str, formulas: FormulaEvidence, known: frozenset[str]) -> Item:
    """An item that stands as a chain only: wrong or unread as a step of it is, else absent with the
    chain's lines.
    """
    chains = tuple(x for x in formulas.lines if weight in x.gradients and x.verdict in _GOOD)
    steps = {d for x in chains for side in x.sides[1:] for d in side.derivatives} - known
    about = [x for x in formulas.lines if steps & {x.states, meant(x)}]
    for verdict, standing in (
        (FormulaVerdict.WRONG, Standing.WRONG),
        (FormulaVerdict.UNSURE, Standing.UNREAD),
    ):
        found = tuple(x for x in about if x.verdict is verdict)
        if found:
            return Item(item.name, standing, found)
    wrong = tuple(x for x in formulas.lines if x.states == item.name and _is_wrong_itself(x, known))
    return Item(item.name, Standing.WRONG, wrong) if wrong and not chains else item._replace(lines=chains)


def _is_wrong_itself(line: FormulaLine, known: frozenset[str]) -> bool:
    """Whether a line is wrong that is worked out by a δ or by derivatives that other lines state: right, it
    would give the gradient.
    """
    if line.verdict is not FormulaVerdict.WRONG:
        return False
    return has_signal(line) or any(
        s.derivatives and set(s.derivatives) <= known - {line.states} for s in line.sides[1:]
    )


_GOOD = (FormulaVerdict.RIGHT, FormulaVerdict.TYPO)


def _concerns(line: FormulaLine, weight: str, name: str) -> bool:
    if line.verdict is FormulaVerdict.WRONG:
        return line.kind is FormulaKind.FINAL and (
            meant(line) == name or (line.result_right and line.states == name)
        )
    if line.verdict is FormulaVerdict.UNSURE:
        return line.states == name
    return weight in line.gradients and line.closed


def _closed_atoms(formulas: FormulaEvidence, network: AssignedNetwork, *, lenient: bool) -> frozenset[str]:
    """Derivatives that right lines state in closed form, or in terms of such derivatives, and those of the
    total loss whose parts are stated so; `lenient` takes the right result of a line with a slip before it.
    """
    known = {x.states for x in formulas.lines if lenient and x.result_right and x.closed}
    right = [x for x in formulas.lines if x.verdict in _GOOD and x.states.startswith(("∂", "-∂"))]
    parts = _parts_of_the_total(network)
    grown = True
    while grown:
        grown = False
        for line in right:
            states = line.states.removeprefix("-")
            if states not in known and any(set(s.derivatives) <= known for s in line.sides[1:]):
                known.add(states)
                grown = True
        whole = {total for total, of in parts.items() if of <= known} - known
        known |= whole
        grown = grown or bool(whole)
    return frozenset(known)


def _parts_of_the_total(network: AssignedNetwork) -> dict[str, frozenset[str]]:
    """∂E/∂a_h1 is ∂E1/∂a_h1 + ∂E2/∂a_h1, and of ∂E/∂a_o1 only the part of its own output is not zero."""
    losses = network.losses
    hidden = [name for unit in network.hidden for name in (unit.sum, unit.output)]
    found = {f"∂E/∂{name}": frozenset(f"∂{loss}/∂{name}" for loss in losses) for name in hidden if losses}
    for loss, unit in zip(losses, network.outputs, strict=False):
        found |= {f"∂E/∂{name}": frozenset({f"∂{loss}/∂{name}"}) for name in (unit.sum, unit.output)}
    return found


def _completes(line: FormulaLine, known: frozenset[str]) -> bool:
    """Whether a right chain can be multiplied out with what the documents state."""
    if line.verdict not in _GOOD:
        return False
    return any(s.derivatives and set(s.derivatives) <= known - {line.states} for s in line.sides[1:])
