"""How long was trained, where the loop may stop early: as long as the notebook's own log shows.

A loop with `if accuracy >= 99.4: break` stops at another epoch when it is run on other digits, so our run
cannot tell its length; the saved log of the submitted notebook can. It speaks of the length alone: the recipe
is otherwise what was read.
"""

import msgspec

from grader.core.evidence.logs import LogEvidence, Origin, SequenceKind
from grader.core.facts.recipe import StudentRecipe

STOPS_EARLY = "the training loop may stop early"
"""What the worker says of such a loop."""


def as_logged(recipe: StudentRecipe | None, logs: LogEvidence | None) -> StudentRecipe | None:
    """Return the recipe with the log's number of epochs where one whole log of the submitted notebook shows
    it.
    """
    if recipe is None or logs is None or STOPS_EARLY not in recipe.missing:
        return recipe
    if recipe.then:
        return recipe  # the log's length does not say which optimizer's loop was left early
    saved = [run for run in logs.of(Origin.NOTEBOOK) if run.main]
    lengths = {len(run.epochs) for run in saved}
    whole = all(run.complete and run.kind is SequenceKind.LOG for run in saved)
    if len(lengths) != 1 or not whole:
        return recipe
    (epochs,) = lengths
    factors = recipe.scheduler.arguments.get("factors") if recipe.scheduler else None
    if isinstance(factors, tuple) and len(factors) <= epochs:
        return recipe  # our run stopped before the schedule was read that far
    rest = tuple(m for m in recipe.missing if m != STOPS_EARLY)
    return msgspec.structs.replace(recipe, epochs=epochs, missing=rest)
