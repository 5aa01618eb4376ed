"""What `grader retrain` takes from a rubric, and what it prints: the verdict and what was not followed."""

from collections.abc import Mapping

import msgspec

from grader.cli.output import echo_line
from grader.core.facts.retrain import RetrainFacts
from grader.core.retrain_rule import RuleParams
from grader.core.rubric import Rubric


def rule_of(rubric: Rubric, own: Mapping[str, object]) -> RuleParams:
    """Return the rule of a rubric: of its criterion of RT601, else of its limits. What `own` says and is
    not None stands over it.
    """
    asked = next((c.params for c in rubric.criterion if c.check == "RT601" and not c.model), None)
    limits = rubric.assignment.limits_of(RuleParams)
    known = {f.name for f in msgspec.structs.fields(RuleParams)}
    told = {n: v for n, v in {**limits, **(asked or {})}.items() if n in known}
    return msgspec.convert(told | {n: v for n, v in own.items() if v is not None}, RuleParams)


def echo_facts(facts: RetrainFacts, rule: RuleParams) -> None:
    """Print the verdict of the rule, the recipe and what of it could not be followed."""
    from grader.checks.retrain.accuracy_retrained import Params, check

    outcome = check(facts, None, msgspec.convert(msgspec.to_builtins(rule), Params))
    echo_line(f"{facts.name}: {outcome.verdict.value}: {outcome.summary}")
    echo_line(f"  recipe: {facts.recipe_summary}")
    for missing in facts.recipe_missing:
        echo_line(f"  not followed: {missing}")
