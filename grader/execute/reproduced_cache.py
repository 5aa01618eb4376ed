"""Whole runs that came to their end, as JSON, one file each, named by everything that decides what comes out."""

import contextlib
import hashlib
import os
from importlib.metadata import version
from pathlib import Path

import msgspec

from grader.core.facts.reproduced import ReproducedFacts
from grader.core.settings import Settings
from grader.core.submission import Sources
from grader.execute.data import digest
from grader.sandbox import worker
from reference.mnist import Mnist

VERSION = 1
"""Goes up whenever the same run may be scored otherwise."""


def path_of(sources: Sources, graph: str, data: Mnist, settings: Settings) -> Path | None:
    """Where the run of a submission is kept; None where nothing is.

    What ran isolated is not taken for what did not, nor the other way round: the record says how it ran.
    """
    if not settings.cache:
        return None
    inside = Path(worker.__file__).parent
    parts = [
        str(VERSION),
        graph,
        digest(data),
        f"{settings.reproduce_minutes} {settings.canary} {settings.unsafe_no_sandbox}",
        *(version(name) for name in ("torch", "torchvision")),
        *(f"{a.path} {a.sha256}" for a in sources.submission.artefacts),
        *(hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(inside.glob("*.py"))),
    ]
    name = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Path(settings.cache) / "reproduced" / f"{name}.json"


def read(path: Path | None) -> ReproducedFacts | None:
    """The run that is kept there, None where there is none that can be used."""
    if path is None:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReproducedFacts)
    except (OSError, msgspec.DecodeError):
        return None


def write(path: Path | None, facts: ReproducedFacts) -> None:
    """Keep a run that came to its end; one that was cut is run again. A disk that takes nothing keeps nothing."""
    if path is None or facts.cut:
        return
    draft = path.with_suffix(f".{os.getpid()}.part")  # two students with the same files run at the same time
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(facts))
        draft.replace(path)
