"""What the jobs of a stage take of the machine that does them."""

import glob
from collections.abc import Mapping, Sequence
from typing import Final

from grader.core.machine import TRAININGS_PER_GPU
from grader.core.settings import Device, Settings
from grader.pipeline.plan.plan import Stage
from grader.pipeline.plan.providers import Phase
from grader.schedule.base import Needs

LOADED = ("runpy", "grader.schedule.local", "grader.pipeline.classroom.job", "grader.execute.preload")
"""What a process imports whose jobs run a notebook; the last freezes what is there by then."""
LOADED_TO_TRAIN = (
    *LOADED[:-1],
    *(f"grader.execute.graph.{name}" for name in ("ablation", "facts", "network", "same_answers")),
    LOADED[-1],
)
"""The same where workers train, too: torch, which each would hold by itself. Nothing is computed by it before
the fork: a process in which torch has computed anything may hold threads, and its forks hang.
"""
NEEDS: Final[Mapping[Phase, Needs]] = {
    # In brackets what `python -m benchmarks phase_needs` saw of two samples: the peak of all processes of the
    # job, and how many threads ran or waited for a core on average. Several times that memory is asked for: a
    # student's file decides how much it is, up to the limits of reader and sandbox (1.2 and 2 GB).
    Phase.READ: Needs(cores=1.0, memory=768 * 2**20, block=32),  # [55 MiB with replay, 1.03]
    Phase.REPLAY: Needs(cores=1.0, memory=768 * 2**20, block=32),
    Phase.EXECUTE: Needs(cores=1.0, memory=3 * 2**30, isolated=True),  # [381 MiB, 1.02]
    # [455 MiB, 1.00]; its share of a GPU is a guess.
    Phase.RETRAIN: Needs(cores=1.0, memory=3 * 2**30, gpus=1 / TRAININGS_PER_GPU, isolated=True),
    Phase.REPRODUCE: Needs(cores=1.0, memory=3 * 2**30, isolated=True),  # not measured: it is one of EXECUTE
}
"""What one job of each phase takes of a machine, its reader or sandbox included; a GPU where there is one."""
GPUS = "/dev/nvidia[0-9]*"
"""What the driver makes for each GPU on Linux; asking torch would load it into a process that needs it for
nothing else.
"""


def needs_of(stage: Stage, settings: Settings, stages: Sequence[Stage] = ()) -> Needs:
    """Return what a job of a stage needs, one of the `stages` of a class.

    The share that the store has of CPU seconds in seconds by the clock is no measure of cores: it says how
    loaded a machine was, and would load it more (0.06 for notebooks that ran beside twenty other processes).
    """
    needs = [NEEDS[phase] for phase in stage.phases]
    isolated = settings.execute and any(n.isolated for n in needs)
    # The first stage that loads something decides for all: they share the process that workers fork from.
    trains = any(s.phases[0] in (Phase.RETRAIN, Phase.REPRODUCE) for s in (stage, *stages))
    return Needs(
        cores=max(n.cores for n in needs),
        memory=max(n.memory for n in needs),
        gpus=0.0 if settings.device is Device.CPU else max(n.gpus for n in needs),
        block=min(n.block for n in needs),
        isolated=isolated,
        loads=(LOADED_TO_TRAIN if trains else LOADED) if isolated else (),
    )


def trainings_at_once(settings: Settings) -> int:
    """Return how many trainings the GPU of this machine holds; 0 for no bound, where there is none or none is
    wanted. All of them take the first GPU that torch sees; Ray gives each of its jobs one of several.
    """
    return TRAININGS_PER_GPU if settings.device is not Device.CPU and glob.glob(GPUS) else 0  # noqa: PTH207
