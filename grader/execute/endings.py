"""How a run of a notebook ended, in one sentence that its author understands.

A run that was stopped decides nothing against anybody: the criteria that needed its network are `unknown`,
with this sentence; what had arrived by then is kept.
"""

from grader.sandbox.api import Limits, RunResult, RunStatus
from grader.sandbox.limits import MIB


def told(result: RunResult, limits: Limits) -> str:
    """Return why a run did not end well; empty where it did, or where the fault is ours."""
    status = result.status
    if status is RunStatus.NONZERO:
        return (
            f"the code ended its own Python process ({_exit(result.exit_code)}), and "
            "nothing after that was run"
        )
    if status is RunStatus.PROTOCOL_ERROR:
        return (
            "something other than our worker wrote to the pipe through which a run reports, so "
            "nothing of it counts: "
            f"{result.detail}"
        )
    return {
        RunStatus.WALL: f"the run was stopped after {limits.wall:g} seconds: it did not "
        "end when it was told to",
        RunStatus.CPU: f"the run was stopped: it used more than {limits.cpu} seconds of the processor",
        RunStatus.MEMORY: f"the run was stopped: it took more than {limits.memory // MIB} MiB of memory",
        RunStatus.PIDS: f"the run ended: it started more than {limits.pids} processes and threads",
        RunStatus.OUTPUT: f"the run was stopped: it wrote without end ({result.detail})",
        RunStatus.INCOMPLETE: "the code ended its own Python process, and nothing after that was run",
    }.get(status, "")


def _exit(code: int | None) -> str:
    if code is None:
        return "without an exit status"
    if code < 0 or 128 < code < 128 + 65:
        return f"killed by signal {-code if code < 0 else code - 128}"
    return f"exit status {code}"
