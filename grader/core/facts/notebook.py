"""What happened when the notebook ran in the sandbox.

That a job ran, how it was isolated and how it ended are facts: the trusted side saw them. Everything else
here came over the pipe from a process that ran the student's code, so it is a *claim* about the notebook,
never proof of itself.
"""

from enum import Enum
from typing import Annotated

import msgspec

from grader.core.facts.base import Fact
from grader.core.facts.network import OutputKind

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
"""A number that came out of the sandbox: one beyond 64 bits could be read as JSON and never be stored."""


class Isolation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stood between the student's code and this machine while it ran; stamped on every output.

    `memory` names what enforced the limit: `cgroup v1`, `cgroup v2`, `watchdog`. `seccomp` is the first 16
    hex digits of the SHA-256 of the filter program.
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
    cold: str = ""
    """Why the job was started from nothing although a warm process was there for it; it is held as firmly."""

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
        parts += [self.cold]
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
    """One code cell. `cell` counts all cells of the notebook from 1, `line` from 1 inside the cell (0 when
    not known).
    """

    cell: Count
    status: CellStatus
    error: str = ""
    """Class of the exception."""
    message: str = ""
    line: Count = 0
    stdout: str = ""
    """An excerpt of what the cell printed in our run."""


class Shim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One compatibility measure that the notebook needed: what we changed so that it runs here."""

    name: str
    what: str
    uses: Count


class SeenModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One network that the notebook made, as the worker saw it (a claim)."""

    name: str
    """Class name."""
    declared: Count
    """Sum of the sizes of `parameters()`: a claim, the student's code could have patched it."""
    steps: Count = 0
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
    """One raw frame of the exported model: `model` and `graph` (training mode first, then evaluation) hold
    JSON, `weights` safetensors. Not validated beyond size, depth and well-formedness.
    """

    kind: str
    payload: bytes


class Asked(Enum):
    """Whether the network was asked from outside, inside the sandbox, with images that came without
    labels.
    """

    NOT_ASKED = "not-asked"
    """There was no network to ask, or the run ended before."""
    ANSWERED = "answered"
    REFUSED = "refused"
    """No usable answers; `reason` says why."""


class Steady(Enum):
    """Whether an image that is asked again is answered alike."""

    YES = "yes"
    RANDOM = "random"
    """The same batch, asked twice, gives two answers: chance or memory takes part in evaluation."""
    NEIGHBOURS = "neighbours"
    """The answer for a digit depends on the other digits of its batch."""


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What answers to images without labels show: all that can be said of a network that cannot leave as
    data.

    `right` of `scored` is counted with labels that never went in. It tells little here, where the network was
    trained on 192 digits; without MNIST nothing is scored. `draws` (random numbers are used in evaluation) is
    the worker's word.
    """

    asked: Asked = Asked.NOT_ASKED
    reason: str = ""
    images: int = 0
    """Different images, apart from disturbed ones."""
    steady: Steady = Steady.YES
    largest_difference: float = 0.0
    """Between answers to the same image, relative to 1 + their size."""
    draws: bool = False
    output: OutputKind = OutputKind.LOGITS
    right: int = 0
    scored: int = 0
    disturbed: int = 0
    """Images asked once more with grey levels changed a little, and how many of them got the same digit."""
    disturbed_alike: int = 0

    def __str__(self) -> str:
        """Half a sentence for reports; empty where the network was not asked."""
        if self.asked is Asked.NOT_ASKED:
            return ""
        if self.asked is Asked.REFUSED:
            return f"measured from outside: no usable answers ({self.reason})"
        chance = "random numbers take part in evaluation, as with a dropout that stays on"
        memory = "something in it changes from call to call"
        how = {
            Steady.YES: "the same answer to the same image every time",
            Steady.RANDOM: f"two answers to the same batch: {chance if self.draws else memory}",
            Steady.NEIGHBOURS: "the answer to an image depends on the other images of its batch",
        }[self.steady]
        score = f", {self.right} of {self.scored} right after a few steps of training" if self.scored else ""
        return f"measured from outside on {self.images} images: {self.output.value}, {how}{score}"


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
    measured: Measured = Measured()
    unwritten: str = ""
    """Why no source that ran builds the network that came out, for a person; empty where one does."""

    @property
    def failed(self) -> tuple[CellRun, ...]:
        """The cells that ended in an exception or ran out of time."""
        return tuple(c for c in self.cells if c.status in (CellStatus.FAILED, CellStatus.TIMEOUT))

    def reading(self) -> tuple[tuple[str, str], ...]:
        """Lines of "what we read": what ran, what we changed so that it runs here, and the answers of a
        network that could not leave.
        """
        ran = [c for c in self.cells if c.status is not CellStatus.NOT_RUN]
        text = f"{len(ran)} of {len(self.cells)} code cells were run on a few digits, to find the network"
        if self.ending is not Ending.OK:
            text = (
                f"{len(ran)} code cells had ended when the run did: "
                f"{'; '.join(self.notes)[:400] or self.ending.value}"
            )
        stopped = [f"cell {c.cell}: {c.error or c.status.value}" for c in self.failed]
        chosen = [f"the submitted one is {m.name}" for m in self.models if m.chosen]
        left = any(frame.kind == "graph" for frame in self.export)
        odd = self.measured.steady is not Steady.YES
        asked = [str(self.measured)] if odd or not left else []
        return (
            (self.artefact, "; ".join([text, *chosen, *stopped])),
            *((f"{self.artefact}, changed for this run", f"{s.name}: {s.what}") for s in self.shims),
            *((f"{self.artefact}, its network", said) for said in asked if said),
        )
