"""Runs the checks that a rubric names over what is known of one submission."""

import logging
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from grader.backprop.own_names import Own, own
from grader.backprop.own_names import told as in_names
from grader.core.missing import Missing
from grader.core.outcome import Finding, Outcome, Verdict, unknown
from grader.core.rubric import Criterion, Rubric
from grader.core.rule import Rule
from grader.core.signature import Need
from grader.pipeline.grade.products import Known
from grader.pipeline.grade.submitted_notebook import settle
from grader.pipeline.plan.providers import EXECUTING, by_product

log = logging.getLogger(__name__)

_NOTHING: Final[Mapping[str, Outcome]] = {}
_NO_NUMBERS = (
    "the rubric has numbers of each student's own, and none, or several, for {}: [student] names them"
)


def judge(
    rubric: Rubric, rules: Mapping[str, Rule], known: Known, told: Mapping[str, Outcome] = _NOTHING
) -> tuple[Outcome, ...]:
    """Return one outcome per criterion, in the rubric's order, whatever happens. `told` holds those that
    stand already, by the ids of their criteria.
    """
    names = own(rubric.network)
    judged = tuple(
        told[c.id] if c.id in told else _judged(c, rules[c.check], rubric, known, names)
        for c in rubric.criterion
    )
    return _provisional(judged, rubric, rules) if rubric.provisional_logs else judged


def _judged(criterion: Criterion, rule: Rule, rubric: Rubric, known: Known, names: Own | None) -> Outcome:
    about = known.models.get(criterion.model, known) if criterion.model else known
    outcome = judge_one(criterion, rule, rubric, about)
    return outcome if names is None else _in_own_names(outcome, names)


def _in_own_names(outcome: Outcome, names: Own) -> Outcome:
    """The outcome with weights and biases as the rubric calls them; the student's own words stay."""
    findings = tuple(
        msgspec.structs.replace(
            finding,
            **{field: in_names(getattr(finding, field), names) for field in _TOLD},
            others=tuple(in_names(other, names) for other in finding.others),
        )
        for finding in outcome.findings
    )
    said = {field: in_names(getattr(outcome, field), names) for field in ("summary", "headline")}
    return msgspec.structs.replace(outcome, findings=findings, **said)


_TOLD = ("message", "expected", "found", "hint", "subject", "slip")


def _provisional(
    judged: tuple[Outcome, ...], rubric: Rubric, rules: Mapping[str, Rule]
) -> tuple[Outcome, ...]:
    """The same, with what rests on a claim stamped provisional while the check that would prove it is
    open.
    """
    decided = {
        c.check for c, outcome in zip(rubric.criterion, judged, strict=True) if not outcome.verdict.pending
    }
    return tuple(
        msgspec.structs.replace(outcome, provisional=True)
        if outcome.verdict is Verdict.PASS and (proof := rules[c.check].proven_by) and proof not in decided
        else outcome
        for c, outcome in zip(rubric.criterion, judged, strict=True)
    )


def judge_one(criterion: Criterion, rule: Rule, rubric: Rubric, known: Known) -> Outcome:
    """Judge one criterion: a missing need gives its own verdict, a crash is `error` for this criterion alone.

    Where the need is missing because nothing may be executed, a claim can earn in its place if the rubric
    lets it.
    """
    if rubric.student and rule.rests_on_numbers and rubric.own_profile(known.submission.id) is None:
        return unknown(_NO_NUMBERS.format(known.submission.id))
    filled = _filled(rule.needs, known)
    if not isinstance(filled, _Lacks):
        judged = _ask(rule.check, filled, criterion, rule=rule, rubric=rubric, known=known)
        if judged is None:
            return _our_fault(f"{rule.code} failed: it returned no Outcome")
        return settle(judged, rule, known)
    if rubric.provisional_claims and rule.claimed is not None and _barred(filled, known):
        claims = _filled(rule.claim_needs, known)
        if not isinstance(claims, _Lacks):
            earned = _ask(rule.claimed, claims, criterion, rule=rule, rubric=rubric, known=known)
            if earned is not None and earned.verdict is Verdict.PASS:
                return msgspec.structs.replace(earned, provisional=True)
            if earned is not None and earned.verdict is Verdict.ERROR:
                return earned
    return _without(filled.missing)


class _Lacks(NamedTuple):
    """The first need that cannot be had."""

    need: Need
    missing: Missing


def _filled(needs: tuple[Need, ...], known: Known) -> dict[str, object] | _Lacks:
    arguments: dict[str, object] = {}
    for need in needs:
        value: object = known.get(need.type)
        if isinstance(value, Missing):
            if not need.optional:
                return _Lacks(need, value)
            value = None
        arguments[need.parameter] = value
    return arguments


def _barred(lacks: _Lacks, known: Known) -> bool:
    """Whether a need is missing because nothing may be executed, and not because it was tried or is not
    there.
    """
    maker = by_product().get(lacks.need.type.__name__)
    runs_code = maker is not None and maker.phase in EXECUTING
    skipped = lacks.missing.verdict is Verdict.SKIPPED and not lacks.missing.cause
    return runs_code and not known.settings.execute and skipped


def _ask(
    function: Callable[..., object],
    arguments: dict[str, object],
    criterion: Criterion,
    *,
    rule: Rule,
    rubric: Rubric,
    known: Known,
) -> Outcome | None:
    """Call a check or what stands in its place; None only where it returned None."""
    try:
        params = msgspec.convert(criterion.params, rule.params)
        policy = msgspec.convert(criterion.policy, rule.policy)
        outcome = function(**arguments, **rule.arguments(function, params, policy, known.profile))
        if not isinstance(outcome, Outcome | None):
            raise TypeError(f"{rule.code} returned {type(outcome).__name__}, not an Outcome")
    except Exception as crash:  # a broken check must cost its own criterion only
        log.exception("check %s crashed on %s", rule.code, known.submission.id)
        return _our_fault(f"{rule.code} failed: {type(crash).__name__}: {crash}")
    return outcome


def _without(missing: Missing) -> Outcome:
    if missing.verdict is Verdict.ERROR:
        return _our_fault(missing.reason)
    return Outcome(verdict=missing.verdict, credit=0.0, summary=missing.reason, cause=missing.cause)


def _our_fault(summary: str) -> Outcome:
    finding = Finding(
        message="this is a fault of grader, not of the submission",
        hint="report it with the log file; the points stay pending",
        diagnosis="grader-fault",
    )
    return Outcome(verdict=Verdict.ERROR, credit=0.0, summary=summary, findings=(finding,))
