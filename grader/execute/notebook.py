"""Runs the main notebook in the sandbox and records what came back.

The trusted side never imports, compiles or evaluates anything of the student: it hands over bytes, and takes
back frames that it checks against a schema. Everything in a frame is a claim, since the student's code ran in
the process that wrote it.
"""

import math
from typing import TYPE_CHECKING

import msgspec

from grader.core.assigned_data import MNIST, DataSet
from grader.core.distribution import install_hint
from grader.core.facts.notebook import (
    Asked,
    CellRun,
    CellStatus,
    Choice,
    Count,
    ExportFrame,
    Measured,
    NotebookRun,
    SeenModel,
    Shim,
)
from grader.core.faults import SandboxFault, Unavailable
from grader.core.outcome import Verdict
from grader.core.rubric import Execution
from grader.core.settings import Settings
from grader.core.submission import Kind, Reads, Source, Sources
from grader.execute import digits
from grader.execute.endings import told
from grader.execute.entries import entries, is_keras, makes_otherwise
from grader.execute.graph.provider import COMPARE
from grader.execute.network_source import unwritten
from grader.sandbox import apart
from grader.sandbox.api import Frame, Job, Limits, RunResult, RunStatus, Sandbox
from grader.sandbox.environment import lacking
from reference.mnist import MnistDamaged

if TYPE_CHECKING:
    from grader.execute import measure

MAX_FILE = 32 << 20
MAX_FILES = 64 << 20
"""Bytes of the submission that are laid beside the notebook."""
EXPORT_SECONDS = 130.0
"""Of a run, kept for imports and for sending the network."""
USUAL = Execution()
EXPORT_ORDER = (("model",), NETWORK := ("model", "graph", "graph", "weights"), (*NETWORK, "answers"))
"""What an honest worker sends of the network: only the claim that says why it cannot leave, or all of it; a
recorded one with its answers to unseen images.
"""


class _Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cell: Count
    status: CellStatus
    error: str
    message: str
    line: Count
    stdout: str


class _Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    asked: bool = False
    error: str = ""
    draws: bool = False


class _Run(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    error: str
    data: str
    shims: tuple[Shim, ...]
    models: tuple[SeenModel, ...]
    choice: Choice
    export_error: str
    notes: tuple[str, ...]
    measured: _Answered = _Answered()


def run_notebook(sources: Sources, settings: Settings, execution: Execution = USUAL) -> NotebookRun:
    """Execute the main notebook (or, where there is none, the Python file that trains) on a slice of digits.

    Raises:
        Unavailable: skipped where there is nothing to run or running was not allowed; unknown for Keras, and
        where
            nothing isolates on this machine.
        SandboxFault: the sandbox itself broke.

    """
    candidates = entries(sources, execution.data)
    entry = candidates[0] if candidates else None
    if entry is None:
        raise sources.absent(Kind.NOTEBOOK, "a notebook or a Python file that defines a network")
    if not settings.execute:
        raise Unavailable("no code was run this time", Verdict.SKIPPED)
    if is_keras(entry):
        raise Unavailable(f"{entry.artefact.path}: Keras; only PyTorch can be executed", Verdict.UNKNOWN)
    missing = lacking()
    if missing:
        raise Unavailable(f"{missing[0]} is not installed: `{install_hint('notebook')}`", Verdict.SKIPPED)
    from grader.sandbox.choose import choose  # here: a static check starts no sandbox

    try:
        sandbox = choose(unsafe_no_sandbox=settings.unsafe_no_sandbox)
    except SandboxFault as fault:
        raise Unavailable(str(fault), Verdict.UNKNOWN) from fault
    limits = limits_for(execution.seconds)
    meant = execution.classes
    run = run_in(sandbox, sources, entry, settings, limits, execution.data, meant)
    # A notebook that made networks, none of which stands out, leaves the choice to a person.
    if run.choice is Choice.NONE and len(candidates) > 1 and not run.models:
        second = run_in(sandbox, sources, candidates[1], settings, limits, execution.data, meant)
        if second.choice is not Choice.NONE and not any(
            makes_otherwise(entry, model.name) for model in second.models if model.chosen
        ):
            return second
    return run


def limits_for(seconds: float) -> Limits:
    """Limits of a run that may last so long: its cells end earlier, so that the network can still be sent."""
    cells = max(seconds - EXPORT_SECONDS, seconds / 2)
    return Limits(wall=seconds, cells=cells, cell=0.75 * cells, cpu=math.ceil(seconds * 10 / 11))


def run_in(
    sandbox: Sandbox,
    sources: Sources,
    entry: Source,
    settings: Settings,
    limits: Limits | None = None,
    data: DataSet = MNIST,
    classes: tuple[str, ...] = (),
) -> NotebookRun:
    """Run one notebook in a given sandbox; the network is of one of the classes, where any is named.

    Raises:
        Unavailable: the notebook cannot be read.
        SandboxFault: the sandbox itself broke.

    """
    from grader.execute import measure  # here: it loads numpy, and a plan asks this module for its needs

    try:
        slice_ = digits.training_slice(settings, data)
        asked = measure.query(settings, entry.data, data)
    except MnistDamaged as fault:
        raise Unavailable(str(fault), Verdict.UNKNOWN) from fault
    job = Job(
        files=files_beside(sources, entry),
        entry=entry.artefact.path,
        options={"mode": "notebook", "data": data.seen_inside(), "classes": list(classes)},
        data={"queries": asked.blob} if slice_ is None else {"digits": slice_, "queries": asked.blob},
        limits=limits or Limits(),
    )
    result = sandbox.run(job)
    if sentence := told(result, job.limits):
        result = msgspec.structs.replace(result, detail=sentence)
    if result.status is RunStatus.OURS:
        raise SandboxFault(result.detail)
    if result.status in (RunStatus.NONZERO, RunStatus.INCOMPLETE) and not result.frames:
        # No code of the student has run yet: the worker itself broke.
        raise SandboxFault(f"the worker died before the first cell: {result.stderr_tail.strip()[-500:]}")
    run = record(entry.artefact.path, result, asked)
    return msgspec.structs.replace(run, unwritten=unwritten(sources, run.artefact, run.export))


def record(path: str, result: RunResult, asked: "measure.Query | None" = None) -> NotebookRun:
    """Check the frames and turn them into the record of the run; `asked` is what the network was measured
    with.

    Pure; never raises on what the frames hold.

    Raises:
        Unavailable: the worker said that the file is no notebook.

    """
    status, detail = result.status, result.detail
    cells: tuple[CellRun, ...] = ()
    run: _Run | None = None
    export: tuple[ExportFrame, ...] = ()
    recipe, why = b"", ""
    measured = Measured()
    try:
        cells = tuple(_cell(frame) for frame in result.frames if frame.kind == "cell")
        run = _only(result.frames, "run")
        export, why = _export(result.frames, asked)
        recipes = [frame.payload for frame in result.frames if frame.kind == "recipe"]
        recipe = recipes[0] if len(recipes) == 1 else b""
        measured = _measured(result.frames, run, asked)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as fault:
        status, detail, export, recipe = (
            RunStatus.PROTOCOL_ERROR,
            f"what came over the pipe is not what our worker sends: {fault}",
            (),
            b"",
        )
    if run is not None and run.error:
        raise Unavailable(f"{path}: {run.error}", Verdict.UNKNOWN)
    reason = why or (run.export_error if run is not None else "")
    if not export and not reason:
        reason = detail or "the run ended without a network"
    first = next((cell for cell in cells if cell.error), None)
    if not export and first is not None:
        reason += f" (first error: cell {first.cell}, {first.error}: {first.message[:200]})"
    return NotebookRun(
        artefact=path,
        ending=status,
        isolation=result.isolation,
        data=run.data if run is not None else "unknown",
        cells=cells,
        shims=run.shims if run is not None else (),
        models=run.models if run is not None else (),
        choice=run.choice if run is not None else Choice.NONE,
        export=export,
        export_error=reason,
        recipe=recipe,
        notes=(*(run.notes if run is not None else ()), *([detail] if detail else [])),
        measured=measured,
    )


def _cell(frame: Frame) -> CellRun:
    cell = msgspec.json.decode(frame.payload, type=_Cell)
    return CellRun(
        cell=cell.cell,
        status=cell.status,
        error=cell.error,
        message=cell.message,
        line=cell.line,
        stdout=cell.stdout,
    )


def _only(frames: tuple[Frame, ...], kind: str) -> _Run | None:
    found = [frame.payload for frame in frames if frame.kind == kind]
    if len(found) > 1:
        raise ValueError(f"{len(found)} {kind} frames; the worker sends one")
    return msgspec.json.decode(found[0], type=_Run) if found else None


def _measured(frames: tuple[Frame, ...], run: _Run | None, asked: "measure.Query | None") -> Measured:
    found = [frame.payload for frame in frames if frame.kind == "logits"]
    if run is None or not run.measured.asked or asked is None:
        if found:
            raise ValueError("answers that nobody asked for")
        return Measured()
    if run.measured.error or len(found) != 1:
        reason = run.measured.error or f"{len(found)} sets of answers, expected one"
        return Measured(asked=Asked.REFUSED, reason=reason)
    from grader.execute import measure

    _, answers = measure.read_answers(found[0], len(asked.image), asked.classes)
    return measure.judge(asked, answers, draws=run.measured.draws)


def _export(frames: tuple[Frame, ...], asked: "measure.Query | None") -> tuple[tuple[ExportFrame, ...], str]:
    """The network that left, and why it does not count: its answers are not those of the one that ran."""
    parts = [frame for frame in frames if frame.kind in {*NETWORK, "answers"}]
    kinds = tuple(frame.kind for frame in parts)
    if parts and kinds not in EXPORT_ORDER:
        raise ValueError(f"the network came as {', '.join(kinds)}"[:200])
    network = tuple(
        ExportFrame(kind=frame.kind, payload=frame.payload) for frame in parts if frame.kind in NETWORK
    )
    if kinds[-1:] != ("answers",):
        return network, ""
    if asked is None:
        raise ValueError("answers that nobody asked for")
    why = _compared(network, parts[-1].payload, asked)
    return (() if why else network), why


def _compared(network: tuple[ExportFrame, ...], answers: bytes, asked: "measure.Query") -> str:
    """How the network that left answers otherwise than the one that ran; empty where it does not.

    Labels and what is asked twice take no part, and are not handed on.
    """
    from grader.execute.measure import BadAnswers, Compared

    images = msgspec.structs.replace(asked, labels=(), image=(), disturbed=())
    found = apart.call(COMPARE, network, answers, images, returns=Compared)
    if found is None:
        from grader.execute.graph.same_answers import compare

        found = compare(network, answers, images)
    if isinstance(found, apart.Ended):
        return f"the network that left the sandbox {found}"
    if found.bad_answers:
        raise BadAnswers(found.bad_answers)
    return found.apart


def files_beside(sources: Sources, entry: Source) -> dict[str, bytes]:
    """The notebook, and beside it whatever else of the submission fits but prose, Python files first."""
    chosen = {entry.artefact.path: entry.data}
    total = len(entry.data)
    for source in sorted(
        sources.only(Reads.RUNS),
        key=lambda s: (s.artefact.kind is not Kind.SOURCE, s.artefact.size, s.artefact.path),
    ):
        size = len(source.data)
        if source.artefact.path not in chosen and size <= MAX_FILE and total + size <= MAX_FILES:
            chosen[source.artefact.path] = source.data
            total += size
    return chosen
