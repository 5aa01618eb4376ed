"""Trainings of an exported network from fresh weights: our recipe or the student's, and the proof that they
took place.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from grader.core.assigned_data import MNIST, DataSet
from grader.core.facts.retrain import KernelSet, Proof, SeedRun
from grader.core.machine import TRAININGS_PER_GPU
from grader.execute.engine.recipes.epoch_plans import PlanCourse
from grader.execute.engine.recipes.recipe import Plan
from grader.execute.engine.runs.checkpoint import Checkpoint
from grader.execute.engine.runs.initial_weights import Fresh
from grader.execute.engine.runs.loop import Digits, EpochResult, Score, step_by_step, train
from grader.execute.engine.runs.setup import Seat, Setting, take_seat
from grader.execute.engine.ways.batched_seeds import SideBySide, TogetherCourse, agrees
from grader.execute.engine.ways.captured_step import GRAPHERS, CapturedSteps
from grader.execute.engine.ways.kernel_set import chosen
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import Network
from grader.sandbox.worker.later import put_off_compiler
from reference import mnist
from reference import train as reference

REHEARSED = 16
"""Test digits of each seed on which a pass side by side is compared with the seeds' own."""

DIVERGED = 1e9
"""Recorded in the place of a loss that is larger or not finite."""

ROUNDING = 1e-4
"""By how much two answers to the same digit may differ, relative to 1 + their size, when it stands in another
place and in another batch. On a CPU it came to 3e-6. Two classes change places only where their answers lie
as close as that.
"""

WRONG_KEPT = 500
"""Wrong digits of a run that are kept, 5 % of MNIST's test set: with more, their faces tell nobody anything.
"""

GPU_SHARE = 0.8 / TRAININGS_PER_GPU
"""Of a GPU's memory, what one training may take: one that wants more trains on the CPU, and takes nothing
from those beside it. The same when it is alone, so that where it trains does not depend on others. The rest
is for what CUDA keeps for each process.
"""

OnEpoch = Callable[[int, float], bool]
"""Called with the right answers and the mean loss after each epoch; True stops the training."""


def run_seed(  # noqa: PLR0913  each of them decides a training
    network: Network,
    plan: Plan | None,
    data: mnist.Mnist,
    *,
    seed: int,
    epochs: int,
    device: str,
    on_epoch: OnEpoch,
    checkpoint: Checkpoint | None = None,
    described: DataSet = MNIST,
    kernels: KernelSet | None = None,
) -> SeedRun:
    """Train from fresh weights drawn from `seed`, by the student's plan or, where it is None, by our own
    recipe.

    At most `epochs` epochs, fewer where the recipe has fewer or `on_epoch` stops. A state in `checkpoint` is
    gone on from where the same `kernels` made it (None: those of this process). Raises UnusableNetwork.
    """
    put_off_compiler()
    _prepare(device)
    used = kernels or kernels_for(device)
    setting = Setting(network, plan, len(data.train_labels), epochs, device, described, used)
    kept = checkpoint or Checkpoint()
    kept.kernels = used
    seat = take_seat(setting, seed)
    correct: list[int] = []
    losses: list[float] = []
    right: list[int] = []

    def note(result: EpochResult) -> bool:
        correct.append(result.correct)
        losses.append(_recorded(result.loss))
        right.append(result.trained)
        return on_epoch(result.correct, result.loss)

    digits = as_digits(data).to(device)
    captured = _captured_on(device)
    training = train(
        seat.trained,
        digits,
        seat.course,
        epochs=setting.allowed,
        on_epoch=note,
        memory_format=seat.layout,
        checkpoint=kept,
        take=captured or step_by_step,
    )
    scores = (training.score, seat.course.score(seat.trained, digits, again=True))
    wrong = _wrong(scores[0], digits)
    outcome = _Outcome(correct, losses, right, training.steps, scores, wrong, _how(captured))
    return _record(setting, seat, outcome)


def kernels_for(device: str) -> KernelSet:
    """The kernels of a training on this device in this process."""
    return chosen() if device == "cpu" else KernelSet.TORCH


def run_together(
    network: Network,
    plan: Plan | None,
    data: mnist.Mnist,
    *,
    seeds: Sequence[int],
    epochs: int,
    device: str,
    on_epoch: Callable[[tuple[tuple[int, float], ...]], bool],
    checkpoint: Checkpoint | None = None,
    described: DataSet = MNIST,
) -> tuple[SeedRun, ...] | None:
    """Train several seeds side by side, as `run_seed` trains each; None where that would not give the same.

    `on_epoch` gets right answers and mean loss of every seed after each epoch. The kernels are torch's.
    """
    if plan is not None and plan.couples_weights:
        return None
    _prepare(device)
    setting = Setting(network, plan, len(data.train_labels), epochs, device, described)
    digits = as_digits(data).to(device)
    seats, streams = [], []
    for seed in seeds:
        seats.append(take_seat(setting, seed))
        streams.append(torch.get_rng_state())
    quiet = [take_seat(setting, seed, dropout=False).trained.to(device).train() for seed in seeds]
    if not agrees(quiet, _rehearsal(setting, seats[0], digits, len(seeds))):
        return None
    stack = SideBySide([seat.trained.to(device).train() for seat in seats])
    course = TogetherCourse([seat.course for seat in seats], stack, streams)

    def note(result: EpochResult) -> bool:
        at = result.number - 1
        pairs = zip(course.correct, course.losses, strict=True)
        return on_epoch(tuple((right[at], loss[at]) for right, loss in pairs))

    captured = _captured_on(device)
    training = train(
        stack,
        digits,
        course,
        epochs=setting.allowed,
        on_epoch=note,
        checkpoint=checkpoint,
        take=captured or step_by_step,
    )
    first, again = course.scores(digits), course.scores(digits, again=True)
    runs = []
    for number, seat in enumerate(seats):
        losses = [_recorded(loss) for loss in course.losses[number]]
        how = _how(captured, [other.seed for other in seats if other is not seat])
        scores = (first[number], again[number])
        right, told = course.correct[number], course.trained[number]
        wrong = _wrong(first[number], digits)
        outcome = _Outcome(right, losses, told, training.steps, scores, wrong, how)
        runs.append(_record(setting, seat, outcome))
    return tuple(runs)


def _captured_on(device: str) -> CapturedSteps | None:
    graphers = GRAPHERS.get(device)
    return None if graphers is None else CapturedSteps(graphers)


def _how(captured: CapturedSteps | None, beside: Sequence[int] = ()) -> str:
    """What a person should know of how the steps were computed; nothing for the plain loop."""
    words = [f"side by side with {', '.join(f'seed {seed}' for seed in beside)}"] if beside else []
    return "; ".join([*words, *([captured.how] if captured is not None and captured.how else [])])


def _prepare(device: str) -> None:
    if device == "cuda":
        # torch lets convolutions on CUDA round their factors to ten bits (TF32); the GPUs that students are
        # lent do not.
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
        torch.cuda.set_per_process_memory_fraction(GPU_SHARE)


def _rehearsal(setting: Setting, seat: Seat, digits: Digits, seeds: int) -> Tensor:
    """A few test digits for each of several seeds, as the network takes them; draws nothing."""
    few = digits.test_images[: seeds * REHEARSED]
    if isinstance(seat.course, PlanCourse):
        images = seat.course.plan.test(few)
    else:
        images = reference.normalise(few, setting.recipe)
    return images.view(seeds, -1, *images.shape[1:])


class _Outcome(NamedTuple):
    """What a training came to; `scores` are two of the same weights."""

    correct: Sequence[int]
    losses: Sequence[float]
    trained: Sequence[int]
    steps: int
    scores: tuple[Score, Score]
    wrong: tuple[tuple[int, int, int], ...]
    how: str


def _record(setting: Setting, seat: Seat, outcome: _Outcome) -> SeedRun:
    correct, losses, (score, again) = outcome.correct, outcome.losses, outcome.scores
    return SeedRun(
        seed=seat.seed,
        correct=tuple(correct),
        losses=tuple(losses),
        planned=setting.planned,
        trained=tuple(outcome.trained),
        seen=setting.seen,
        how=outcome.how,
        wrong=outcome.wrong,
        proof=Proof(
            steps=outcome.steps,
            steps_expected=setting.steps_per_epoch * len(correct),
            first_loss=losses[0] if losses else 0.0,
            last_loss=losses[-1] if losses else 0.0,
            parameters_changed=_changed(seat.model, seat.fresh, setting.network),
            digits_scored=len(again.answers),
            digits_expected=setting.data.test_images,
            finite=DIVERGED not in losses and score.finite and again.finite,
            repeatable=score.apart(again) <= ROUNDING,
        ),
    )


def _wrong(score: Score, digits: Digits) -> tuple[tuple[int, int, int], ...]:
    """Place, label and answer of the digits that were answered wrongly, the first `WRONG_KEPT` of them."""
    places = (score.answers != digits.test_labels).nonzero().flatten()[:WRONG_KEPT]
    columns = (places, digits.test_labels[places], score.answers[places])
    return tuple(zip(*(column.tolist() for column in columns), strict=True))


def _recorded(loss: float) -> float:
    return round(loss, 6) if math.isfinite(loss) and loss < DIVERGED else DIVERGED


def as_digits(data: mnist.Mnist) -> Digits:
    """A data set as tensors."""
    return Digits(*(torch.from_numpy(array) for array in data))


def _changed(model: GraphNetwork, fresh: Fresh, network: Network) -> float:
    """Share of the trained numbers that are no longer what they were."""
    total = changed = 0
    for key, value in model.tensors().items():
        if key not in network.statistics and value.is_floating_point() and network.trains(key):
            total += value.numel()
            changed += int((value.cpu() != fresh.tensors[key].float()).sum())
    return round(changed / total, 4) if total else 0.0
