"""Runs the checks that a rubric names over what is known of one submission."""

import logging
from collections.abc import Mapping

import msgspec

from grader.core.outcome import Finding, Outcome, Verdict
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule
from grader.pipeline.known import Known, Missing

log = logging.getLogger(__name__)


def judge(rubric: Rubric, rules: Mapping[str, Rule], known: Known) -> tuple[Outcome, ...]:
    """Return one outcome per criterion, in the rubric's order, whatever happens."""
    return tuple(judge_one(c, rules[c.check], rubric, known) for c in rubric.criterion)


def judge_one(criterion: Criterion, rule: Rule, rubric: Rubric, known: Known) -> Outcome:
    """Judge one criterion: a missing need gives its own verdict, a crash is `error` for this criterion alone."""
    arguments: dict[str, object] = {}
    for need in rule.needs:
        value = known.get(need.type)
        if isinstance(value, Missing):
            if not need.optional:
                return _without(value)
            value = None
        arguments[need.parameter] = value
    try:
        params = msgspec.convert(criterion.params, rule.params)
        policy = msgspec.convert(criterion.policy, rule.policy)
        arguments |= rule.arguments(params, policy, rubric.profile)
        outcome = rule.check(**arguments)
        if not isinstance(outcome, Outcome):
            raise TypeError(f"{rule.code} returned {type(outcome).__name__}, not an Outcome")
    except Exception as crash:  # a broken check must cost its own criterion only
        log.exception("check %s crashed on %s", rule.code, known.submission.id)
        return _our_fault(f"{rule.code} failed: {type(crash).__name__}: {crash}")
    return outcome


def _without(missing: Missing) -> Outcome:
    if missing.verdict is Verdict.ERROR:
        return _our_fault(missing.reason)
    return Outcome(verdict=missing.verdict, credit=0.0, summary=missing.reason)


def _our_fault(summary: str) -> Outcome:
    finding = Finding(
        message="this is a fault of grader, not of the submission",
        hint="report it with the log file; the points stay pending",
        diagnosis="grader-fault",
    )
    return Outcome(verdict=Verdict.ERROR, credit=0.0, summary=summary, findings=(finding,))
