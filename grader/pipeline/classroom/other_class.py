"""Workbooks that start from the values of another course's sheet: noticed once for the class, for the
instructor.

A student who typed the values of another term is told so by WB205; a class that did was graded with the wrong
rubric.
"""

from collections.abc import Mapping

import msgspec

from grader.checks.catalogue import catalogue
from grader.checks.workbook._books import filled
from grader.checks.workbook.class_values import apart
from grader.core.facts.replay import ReplayFacts, TableFacts
from grader.core.faults import RubricFault
from grader.core.memory import code_of, key
from grader.core.rubric import Profile, Rubric
from grader.pipeline.plan.rubrics import available, load
from grader.store.runs import Run, Store

_NAMED = 6
"""Submissions that are named."""


def notices_of(store: Store, run: Run, rubric: Rubric) -> tuple[str, ...]:
    """Return a sentence for each other class whose values workbooks of a run hold; none where each student
    has numbers of its own. Of the same replays and rubrics it is kept.
    """
    profile = rubric.profile
    others = {} if rubric.student else _others(profile)
    if not others:
        return ()
    replays = {name: made.get(ReplayFacts.__name__, "") for name, _, made in store.all_made(run.id)}
    told_as = key(code=code_of(__name__), replays=replays, profile=profile, others=others)
    if (kept := store.kept(told_as, tuple[str, ...])) is not None:
        return kept
    found: dict[str, list[str]] = {}
    whole = True
    for name, made_as in replays.items():
        tables = _tables(store, made_as, profile)
        whole &= tables is not None
        if tables and not any(not apart(table, profile) for table in tables):
            for label, other in others.items():
                if any(not apart(table, other) for table in tables):
                    found.setdefault(label, []).append(name)
    told = tuple(_sentence(label, names) for label, names in sorted(found.items()))
    if whole:
        store.keep(told_as, "Notices", msgspec.msgpack.encode(told))
    return told


def _others(profile: Profile) -> Mapping[str, Profile]:
    """The profiles of the rubrics that come with grader and have other values for the same network, by their
    names.
    """
    named: list[tuple[Profile, str]] = []
    for path in available():
        try:
            other = load(path.stem, catalogue()).rubric.profile
        except RubricFault:  # it says so when it is asked for
            continue
        values = (other.inputs, other.targets, other.weights, other.biases)
        own = (profile.inputs, profile.targets, profile.weights, profile.biases)
        if other.network == profile.network and values != own:
            named.append((other, path.stem))
    labels: dict[str, Profile] = {}
    for other, _ in named:
        alike = [name for same, name in named if _same(same, other)]
        labels[" or ".join(alike)] = other
    return labels


def _same(a: Profile, b: Profile) -> bool:
    """Whether two profiles name the same values, whatever learning rates they ask for."""
    return (a.inputs, a.targets, a.weights, a.biases) == (b.inputs, b.targets, b.weights, b.biases)


def _tables(store: Store, made_as: str, profile: Profile) -> list[TableFacts] | None:
    """The tables of a submission's workbooks whose first row shows every value; none where nobody replayed
    them, None where what was replayed cannot be read: it is judged as such elsewhere, or made again.
    """
    if not made_as:
        return []
    if (replay := store.kept(made_as, ReplayFacts)) is None:
        return None
    many = len(profile.network.leaves)
    return [
        table
        for book in replay.judged
        for table in filled(book)
        if len(table.inputs + table.targets + table.weights + table.biases) == many
    ]


def _sentence(label: str, names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    rubric = label.partition(" or ")[0]
    return (
        f"These workbooks start from the values of {label}, not from those of this rubric: {shown}. If that "
        f"is your course's sheet, score again with it: `grader report -r {rubric}`."
    )
