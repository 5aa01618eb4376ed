"""Provider of NetworkFacts: the frames of a sandboxed run, validated and measured. Light to import: no torch
before it is needed, and none in this process where a fork of the warm one looks.
"""

import importlib
import importlib.util
import math
from typing import TYPE_CHECKING

import msgspec

from grader.core.distribution import install_hint
from grader.core.facts.network import NetworkFacts
from grader.core.facts.notebook import Choice, NotebookRun
from grader.core.facts.recipe import Value, decode_recipe
from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.sandbox import apart

if TYPE_CHECKING:
    from grader.execute.graph.ablation import Pixels
    from grader.execute.graph.network import Network


COMPARE, LOOK = "grader.execute.graph.same_answers:compare", "grader.execute.graph.provider:look"
LOOKS = (COMPARE, LOOK)
"""What runs in forks of the warm process: it needs torch, and else nothing does before a training."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a network is, or why nobody can say."""

    facts: NetworkFacts | None = None
    refused: str = ""


def network_facts(run: NotebookRun) -> NetworkFacts:
    """What the exported network is. Raises Unavailable (a person must look) where there is none or it is not
    sound.
    """
    _must_have_left(run)
    slim = msgspec.structs.replace(run, cells=(), shims=(), models=(), notes=())
    seen = apart.call(LOOK, slim, returns=Seen)
    if seen is None:
        return _facts(run)
    if isinstance(seen, apart.Ended):
        raise Unavailable(_outside(f"{run.artefact}: the network {seen}", run), Verdict.UNKNOWN)
    if seen.facts is None:
        raise Unavailable(seen.refused, Verdict.UNKNOWN)
    return seen.facts


def warm() -> None:
    """Import what a look needs, once for all forks that take one."""
    for name in ("facts", "network"):
        importlib.import_module(f"{__package__}.{name}")


def look(run: NotebookRun) -> Seen:
    """Look into the network of a run, in this process."""
    try:
        return Seen(facts=_facts(run))
    except Unavailable as refusal:
        return Seen(refused=str(refusal))


def _facts(run: NotebookRun) -> NetworkFacts:
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
    _must_have_left(run)
    from grader.execute.graph.network import load_network
    from grader.execute.graph.schema import InvalidNetwork

    try:
        return load_network((frame.kind, frame.payload) for frame in run.export)
    except InvalidNetwork as error:
        raise Unavailable(_outside(f"{run.artefact}: {error}", run), Verdict.UNKNOWN) from error


def _must_have_left(run: NotebookRun) -> None:
    """Raise Unavailable where there is nothing to look into, or nothing to look with."""
    if importlib.util.find_spec("torch") is None:
        raise Unavailable(f"torch is not installed: `{install_hint('retrain')}`", Verdict.SKIPPED)
    if not run.export:
        reason = run.export_error or "the notebook run left no network behind"
        raise Unavailable(_outside(f"{run.artefact}: {reason}", run), Verdict.UNKNOWN)
    if run.unwritten:
        raise Unavailable(_outside(f"{run.artefact}: {run.unwritten}", run), Verdict.UNKNOWN)


def _outside(reason: str, run: NotebookRun) -> str:
    """The reason why there is no network to look into, and what could be measured of it all the same."""
    return f"{reason}; {run.measured}" if str(run.measured) else reason
