"""What `grader retrain` prints: the verdict of the rule, and what of the recipe could not be followed."""

from grader.cli.output import echo_line
from grader.core.facts.retrain import RetrainFacts
from grader.core.retrain_rule import RuleParams


def echo_facts(facts: RetrainFacts, rule: RuleParams) -> None:
    """Print the verdict of the rule, the recipe and what of it could not be followed."""
    from grader.checks.retrain.accuracy_retrained import Params, check

    outcome = check(facts, None, Params(seeds=rule.seeds, epochs=rule.epochs))
    echo_line(f"{facts.name}: {outcome.verdict.value}: {outcome.summary}")
    echo_line(f"  recipe: {facts.recipe_summary}")
    for missing in facts.recipe_missing:
        echo_line(f"  not followed: {missing}")
