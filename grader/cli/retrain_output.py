"""What `grader retrain` prints: a line an epoch with the time that is left, and the verdict of the rule."""

import time

import click

from grader.core.facts.retrain import RetrainFacts
from grader.execute.retrain import Progress
from grader.execute.retrain_rule import RuleParams


class EpochLines:
    """Prints each epoch to stderr. The time left is that of the current run at its pace so far."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Print one epoch."""
        now = time.monotonic()
        took, self._last = now - self._last, now
        left = min(progress.planned, self._limit) - progress.epoch
        if progress.cached:
            when = "kept from an earlier run"
        else:
            when = (
                f"{took:.0f} s, at most {left * took / 60:.0f} min left in this run"
                if left
                else f"{took:.0f} s"
            )
        click.echo(
            f"run {progress.run} seed {progress.seed} epoch {progress.epoch}/{progress.planned}:"
            f" {progress.correct:,} right, loss {progress.loss:.4f} ({when})",
            err=True,
        )


def echo_facts(facts: RetrainFacts, rule: RuleParams) -> None:
    """Print the verdict of the rule, the recipe and what of it could not be followed."""
    from grader.checks.retrain.accuracy_retrained import Params, check

    outcome = check(facts, Params(seeds=rule.seeds, epochs=rule.epochs))
    click.echo(f"{facts.name}: {outcome.verdict.value}: {outcome.summary}")
    click.echo(f"  recipe: {facts.recipe_summary}")
    for missing in facts.recipe_missing:
        click.echo(f"  not followed: {missing}")
