"""Several seeds of one network trained at once, each in a process of its own with one thread: the same bits
as one after the other.

The parent hears of every epoch and answers whether to go on, so that a hit of any seed ends all of them. A
child whose parent is gone ends at its next epoch; what it finished stays in its checkpoint.
"""

import multiprocessing as mp
import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from grader.core.assigned_data import MNIST, DataSet
from grader.core.bucket import Place
from grader.core.child import Child
from grader.core.facts.recipe import StudentRecipe
from grader.core.facts.retrain import KernelSet, SeedRun
from grader.core.machine import usable_cores
from grader.execute.engine.recipes.recipe import resolve
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.limits import PER_HOUR, memory_free, memory_needed
from grader.execute.engine.runs.seed_run import run_seed
from grader.execute.graph.network import Network
from reference import mnist

WORTH_IT = PER_HOUR["cpu"] / 60
"""Operations of a run, about a minute of one core, below which starting a process (three seconds of importing
torch) saves little.
"""
BYTES_PER_PROCESS = 600 * 2**20
"""Memory of a process beside the values of its network: torch, and the digits that it keeps."""


class Training(NamedTuple):
    """One seed to train. `recipe` is None for our own; `state` is where it keeps its state until it is
    finished.
    """

    network: Network
    recipe: StudentRecipe | None
    data: mnist.Mnist
    seed: int
    epochs: int
    state: Place | None
    described: DataSet = MNIST
    kernels: KernelSet = KernelSet.TORCH


class Heard(NamedTuple):
    """An epoch of one of the trainings, `number` from 0. `kept`: it was run at another time."""

    number: int
    right: int
    loss: float
    kept: bool


def processes_for(network: Network, batch: int, operations: float) -> int:
    """How many runs of so many operations each are worth training at once here; 1 where we are a worker among
    others already.
    """
    if operations < WORTH_IT or mp.parent_process() is not None:
        return 1
    room = memory_free() / (memory_needed(network, batch) + BYTES_PER_PROCESS)
    return int(max(1, min(usable_cores(), room)))


def run_apart(trainings: Sequence[Training], on_epoch: Callable[[Heard], bool]) -> tuple[SeedRun, ...] | None:
    """Train all of them at once; `on_epoch` answers whether that one stops. None where a process died."""
    channels: dict[Connection, int] = {}
    children: list[Child] = []
    runs: dict[int, SeedRun] = {}
    try:
        for number, training in enumerate(trainings):
            child = Child(_train, daemon=True)
            children.append(child)
            channels[child.channel] = number
            # Not as an argument: torch would hand its tensors over in shared memory.
            child.channel.send_bytes(pickle.dumps(training))
        while channels:
            ready = wait(list(channels))
            for channel in [channel for channel in channels if channel in ready]:
                number = channels[channel]
                message = channel.recv()
                if isinstance(message, SeedRun):
                    runs[number] = message
                    del channels[channel]
                elif isinstance(message, Exception):
                    raise message
                else:
                    channel.send(on_epoch(Heard(number, *message)))
    except (EOFError, OSError):
        return None
    finally:
        for child in children:
            child.stop(now=len(runs) < len(trainings))
    return tuple(runs[number] for number in range(len(trainings)))


def _train(channel: Connection) -> None:
    """What a child does."""
    with suppress(
        EOFError, OSError, KeyboardInterrupt
    ):  # the parent is gone, or got the same Ctrl-C and says so
        training: Training = pickle.loads(channel.recv_bytes())  # noqa: S301 - from our own parent
        plan = None
        if training.recipe is not None:
            side, count = training.described.side, len(training.data.train_labels)
            plan = resolve(training.recipe, training.network.image, count, side).plan
        checkpoint = Checkpoint(training.state)
        epochs = 0

        def on_epoch(right: int, loss: float) -> bool:
            nonlocal epochs
            epochs += 1
            channel.send((right, loss, epochs <= checkpoint.epochs))
            return bool(channel.recv())

        try:
            run = run_seed(
                training.network,
                plan,
                training.data,
                seed=training.seed,
                epochs=training.epochs,
                device="cpu",
                on_epoch=on_epoch,
                checkpoint=checkpoint,
                described=training.described,
                kernels=training.kernels,
            )
        except (RuntimeError, IndexError, TypeError, ValueError, ArithmeticError, MemoryError) as error:
            channel.send(
                type(error)(str(error)) if type(error).__module__ == "builtins" else RuntimeError(str(error))
            )
            return
        channel.send(run)
