"""What is asked of a training, and what it tells while it goes on. Light to import: torch comes in with the
engine.
"""

from collections.abc import Callable
from typing import NamedTuple

from grader.core.facts.retrain import RecipeUsed
from grader.core.retrain_rule import Retraining, RuleParams


class Progress(NamedTuple):
    """One epoch of one run, for a person who waits. `run`, `epoch` from 1; `correct` of the test digits."""

    run: int
    seed: int
    epoch: int
    planned: int
    correct: int
    loss: float
    cached: bool
    seconds: float = 0.0
    """What the epoch took by the clock; runs at once overlap."""


class Wish(NamedTuple):
    """What the person who retrains by hand asks for; the defaults are those of a grading."""

    recipe: RecipeUsed = RecipeUsed.STUDENT
    rule: RuleParams = RuleParams()
    progress: Callable[[Progress], None] = lambda progress: None
    further: tuple[RuleParams, ...] = ()
    """Rules that must be decided by the same runs."""
    budget_hours: float = Retraining().budget_hours
    admitted: str = ""
    """Why nothing needs to be trained; empty where it does."""

    @property
    def rules(self) -> tuple[RuleParams, ...]:
        """All of the rules."""
        return (self.rule, *self.further)

    @property
    def epochs(self) -> int:
        """The largest number of epochs that counts for any of the rules."""
        return max(rule.epochs for rule in self.rules)
