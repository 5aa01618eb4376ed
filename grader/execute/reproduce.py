"""Runs the student's own notebook whole and scores the weights of every epoch on digits that it never saw.

The notebook gets 50,000 training digits, and the other 10,000 as its test split. What it prints is a claim;
what counts are its weights, which leave the sandbox as safetensors and answer the true test digits outside,
or its answers (`answered.py`) where it cannot leave. Torch is imported only when something is run.
"""

import importlib.util
import secrets
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from grader.core.assigned_data import MNIST, DataSet
from grader.core.distribution import install_hint
from grader.core.facts.network import Modes
from grader.core.facts.notebook import Ending, NotebookRun
from grader.core.facts.recipe import decode_recipe
from grader.core.facts.reproduced import Canary, CanaryState, ReproducedEpoch, ReproducedFacts, ScoredWith
from grader.core.faults import SandboxFault, Unavailable
from grader.core.outcome import Verdict
from grader.core.settings import Settings
from grader.core.submission import Kind, Source, Sources
from grader.execute import answered, canary, digits, measure, notebook, reproduced_cache
from grader.execute.epoch_frames import MOST_EPOCHS, read_epochs
from grader.execute.fitting_weights import weights_of
from grader.execute.notice_of_test_results import reads_test
from grader.sandbox.api import Frame, Job, Limits, RunResult, Sandbox
from grader.sandbox.choose import choose
from grader.sandbox.limits import MIB
from grader.sandbox.worker import cells
from reference.mnist import Mnist

if TYPE_CHECKING:
    from grader.execute.engine.recipes.transforms import Pipeline
    from grader.execute.engine.runs.loop import Order
    from grader.execute.graph.interpret import GraphNetwork
    from grader.execute.graph.network import Network

SPARE_SECONDS = 180
"""After the cells, for the export of the network."""
ROUNDING = 1e-4
"""By how much two answers of the same weights to the same digit may differ, relative to 1 + their size."""


Progress = Callable[[int], None]
"""Called with the number of each epoch as it ends inside the sandbox, before anything is scored."""


class Visible(NamedTuple):
    """What the notebook is given: digits to train on, and a split to test on, some of it marked."""

    data: Mnist
    """The same without marks; its test part is the split."""
    blob: bytes
    shown: int
    reason: str
    """Why nothing is marked; empty where something is."""


def reproduce(
    sources: Sources, run: NotebookRun, settings: Settings, described: DataSet = MNIST
) -> ReproducedFacts:
    """Run the main notebook whole; raises as `reproduce_as` does."""
    return reproduce_as(sources, run, settings, None, described)


def reproduce_as(
    sources: Sources,
    run: NotebookRun,
    settings: Settings,
    progress: Progress | None,
    described: DataSet = MNIST,
) -> ReproducedFacts:
    """Run the main notebook whole, and tell a person who waits of every epoch; see `reproduce_in`.

    Raises:
        Unavailable: skipped where this was not wanted or the data set is not there; unknown where the network
            cannot leave the sandbox as data, or nothing isolates on this machine.
        SandboxFault: the sandbox itself broke.

    """
    if not settings.reproduce:
        raise Unavailable("the notebook was not run whole", Verdict.SKIPPED)
    if not settings.execute:
        raise Unavailable("no code was run this time", Verdict.SKIPPED)
    if importlib.util.find_spec("torch") is None:
        raise Unavailable(f"torch is not installed: {install_hint('notebook')}", Verdict.SKIPPED)
    from grader.execute.data import load_images, normalised

    network, _ = _network_or_why(run)  # where nothing could be scored this says so before an hour is spent
    graph = network.digest if network is not None else ""
    try:
        sandbox = choose(unsafe_no_sandbox=settings.unsafe_no_sandbox)
    except SandboxFault as fault:
        raise Unavailable(str(fault), Verdict.UNKNOWN) from fault
    data = load_images(settings, described)
    described = normalised(described, data)
    kept = reproduced_cache.path_of(sources, graph, data, settings)
    known = reproduced_cache.read(kept)
    if known is not None:
        return known
    facts = reproduce_in(sandbox, sources, run, data, settings, progress=progress, described=described)
    reproduced_cache.write(kept, facts)
    return facts


def reproduce_in(
    sandbox: Sandbox,
    sources: Sources,
    run: NotebookRun,
    data: Mnist,
    settings: Settings,
    *,
    progress: Progress | None = None,
    described: DataSet = MNIST,
) -> ReproducedFacts:
    """Run the notebook of `run` whole in a given sandbox and score its epochs; raises as `reproduce_as` does.

    With `progress` somebody waits at the keyboard: an interrupt then ends the run, and the epochs that were
    done count.
    """
    network, inside = _network_or_why(run)
    entry = next(source for source in sources if source.artefact.path == run.artefact)
    reason = why_no_canary(sources, entry) if settings.canary else "not asked for"
    if not described.usual:
        reason = f"where a mark can stand was studied on {MNIST.title} alone"
    asked = None
    if network is None:
        reason = answered.NO_CANARY
        asked = measure.test_query(data.test_images, secrets.randbits(128))
        asked = msgspec.structs.replace(asked, data=described)
    seen = visible(data, reason)
    job = Job(
        files=notebook.files_beside(sources, entry),
        entry=entry.artefact.path,
        options={"mode": "reproduce", "data": described.seen_inside()},
        data={"digits": seen.blob} if asked is None else {"digits": seen.blob, "queries": asked.blob},
        limits=limits_for(settings.reproduce_minutes),
    )
    heard: list[Frame] = []

    def listen(frame: Frame) -> None:
        heard.append(frame)
        if progress is not None and frame.kind == "epoch" and (sent := read_epochs((frame,), [])):
            progress(sent[0].head.number)

    try:
        result = sandbox.run(job, listen)
    except KeyboardInterrupt:
        if progress is None or not any(frame.kind == "epoch" for frame in heard):
            raise
        result = RunResult(
            status=Ending.INCOMPLETE, frames=tuple(heard), isolation=run.isolation, detail="interrupted"
        )
    if result.status is Ending.OURS:
        raise SandboxFault(result.detail)
    if not result.frames and result.status in (Ending.NONZERO, Ending.INCOMPLETE):
        raise SandboxFault(f"the worker died before the first cell: {result.stderr_tail.strip()[-500:]}")
    if asked is not None:
        return answered.score(run, result, answered.Question(asked, data.test_labels, inside), seen.data)
    assert network is not None
    return score(network, run, result, data, seen, described)


def _network_or_why(run: NotebookRun) -> tuple["Network | None", str]:
    """The network; or None and why it stays inside, where it answered well. Raises as `network_of` does."""
    from grader.execute.graph.position import place_in_batch
    from grader.execute.graph.provider import network_of

    try:
        network = network_of(run)
    except Unavailable as reason:
        if run.unwritten or not answered.steady(run):
            raise
        return None, reason.reason
    if network.modes is Modes.DIFFERENT:
        raise Unavailable(f"training and evaluation are two networks: {network.difference}", Verdict.UNKNOWN)
    if place := place_in_batch(network):
        raise Unavailable(place, Verdict.UNKNOWN)
    return network, ""


def limits_for(minutes: float) -> Limits:
    """Limits of a whole run whose cells have so many minutes."""
    seconds = minutes * 60
    return Limits(
        wall=seconds + SPARE_SECONDS,
        cells=seconds,
        cell=seconds,
        cpu=int(2 * seconds) + SPARE_SECONDS,
        memory=4096 * MIB,
        channel=(2 * MOST_EPOCHS + 32) * MIB,
    )


def visible(data: Mnist, reason: str) -> Visible:
    """Cut the training digits in two; mark some of the second part unless `reason` says why not."""
    held = data.hold_out(digits.held_out(len(data.train_labels)))
    images, labels, shown = held.test_images, held.test_labels, 0
    if not reason:
        images, labels, shown = canary.lay(images, labels)
    blob = digits.pack(held.train_images, held.train_labels, images, labels)
    return Visible(held, blob, shown, reason)


def score(
    network: "Network",
    run: NotebookRun,
    result: RunResult,
    data: Mnist,
    seen: Visible,
    described: DataSet = MNIST,
) -> ReproducedFacts:
    """Score the epochs of a finished or stopped run; never raises on what the frames hold.

    Raises:
        Unavailable: the worker said that the file is no notebook.

    """
    import torch

    from grader.execute.engine.runs.initial_weights import fresh_tensors
    from grader.execute.engine.runs.loop import Order
    from grader.execute.graph.interpret import GraphNetwork

    torch.set_num_threads(1)
    whole = notebook.record(run.artefact, result)
    notes = list(whole.notes)
    if seen.shown:
        notes.append(
            f"{seen.shown} digits of its test split were marked, so the accuracy that it printed is too low"
        )
    pipeline, scored_with = _transform(network, (run, whole), notes, described)
    fitting = weights_of(network, read_epochs(result.frames, notes), notes) if pipeline is not None else []
    epochs: list[ReproducedEpoch] = []
    trap = Canary(
        state=CanaryState.SHOWN if seen.shown else CanaryState.NOT_SHOWN,
        reason=seen.reason if fitting or seen.reason else "there are no weights to ask",
        shown=seen.shown,
    )
    order, best, unsteady = Order(fresh_tensors(network, 0).kept_bytes), 0, ""
    for tensors in fitting:
        assert pipeline is not None
        model = GraphNetwork(network, tensors).eval()
        answers = _Answers(model, pipeline, order, network.static_batch)
        epochs.append(
            ReproducedEpoch(
                number=len(epochs) + 1,
                correct=int((answers(data.test_images) == data.test_labels).sum()),
                visible=int((answers(seen.data.test_images) == seen.data.test_labels).sum()),
            )
        )
        if epochs[-1].correct > best and not unsteady:
            best = epochs[-1].correct
            unsteady = UNSTEADY if answers.unsteady(data.test_images) else ""
        if seen.shown and tensors is fitting[-1]:
            asked = canary.questions(data)
            trap = msgspec.structs.replace(
                trap,
                asked=len(asked),
                answered=int((answers(canary.marked(asked)) == canary.LABEL).sum()),
                without=int((answers(asked) == canary.LABEL).sum()),
            )
    return ReproducedFacts(
        artefact=run.artefact,
        name=network.claim.class_name[:200],
        graph=network.digest,
        ending=whole.ending,
        isolation=whole.isolation,
        epochs=tuple(epochs),
        training_size=len(seen.data.train_labels),
        visible_size=len(seen.data.test_labels),
        test_size=len(data.test_labels),
        scored_with=scored_with,
        unsteady=unsteady,
        cut=answered.why_cut(whole, result),
        canary=trap,
        failed=tuple(msgspec.structs.replace(cell, stdout="") for cell in whole.failed),
        shims=whole.shims,
        notes=tuple(dict.fromkeys(notes)),
    )


UNSTEADY = (
    "the answer to a digit depends on its place: in another order and in other batches the same "
    "weights give another"
)


class _Answers:
    """Answers of a network to digits (N, side, side) in an order of ours; the last batch is filled up if it
    must.

    `fixed` is the only batch size that the network takes, 0 for any.
    """

    def __init__(self, model: "GraphNetwork", pipeline: "Pipeline", order: "Order", fixed: int) -> None:
        self._model = model
        self._pipeline = pipeline
        self._order = order
        self._fixed = fixed

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The classes."""
        classes: NDArray[np.int64] = self._answers(images, self._order).argmax(1)
        return classes

    def unsteady(self, images: NDArray[np.uint8]) -> bool:
        """Whether an answer depends on its digit's place: it is another in another order or batch."""
        first, second = (self._answers(images, order) for order in (self._order, self._order.second))
        apart = np.abs(first - second) / (1 + np.maximum(np.abs(first), np.abs(second)))
        return not bool((apart <= ROUNDING).all())

    def _answers(self, images: NDArray[np.uint8], order: "Order") -> NDArray[np.float32]:
        import torch

        places = order.places(len(images))
        batch = self._fixed or order.batch
        found = []
        with torch.no_grad():
            for start in range(0, len(images), batch):
                part = torch.from_numpy(images[places[start : start + batch].numpy()])
                size = len(part)
                if size < self._fixed:
                    part = torch.cat([part, part[:1].expand(batch - size, -1, -1)])
                found.append(self._model(self._pipeline(part))[:size])
        answers = torch.cat(found).float()
        ordered: NDArray[np.float32] = torch.empty_like(answers).index_copy_(0, places, answers).numpy()
        return ordered


def _transform(
    network: "Network", runs: tuple[NotebookRun, ...], notes: list[str], described: DataSet
) -> tuple["Pipeline | None", ScoredWith]:
    from grader.execute.engine.recipes.transforms import UnknownTransform, compile_test, plain

    reason = ""
    for run in runs:
        recipe = decode_recipe(run.recipe)
        given = recipe.test_transform if recipe else None
        try:
            return compile_test(given, network.image, described.side), ScoredWith.STUDENT
        except UnknownTransform as unknown:
            reason = reason or str(unknown)
    notes.append(f"scored with our own transform: {reason}")
    try:
        return plain(network.image, described), ScoredWith.REFERENCE
    except UnknownTransform as unknown:
        notes.append(f"nothing could be scored: {unknown}")
        return None, ScoredWith.REFERENCE


def why_no_canary(sources: Sources, entry: Source) -> str:
    """Why no digits are marked, for a person; empty where they are."""
    try:
        code = [(cell.number, cell.source) for cell in cells.read(entry.artefact.path, entry.data)]
    except ValueError as fault:
        return str(fault)
    beside = {
        PurePosixPath(source.artefact.path).stem: cells.decode(source.data)
        for source in sources.of(Kind.SOURCE)
        if source.artefact.path != entry.artefact.path
    }
    reason = reads_test(code, beside)
    return f"its training may depend on its test results ({reason})" if reason else ""
