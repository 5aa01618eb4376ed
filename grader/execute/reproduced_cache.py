"""Whole runs that came to their end, as JSON, one file each, named by everything that decides what
comes out.
"""

import contextlib
from importlib.metadata import version

import msgspec

from grader.core.bucket import Place, place_of
from grader.core.facts.reproduced import ReproducedFacts
from grader.core.memory import code_of, key, write_whole
from grader.core.settings import Settings
from grader.core.submission import Reads, Sources
from grader.execute.data import digest
from reference.mnist import Mnist


def path_of(sources: Sources, graph: str, data: Mnist, settings: Settings) -> Place | None:
    """Where the run of a submission is kept; None where nothing is.

    What ran isolated is not taken for what did not, nor the other way round: the record says how it ran.
    """
    if not settings.cache:
        return None
    name = key(
        code=code_of("grader.execute.reproduce"),
        graph=graph,
        data=digest(data),
        options=[settings.reproduce_minutes, settings.canary, settings.unsafe_no_sandbox],
        packages=[version(name) for name in ("torch", "torchvision")],
        artefacts=[[a.path, a.sha256] for a in sources.submission.only(Reads.RUNS).artefacts],
    )
    return place_of(settings.cache) / "reproduced" / f"{name[:32]}.json"


def read(path: Place | None) -> ReproducedFacts | None:
    """The run that is kept there, None where there is none that can be used."""
    if path is None:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReproducedFacts)
    except (OSError, msgspec.DecodeError):
        return None


def write(path: Place | None, facts: ReproducedFacts) -> None:
    """Keep a run that came to its end; one that was cut is run again. A disk that takes nothing keeps
    nothing.
    """
    if path is None or facts.cut:
        return
    with contextlib.suppress(OSError):
        write_whole(path, msgspec.json.encode(facts))
