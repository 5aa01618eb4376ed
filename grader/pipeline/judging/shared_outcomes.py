"""Outcomes that two rubrics share: a check is asked again only where something that it reads is another.

A check reads what was found in the hand-in, the numbers of the assignment, its own limits and its own policy.
Points, titles, what is hidden, lateness and caps come after, so that a rubric that differs in them has every
outcome of the other one.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Final

import msgspec

from grader.core.outcome import Outcome, Verdict
from grader.core.report import Report
from grader.core.retrain_rule import Retraining
from grader.core.rubric import Assignment, Rubric
from grader.core.rule import Rule
from grader.pipeline.grade.submitted_notebook import CONSULTED
from grader.pipeline.plan.plan import MarkSheet, asked
from grader.pipeline.plan.providers import by_product

_UNREAD: Final = Rubric(id="", title="", criterion=())
_NOT_READ: Final = ("id", "title", "criterion", "source", "late", "missing", "cap")
"""Fields of a rubric that no check reads. The limits of `[assignment]` stand in the parameters of each
criterion that has them, and are compared there.
"""


def shared_criteria(now: MarkSheet, then: MarkSheet) -> dict[str, str]:
    """Return the criteria of a rubric about which another one says the same of the same facts, by their ids,
    with the ids there.
    """
    if _whole(now.loaded.rubric) != _whole(then.loaded.rubric) or now.loaded.rubric.provisional_logs:
        return {}  # with `provisional_logs` an outcome depends on those of the other criteria
    there, here = _reads(then), _reads(now)
    same = (
        (mine, [other for other, reads in there.items() if reads == wanted]) for mine, wanted in here.items()
    )
    return {mine: others[0] for mine, others in same if others}


def _whole(rubric: Rubric) -> Rubric:
    """What decides the outcomes of all criteria."""
    unread = {field: getattr(_UNREAD, field) for field in _NOT_READ}
    return msgspec.structs.replace(rubric, assignment=Assignment(), **unread)


def _reads(sheet: MarkSheet) -> dict[str, tuple[object, ...]]:
    """What decides the outcome of each criterion besides, by their ids."""
    retraining = {"": sheet.plan.retraining} | {m.model.id: m.plan.retraining for m in sheet.plan.models}
    found: dict[str, tuple[object, ...]] = {}
    for c in sheet.loaded.rubric.criterion:
        rule = sheet.rules[c.check]
        # Not as records: 5 is not 5.0 where a parameter may be both.
        limits = msgspec.json.encode((c.params, c.policy), order="sorted")
        trains = retraining[c.model] if Retraining in _rests_on(rule) else None
        found[c.id] = (rule, c.model, limits, trains)
    return found


@cache
def _rests_on(rule: Rule) -> set[type]:
    """The types of all that a check is given, and of what that is made from."""
    makers = by_product()
    found: set[type] = set()
    waiting = [need.type for need in (*rule.needs, *rule.claim_needs)]
    while waiting:
        asked = waiting.pop()
        if asked not in found:
            found.add(asked)
            maker = makers.get(asked.__name__)
            waiting += [need.type for need in maker.needs] if maker is not None else []
    return found


def outcomes_in(report: Report, criteria: Mapping[str, str]) -> dict[str, Outcome]:
    """Return the outcomes of a report as its checks said them, by criteria whose ids there are given.

    Left out is what the rubric decided, and a fault of ours, which is tried again.
    """
    there = {m.criterion: m for m in report.outcomes if not m.decided_by and m.verdict is not Verdict.ERROR}
    return {
        criterion: Outcome(**{field: getattr(there[other], field) for field in Outcome.__struct_fields__})
        for criterion, other in criteria.items()
        if other in there
    }


def wanted_by_others(sheet: MarkSheet, told: Collection[str]) -> frozenset[str]:
    """Return the names of the products that are asked for by the criteria of which nothing is told."""
    rubric = sheet.loaded.rubric
    if rubric.model:  # what is known of each of several networks is told apart while products are made
        return sheet.wanted
    others = tuple(c for c in rubric.criterion if c.id not in told)
    if not others:
        return frozenset()
    asking = msgspec.structs.replace(rubric, criterion=others)
    return asked(asking, sheet.rules) | (sheet.wanted & CONSULTED)
