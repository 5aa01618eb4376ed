"""Provider of NetworkFacts: the frames of a sandboxed run, validated and measured. Light to import: no torch
before it is needed.
"""

import importlib.util
import math
from typing import TYPE_CHECKING

from grader.core.distribution import install_hint
from grader.core.facts.network import NetworkFacts
from grader.core.facts.notebook import Choice, NotebookRun
from grader.core.facts.recipe import Value, decode_recipe
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict

if TYPE_CHECKING:
    from grader.execute.graph.ablation import Pixels
    from grader.execute.graph.network import Network


def network_facts(run: NotebookRun) -> NetworkFacts:
    """What the exported network is. Raises Unavailable (a person must look) where there is none or it is not
    sound.
    """
    network = network_of(run)
    from grader.execute.graph.facts import measured_facts
    from grader.execute.graph.schema import InvalidNetwork

    try:
        trained = run.choice is Choice.LAST_TRAINED
        return measured_facts(network, run.artefact, trained=trained, pixels=normalised_by(run.recipe))
    except InvalidNetwork as error:
        raise Unavailable(f"{run.artefact}: {error}", Verdict.UNKNOWN) from error


def normalised_by(recipe: bytes) -> "Pixels":
    """Mean and deviation by which the notebook normalises pixels from 0 to 1; the usual ones where nobody
    read them.

    A word of the worker, which may lie: it adds conditions under which a layer must be heard, and takes none
    away.
    """
    from grader.execute.graph.ablation import USUAL

    found = decode_recipe(recipe)
    parts = [p for p in (found.training_transform or () if found else ()) if p.kind == "Normalize"]
    mean, deviation = 0.0, 1.0
    for part in parts:
        numbers = [_first(part.arguments.get(name)) for name in ("mean", "std")]
        if not all(1e-6 < abs(number) < 1e6 or number == 0 for number in numbers) or numbers[1] <= 0:
            return USUAL
        mean, deviation = mean + deviation * numbers[0], deviation * numbers[1]
    return (mean, deviation) if parts else USUAL


def _first(value: Value) -> float:
    """The number of the first channel; NaN for anything else."""
    first = value[0] if isinstance(value, tuple) and value else value
    return float(first) if isinstance(first, int | float) else math.nan


def network_of(run: NotebookRun) -> "Network":
    """The checked network of a run; raises Unavailable (a person must look) where there is none or it is not
    sound.
    """
    if importlib.util.find_spec("torch") is None:
        raise Unavailable(f"torch is not installed: `{install_hint('retrain')}`", Verdict.SKIPPED)
    from grader.execute.graph.network import load_network
    from grader.execute.graph.schema import InvalidNetwork

    if not run.export:
        reason = run.export_error or "the notebook run left no network behind"
        raise Unavailable(_outside(f"{run.artefact}: {reason}", run), Verdict.UNKNOWN)
    if run.unwritten:
        raise Unavailable(_outside(f"{run.artefact}: {run.unwritten}", run), Verdict.UNKNOWN)
    try:
        return load_network((frame.kind, frame.payload) for frame in run.export)
    except InvalidNetwork as error:
        raise Unavailable(_outside(f"{run.artefact}: {error}", run), Verdict.UNKNOWN) from error


def _outside(reason: str, run: NotebookRun) -> str:
    """The reason why there is no network to look into, and what could be measured of it all the same."""
    return f"{reason}; {run.measured}" if str(run.measured) else reason
