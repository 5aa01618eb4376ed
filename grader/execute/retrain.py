"""Provider of RetrainFacts. Light to import: torch comes in only when something is trained."""

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from grader.core.distribution import install_hint
from grader.core.evidence.logs import LogEvidence
from grader.core.facts.notebook import NotebookRun
from grader.core.facts.retrain import Mode, RecipeUsed, RetrainFacts
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.progress import tell
from grader.core.settings import Settings
from grader.execute.admission import admitted
from grader.execute.retrain_rule import Admission, Retraining, RuleParams


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
    mode: Mode = Mode.EXACT
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


def retrain(
    run: NotebookRun, settings: Settings, wanted: Retraining, logs: LogEvidence | None
) -> RetrainFacts:
    """Retrain the network of a notebook run until the rules of the rubric have decided.

    Facts without a run where a saved log decides and the rubric wants that.

    Raises Unavailable: skipped where retraining was not wanted or MNIST is not there, unknown where there is no sound
    network or it cannot be trained here.
    """
    from grader.execute.epochs import EpochLines

    admits = wanted.admission is Admission.DECIDES and all(admitted(logs, rule) for rule in wanted.rules)
    why = "nothing was trained: the saved log decides" if admits else ""
    first, *further = wanted.rules
    wish = Wish(rule=first, further=tuple(further), budget_hours=wanted.budget_hours, admitted=why)
    return retrain_as(run, settings, wish._replace(progress=EpochLines(wish.epochs, tell)))


def retrain_as(run: NotebookRun, settings: Settings, wish: Wish) -> RetrainFacts:
    """Retrain as wished; see `retrain`."""
    if not settings.retrain:
        raise Unavailable("retraining was not wanted (--no-retrain)", Verdict.SKIPPED)
    if importlib.util.find_spec("torch") is None:
        raise Unavailable(f"torch is not installed: `{install_hint('retrain')}`", Verdict.SKIPPED)
    from grader.core.facts.recipe import decode_recipe
    from grader.execute.data import load_mnist
    from grader.execute.engine.decide import retrain_network
    from grader.execute.graph.provider import network_of

    network = network_of(run)
    data = load_mnist(settings)
    recipe = decode_recipe(run.recipe)
    return retrain_network(network, recipe, data, settings, wish, artefact=run.artefact)
