"""One training of an exported network from fresh weights: our recipe or the student's, and the proof that it took place."""

import hashlib
import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from grader.core.facts.retrain import Mode, Proof, SeedRun
from grader.execute.engine import fast, loop, pil, steps, transforms
from grader.execute.engine import recipe as recipes
from grader.execute.engine.initial import Fresh, fresh_tensors
from grader.execute.engine.loop import Digits
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


class _Scored(NamedTuple):
    answers: Tensor
    finite: bool


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
) -> SeedRun:
    """Train from fresh weights drawn from `seed`, by the student's plan or, where it is None, by our own recipe.

    At most `epochs` epochs, fewer where the recipe has fewer or `on_epoch` stops. Raises UnusableNetwork.
    """
    fresh = fresh_tensors(network, seed)
    cheap = {"aten.dropout.default": fast.PooledDropout()} if mode is Mode.FAST else None
    model = GraphNetwork(network, fresh.tensors, replace=cheap)
    layout = _memory_format(model, network)
    half = mode is Mode.FAST and fast.half_precision_pays(device)
    trained = fast.HalfPrecision(model) if half else model
    correct: list[int] = []
    losses: list[float] = []

    def note(right: int, loss: float) -> bool:
        correct.append(right)
        losses.append(round(loss, 6) if math.isfinite(loss) and loss < DIVERGED else DIVERGED)
        return on_epoch(right, loss)

    if plan is not None:
        planned = plan.epochs
        digits = as_digits(data).to(device)
        training = loop.train_plan(
            trained,
            digits,
            plan,
            epochs=min(planned, epochs),
            on_epoch=lambda result: note(result.correct, result.loss),
            memory_format=layout,
        )
        steps, per_epoch = training.steps, plan.steps_for(len(data.train_labels))
        scores = [
            _Scored(s.answers, s.finite)
            for s in (loop.evaluate(trained, digits, plan.test) for _ in range(2))
        ]
    else:
        planned = min(REFERENCE_EPOCHS, epochs)
        chosen = replace(RECIPES["default"], epochs=planned)
        adapted = _adapt(trained, network.image, -chosen.mean / chosen.deviation)
        result = reference.train(
            adapted,
            data,
            chosen,
            seed,
            on_epoch=lambda epoch: note(epoch.correct, epoch.loss),
            device=device,
            memory_format=layout,
        )
        steps, per_epoch = result.steps, -(-len(data.train_labels) // chosen.batch_size)
        logits = [reference.predict(adapted, data.test_images, chosen) for _ in range(2)]
        scores = [_Scored(item.argmax(1), bool(torch.isfinite(item).all())) for item in logits]
    return SeedRun(
        seed=seed,
        correct=tuple(correct),
        losses=tuple(losses),
        planned=planned,
        proof=Proof(
            steps=steps,
            steps_expected=per_epoch * len(correct),
            first_loss=losses[0] if losses else 0.0,
            last_loss=losses[-1] if losses else 0.0,
            parameters_changed=_changed(model, fresh, network),
            digits_scored=len(scores[0].answers),
            finite=DIVERGED not in losses and all(score.finite for score in scores),
            repeatable=torch.equal(scores[0].answers, scores[1].answers),
        ),
    )


def as_digits(data: mnist.Mnist) -> Digits:
    """MNIST as tensors."""
    return Digits(*(torch.from_numpy(array) for array in data))


def source_digest(*, student: bool) -> str:
    """SHA-256 of the source of everything that decides what a training computes."""
    modules: tuple[ModuleType, ...] = (loop, recipes, transforms, steps, pil, fast)
    if not student:
        modules = (reference, fast)
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
