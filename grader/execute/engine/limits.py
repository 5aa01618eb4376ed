"""What a training would cost, before it starts: operations and memory, against what we are willing and able to spend."""

import math
from pathlib import Path

from grader.core.faults import Unavailable
from grader.core.outcome import Verdict
from grader.execute.engine.loop import EVALUATION_BATCH
from grader.execute.graph.checked import CheckedGraph
from grader.execute.graph.network import Network

LARGEST_RUN = {"cpu": 2e14, "cuda": 2e16}
"""Floating-point operations of one run that we are willing to spend: about two hours on one core, or on a GPU."""

MEMINFO = Path("/proc/meminfo")
_COPIES = 3
"""Of every value of a training: itself, its gradient, and scratch of about that size."""


def refuse_too_large(network: Network, operations: float, batch: int, epochs: int, device: str) -> None:
    """Raise Unavailable (unknown) where one run of `operations`, in batches of `batch`, is more than we spend or have here."""
    if operations > LARGEST_RUN[device]:
        raise Unavailable(
            f"one run of {epochs} epochs needs {operations:.0e} operations, more than the {LARGEST_RUN[device]:.0e} that are spent on {device}",
            Verdict.UNKNOWN,
        )
    need, have = memory_needed(network, batch), memory_free()
    if device == "cpu" and need > have:
        raise Unavailable(
            f"training in batches of {batch:,} needs about {need / 2**30:.1f} GiB of memory, {have / 2**30:.1f} GiB are free here",
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
    return [math.prod(graph.shapes[item.name].extents) for item in graph.instructions]
