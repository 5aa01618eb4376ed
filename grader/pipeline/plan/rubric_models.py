"""The `[[model]]` tables of a rubric: several networks in one hand-in, and the criteria that name them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from grader.core.model_names import words
from grader.core.rubric import Assignment, Criterion, Model
from grader.core.rule import Rule

FAMILIES: Final = ("IN", "NN", "RD", "RT", "TR")
"""Of checks about a network; the others are about a derivation, a sheet or the whole hand-in."""


def read_models(
    raw: object, limits: Callable[[object], tuple[Assignment, list[str]]]
) -> tuple[tuple[Model, ...], list[str]]:
    """Return the models of a rubric and what is wrong with them; `limits` reads a table of limits over the
    rubric's own.
    """
    if not isinstance(raw, list):
        return (), ["model: is written [[model]], once for each network"]
    found: list[Model] = []
    faults: list[str] = []
    for number, item in enumerate(raw, 1):
        where = f"model {number}"
        if not isinstance(item, dict):
            faults.append(f"{where}: is no table")
            continue
        assignment, wrong = limits(item.get("assignment", {}))
        faults += [f"{where}: assignment: {w}" for w in wrong]
        try:
            model = msgspec.convert(item | {"assignment": {}}, Model, strict=False)
        except msgspec.ValidationError as fault:
            faults.append(f"{where}: {fault}")
            continue
        if "/" in model.id or not model.id:
            faults.append(f"{where}: id must be a word without /, got {model.id!r}")
        empty = [name for name in model.names if not words(name)]
        if empty or not model.names:
            faults.append(f"{where}: names must be words that the network is called by, got {empty}")
        found.append(msgspec.structs.replace(model, assignment=assignment))
    twice = [i for i, n in Counter(m.id for m in found).items() if n > 1]
    return tuple(found), faults + [f"model id {i!r} stands more than once" for i in twice]


def unfit_models(
    criteria: Sequence[Criterion], models: Sequence[Model], rules: Mapping[str, Rule]
) -> list[str]:
    """Return what is wrong with the models that criteria name, in sentences."""
    known = [model.id for model in models]
    faults: list[str] = []
    for criterion in criteria:
        rule = rules.get(criterion.check)
        if not criterion.model or rule is None:
            continue
        if criterion.model not in known:
            have = ", ".join(known) or "none"
            faults.append(
                f"criterion {criterion.id}: no [[model]] is called {criterion.model!r}; there are: {have}"
            )
        elif rule.family not in FAMILIES:
            faults.append(
                f"criterion {criterion.id}: {rule.code} is about no single network; take out `model`"
            )
    return faults
