"""NotebookRun -> the training recipe that checks read."""

from grader.core.facts.notebook import NotebookRun
from grader.core.facts.recipe import RecipeFacts, decode_recipe
from grader.core.faults import Unavailable


def recipe_facts(run: NotebookRun) -> RecipeFacts:
    """How the notebook trained in our run; raises Unavailable (a person must look) where that was not
    seen.
    """
    recipe = decode_recipe(run.recipe)
    if recipe is None:
        reason = run.export_error or "the notebook run left no training recipe"
        raise Unavailable(f"{run.artefact}: {reason}")
    return RecipeFacts(artefact=run.artefact, recipe=recipe)
