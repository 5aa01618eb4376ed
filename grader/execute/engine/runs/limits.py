"""What a training would cost, before it starts: operations and memory, against what we are willing and able
to spend.
"""

import math
from pathlib import Path
from typing import NamedTuple

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.execute.engine.runs.loop import EVALUATION_BATCH
from grader.execute.graph.checked import CheckedGraph
from grader.execute.graph.network import Network

PER_HOUR = {"cpu": 1e14, "cuda": 1e16}
"""Floating-point operations of an hour of training, about, on one core or on a GPU."""

MEMINFO = Path("/proc/meminfo")
_COPIES = 3
"""Of every value of a training: itself, its gradient, and scratch of about that size."""


class Run(NamedTuple):
    """One training: floating-point operations of all its epochs, digits in a batch."""

    operations: float
    batch: int
    epochs: int


def refuse_too_large(network: Network, run: Run, device: str, budget_hours: float) -> None:
    """Raise Unavailable (unknown) where a run is more than the budget on this device, or than the memory
    here.
    """
    budget = budget_hours * PER_HOUR[device]
    if run.operations > budget:
        raise Unavailable(
            f"one run of {run.epochs} epochs needs {run.operations:.1e} operations, more than the "
            f"{budget:.1e} that the budget of"
            f" {budget_hours:g} hours on {device} allows",
            Verdict.UNKNOWN,
        )
    need, have = memory_needed(network, run.batch), memory_free()
    if device == "cpu" and need > have:
        raise Unavailable(
            f"training in batches of {run.batch:,} needs about {need / 2**30:.1f} GiB of memory, "
            f"{have / 2**30:.1f} GiB are free here",
            Verdict.UNKNOWN,
        )


def memory_needed(network: Network, batch: int) -> int:
    """Bytes that the values of a network take in training and scoring, about."""
    training = _COPIES * batch * sum(_sizes(network.training))
    scoring = _COPIES * EVALUATION_BATCH * max(_sizes(network.evaluation), default=0)
    return 4 * max(training, scoring)


def memory_free() -> float:
    """Bytes that this machine can still give to a process, as far as it tells; infinity where it does not."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return math.inf
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    number, _, unit = fields.get("MemAvailable", "").strip().partition(" ")
    return int(number) * 1024 if number.isdigit() and unit == "kB" else math.inf


def _sizes(graph: CheckedGraph) -> list[int]:
    """Numbers that each step makes of one digit."""
    return [math.prod(item.shape.extents) for item in graph.instructions if item.shape is not None]
