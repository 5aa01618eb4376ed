"""What happened when the notebook ran in the sandbox.

That a job ran, how it was isolated and how it ended are facts: the trusted side saw them. Everything else here came over
the pipe from a process that ran the student's code, so it is a *claim* about the notebook, never proof of itself.
"""

from enum import Enum

import msgspec

from grader.core.facts.base import Fact


class Isolation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stood between the student's code and this machine while it ran; stamped on every output.

    `memory` names what enforced the limit: `cgroup v1`, `cgroup v2`, `watchdog`. `seccomp` is the first 16 hex digits of
    the SHA-256 of the filter program.
    """

    backend: str
    isolated: bool
    user: str = ""
    """`dedicated` (a uid of its own), `own` (the uid of the person who runs grader)."""
    network: bool = True
    """Whether the code could reach a network."""
    processes: bool = True
    """Whether the code could see or signal processes outside."""
    seccomp: str = ""
    memory: str = ""
    weaknesses: tuple[str, ...] = ()
    """What this machine could not enforce, one sentence each."""

    def __str__(self) -> str:
        """One line for reports; begins with `none` exactly where nothing isolated."""
        if not self.isolated:
            return "none: the student's code ran with the rights of the person who ran grader"
        parts = [f"{self.user} user" if self.user else "", "network" if self.network else "no network"]
        parts += [
            f"seccomp {self.seccomp}" if self.seccomp else "",
            f"memory by {self.memory}" if self.memory else "",
        ]
        parts += [f"not enforced: {w}" for w in self.weaknesses]
        return f"{self.backend} ({', '.join(p for p in parts if p)})"


class Ending(Enum):
    """How a sandboxed job ended."""

    OK = "ok"
    NONZERO = "nonzero"
    """The worker died with an exit status before it was done."""
    WALL = "wall"
    CPU = "cpu"
    MEMORY = "memory"
    OUTPUT = "output"
    PIDS = "pids"
    PROTOCOL_ERROR = "protocol_error"
    """Something other than well-formed frames came over the pipe."""
    INCOMPLETE = "incomplete"
    """The process ended as if all were well, but never said that it was done."""
    OURS = "ours"
    """The sandbox itself could not start: our fault."""


class CellStatus(Enum):
    """How one code cell ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"
    NOT_RUN = "not-run"


class CellRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One code cell. `cell` counts all cells of the notebook from 1, `line` from 1 inside the cell (0 when not known)."""

    cell: int
    status: CellStatus
    error: str = ""
    """Class of the exception."""
    message: str = ""
    line: int = 0
    stdout: str = ""
    """An excerpt of what the cell printed in our run."""


class Shim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One compatibility measure that the notebook needed: what we changed so that it runs here."""

    name: str
    what: str
    uses: int


class SeenModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One network that the notebook made, as the worker saw it (a claim)."""

    name: str
    """Class name."""
    declared: int
    """Sum of the sizes of `parameters()`: a claim, the student's code could have patched it."""
    steps: int = 0
    """Optimizer steps that trained it in our run."""
    chosen: bool = False


class Choice(Enum):
    """How the submitted model was found."""

    NONE = "none"
    LAST_TRAINED = "last-trained"
    """The network whose forward pass preceded the last backward pass."""
    ONLY_INSTANCE = "only-instance"
    """Nothing was trained; the namespace holds exactly one network."""
    EXTRACTED = "extracted-class"
    """Nothing was made; one network class could be instantiated without arguments."""


class ExportFrame(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One raw frame of the exported model: `model` and `graph` (training mode first, then evaluation) hold JSON,
    `weights` safetensors. Not validated beyond size, depth and well-formedness.
    """

    kind: str
    payload: bytes


class NotebookRun(Fact, frozen=True, kw_only=True):
    """One run of the main notebook on a tiny slice of training digits."""

    artefact: str
    ending: Ending
    isolation: Isolation
    data: str
    """Which digits the notebook saw: `mnist-train-slice` or `synthetic`."""
    cells: tuple[CellRun, ...] = ()
    shims: tuple[Shim, ...] = ()
    models: tuple[SeenModel, ...] = ()
    choice: Choice = Choice.NONE
    export: tuple[ExportFrame, ...] = ()
    export_error: str = ""
    """Why there is no exported model, for a person; empty when there is one."""
    recipe: bytes = b""
    """The recipe as the worker read it: whitelisted JSON, empty when there is none."""
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[CellRun, ...]:
        """The cells that ended in an exception or ran out of time."""
        return tuple(c for c in self.cells if c.status in (CellStatus.FAILED, CellStatus.TIMEOUT))
