"""What the jobs of a stage take of the machine that does them."""

import glob

from grader.core.settings import Device, Settings
from grader.pipeline.plan.plan import Stage
from grader.pipeline.plan.providers import EXECUTING, STATIC, Phase
from grader.schedule.base import Needs

BYTES_PER_WORKER = 3 * 2**30
"""Memory that an executing worker with its sandbox may take; bounds the number of workers."""
BYTES_PER_READER = 768 * 2**20
"""Memory that a worker takes that reads and replays, with its reader process."""
TRAININGS_PER_GPU = 4
"""Processes that share one GPU. Unmeasured: a network of this size is bound by the launch of its kernels,
which fills no GPU.
"""
BLOCK = 32
"""Hand-ins that are read in one block at most."""
LOADED = ("grader.pipeline.classroom.job", "grader.execute.preload")
"""What a job imports that runs a notebook or trains its network; the last freezes what is there by then."""
GPUS = "/dev/nvidia[0-9]*"
"""What the driver makes for each GPU on Linux; asking torch would load it into a process that needs it for
nothing else.
"""


def needs_of(stage: Stage, settings: Settings) -> Needs:
    """Return what a job of a stage needs.

    A core each: where nothing else runs, every phase keeps one busy. The share that the store has of CPU
    seconds in seconds by the clock says how loaded a machine was, and would load it more: 0.06 of a core for
    notebooks that ran beside twenty other processes on two.
    """
    if stage.phases[0] in STATIC:
        return Needs(memory=BYTES_PER_READER, block=BLOCK)
    executes = any(phase in EXECUTING for phase in stage.phases) and settings.execute
    trains = Phase.RETRAIN in stage.phases and settings.device is not Device.CPU
    return Needs(
        memory=BYTES_PER_WORKER,
        gpus=1 / TRAININGS_PER_GPU if trains else 0.0,
        isolated=executes,
        loads=LOADED if executes else (),
    )


def trainings_at_once(settings: Settings) -> int:
    """Return how many trainings the GPUs of this machine hold; 0 for no bound, where there is none or none is
    wanted.
    """
    return 0 if settings.device is Device.CPU else TRAININGS_PER_GPU * len(glob.glob(GPUS))  # noqa: PTH207
