"""Provider of RetrainFacts. Light to import: torch comes in only when something is trained."""

import importlib.util

from grader.core.admission import admitted
from grader.core.assigned_data import MNIST, DataSet
from grader.core.distribution import install_hint
from grader.core.evidence.logs import LogEvidence
from grader.core.facts.notebook import NotebookRun
from grader.core.facts.retrain import RetrainFacts
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.core.progress import tell
from grader.core.retrain_rule import Admission, Retraining
from grader.core.settings import Settings
from grader.execute.engine.runs.wish import Wish
from grader.execute.epochs import EpochLines
from grader.execute.logged_epochs import as_logged


def retrain(
    run: NotebookRun,
    settings: Settings,
    wanted: Retraining,
    logs: LogEvidence | None,
    data: DataSet = MNIST,
) -> RetrainFacts:
    """Retrain the network of a notebook run until the rules of the rubric have decided.

    Facts without a run where a saved log decides and the rubric wants that.

    Raises Unavailable: skipped where retraining was not wanted or the data set is not there, unknown where
    there is no sound network or it cannot be trained here.
    """
    admits = wanted.admission is Admission.DECIDES and all(admitted(logs, rule) for rule in wanted.rules)
    why = "nothing was trained: the saved log decides" if admits else ""
    first, *further = wanted.rules
    wish = Wish(rule=first, further=tuple(further), budget_hours=wanted.budget_hours, admitted=why)
    return retrain_as(run, settings, wish._replace(progress=EpochLines(wish.epochs, tell)), logs, data)


def retrain_as(
    run: NotebookRun,
    settings: Settings,
    wish: Wish,
    logs: LogEvidence | None = None,
    data: DataSet = MNIST,
) -> RetrainFacts:
    """Retrain as wished; see `retrain`. `logs` tell how long a loop ran that may stop early."""
    if not settings.retrain:
        raise Unavailable("the network was not trained again in this run", Verdict.SKIPPED)
    if importlib.util.find_spec("torch") is None:
        raise Unavailable(f"torch is not installed: `{install_hint('retrain')}`", Verdict.SKIPPED)
    from grader.core.facts.recipe import decode_recipe
    from grader.execute.data import load_images
    from grader.execute.engine.runs.retraining import retrain_network
    from grader.execute.graph.provider import network_of
    from grader.execute.wrong_digits import with_wrong_digits

    network = network_of(run)
    images = load_images(settings, data)
    recipe = as_logged(decode_recipe(run.recipe), logs)
    facts = retrain_network(network, recipe, images, settings, wish, artefact=run.artefact, described=data)
    return with_wrong_digits(facts, images)
