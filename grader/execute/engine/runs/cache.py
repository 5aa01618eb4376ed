"""Finished trainings as JSON, one file a seed, named by everything that decides their curves."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from grader.core.assigned_data import MNIST, DataSet
from grader.core.bucket import Place, place_of
from grader.core.facts.recipe import StudentRecipe
from grader.core.facts.retrain import KernelSet, RecipeUsed, SeedRun, Versions
from grader.core.memory import digest, key, write_whole
from grader.execute.data import digest as digits_digest
from grader.execute.engine.recipes.recipe import Plan
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.initial_weights import fresh_tensors
from grader.execute.graph.network import Network
from reference import mnist


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What is trained, how, on what and where. `plan` and `recipe` are None for our own recipe."""

    network: Network
    plan: Plan | None
    recipe: StudentRecipe | None
    data: mnist.Mnist
    device: str
    versions: Versions
    planned: int
    """Epochs of a full run."""
    kernels: KernelSet
    described: DataSet = MNIST

    @property
    def side_by_side(self) -> bool:
        """Whether several seeds cost little more than one: a GPU waits for launches, a CPU core has no time
        left.
        """
        return self.device == "cuda"

    @property
    def used(self) -> RecipeUsed:
        """Whose recipe it is."""
        return RecipeUsed.REFERENCE if self.plan is None else RecipeUsed.STUDENT


STALE = 30 * 24 * 3600
"""Seconds after which the state of a run that nobody went on with is removed: a month."""


class RunCache:
    """Runs of one job below a directory; without a directory nothing is kept."""

    def __init__(self, directory: str, job: TrainingJob) -> None:
        self._directory = place_of(directory) / "retrain" if directory else None
        if isinstance(self._directory, Path):  # a bucket has rules of its own for what is old
            _forget_stale(self._directory, time.time() - STALE)
        self._key = _key(job) if directory else {}
        self._planned = job.planned

    def read(self, seed: int) -> SeedRun | None:
        """The run of that seed, None where there is none that can be used."""
        if self._directory is None:
            return None
        try:
            run = msgspec.json.decode(self._path(self._directory, seed).read_bytes(), type=SeedRun)
        except (OSError, msgspec.DecodeError):
            return None
        return run if (run.seed, run.planned) == (seed, self._planned) else None

    def write(self, run: SeedRun) -> None:
        """Keep a run. A half-written file never takes the place of a whole one; a disk that takes nothing
        keeps nothing.
        """
        if self._directory is None:
            return
        path = self._path(self._directory, run.seed)
        with contextlib.suppress(OSError):
            write_whole(path, msgspec.json.encode(run))
            self.checkpoint(run.seed).drop()

    def checkpoint(self, *seeds: int) -> Checkpoint:
        """Where the run of that seed, or of several side by side, keeps its state until it is finished."""
        return Checkpoint(self._directory and self._path(self._directory, *seeds).with_suffix(".state"))

    def _path(self, directory: Place, *seeds: int) -> Place:
        return directory / f"{key(**self._key, seeds=seeds)[:32]}.json"


def _forget_stale(directory: Path, before: float) -> None:
    for state in directory.glob("*.state"):
        with contextlib.suppress(OSError):  # another process goes on with it, or removed it
            if state.stat().st_mtime < before:
                state.unlink()


def _key(job: TrainingJob) -> dict[str, object]:
    network = job.network
    return {
        "graph": network.digest,
        # In their order, in which weights are drawn.
        "shapes": [[kind.value, *network.tensors[name].shape] for name, kind in network.kinds.items()],
        "kept": [
            digest(network.tensors[name].contiguous().numpy().tobytes())
            for name in fresh_tensors(network, 0).kept
        ],
        "recipe": job.recipe,
        "planned": job.planned,  # our own schedule is stretched over the epochs
        "data": digits_digest(job.data),
        "device": job.device,
        "threads": 1,
        "kernels": job.kernels.value,
        "versions": job.versions,
        # Our own recipe normalises as the data set says; what is said of MNIST was always so.
        **({} if job.described.usual else {"pixels": [job.described.mean, job.described.deviation]}),
    }
