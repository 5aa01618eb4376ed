"""One training of an exported network from fresh weights: our recipe or the student's, and the proof that it took place."""

import hashlib
import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.facts.retrain import Mode, Proof, SeedRun
from grader.execute.engine import courses, fast, loop, pil, steps, transforms
from grader.execute.engine import recipe as recipes
from grader.execute.engine.checkpoint import Checkpoint
from grader.execute.engine.courses import PlanCourse, ReferenceCourse
from grader.execute.engine.initial import Fresh, fresh_tensors
from grader.execute.engine.loop import Course, Digits, EpochResult, train
from grader.execute.engine.recipe import Plan
from grader.execute.graph.interpret import GraphNetwork
from grader.execute.graph.network import Network
from reference import mnist
from reference import train as reference
from reference.recipe import RECIPES

REFERENCE_EPOCHS = 12
"""Epochs of our own recipe on a student's network: its one-cycle rate ends low whatever the number, so 20 gain little."""

DIVERGED = 1e9
"""Recorded in the place of a loss that is larger or not finite."""

OnEpoch = Callable[[int, float], bool]
"""Called with the right answers and the mean loss after each epoch; True stops the training."""


class UnusableNetwork(Exception):
    """A network that no training of ours can feed; the message says why, in words for a person."""


class _Adapted(nn.Module):
    """Feeds normalised digits (N, 1, 28, 28) to a network that takes another shape."""

    def __init__(self, network: nn.Module, image: tuple[int, ...], background: float) -> None:
        super().__init__()
        self.network = network
        self._image = image
        self._background = background

    def forward(self, images: Tensor) -> Tensor:
        if len(self._image) == 3 and self._image[1:] != (28, 28):
            edge = (self._image[1] - 28) // 2
            images = functional.pad(images, (edge,) * 4, value=self._background)
        if len(self._image) == 3 and self._image[0] == 3:
            images = images.expand(-1, 3, -1, -1)
        result: Tensor = self.network(images.reshape(len(images), *self._image))
        return result


def run_seed(
    network: Network,
    plan: Plan | None,
    data: mnist.Mnist,
    *,
    seed: int,
    epochs: int,
    device: str,
    on_epoch: OnEpoch,
    mode: Mode = Mode.EXACT,
    checkpoint: Checkpoint | None = None,
) -> SeedRun:
    """Train from fresh weights drawn from `seed`, by the student's plan or, where it is None, by our own recipe.

    At most `epochs` epochs, fewer where the recipe has fewer or `on_epoch` stops. A state in `checkpoint` is gone on from.
    Raises UnusableNetwork.
    """
    fresh = fresh_tensors(network, seed)
    cheap = {"aten.dropout.default": fast.PooledDropout()} if mode is Mode.FAST else None
    model = GraphNetwork(network, fresh.tensors, replace=cheap)
    layout = _memory_format(model, network)
    half = mode is Mode.FAST and fast.half_precision_pays(device)
    trained: nn.Module = fast.HalfPrecision(model) if half else model
    correct: list[int] = []
    losses: list[float] = []

    def note(result: EpochResult) -> bool:
        correct.append(result.correct)
        loss = result.loss
        losses.append(round(loss, 6) if math.isfinite(loss) and loss < DIVERGED else DIVERGED)
        return on_epoch(result.correct, loss)

    course: Course
    if plan is not None:
        planned, per_epoch = plan.epochs, plan.steps_for(len(data.train_labels))
        course = PlanCourse(plan)
    else:
        planned = min(REFERENCE_EPOCHS, epochs)
        chosen = replace(RECIPES["default"], epochs=planned)
        per_epoch = -(-len(data.train_labels) // chosen.batch_size)
        trained = _adapt(trained, network.image, -chosen.mean / chosen.deviation)
        course = ReferenceCourse(chosen, seed)
    digits = as_digits(data).to(device)
    training = train(
        trained,
        digits,
        course,
        epochs=min(planned, epochs),
        on_epoch=note,
        memory_format=layout,
        checkpoint=checkpoint,
    )
    again = course.score(trained, digits)
    return SeedRun(
        seed=seed,
        correct=tuple(correct),
        losses=tuple(losses),
        planned=planned,
        proof=Proof(
            steps=training.steps,
            steps_expected=per_epoch * len(correct),
            first_loss=losses[0] if losses else 0.0,
            last_loss=losses[-1] if losses else 0.0,
            parameters_changed=_changed(model, fresh, network),
            digits_scored=len(again.answers),
            finite=DIVERGED not in losses and training.score.finite and again.finite,
            repeatable=torch.equal(training.score.answers, again.answers),
        ),
    )


def as_digits(data: mnist.Mnist) -> Digits:
    """MNIST as tensors."""
    return Digits(*(torch.from_numpy(array) for array in data))


def source_digest(*, student: bool) -> str:
    """SHA-256 of the source of everything that decides what a training computes."""
    modules: tuple[ModuleType, ...] = (loop, courses, fast)
    modules += (recipes, transforms, steps, pil) if student else (reference,)
    return hashlib.sha256("".join(inspect.getsource(module) for module in modules).encode()).hexdigest()


def _adapt(model: nn.Module, image: tuple[int, ...], background: float) -> nn.Module:
    if image == (1, 28, 28):
        return model
    square = len(image) == 3 and image[0] in (1, 3) and image[1] == image[2] and image[1] in range(28, 65, 2)
    if not square and image not in ((784,), (28, 28)):
        raise UnusableNetwork(
            f"the network takes inputs of shape {image}, which our recipe cannot make of a digit"
        )
    return _Adapted(model, image, background)


@torch.no_grad()
def _memory_format(model: GraphNetwork, network: Network) -> torch.memory_format:
    """channels_last, a fifth faster, unless the network insists on views of contiguous maps."""
    if len(network.image) != 3:
        return torch.contiguous_format
    state = torch.get_rng_state()
    saved = {key: value.clone() for key, value in model.tensors().items()}
    probe = torch.zeros(4, *network.image)
    try:
        for training in (False, True):
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            model.train(training)(probe.contiguous(memory_format=torch.channels_last))
    except RuntimeError:
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return torch.contiguous_format
    finally:
        for key, value in model.tensors().items():
            value.copy_(saved[key])
        torch.set_rng_state(state)
    return torch.channels_last


def _changed(model: GraphNetwork, fresh: Fresh, network: Network) -> float:
    """Share of the trained numbers that are no longer what they were."""
    total = changed = 0
    for key, value in model.tensors().items():
        if key not in network.statistics and value.is_floating_point() and network.trains(key):
            total += value.numel()
            changed += int((value.cpu() != fresh.tensors[key].float()).sum())
    return round(changed / total, 4) if total else 0.0
